#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/base/json_in.h"
#include "service/base/limits.h"

static const char *const colours[] = {"red", "green", NULL};

struct answer {
    char name[9];
    int64_t count, place;
    bool flag, flag_given;
    int colour;
    json_t *object, *list;
};

static enum err read_answer(const char *text, struct answer *a, struct field_errors *errors)
{
    json_t *root;
    const struct json_field fields[] = {
        JSON_STR("name", a->name, JSON_REQUIRED, 2, 8),
        JSON_INT("count", &a->count, JSON_OPTIONAL, -5, 10),
        JSON_ADDRESS("place", &a->place, JSON_OPTIONAL, 1, 0xffff),
        {JSON_IN_BOOL, "flag", JSON_OPTIONAL, &a->flag, 0, 0, NULL, &a->flag_given},
        JSON_CHOICE("colour", &a->colour, JSON_OPTIONAL, colours),
        JSON_OBJECT_AT("object", &a->object, JSON_OPTIONAL),
        JSON_ARRAY_AT("list", &a->list, JSON_OPTIONAL, 1, 2),
        JSON_FIELDS_END,
    };
    errors->count = 0;
    assert_int_equal(json_in_text(text, strlen(text), &root), ERR_OK);
    enum err e = json_in(root, "", fields, errors);
    json_decref(root);
    return e;
}

static void good_object_fills_the_variables(void **state)
{
    (void)state;
    struct answer a = {.count = 7};
    struct field_errors errors;
    assert_int_equal(read_answer("{\"name\":\"abcdefgh\",\"flag\":true,\"colour\":\"green\","
                                 "\"object\":{},\"list\":[1]}",
                                 &a, &errors),
                     ERR_OK);
    assert_string_equal(a.name, "abcdefgh");
    assert_int_equal(a.count, 7); /* missing: left as it was */
    assert_true(a.flag && a.flag_given);
    assert_int_equal(a.colour, 1);
    assert_non_null(a.object);
    assert_non_null(a.list);
}

static void an_address_is_a_number_or_hexadecimal_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t place;
    } good[] = {{"16", 16}, {"\"0x10\"", 16}, {"\"0xaBcD\"", 0xabcd}, {"\"0x0000ffff\"", 0xffff}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct answer a = {0};
        struct field_errors errors;
        char text[64];
        snprintf(text, sizeof text, "{\"name\":\"ab\",\"place\":%s}", good[i].text);
        assert_int_equal(read_answer(text, &a, &errors), ERR_OK);
        assert_int_equal(a.place, good[i].place);
    }
    static const char *const bad[] = {"0",        "65536",    "1.5",         "\"16\"",
                                      "\"0x\"",   "\"0x0\"",  "\"0x10000\"", "\"0x10 \"",
                                      "\"0x-1\"", "\"0X10\"", "\" 0x10\"",   "\"0x100000010\"",
                                      "\"0x10h\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct answer a = {0};
        struct field_errors errors;
        char text[64];
        snprintf(text, sizeof text, "{\"name\":\"ab\",\"place\":%s}", bad[i]);
        assert_int_equal(read_answer(text, &a, &errors), ERR_ARG);
        assert_string_equal(errors.items[0].pointer, "/place");
        assert_string_equal(errors.items[0].detail,
                            "must be a whole number from 1 to 65535, or the same as \"0x…\"");
        assert_int_equal(a.place, 0);
    }
}

