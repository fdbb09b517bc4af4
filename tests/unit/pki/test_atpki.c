#include "tests/unit/pki/golden.h"

#include "service/pki/atpki.h"

enum { ITEMS_MAX = 1024, IMAGE_MAX = 4 * 1024 * 1024 };

/* What the service must answer to the inputs of a case; "" for an image. The tool itself makes
 * broken images of some (facts of its source, not of the manifest). */
static const char *code_for(const struct atpki_item *items, size_t n)
{
    size_t count[4] = {0};
    for (size_t i = 0; i < n; i++) {
        if (!items[i].len) return "item_empty";
        if (items[i].len > 65535) return "item_too_large";
        if (++count[items[i].type] > 256) return "too_many_items";
    }
    return n ? "" : "no_items";
}

struct inputs {
    struct atpki_item items[ITEMS_MAX];
    struct buf files[ITEMS_MAX];
    size_t n;
};

static void inputs_read(const json_t *list, struct inputs *in)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        assert_true(in->n < ITEMS_MAX);
        struct buf *b = &in->files[in->n];
        *b = golden_file("atpki", text_of_member(one, "file"));
        struct atpki_item *it = &in->items[in->n++];
        assert_int_equal(atpki_type_parse(text_of_member(one, "type"), &it->type), ERR_OK);
        it->data = b->data;
        it->len = b->len;
    }
}

static void expect_parts(const struct buf *image, const struct inputs *in)
{
    static struct atpki_item back[ITEMS_MAX];
    size_t n = 0, seen = 0;
    assert_int_equal(atpki_parse(image->data, image->len, back, ITEMS_MAX, &n), ERR_OK);
    assert_int_equal(n, in->n);
    for (unsigned type = ATPKI_CA; type <= ATPKI_KEY; type++) {
        size_t at = 0;
        for (size_t i = 0; i < in->n; i++) {
            if (in->items[i].type != type) continue;
            while (at < n && back[at].type != type)
                at++;
            assert_true(at < n && back[at].len == in->items[i].len);
            assert_memory_equal(back[at++].data, in->items[i].data, in->items[i].len);
            seen++;
        }
    }
    assert_int_equal(seen, n);
}

static void run_case(const json_t *c, size_t *built, size_t *refused)
{
    static struct inputs in;
    struct buf image;
    memset(&in, 0, sizeof in);
    buf_init(&image, IMAGE_MAX);
    inputs_read(json_object_get(c, "inputs"), &in);
    const char *name = text_of_member(c, "name"), *code = code_for(in.items, in.n);
    enum err e = atpki_build(in.items, in.n, &image);
    if (*code) {
        if (!e || strcmp(err_last()->code, code) != 0) fail_msg("%s is not refused", name);
        assert_int_equal(image.len, 0);
        (*refused)++;
    } else {
        struct buf want = golden_file("atpki", text_of_member(c, "output"));
        assert_int_equal(e, ERR_OK);
        expect_same(&image, &want, name);
        expect_parts(&image, &in);
        buf_dispose(&want);
        (*built)++;
    }
    for (size_t i = 0; i < in.n; i++)
        buf_dispose(&in.files[i]);
    buf_dispose(&image);
}

/* The tool's own refusals: an unknown type, a missing file, an odd count, its broken reader. */
static void expect_tool_error(const json_t *c, size_t *errors)
{
    enum atpki_type type;
    const json_t *one = json_array_get(json_object_get(c, "inputs"), 0);
    if (one && json_is_string(json_object_get(one, "sha256"))) {
        assert_int_equal(atpki_type_parse(text_of_member(one, "type"), &type), ERR_ARG);
        assert_string_equal(err_last()->code, "bad_type");
    }
    (*errors)++;
}

static void all_cases_of_the_tool_come_out_byte_for_byte_or_refused(void **state)
{
    (void)state;
    json_t *manifest = golden_manifest("atpki"), *c;
    size_t i, built = 0, refused = 0, errors = 0;
    json_array_foreach(json_object_get(manifest, "cases"), i, c)
    {
        if (json_integer_value(json_object_get(c, "exit")))
            expect_tool_error(c, &errors);
        else
            run_case(c, &built, &refused);
    }
    json_decref(manifest);
    assert_int_equal(built, 26);
    assert_int_equal(refused, 3);
    assert_int_equal(errors, 4);
}

static void an_image_is_appended_to_what_is_there(void **state)
{
    (void)state;
    struct buf b;
    struct atpki_item it = {ATPKI_CERT, (const uint8_t *)"abcde", 5};
    buf_init(&b, 1000);
    buf_puts(&b, "xyz");
    assert_int_equal(atpki_build(&it, 1, &b), ERR_OK);
    assert_int_equal(b.len, 3 + 8 + 4 + 8);
    assert_memory_equal(b.data,
                        "xyz\xF1\xF1\x01\x00\x0C\x00\x00\x00\x02\x00\x05\x00"
                        "abcde\xFF\xFF\xFF",
                        b.len);
    buf_dispose(&b);
}

