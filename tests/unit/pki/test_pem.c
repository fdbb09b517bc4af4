// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "service/pki/pem.h"

static void read_one(const char *text, struct pem_block *b, unsigned *untidy)
{
    struct pem_reader r;
    bool found = false;
    pem_reader_init(&r, (const uint8_t *)text, strlen(text));
    assert_int_equal(pem_next(&r, b, &found), ERR_OK);
    assert_true(found);
    *untidy = r.untidy;
}

static void what_was_encoded_decodes_to_the_same_bytes_and_is_clean(void **state)
{
    (void)state;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 1; n < sizeof bytes; n++) {
        struct buf text, back;
        struct pem_block b;
        unsigned untidy = 0;
        buf_init(&text, 4096);
        buf_init(&back, 4096);
        assert_int_equal(pem_encode("CERTIFICATE", bytes, n, &text), ERR_OK);
        read_one(buf_str(&text), &b, &untidy);
        assert_string_equal(b.label, "CERTIFICATE");
        assert_int_equal(pem_decode(&b, &back, &untidy), ERR_OK);
        assert_int_equal(back.len, n);
        assert_memory_equal(back.data, bytes, n);
        assert_int_equal(untidy, 0);
        buf_dispose(&text);
        buf_dispose(&back);
    }
}

static void the_text_is_that_of_the_standard(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(pem_encode("X",
                                (const uint8_t *)"0123456789012345678901234567890123456789"
                                                 "01234567a",
                                49, &b),
                     ERR_OK);
    assert_string_equal(buf_str(&b),
                        "-----BEGIN X-----\n"
                        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\n"
                        "YQ==\n"
                        "-----END X-----\n");
    buf_dispose(&b);
}

static void headers_tell_of_a_password_and_are_skipped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool encrypted;
    } cases[] = {
        {"-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,1\n\nYQ==\n-----END K-----\n",
         true},
        {"-----BEGIN K-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\nYQ==\r\n-----END K-----\r\n", true},
        {"-----BEGIN K-----\nComment: x\n more\n\nYQ==\n-----END K-----\n", false},
        {"-----BEGIN K-----\n\nComment: x\n\nYQ==\n-----END K-----\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pem_block b;
        struct buf out;
        unsigned untidy = 0;
        buf_init(&out, 100);
        read_one(cases[i].text, &b, &untidy);
        assert_int_equal(b.encrypted, cases[i].encrypted);
        assert_int_equal(pem_decode(&b, &out, &untidy), ERR_OK);
        assert_string_equal(buf_str(&out), "a");
        buf_dispose(&out);
    }
}

static void every_call_makes_progress_through_damage(void **state)
{
    (void)state;
    static const char text[] = "-----BEGIN A-----\n-----BEGIN b-----\n-----BEGIN \n"
                               "-----BEGIN C-----\nYQ==\n-----END C-----\n-----BEGIN D-----\n";
    struct pem_reader r;
    size_t bad = 0, good = 0;
    pem_reader_init(&r, (const uint8_t *)text, sizeof text - 1);
    for (bool more = true; more;) {
        struct pem_block b;
        bool found = false;
        enum err e = pem_next(&r, &b, &found);
        bad += e != ERR_OK;
        good += found;
        more = e || found;
        assert_true(bad + good < 10);
    }
    assert_int_equal(good, 1);
    assert_int_equal(bad, 4);
}

static void padding_stands_only_at_the_end(void **state)
{
    (void)state;
    static const char *const bodies[] = {"=AAA", "A=AA", "A===", "AA=A", "AA==AAAA", "AAA=A===",
                                         "AAA",  "A",    "",     "AA",   "AAAA=",    "AA AA%"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct pem_block b = {.body = (const uint8_t *)bodies[i], .body_len = strlen(bodies[i])};
        struct buf out;
        unsigned untidy = 0;
        buf_init(&out, 100);
        assert_int_equal(pem_decode(&b, &out, &untidy), ERR_CRYPTO);
        assert_string_equal(err_last()->code, "bad_pem");
        buf_dispose(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_encoded_decodes_to_the_same_bytes_and_is_clean),
        cmocka_unit_test(the_text_is_that_of_the_standard),
        cmocka_unit_test(headers_tell_of_a_password_and_are_skipped),
        cmocka_unit_test(every_call_makes_progress_through_damage),
        cmocka_unit_test(padding_stands_only_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
