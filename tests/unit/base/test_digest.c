/* Digests against the vectors of RFC 1321 and FIPS 180-2. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "service/base/digest.h"

static void digests_are_those_of_the_standards(void **state)
{
    (void)state;
    static const struct {
        const char *text, *md5, *sha256;
    } cases[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "8215ef0796a20bcaaae116d3876c664a",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t md5[MD5_BYTES], sha[SHA256_BYTES];
        char hex[SHA256_HEX];
        digest_md5(cases[i].text, strlen(cases[i].text), md5);
        assert_string_equal(digest_hex(md5, sizeof md5, hex), cases[i].md5);
        digest_sha256(cases[i].text, strlen(cases[i].text), sha);
        assert_string_equal(digest_hex(sha, sizeof sha, hex), cases[i].sha256);
    }
}

static void bytes_that_come_in_pieces_have_the_same_digest(void **state)
{
    (void)state;
    uint8_t data[1000], whole[SHA256_BYTES], pieces[SHA256_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    digest_sha256(data, sizeof data, whole);
    struct sha256 *s = sha256_new();
    assert_non_null(s);
    for (size_t at = 0, n = 0; at < sizeof data; at += n) {
        n = n + 1 < sizeof data - at ? n + 1 : sizeof data - at;
        sha256_add(s, data + at, n);
    }
    sha256_end(s, pieces);
    sha256_free(s);
    sha256_free(NULL);
    assert_memory_equal(pieces, whole, sizeof whole);
}

static void a_sha256_is_64_lower_case_digits(void **state)
{
    (void)state;
    char text[SHA256_HEX + 1];
    memset(text, 'a', sizeof text);
    text[SHA256_HEX] = '\0';
    assert_false(digest_is_sha256(text)); /* one too many */
    text[SHA256_HEX - 1] = '\0';
    assert_true(digest_is_sha256(text));
    for (const char *wrong = "AFgz :"; *wrong; wrong++) {
        text[SHA256_HEX - 2] = *wrong;
        assert_false(digest_is_sha256(text));
    }
    text[SHA256_HEX - 2] = '\0'; /* one too few */
    assert_false(digest_is_sha256(text));
    assert_false(digest_is_sha256(""));
}

static void erased_flash_behind_the_data_counts(void **state)
{
    (void)state;
    static uint8_t all[5000];
    uint8_t whole[MD5_BYTES], erased[MD5_BYTES];
    memset(all, 0xff, sizeof all);
    for (size_t n = 0; n <= sizeof all; n += 1250) {
        memset(all, 'x', n);
        digest_md5(all, sizeof all, whole);
        digest_md5_erased(n ? all : NULL, n, sizeof all, erased);
        assert_memory_equal(whole, erased, MD5_BYTES);
    }
}

static void hex_is_lower_case_and_ended(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    char out[9];
    memset(out, 'x', sizeof out);
    assert_ptr_equal(digest_hex(bytes, sizeof bytes, out), out);
    assert_string_equal(out, "000fa5ff");
    assert_string_equal(digest_hex(bytes, 0, out), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_standards),
        cmocka_unit_test(bytes_that_come_in_pieces_have_the_same_digest),
        cmocka_unit_test(erased_flash_behind_the_data_counts),
        cmocka_unit_test(a_sha256_is_64_lower_case_digits),
        cmocka_unit_test(hex_is_lower_case_and_ended),
    };
    return cmocka_run_group_tests_name("base/digest", tests, NULL, NULL);
}
