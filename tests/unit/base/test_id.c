// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "service/base/clock.h"
#include "service/base/digest.h"
#include "service/base/id.h"

static void times_are_written_in_utc_with_milliseconds(void **state)
{
    (void)state;
    const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1767323045678, "2026-01-02T03:04:05.678Z"},
        {4102444799999, "2099-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CLOCK_TEXT];
        assert_string_equal(clock_format(cases[i].ms, out), cases[i].text);
    }
    assert_true(clock_now_ms() > 1700000000000);
}

static void ids_sort_by_time_and_never_repeat(void **state)
{
    (void)state;
    char before[ID_TEXT], now[ID_TEXT];
    id_new("job", before);
    for (int i = 0; i < 2000; i++) {
        id_new("job", now);
        assert_true(id_is_name(now, ID_TEXT - 1));
        assert_int_equal(strlen(now), 4 + 9 + 16);
        assert_int_equal(strncmp(now, "job_", 4), 0);
        assert_true(strncmp(before, now, 4 + 9) <= 0);
        assert_string_not_equal(before, now);
        memcpy(before, now, sizeof before);
    }
}

static void names_hold_only_what_is_safe_in_paths(void **state)
{
    (void)state;
    const char *const good[] = {"a", "a.b", "left-2", "X_9", "1234567890"};
    const char *const bad[] = {"", ".", "..", ".a", "a/b", "a b", "a\n", "ä", "12345678901"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(id_is_name(good[i], 10));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(id_is_name(bad[i], 10));
}

static void digests_are_the_known_ones(void **state)
{
    (void)state;
    uint8_t md5[MD5_BYTES], sha256[SHA256_BYTES];
    char hex[SHA256_HEX];
    digest_md5("abc", 3, md5);
    assert_string_equal(digest_hex(md5, sizeof md5, hex), "900150983cd24fb0d6963f7d28e17f72");
    digest_sha256("abc", 3, sha256);
    assert_string_equal(digest_hex(sha256, sizeof sha256, hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_md5("", 0, md5);
    assert_string_equal(digest_hex(md5, sizeof md5, hex), "d41d8cd98f00b204e9800998ecf8427e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc_with_milliseconds),
        cmocka_unit_test(ids_sort_by_time_and_never_repeat),
        cmocka_unit_test(names_hold_only_what_is_safe_in_paths),
        cmocka_unit_test(digests_are_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
