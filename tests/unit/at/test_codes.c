/* Error codes in words. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "service/at/codes.h"

static void codes_seen_on_real_firmware_have_words(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        const char *has;
    } cases[] = {
        {0x01090000, "does not have the command"},
        {0x01070001, "bad value"},
        {0x01030000, "too long"},
        {0x01080003, "missing"},
        {0x010b0000, "still running"},
        {0x010a0000, "no such partition"},
        {0x010a0001, "beyond the end"},
        {0x010a0002, "erase"},
        {0x010a0003, "flash"},
        {0x010a6001, "not configured"},
        {0x010a6002, "state"},
        {0x010a6003, "no MQTT client"},
        {0x010a6006, "not connected"},
        {0x010a6021, "root CA"},
        {0x010a6023, "certificate"},
        {0x010a6025, "private key"},
        {0x010a6048, "QoS"},
        {0x010a604c, "length"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_non_null(strstr(at_code_words(cases[i].code), cases[i].has));
}

static void every_code_has_some_words(void **state)
{
    (void)state;
    assert_string_equal(at_code_words(0x010a7777), "the command failed");
    assert_string_equal(at_code_words(0x010c0001), "this form of the command does not exist");
    assert_string_equal(at_code_words(0x01000000), "no error");
    assert_string_equal(at_code_words(0x010d0000), "unknown code");
    assert_string_equal(at_code_words(0x02090000), "unknown code");
    assert_string_equal(at_code_words(0), "unknown code");
    assert_string_equal(at_code_words(0xffffffff), "unknown code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_seen_on_real_firmware_have_words),
        cmocka_unit_test(every_code_has_some_words),
    };
    return cmocka_run_group_tests_name("at/codes", tests, NULL, NULL);
}
