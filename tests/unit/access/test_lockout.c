/* lockout: who tries too often waits, longer each time; nobody else does. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>

#include "service/access/lockout.h"

static const int64_t second = 1000000000, start = 1000 * (int64_t)1000000000;

static struct lockout *lockout;

static int begin(void **state)
{
    (void)state;
    return lockout_new(&lockout) ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    lockout_free(lockout);
    return 0;
}

/* All that are allowed; none locks. */
static void try_at(const char *address, int64_t now)
{
    for (int i = 0; i < LOCKOUT_TRIES; i++)
        assert_int_equal(lockout_fail(lockout, address, now), 0);
}

static void more_than_ten_tries_a_minute_lock_the_address(void **state)
{
    (void)state;
    try_at("192.0.2.1", start);
    assert_int_equal(lockout_fail(lockout, "192.0.2.1", start + 59 * second), LOCKOUT_FIRST_S);
    /* tries of one who waits do not make it longer */
    assert_int_equal(lockout_fail(lockout, "192.0.2.1", start + 60 * second), LOCKOUT_FIRST_S - 1);
    try_at("192.0.2.2", start + 60 * second);
}

static void ten_a_minute_are_forgiven(void **state)
{
    (void)state;
    for (int minute = 0; minute < 100; minute++)
        try_at("192.0.2.1", start + minute * 60 * second);
}

static void each_lock_is_longer_up_to_an_hour(void **state)
{
    (void)state;
    int64_t now = start;
    unsigned expected = LOCKOUT_FIRST_S;
    for (int i = 0; i < 10; i++) {
        try_at("192.0.2.1", now);
        assert_int_equal(lockout_fail(lockout, "192.0.2.1", now), expected);
        now += expected * second;
        expected = expected * 2 < LOCKOUT_MOST_S ? expected * 2 : LOCKOUT_MOST_S;
    }
    now += LOCKOUT_MOST_S * second;
    try_at("192.0.2.1", now);
    assert_int_equal(lockout_fail(lockout, "192.0.2.1", now), LOCKOUT_FIRST_S);
}

static void an_ipv6_host_does_not_escape_into_its_own_network(void **state)
{
    (void)state;
    char address[48];
    for (int i = 0; i < LOCKOUT_TRIES; i++) {
        snprintf(address, sizeof address, "2001:db8:1:2::%x", i + 1);
        assert_int_equal(lockout_fail(lockout, address, start), 0);
    }
    assert_int_equal(lockout_fail(lockout, "2001:db8:1:2:ffff::1", start), LOCKOUT_FIRST_S);
    assert_int_equal(lockout_fail(lockout, "2001:db8:1:3::1", start), 0);
    assert_int_equal(lockout_fail(lockout, "local", start), 0);
    assert_int_equal(lockout_fail(lockout, "0.0.0.1", start), 0);
}

static void many_addresses_do_not_make_it_grow_and_do_not_free_a_busy_one(void **state)
{
    (void)state;
    char address[48];
    int64_t now = start;
    try_at("192.0.2.1", now);
    assert_int_equal(lockout_fail(lockout, "192.0.2.1", now), LOCKOUT_FIRST_S);
    for (int i = 0; i < 20000; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        lockout_fail(lockout, address, now += second / 10000);
        if (i % 100 == 0) assert_true(lockout_fail(lockout, "192.0.2.1", now) > 0);
    }
}

#define WITH_LOCKOUT(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOCKOUT(more_than_ten_tries_a_minute_lock_the_address),
        WITH_LOCKOUT(ten_a_minute_are_forgiven),
        WITH_LOCKOUT(each_lock_is_longer_up_to_an_hour),
        WITH_LOCKOUT(an_ipv6_host_does_not_escape_into_its_own_network),
        WITH_LOCKOUT(many_addresses_do_not_make_it_grow_and_do_not_free_a_busy_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
