#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/multipart.h"

#define HEAD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static enum err parse(const char *body, size_t n, struct multipart_part *parts, size_t cap,
                      size_t *count)
{
    /* exactly as large as the body: a read past its end is an error that the sanitizer sees */
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, body, n);
    struct multipart_list list = {.parts = parts, .cap = cap};
    enum err e = multipart_parse(copy, n, "b", &list);
    *count = list.count;
    for (size_t i = 0; !e && i < *count; i++) /* back into the text, which lives on */
        parts[i].data = (const uint8_t *)body + (parts[i].data - copy);
    free(copy);
    return e;
}

static void assert_part(const struct multipart_part *p, const char *name, const char *file,
                        const char *data)
{
    assert_string_equal(p->name, name);
    assert_string_equal(p->file, file);
    assert_int_equal(p->len, strlen(data));
    assert_memory_equal(p->data, data, p->len);
}

static void parts_come_with_names_files_and_bytes(void **state)
{
    (void)state;
    static const char body[] = "--b\r\n" HEAD(
        "one") "first\r\n"
               "--b\r\ncontent-disposition:form-data;filename=\"a;\\\"b.pem\" ; name=two\r\n"
               "Content-Type: application/octet-stream\r\n\r\n\r\n--b"
               "\r\n\r\nno name\r\n"
               "--b  \t\r\n" HEAD("") "\r\n\r\n"
                                      "--b--\r\n";
    struct multipart_part p[8];
    size_t n;
    assert_int_equal(parse(body, sizeof body - 1, p, 8, &n), ERR_OK);
    assert_int_equal(n, 4);
    assert_part(&p[0], "one", "", "first");
    assert_part(&p[1], "two", "a;\"b.pem", "");
    assert_part(&p[2], "", "", "no name");
    assert_part(&p[3], "", "", "\r\n");
}

static void text_around_the_parts_is_ignored(void **state)
{
    (void)state;
    static const char body[] = "preamble --b\r\n--bc\r\n--b\r\n" HEAD("x") "data\r\n--b--epilogue";
    struct multipart_part p[2];
    size_t n;
    assert_int_equal(parse(body, sizeof body - 1, p, 2, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_part(&p[0], "x", "", "data");
}

static void every_byte_passes_through_unchanged(void **state)
{
    (void)state;
    char body[2048];
    uint8_t all[1200];
    /* all values, and everything that looks like a delimiter but is none */
    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    size_t n = 256;
    static const char traps[] =
        "\r\n--bx\r\n\r\n-b\r\n--\r\n--b-\r\n--b x\r\n\r--b\r\n\n--b\r\n--b\r";
    memcpy(all + n, traps, sizeof traps - 1);
    n += sizeof traps - 1;
    int head = snprintf(body, sizeof body, "--b\r\n%s", HEAD("x"));
    memcpy(body + head, all, n);
    size_t total = (size_t)head + n;
    memcpy(body + total, "\r\n--b--", 7);
    struct multipart_part p[2];
    size_t count;
    assert_int_equal(parse(body, total + 7, p, 2, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(p[0].len, n);
    assert_memory_equal(p[0].data, all, n);
}

static void a_body_that_is_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    static const char body[] = "--b\r\n" HEAD("one") "first\r\n--b\r\n" HEAD("two") "\r\n--b--\r\n";
    struct multipart_part p[4];
    size_t n;
    assert_int_equal(parse(body, sizeof body - 1, p, 4, &n), ERR_OK);
    for (size_t cut = 0; cut < sizeof body - 3; cut++) {
        assert_int_equal(parse(body, cut, p, 4, &n), ERR_ARG);
        assert_string_equal(err_last()->code, "bad_multipart");
    }
}

static void broken_bodies_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "--b",
        "nothing",
        "--c\r\n" HEAD("x") "\r\n--c--",
        "--b\r\nno colon\r\n\r\ndata\r\n--b--",
        "--b\r\nA: b\r\ndata without an empty line\r\n--b--",
        "--b\r\n" HEAD("x") "data--b--",
        "--b\r\n" HEAD("x") "data\n--b--",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct multipart_part p[4];
        size_t n;
        if (parse(bodies[i], strlen(bodies[i]), p, 4, &n) != ERR_ARG)
            fail_msg("case %zu passed", i);
        assert_string_equal(err_last()->code, "bad_multipart");
    }
}

static void no_parts_at_all_is_not_an_error_here(void **state)
{
    (void)state;
    struct multipart_part p[1];
    size_t n = 9;
    assert_int_equal(parse("--b--\r\n", 7, p, 1, &n), ERR_OK);
    assert_int_equal(n, 0);
}

static void one_part_too_many_is_refused_by_name(void **state)
{
    (void)state;
    static const char body[] =
        "--b\r\n" HEAD("x") "1\r\n--b\r\n" HEAD("y") "2\r\n--b\r\n" HEAD("z") "3\r\n--b--";
    struct multipart_part p[3];
    size_t n;
    assert_int_equal(parse(body, sizeof body - 1, p, 3, &n), ERR_OK);
    assert_int_equal(n, 3);
    assert_int_equal(parse(body, sizeof body - 1, p, 2, &n), ERR_TOO_LARGE);
    assert_string_equal(err_last()->code, "too_many_parts");
}

static void long_names_are_cut_and_control_bytes_dropped(void **state)
{
    (void)state;
    char body[512], name[200];
    struct multipart_part p[1];
    size_t n;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int len = snprintf(body, sizeof body,
                       "--b\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"a\tb\x7f"
                       "c\"\r\n\r\nx\r\n--b--",
                       name);
    assert_int_equal(parse(body, (size_t)len, p, 1, &n), ERR_OK);
    assert_int_equal(strlen(p[0].name), sizeof p[0].name - 1);
    assert_string_equal(p[0].file, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_with_names_files_and_bytes),
        cmocka_unit_test(text_around_the_parts_is_ignored),
        cmocka_unit_test(every_byte_passes_through_unchanged),
        cmocka_unit_test(a_body_that_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(broken_bodies_are_refused),
        cmocka_unit_test(no_parts_at_all_is_not_an_error_here),
        cmocka_unit_test(one_part_too_many_is_refused_by_name),
        cmocka_unit_test(long_names_are_cut_and_control_bytes_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
