#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/field.h"

static void a_percent_escape_never_hides_a_byte(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {"plain", "plain"},
        {"a%20b", "a b"},
        {"%41%7a", "Az"},
        {"a%2Fb", "a/b"},
        {"", ""},
        {"hel%6co%00x", NULL},
        {"%0a", NULL},
        {"%7f", NULL},
        {"%c3%bc", NULL},
        {"\xc3\xbc", NULL},
        {"%", NULL},
        {"%4", NULL},
        {"%4g", NULL},
        {"%G4", NULL},
        {"tab\t", NULL},
        {"1234567890123456", NULL},
        {"123456789012345", "123456789012345"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[16] = "?";
        bool ok = field_percent_decode(cases[i].in, strlen(cases[i].in), out, sizeof out);
        assert_int_equal(ok, cases[i].out != NULL);
        if (ok) assert_string_equal(out, cases[i].out);
    }
}

static void words_of_any_language_decode(void **state)
{
    (void)state;
    char out[16];
    assert_true(field_percent_decode_text("m%c3%bcller", 11, out, sizeof out));
    assert_string_equal(out, "m\xc3\xbcller");
    assert_true(field_percent_decode_text("\xe4\xb8\xad", 3, out, sizeof out));
    assert_string_equal(out, "\xe4\xb8\xad");
    static const char *const refused[] = {"%00", "%0a", "%1f", "%7f", "%c", "1234567890123456"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(field_percent_decode_text(refused[i], strlen(refused[i]), out, sizeof out));
}

static void a_target_is_its_path_also_when_the_whole_address_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path;
    } cases[] = {
        {"/v1/jobs", "/v1/jobs"},
        {"http://host/v1/jobs", "/v1/jobs"},
        {"HTTP://[::1]:80/a", "/a"},
        {"https://host/a/b", "/a/b"},
        {"http://host", "/"},
        {"http:///a", "http:///a"},
        {"http://", "http://"},
        {"ftp://host/a", "ftp://host/a"},
        {"*", "*"},
        {"", ""},
        {"//host/a", "//host/a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(field_target_path(cases[i].target), cases[i].path);
}

static void what_is_encoded_decodes_to_itself(void **state)
{
    (void)state;
    const char *text = "left bench/1?x=1&y=100%+\"<>";
    char coded[128] = "", back[64];
    assert_true(field_percent_encode(text, coded, sizeof coded));
    assert_null(strpbrk(coded, " /?=&+\"<>"));
    assert_true(field_percent_decode(coded, strlen(coded), back, sizeof back));
    assert_string_equal(back, text);
}

static void encoding_appends_and_never_overruns(void **state)
{
    (void)state;
    char out[8] = "a=";
    assert_true(field_percent_encode("b/", out, sizeof out));
    assert_string_equal(out, "a=b%2F");
    assert_false(field_percent_encode("//", out, sizeof out));
}

static void a_media_type_is_known_whatever_its_case_and_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is;
    } cases[] = {
        {"application/json", true},
        {"Application/JSON; charset=utf-8", true},
        {"application/json ;x=y", true},
        {"application/json5", false},
        {"application/jso", false},
        {"text/plain", false},
        {NULL, false},
        {"", false},
        {"application/json, text/csv", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(field_media_is(cases[i].value, "application/json"), cases[i].is);
}

static void a_boundary_is_legal_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *value, *boundary;
    } cases[] = {
        {"multipart/form-data; boundary=abc", "abc"},
        {"multipart/form-data;boundary=abc;charset=x", "abc"},
        {"multipart/form-data; charset=x; BOUNDARY=\"a b:c\"", "a b:c"},
        {"multipart/form-data; boundary=\"a\\'b\"", "a'b"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=\"ends \"", NULL},
        {"multipart/form-data; boundary=\"open", NULL},
        {"multipart/form-data; boundary=a@b", NULL},
        {"multipart/form-data; boundary=a\x01", NULL},
        {"multipart/form-data; boundary="
         "0123456789012345678901234567890123456789012345678901234567890123456789",
         "0123456789012345678901234567890123456789012345678901234567890123456789"},
        {"multipart/form-data; boundary="
         "01234567890123456789012345678901234567890123456789012345678901234567890",
         NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[FIELD_BOUNDARY_MAX + 1];
        bool ok = field_boundary(cases[i].value, out);
        assert_int_equal(ok, cases[i].boundary != NULL);
        if (ok) assert_string_equal(out, cases[i].boundary);
    }
}

static void a_number_is_digits_within_its_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long max, value; /* -1: refused */
    } cases[] = {
        {"0", 60, 0},
        {"60", 60, 60},
        {"61", 60, -1},
        {"", 60, -1},
        {"-1", 60, -1},
        {"+1", 60, -1},
        {" 1", 60, -1},
        {"1 ", 60, -1},
        {"0x1", 60, -1},
        {"007", 60, 7},
        {"99999999999999999999999", LONG_MAX, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        long v = -1;
        bool ok = field_number(cases[i].text, cases[i].max, &v);
        assert_int_equal(ok, cases[i].value >= 0);
        assert_int_equal(v, cases[i].value);
    }
}