static void an_image_that_the_buffer_cannot_hold_is_too_large(void **state)
{
    (void)state;
    struct buf b;
    struct atpki_item it = {ATPKI_CERT, (const uint8_t *)"abcde", 5};
    buf_init(&b, 19);
    assert_int_equal(atpki_build(&it, 1, &b), ERR_TOO_LARGE);
    buf_dispose(&b);
    buf_init(&b, 20);
    assert_int_equal(atpki_build(&it, 1, &b), ERR_OK);
    buf_dispose(&b);
}

static void an_unknown_type_is_refused(void **state)
{
    (void)state;
    struct buf b;
    struct atpki_item it = {(enum atpki_type)4, (const uint8_t *)"a", 1};
    buf_init(&b, 100);
    assert_int_equal(atpki_build(&it, 1, &b), ERR_ARG);
    assert_string_equal(err_last()->code, "bad_type");
    buf_dispose(&b);
}

static void erased_flash_and_old_bytes_may_follow_an_image(void **state)
{
    (void)state;
    uint8_t flash[64];
    struct atpki_item items[2];
    size_t n = 0;
    memset(flash, 0xFF, sizeof flash);
    memcpy(flash,
           "\xF1\xF1\x01\x00\x08\x00\x00\x00\x03\x00\x03\x00"
           "key\xFF",
           16);
    assert_int_equal(atpki_parse(flash, sizeof flash, items, 2, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(items[0].type, ATPKI_KEY);
    assert_int_equal(items[0].len, 3);
    assert_ptr_equal(items[0].data, flash + 12);
    memset(flash + 20, 0, 10);
    assert_int_equal(atpki_parse(flash, sizeof flash, items, 2, &n), ERR_OK);
}

static void what_is_no_image_is_told_apart_from_a_broken_one(void **state)
{
    (void)state;
    static const struct {
        enum err e;
        const char *code;
        size_t n;
        const char *bytes;
    } cases[] = {
        {ERR_PROTOCOL, "not_atpki", 0, ""},
        {ERR_PROTOCOL, "not_atpki", 7, "\xF1\xF1\0\0\0\0\0"},
        {ERR_PROTOCOL, "not_atpki", 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
        {ERR_OK, "", 8, "\xF1\xF1\0\0\0\0\0\0"},
        {ERR_PROTOCOL, "atpki_truncated", 8, "\xF1\xF1\1\0\4\0\0\0"},
        {ERR_PROTOCOL, "atpki_truncated", 8, "\xF1\xF1\1\0\xFF\xFF\xFF\xFF"},
        {ERR_PROTOCOL, "atpki_malformed", 8, "\xF1\xF1\1\0\0\0\0\0"},
        {ERR_PROTOCOL, "atpki_malformed", 12, "\xF1\xF1\0\0\4\0\0\0\2\0\0\0"},
        {ERR_PROTOCOL, "atpki_malformed", 12, "\xF1\xF1\1\0\4\0\0\0\4\0\0\0"},
        {ERR_PROTOCOL, "atpki_malformed", 12, "\xF1\xF1\1\0\4\0\0\0\2\0\1\0"},
        {ERR_PROTOCOL, "atpki_malformed", 12, "\xF1\xF1\2\0\4\0\0\0\2\0\0\0"},
        {ERR_OK, "", 13, "\xF1\xF1\1\0\5\0\0\0\2\0\1\0x"}, /* last padding left out */
        {ERR_TOO_LARGE, "too_large", 20, "\xF1\xF1\3\0\x0C\0\0\0\2\0\0\0\2\1\0\0\2\2\0\0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct atpki_item items[2];
        size_t n = 9;
        enum err e = atpki_parse((const uint8_t *)cases[i].bytes, cases[i].n, items, 2, &n);
        assert_int_equal(e, cases[i].e);
        if (!e) continue;
        assert_string_equal(err_last()->code, cases[i].code);
        assert_int_equal(n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cases_of_the_tool_come_out_byte_for_byte_or_refused),
        cmocka_unit_test(an_image_is_appended_to_what_is_there),
        cmocka_unit_test(an_image_that_the_buffer_cannot_hold_is_too_large),
        cmocka_unit_test(an_unknown_type_is_refused),
        cmocka_unit_test(erased_flash_and_old_bytes_may_follow_an_image),
        cmocka_unit_test(what_is_no_image_is_told_apart_from_a_broken_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
