// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "service/base/mac.h"

static void expect(const char *text, const char *mac)
{
    char out[MAC_TEXT];
    assert_int_equal(mac_find(text, out), *mac != '\0');
    assert_string_equal(out, mac);
}

static void it_is_found_bare_and_in_pairs(void **state)
{
    (void)state;
    expect("240ac4123456", "24:0a:c4:12:34:56");
    expect("pump-240AC4123456.crt", "24:0a:c4:12:34:56");
    expect("line 3/24:0a:c4:12:34:56", "24:0a:c4:12:34:56");
    expect("24-0a-c4-12-34-56.pem", "24:0a:c4:12:34:56");
    expect("x24_0A_c4_12_34_56_key", "24:0a:c4:12:34:56");
    expect("esp 24.0a.c4.12.34.56", "24:0a:c4:12:34:56");
}

static void what_only_looks_like_one_is_passed_over(void **state)
{
    (void)state;
    expect("", "");
    expect("device", "");
    expect("240ac412345", "");
    expect("240ac41234567", "");
    expect("24-0a:c4-12:34-56", "");
    expect("24:0a:c4:12:34:5", "");
    expect("2f1b5d2c9f0e4a7b8c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b-private.pem.key", "");
    expect("550e8400-e29b-41d4-a716-446655440000", "");
    expect("000000000000", "");
    expect("ffffffffffff", "");
}

static void one_behind_something_else_is_found(void **state)
{
    (void)state;
    expect("550e8400-e29b-41d4-a716-446655440000/240ac4123456", "24:0a:c4:12:34:56");
    expect("2024-line3-24:0a:c4:12:34:56", "24:0a:c4:12:34:56");
    expect("010ac4123456 240ac4123457", "24:0a:c4:12:34:57");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_found_bare_and_in_pairs),
        cmocka_unit_test(what_only_looks_like_one_is_passed_over),
        cmocka_unit_test(one_behind_something_else_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