static void prefer_wait_is_found_among_other_wishes(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        long wait;
    } cases[] = {
        {"wait=10", 10},
        {"respond-async, wait=10", 10},
        {"Wait=5;x=y", 5},
        {"wait=10 , return=minimal", 10},
        {"wait=600", 60},
        {"wait=-1", 0},
        {"wait=", 0},
        {"wait=abc", 0},
        {"waiting=4", 0},
        {"return=minimal", 0},
        {NULL, 0},
        {"", 0},
        {"wait=9999999999999999999999999", 0},
        {",,,wait=1", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(field_prefer_wait(cases[i].value, 60), cases[i].wait);
}

static void an_etag_is_found_in_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool strong, weak;
    } cases[] = {
        {"\"a1\"", true, true},
        {"\"b\", \"a1\"", true, true},
        {"*", true, true},
        {"W/\"a1\"", false, true},
        {"\"a12\"", false, false},
        {"a1", false, false},
        {"\"x, \\\"a1\"", false, false},
        {"\"x,y\" , \"a1\"", true, true},
        {"", false, false},
        {NULL, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(field_etag_listed(cases[i].value, "\"a1\"", false), cases[i].strong);
        assert_int_equal(field_etag_listed(cases[i].value, "\"a1\"", true), cases[i].weak);
    }
}

static void csv_is_given_only_to_those_who_like_it_better(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool csv;
    } cases[] = {
        {NULL, false},
        {"*/*", false},
        {"text/csv", true},
        {"text/*", true},
        {"text/csv, */*;q=0.1", true},
        {"text/csv;q=0.5, application/json", false},
        {"text/csv, application/json", false},
        {"application/json;q=0.4, text/csv;q=0.5", true},
        {"text/csv;q=0", false},
        {"text/csv;q=0.002, application/json;q=0.001", true},
        {"application/json;q=7.7e13, text/csv", false}, /* no weight: counts as 1 */
        {"text/csv;q=-1, application/json;q=0.9", true},
        {"text/html, application/xhtml+xml, */*;q=0.8", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(field_accept_prefers(cases[i].accept, "text/csv", "application/json"),
                         cases[i].csv);
}

static void a_name_of_a_field_is_a_token(void **state)
{
    (void)state;
    static const char *const good[] = {"Host", "X-Request-Id", "a", "!#$%&'*+-.^_`|~0"};
    static const char *const bad[] = {
        "", "Content-Length ", "\tHost", "a b", "a:", "a(b)", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(field_is_token(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(field_is_token(bad[i]));
}

static void a_body_framed_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct framing f;
        enum framing_verdict verdict;
        bool body;
        long length;
    } cases[] = {
        {{0, NULL, 0, NULL, 1}, FRAMING_OK, false, -1},
        {{1, "0", 0, NULL, 1}, FRAMING_OK, false, 0},
        {{1, "12", 0, NULL, 1}, FRAMING_OK, true, 12},
        {{0, NULL, 1, "chunked", 1}, FRAMING_OK, true, -1},
        {{0, NULL, 1, "Chunked", 1}, FRAMING_OK, true, -1},
        {{2, "12", 0, NULL, 1}, FRAMING_BAD, true, -1},
        {{1, "12", 1, "chunked", 1}, FRAMING_BAD, true, -1},
        {{0, NULL, 2, "chunked", 1}, FRAMING_BAD, true, -1},
        {{0, NULL, 0, NULL, 2}, FRAMING_BAD, false, -1},
        {{1, "-1", 0, NULL, 1}, FRAMING_BAD, true, -1},
        {{1, "1 2", 0, NULL, 1}, FRAMING_BAD, true, -1},
        {{1, "99999999999999999999", 0, NULL, 1}, FRAMING_BAD, true, -1},
        {{0, NULL, 1, "gzip, chunked", 1}, FRAMING_UNKNOWN_ENCODING, true, -1},
        {{0, NULL, 1, "chunked, gzip", 1}, FRAMING_UNKNOWN_ENCODING, true, -1},
        {{0, NULL, 1, "identity", 1}, FRAMING_UNKNOWN_ENCODING, true, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool body;
        long length;
        assert_int_equal(framing_judge(&cases[i].f, &body, &length), cases[i].verdict);
        if (cases[i].verdict != FRAMING_OK) continue;
        assert_int_equal(body, cases[i].body);
        assert_int_equal(length, cases[i].length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percent_escape_never_hides_a_byte),
        cmocka_unit_test(a_target_is_its_path_also_when_the_whole_address_is_sent),
        cmocka_unit_test(words_of_any_language_decode),
        cmocka_unit_test(what_is_encoded_decodes_to_itself),
        cmocka_unit_test(encoding_appends_and_never_overruns),
        cmocka_unit_test(a_media_type_is_known_whatever_its_case_and_parameters),
        cmocka_unit_test(a_boundary_is_legal_or_refused),
        cmocka_unit_test(a_number_is_digits_within_its_bounds),
        cmocka_unit_test(prefer_wait_is_found_among_other_wishes),
        cmocka_unit_test(an_etag_is_found_in_a_list),
        cmocka_unit_test(csv_is_given_only_to_those_who_like_it_better),
        cmocka_unit_test(a_name_of_a_field_is_a_token),
        cmocka_unit_test(a_body_framed_in_two_ways_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
