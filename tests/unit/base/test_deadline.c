/* Deadlines: absolute, rounded up, and without overflow at their ends. The clock is a variable. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <limits.h>
#include <time.h>

int fake_clock_gettime(clockid_t id, struct timespec *t);
#define clock_gettime fake_clock_gettime
#include "service/base/deadline.c" // NOLINT(bugprone-suspicious-include): with another clock
#undef clock_gettime

static int64_t now_ns;

int fake_clock_gettime(clockid_t id, struct timespec *t)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    t->tv_sec = (time_t)(now_ns / 1000000000);
    t->tv_nsec = (long)(now_ns % 1000000000);
    return 0;
}

static void a_deadline_passes_when_its_time_has_come(void **state)
{
    (void)state;
    now_ns = 5000000000;
    struct deadline d = deadline_in_ms(1500);
    assert_int_equal(d.at_ns, 6500000000);
    assert_false(deadline_passed(d));
    assert_int_equal(deadline_left_ms(d), 1500);
    now_ns = 6499999999;
    assert_false(deadline_passed(d));
    assert_int_equal(deadline_left_ms(d), 1); /* rounded up: poll() must not spin */
    now_ns = 6500000000;
    assert_true(deadline_passed(d));
    assert_int_equal(deadline_left_ms(d), 0);
    now_ns = 9000000000;
    assert_int_equal(deadline_left_ms(d), 0);
}

static void no_time_and_less_than_none_are_now(void **state)
{
    (void)state;
    now_ns = 7000000000;
    assert_true(deadline_passed(deadline_in_ms(0)));
    assert_true(deadline_passed(deadline_in_ms(-100)));
    assert_int_equal(deadline_in_ms(-100).at_ns, now_ns);
}

static void never_does_not_pass_and_fits_into_poll(void **state)
{
    (void)state;
    now_ns = 7000000000;
    assert_false(deadline_passed(deadline_never()));
    assert_int_equal(deadline_left_ms(deadline_never()), INT_MAX);
    assert_int_equal(deadline_left_ms(deadline_in_ms((int64_t)INT_MAX * 2)), INT_MAX);
}

static void the_earlier_of_two_counts(void **state)
{
    (void)state;
    now_ns = 7000000000;
    struct deadline a = deadline_in_ms(10), b = deadline_in_ms(20);
    assert_int_equal(deadline_min(a, b).at_ns, a.at_ns);
    assert_int_equal(deadline_min(b, a).at_ns, a.at_ns);
    assert_int_equal(deadline_within_ms(b, 5).at_ns, deadline_in_ms(5).at_ns);
    assert_int_equal(deadline_within_ms(b, 50).at_ns, b.at_ns);
    assert_int_equal(deadline_within_ms(deadline_never(), 50).at_ns, deadline_in_ms(50).at_ns);
    now_ns += 1000000000;
    assert_int_equal(deadline_within_ms(b, 5).at_ns, b.at_ns); /* also one that has passed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_passes_when_its_time_has_come),
        cmocka_unit_test(no_time_and_less_than_none_are_now),
        cmocka_unit_test(never_does_not_pass_and_fits_into_poll),
        cmocka_unit_test(the_earlier_of_two_counts),
    };
    return cmocka_run_group_tests_name("base/deadline", tests, NULL, NULL);
}
