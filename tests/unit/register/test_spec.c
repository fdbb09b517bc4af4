#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/register/spec.h"

static void read_text(const char *text, struct register_spec *out, struct field_errors *errors)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    errors->count = 0;
    spec_read(value, "/cloud", out, errors);
    json_decref(value);
}

static void read_good(const char *text, struct register_spec *out)
{
    struct field_errors errors;
    read_text(text, out, &errors);
    if (errors.count) print_message("%s %s\n", errors.items[0].pointer, errors.items[0].detail);
    assert_int_equal(errors.count, 0);
}

static void assert_fault(const char *text, const char *pointer)
{
    struct register_spec s;
    struct field_errors errors;
    read_text(text, &s, &errors);
    if (errors.count != 1 || strcmp(errors.items[0].pointer, pointer) != 0)
        print_message("%s: %zu, %s %s\n", text, errors.count, errors.items[0].pointer,
                      errors.items[0].detail);
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].pointer, pointer);
}

#define ALL                                                                                        \
    "{\"name\":\"prod\",\"thing\":\"s-{mac}-{slot}\",\"type\":\"sensor:1\","                       \
    "\"attributes\":{\"who\":\"{thing}\",\"where\":\"hall/3\"},\"groups\":[\"a\",\"b:c\"],"        \
    "\"certificate\":\"csr\",\"key\":\"P-256\","                                                   \
    "\"policy\":{\"name\":\"mine\",\"document\":{\"Version\":\"2012-10-17\",\"Statement\":[]}},"   \
    "\"existing\":true}"

static void a_name_alone_has_all_defaults(void **state)
{
    (void)state;
    struct register_spec s;
    read_good("\"prod\"", &s);
    assert_string_equal(s.cloud, "prod");
    assert_string_equal(s.thing, "esp32-{mac}");
    assert_int_equal(s.way, WAY_CSR);
    assert_int_equal(s.key, KEY_RSA_2048);
    assert_string_equal(s.policy, "");
    assert_false(s.existing);
}

static void all_that_can_be_said_is_read(void **state)
{
    (void)state;
    struct register_spec s;
    read_good(ALL, &s);
    assert_string_equal(s.type, "sensor:1");
    assert_int_equal(s.attribute_count, 2);
    assert_string_equal(s.attributes[1].name, "where");
    assert_string_equal(s.attributes[1].value, "hall/3");
    assert_int_equal(s.group_count, 2);
    assert_string_equal(s.groups[1], "b:c");
    assert_int_equal(s.key, KEY_P256);
    assert_string_equal(s.policy, "mine");
    assert_false(s.policy_is_there);
    assert_string_equal(s.policy_document, "{\"Version\":\"2012-10-17\",\"Statement\":[]}");
    assert_true(s.existing);
}

static void a_policy_by_name_is_there_already(void **state)
{
    (void)state;
    struct register_spec s;
    read_good("{\"name\":\"p\",\"policy\":\"a+b=c,@.x\"}", &s);
    assert_true(s.policy_is_there);
    assert_string_equal(s.policy, "a+b=c,@.x");
}

static void a_claim_is_read(void **state)
{
    (void)state;
    struct register_spec s;
    read_good("{\"name\":\"p\",\"certificate\":\"claim\",\"claim\":{\"template\":\"T_1\","
              "\"credential\":\"cred_1\",\"parameters\":{\"Serial Number\":\"{mac} of {slot}\"}}}",
              &s);
    assert_int_equal(s.way, WAY_CLAIM);
    assert_string_equal(s.claim_template, "T_1");
    assert_string_equal(s.claim_credential, "cred_1");
    assert_int_equal(spec_fill(&s, "24", "a b"), ERR_OK);
    assert_string_equal(s.thing, "esp32-24");
    assert_string_equal(s.parameters[0].name, "Serial Number");
    assert_string_equal(s.parameters[0].value, "24 of a b");
}