static const struct {
    const char *text, *pointer, *detail;
} bad_fields[] = {
    {"{}", "/name", "is required"},
    {"{\"name\":\"a\"}", "/name", "must be a string of 2 to 8 bytes"},
    {"{\"name\":\"abcdefghi\"}", "/name", "must be a string of 2 to 8 bytes"},
    {"{\"name\":5}", "/name", "must be a string of 2 to 8 bytes"},
    {"{\"name\":null}", "/name", "must be a string of 2 to 8 bytes"},
    {"{\"name\":\"ab\",\"count\":11}", "/count", "must be a whole number from -5 to 10"},
    {"{\"name\":\"ab\",\"count\":-6}", "/count", "must be a whole number from -5 to 10"},
    {"{\"name\":\"ab\",\"count\":1.0}", "/count", "must be a whole number from -5 to 10"},
    {"{\"name\":\"ab\",\"count\":\"1\"}", "/count", "must be a whole number from -5 to 10"},
    {"{\"name\":\"ab\",\"flag\":1}", "/flag", "must be true or false"},
    {"{\"name\":\"ab\",\"colour\":\"blue\"}", "/colour", "must be one of: red, green"},
    {"{\"name\":\"ab\",\"colour\":0}", "/colour", "must be one of: red, green"},
    {"{\"name\":\"ab\",\"object\":[]}", "/object", "must be an object"},
    {"{\"name\":\"ab\",\"list\":[]}", "/list", "must be a list of 1 to 2 items"},
    {"{\"name\":\"ab\",\"list\":[1,2,3]}", "/list", "must be a list of 1 to 2 items"},
    {"{\"name\":\"ab\",\"list\":{}}", "/list", "must be a list of 1 to 2 items"},
    {"{\"name\":\"ab\",\"nmae\":1}", "/nmae", "is not a known field here"},
    {"{\"name\":\"ab\",\"a/b~c\":1}", "/a~1b~0c", "is not a known field here"},
    {"{\"name\":\"ab\",\"\":1}", "/", "is not a known field here"},
};

static void each_wrong_field_is_named_by_its_pointer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_fields / sizeof *bad_fields; i++) {
        struct answer a = {0};
        struct field_errors errors;
        print_message("%s\n", bad_fields[i].text);
        assert_int_equal(read_answer(bad_fields[i].text, &a, &errors), ERR_ARG);
        assert_string_equal(err_last()->code, "bad_body");
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.items[0].pointer, bad_fields[i].pointer);
        assert_string_equal(errors.items[0].detail, bad_fields[i].detail);
    }
}

static void all_faults_are_found_at_once(void **state)
{
    (void)state;
    struct answer a = {0};
    struct field_errors errors;
    assert_int_equal(read_answer("{\"count\":99,\"flag\":\"x\",\"other\":1}", &a, &errors),
                     ERR_ARG);
    assert_int_equal(errors.count, 4);
    assert_non_null(strstr(err_last()->detail, "4 fields are wrong; /name is required"));
}

static void more_faults_than_there_is_room_for_are_counted(void **state)
{
    (void)state;
    struct answer a = {0};
    struct field_errors errors;
    assert_int_equal(read_answer("{\"name\":\"ab\",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
                                 "\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,"
                                 "\"o\":1,\"p\":1,\"q\":1,\"r\":1}",
                                 &a, &errors),
                     ERR_ARG);
    assert_int_equal(errors.count, 18);
}

static void a_long_name_is_cut_between_two_characters(void **state)
{
    (void)state;
    char text[256] = "{\"name\":\"ab\",\"";
    for (int i = 0; i < 60; i++)
        strncat(text, "\xc3\xa9", sizeof text - strlen(text) - 1);
    strncat(text, "\":1}", sizeof text - strlen(text) - 1);
    struct answer a = {0};
    struct field_errors errors;
    assert_int_equal(read_answer(text, &a, &errors), ERR_ARG);
    size_t n = strlen(errors.items[0].pointer);
    assert_int_equal(n, 95); /* '/' and 47 characters of two bytes */
    json_t *valid = json_string(errors.items[0].pointer);
    assert_non_null(valid);
    json_decref(valid);
}

static void a_pointer_begins_where_the_object_is(void **state)
{
    (void)state;
    int64_t v = 0;
    const struct json_field fields[] = {JSON_INT("port", &v, JSON_REQUIRED, 1, 2), JSON_FIELDS_END};
    struct field_errors errors = {.count = 0};
    json_t *o = json_pack("{s:i}", "port", 3);
    assert_int_equal(json_in(o, "/mqtt", fields, &errors), ERR_ARG);
    assert_string_equal(errors.items[0].pointer, "/mqtt/port");
    json_decref(o);
    errors.count = 0;
    json_t *not_object = json_integer(1);
    assert_int_equal(json_in(not_object, "/mqtt", fields, &errors), ERR_ARG);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].pointer, "/mqtt");
    json_decref(not_object);
}

