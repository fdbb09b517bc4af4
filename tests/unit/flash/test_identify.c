#include "service/flash/identify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void the_capacity_code_gives_the_size(void **state)
{
    (void)state;
    enum { K = 1024, M = 1024 * K };
    static const struct {
        uint32_t id, bytes;
    } cases[] = {
        {0x1240c8, 256 * K}, {0x1640c8, 4 * M},  {0x1740c8, 8 * M},   {0x1840c8, 16 * M},
        {0x1c40ef, 256 * M}, {0x20ba20, 64 * M}, {0x21ba20, 128 * M}, {0x22ba20, 256 * M},
        {0x3240c8, 256 * K}, {0x3640c8, 4 * M},  {0x3925c2, 32 * M},  {0x3a25c2, 64 * M},
        {0x00041f, 512 * K}, {0x00091f, 16 * M}, {0x00461f, 2 * M},   {0x000a1f, 0},
        {0x1140c8, 0},       {0x1d40c8, 0},      {0x2340c8, 0},       {0x3b40c8, 0},
        {0x000000, 0},       {0xffffff, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(identify_flash_bytes(cases[i].id), cases[i].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_capacity_code_gives_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
