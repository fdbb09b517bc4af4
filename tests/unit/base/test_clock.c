/* Wall time as records write it. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/base/clock.h"

static void times_are_rfc_3339_in_utc_with_milliseconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {1741944432007, "2025-03-14T09:27:12.007Z"},
        {1709251199999, "2024-02-29T23:59:59.999Z"},
        {4102444800000, "2100-01-01T00:00:00.000Z"},
    };
    setenv("TZ", "Asia/Shanghai", 1); /* the host's zone does not matter */
    tzset();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[CLOCK_TEXT];
        assert_ptr_equal(clock_format(cases[i].ms, out), out);
        assert_string_equal(out, cases[i].want);
    }
}

static void now_is_the_time_of_the_system(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL), now = clock_now_ms(), after = (int64_t)time(NULL);
    /* time() may lag the finer clock by a tick. */
    assert_in_range(now, before * 1000, (after + 2) * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_rfc_3339_in_utc_with_milliseconds),
        cmocka_unit_test(now_is_the_time_of_the_system),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