static const struct {
    const char *text;
    size_t n; /* 0: strlen */
    const char *detail;
} bad_texts[] = {
    {"", 0, "the body is empty"},
    {"[1]", 0, "the body is not a JSON object"},
    {"{\"a\":1}x", 0, "line 1, column 8: something follows the end of the object"},
    {"{\"a\":1}{\"b\":1}", 0, "line 1, column 8: something follows the end of the object"},
    {"{\"a\":1,\n\"a\":2}", 0, "line 2, column 3: a name is there twice"},
    {"{\"a\":\"sec\\u0000ret\"}", 0, "a string holds a NUL"},
    {"{\"a\":\"s\0t\"}", 11, ""},
    {"{\"a\\u0000b\":1}", 0, "NUL"},
    {"{\"a\":\"\xff\"}", 0, "the text is not UTF-8"},
    {"{\"a\":1", 0, "the text ends too early"},
    {"{\"a\":99999999999999999999}", 0, "a number is too large"},
    {"{'a':1}", 0, "the text is not JSON"},
    {"{\"a\":secret}", 0, "the text is not JSON"},
    {"-----BEGIN PRIVATE KEY-----", 0, ""},
};

static void broken_text_is_told_by_place_and_never_repeated(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        json_t *root = (json_t *)1;
        size_t n = bad_texts[i].n ? bad_texts[i].n : strlen(bad_texts[i].text);
        assert_int_equal(json_in_text(bad_texts[i].text, n, &root), ERR_ARG);
        assert_null(root);
        assert_string_equal(err_last()->code, "bad_json");
        print_message("%s\n", err_last()->detail);
        assert_non_null(strstr(err_last()->detail, bad_texts[i].detail));
        assert_null(strstr(err_last()->detail, "secret"));
        assert_null(strstr(err_last()->detail, "PRIVATE"));
    }
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state)
{
    (void)state;
    char text[2048] = "{\"a\":";
    size_t n = strlen(text);
    memset(text + n, '[', 1000);
    json_t *root;
    assert_int_equal(json_in_text(text, n + 1000, &root), ERR_ARG);
    assert_non_null(strstr(err_last()->detail, "nested deeper"));
    /* Brackets in a string are no nesting. */
    snprintf(text, sizeof text, "{\"a\":\"%s\\\"[[\"}",
             "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
    assert_int_equal(json_in_text(text, strlen(text), &root), ERR_OK);
    json_decref(root);
}

static void text_over_the_limit_is_refused(void **state)
{
    (void)state;
    size_t n = LIMIT_UPLOAD_BODY + 1;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, ' ', n);
    json_t *root;
    assert_int_equal(json_in_text(text, n, &root), ERR_ARG);
    free(text);
}

static void jansson_frees_through_the_wiping_function(void **state)
{
    (void)state;
    json_malloc_t former_malloc;
    json_free_t former_free, wiping;
    json_get_alloc_funcs(&former_malloc, &former_free);
    json_in_wipe_freed();
    json_get_alloc_funcs(NULL, &wiping);
    assert_ptr_not_equal(wiping, former_free);
    json_t *s = json_string("what was here");
    assert_non_null(s);
    json_decref(s);
    wiping(NULL);
    json_set_alloc_funcs(former_malloc, former_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_object_fills_the_variables),
        cmocka_unit_test(an_address_is_a_number_or_hexadecimal_text),
        cmocka_unit_test(each_wrong_field_is_named_by_its_pointer),
        cmocka_unit_test(all_faults_are_found_at_once),
        cmocka_unit_test(more_faults_than_there_is_room_for_are_counted),
        cmocka_unit_test(a_long_name_is_cut_between_two_characters),
        cmocka_unit_test(a_pointer_begins_where_the_object_is),
        cmocka_unit_test(broken_text_is_told_by_place_and_never_repeated),
        cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
        cmocka_unit_test(text_over_the_limit_is_refused),
        cmocka_unit_test(jansson_frees_through_the_wiping_function),
    };
    return cmocka_run_group_tests_name("json_in", tests, NULL, NULL);
}