static void each_fault_names_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer;
    } cases[] = {
        {"\"\"", "/cloud"},
        {"\"a b\"", "/cloud"},
        {"7", "/cloud"},
        {"{}", "/cloud/name"},
        {"{\"name\":\"../x\"}", "/cloud/name"},
        {"{\"name\":\"p\",\"thng\":\"x\"}", "/cloud/thng"},
        {"{\"name\":\"p\",\"credential\":\"cred_1\"}", "/cloud/credential"},
        {"{\"name\":\"p\",\"thing\":\"a:b\"}", "/cloud/thing"},
        {"{\"name\":\"p\",\"thing\":\"{serial}\"}", "/cloud/thing"},
        {"{\"name\":\"p\",\"thing\":\"{thing}\"}", "/cloud/thing"},
        {"{\"name\":\"p\",\"type\":\"a b\"}", "/cloud/type"},
        {"{\"name\":\"p\",\"attributes\":{\"a\":\"b c\"}}", "/cloud/attributes"},
        {"{\"name\":\"p\",\"attributes\":{\"a\":1}}", "/cloud/attributes"},
        {"{\"name\":\"p\",\"attributes\":{\"a b\":\"1\"}}", "/cloud/attributes"},
        {"{\"name\":\"p\",\"attributes\":{\"a\":\"1\",\"b\":\"\",\"c\":\"\",\"d\":\"\"}}",
         "/cloud/attributes"},
        {"{\"name\":\"p\",\"groups\":[\"\"]}", "/cloud/groups"},
        {"{\"name\":\"p\",\"groups\":[1]}", "/cloud/groups"},
        {"{\"name\":\"p\",\"certificate\":\"jitp\"}", "/cloud/certificate"},
        {"{\"name\":\"p\",\"certificate\":\"aws\",\"key\":\"P-256\"}", "/cloud/key"},
        {"{\"name\":\"p\",\"authority\":\"ca_1\"}", "/cloud/authority"},
        {"{\"name\":\"p\",\"policy\":\"a b\"}", "/cloud/policy"},
        {"{\"name\":\"p\",\"policy\":{\"name\":\"a@b\"}}", "/cloud/policy/name"},
        {"{\"name\":\"p\",\"policy\":{\"document\":7}}", "/cloud/policy/document"},
        {"{\"name\":\"p\",\"policy\":{\"document\":\"{}\"}}", "/cloud/policy/document"},
        {"{\"name\":\"p\",\"policy\":{\"documents\":{}}}", "/cloud/policy/documents"},
        {"{\"name\":\"p\",\"certificate\":\"claim\"}", "/cloud/claim"},
        {"{\"name\":\"p\",\"claim\":{\"template\":\"T\"}}", "/cloud/claim"},
        {"{\"name\":\"p\",\"certificate\":\"claim\",\"claim\":{}}", "/cloud/claim/template"},
        {"{\"name\":\"p\",\"certificate\":\"claim\",\"claim\":{\"template\":\"a b\"}}",
         "/cloud/claim/template"},
        {"{\"name\":\"p\",\"certificate\":\"claim\",\"claim\":{\"template\":\"T\"},"
         "\"type\":\"x\"}",
         "/cloud/type"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fault(cases[i].text, cases[i].pointer);
}

static void a_document_that_is_too_long_is_a_fault(void **state)
{
    (void)state;
    char text[8192];
    snprintf(text, sizeof text, "{\"name\":\"p\",\"policy\":{\"document\":{\"x\":\"%*s\"}}}", 2041,
             "");
    assert_fault(text, "/cloud/policy/document");
    snprintf(text, sizeof text, "{\"name\":\"p\",\"policy\":{\"document\":{\"x\":\"%*s\"}}}", 6000,
             "");
    assert_fault(text, "/cloud/policy/document");
    snprintf(text, sizeof text, "{\"name\":\"p\",\"policy\":{\"document\":{\"x\":\"%*s\"}}}", 2040,
             "");
    struct register_spec s;
    read_good(text, &s);
    assert_int_equal(strlen(s.policy_document), 2048);
}

static void words_are_filled_in(void **state)
{
    (void)state;
    struct register_spec s;
    read_good(ALL, &s);
    assert_int_equal(spec_fill(&s, "240ac4123456", "left"), ERR_OK);
    assert_string_equal(s.thing, "s-240ac4123456-left");
    assert_string_equal(s.attributes[0].value, "s-240ac4123456-left");
}

static void a_word_that_is_not_known_is_an_error(void **state)
{
    (void)state;
    struct register_spec s;
    read_good("\"prod\"", &s);
    assert_true(err_is(spec_fill(&s, NULL, NULL), "template_word"));
    assert_non_null(strstr(err_last()->hint, "\"thing\""));
}

static void a_slot_may_spoil_a_name(void **state)
{
    (void)state;
    struct register_spec s;
    read_good("{\"name\":\"p\",\"thing\":\"t-{slot}\"}", &s);
    assert_true(err_is(spec_fill(&s, "24", "row 1"), "bad_thing_name"));
    read_good("{\"name\":\"p\",\"thing\":\"t\",\"attributes\":{\"at\":\"{slot}\"}}", &s);
    assert_true(err_is(spec_fill(&s, "24", "row 1"), "bad_attribute"));
    read_good("{\"name\":\"p\",\"thing\":\"{slot}\"}", &s);
    assert_true(err_is(spec_fill(&s, "24", ""), "bad_thing_name"));
}

static void a_name_that_gets_too_long_is_an_error(void **state)
{
    (void)state;
    char text[256];
    struct register_spec s;
    snprintf(text, sizeof text, "{\"name\":\"p\",\"thing\":\"%0126d{mac}\"}", 0);
    read_good(text, &s);
    assert_int_equal(spec_fill(&s, "24", "a"), ERR_OK);
    read_good(text, &s);
    assert_true(err_is(spec_fill(&s, "240", "a"), "bad_thing_name"));
}

static void assert_same_after_storing(const char *text)
{
    struct register_spec before, after;
    read_good(text, &before);
    assert_int_equal(spec_fill(&before, "24", "left"), ERR_OK);
    snprintf(before.credential, sizeof before.credential, "cred_2");
    json_t *stored = spec_to_json(&before);
    assert_non_null(stored);
    assert_int_equal(spec_from_json(stored, &after), ERR_OK);
    json_t *again = spec_to_json(&after);
    assert_true(json_equal(stored, again));
    assert_string_equal(after.credential, "cred_2");
    assert_string_equal(after.policy_document, before.policy_document);
    assert_int_equal(after.way, before.way);
    json_decref(stored);
    json_decref(again);
}

static void what_is_stored_reads_as_the_same(void **state)
{
    (void)state;
    assert_same_after_storing(ALL);
    assert_same_after_storing("\"prod\"");
    assert_same_after_storing("{\"name\":\"p\",\"certificate\":\"aws\",\"policy\":\"a@b\"}");
    assert_same_after_storing("{\"name\":\"p\",\"certificate\":\"own\",\"authority\":\"ca_1\","
                              "\"key\":\"P-256\"}");
    assert_same_after_storing("{\"name\":\"p\",\"certificate\":\"claim\",\"claim\":{\"template\":"
                              "\"T\",\"parameters\":{\"Serial\":\"{thing}\"}}}");
}

static void damage_in_the_store_is_told(void **state)
{
    (void)state;
    struct register_spec s;
    json_t *stored = json_pack("{s:s, s:s}", "name", "p", "thing", "a b");
    assert_true(err_is(spec_from_json(stored, &s), "store_corrupt"));
    json_decref(stored);
    assert_true(err_is(spec_from_json(NULL, &s), "store_corrupt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_alone_has_all_defaults),
        cmocka_unit_test(all_that_can_be_said_is_read),
        cmocka_unit_test(a_policy_by_name_is_there_already),
        cmocka_unit_test(a_claim_is_read),
        cmocka_unit_test(each_fault_names_its_place),
        cmocka_unit_test(a_document_that_is_too_long_is_a_fault),
        cmocka_unit_test(words_are_filled_in),
        cmocka_unit_test(a_word_that_is_not_known_is_an_error),
        cmocka_unit_test(a_slot_may_spoil_a_name),
        cmocka_unit_test(a_name_that_gets_too_long_is_an_error),
        cmocka_unit_test(what_is_stored_reads_as_the_same),
        cmocka_unit_test(damage_in_the_store_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
