/* Buckets, by a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/cloud/aws_rate.h"

static const int64_t S = 1000000000, NEVER = INT64_MAX;
static struct aws_rates rates;

/* How many of so many calls, all wanted at once, are made in the first @p ns. */
static int made_within(const char *operation, int wanted, int64_t start_ns, int64_t ns)
{
    int made = 0;
    for (int i = 0; i < wanted; i++)
        if (aws_rates_take(&rates, operation, start_ns, NEVER) < start_ns + ns) made++;
    return made;
}

static void no_second_has_more_than_awss_rate(void **state)
{
    (void)state;
    aws_rates_init(&rates, 0);
    assert_in_range(made_within("CreateCertificateFromCsr", 100, S, S), 12, 15);
    assert_in_range(made_within("DescribeThing", 1000, S, S), 280, 350);
    assert_in_range(made_within("CreatePolicy", 100, S, S), 8, 10);
    assert_in_range(made_within("NeverHeardOf", 100, S, S), 8, 10);
}

static void the_rate_is_kept_in_the_long_run(void **state)
{
    (void)state;
    int64_t at_ns = 0;
    aws_rates_init(&rates, 0);
    for (int i = 0; i < 121; i++)
        at_ns = aws_rates_take(&rates, "AttachPolicy", S, NEVER);
    assert_in_range(at_ns - S, 9 * S, 10 * S); /* 120 at 12 a second */
}

static void operations_do_not_wait_for_each_other(void **state)
{
    (void)state;
    aws_rates_init(&rates, 0);
    made_within("CreatePolicy", 100, S, S);
    assert_int_equal(aws_rates_take(&rates, "AttachPolicy", S, NEVER), S);
}

static void what_does_not_fit_takes_nothing(void **state)
{
    (void)state;
    aws_rates_init(&rates, 100);
    made_within("CreatePolicy", 20, S, S);
    int64_t next_ns = aws_rates_take(&rates, "CreatePolicy", S, NEVER);
    for (int i = 0; i < 100; i++)
        assert_int_equal(aws_rates_take(&rates, "CreatePolicy", S, S), -1);
    assert_in_range(aws_rates_take(&rates, "CreatePolicy", S, NEVER) - next_ns, S / 10 - 1,
                    S / 10 + 1);
}

static void a_part_of_the_rate_is_taken(void **state)
{
    (void)state;
    aws_rates_init(&rates, 10);
    assert_true(aws_rates_now(&rates, "CreatePolicy", 0) == 1);
    assert_int_equal(made_within("CreatePolicy", 100, S, 10 * S), 10);
}

static void a_refusal_halves_the_rate_and_it_grows_back(void **state)
{
    (void)state;
    aws_rates_init(&rates, 100);
    assert_true(aws_rates_now(&rates, "AttachPolicy", S) == 15);
    for (int i = 0; i < 8; i++) /* calls that were on their way together */
        aws_rates_refused(&rates, "AttachPolicy", S + i, 0);
    assert_true(aws_rates_now(&rates, "AttachPolicy", S) == 7.5);
    assert_true(aws_rates_now(&rates, "DetachPolicy", S) == 15);
    assert_true(aws_rates_now(&rates, "AttachPolicy", 6 * S) > 11);
    assert_true(aws_rates_now(&rates, "AttachPolicy", 11 * S) == 15);
    for (int i = 0; i < 100; i++)
        aws_rates_refused(&rates, "AttachPolicy", (20 + i) * S, 0);
    assert_true(aws_rates_now(&rates, "AttachPolicy", 119 * S) >= 15.0 / 16);
    assert_true(aws_rates_now(&rates, "AttachPolicy", 140 * S) == 15);
}

static void nobody_calls_before_aws_wants_to_be_called(void **state)
{
    (void)state;
    aws_rates_init(&rates, 0);
    aws_rates_refused(&rates, "DescribeThing", S, 30 * S);
    assert_true(aws_rates_take(&rates, "DescribeThing", S, NEVER) >= 31 * S);
    assert_int_equal(aws_rates_take(&rates, "DescribeThing", S, 30 * S), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_second_has_more_than_awss_rate),
        cmocka_unit_test(the_rate_is_kept_in_the_long_run),
        cmocka_unit_test(operations_do_not_wait_for_each_other),
        cmocka_unit_test(what_does_not_fit_takes_nothing),
        cmocka_unit_test(a_part_of_the_rate_is_taken),
        cmocka_unit_test(a_refusal_halves_the_rate_and_it_grows_back),
        cmocka_unit_test(nobody_calls_before_aws_wants_to_be_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
