// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <limits.h>
#include <poll.h>

#include "service/base/cancel.h"
#include "service/base/thread.h"

static void a_raised_cancel_is_seen_by_flag_and_by_poll(void **state)
{
    (void)state;
    struct cancel c;
    assert_int_equal(cancel_init(&c), ERR_OK);
    struct pollfd p = {c.fd, POLLIN, 0};
    assert_false(cancel_is_raised(&c));
    assert_int_equal(poll(&p, 1, 0), 0);
    cancel_raise(&c);
    cancel_raise(&c);
    assert_true(cancel_is_raised(&c));
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_int_equal(cancel_wait(&c, deadline_never()), ERR_CANCELLED);
    cancel_clear(&c);
    assert_false(cancel_is_raised(&c));
    assert_int_equal(poll(&p, 1, 0), 0);
    cancel_clear(&c);
    cancel_dispose(&c);
}

static void nobody_can_raise_none(void **state)
{
    (void)state;
    assert_false(cancel_is_raised(NULL));
    assert_int_equal(cancel_wait(NULL, deadline_in_ms(1)), ERR_OK);
}

static void a_wait_without_a_cancel_takes_its_time(void **state)
{
    (void)state;
    struct cancel c;
    assert_int_equal(cancel_init(&c), ERR_OK);
    struct deadline until = deadline_in_ms(20);
    assert_int_equal(cancel_wait(&c, until), ERR_OK);
    assert_true(deadline_passed(until));
    cancel_dispose(&c);
}

static void *raise_it(void *arg)
{
    cancel_raise(arg);
    return NULL;
}

static void another_thread_ends_the_wait(void **state)
{
    (void)state;
    struct cancel c;
    assert_int_equal(cancel_init(&c), ERR_OK);
    pthread_t t;
    assert_int_equal(thread_start(&t, "raiser", raise_it, &c), ERR_OK);
    assert_int_equal(cancel_wait(&c, deadline_in_ms(60000)), ERR_CANCELLED);
    pthread_join(t, NULL);
    cancel_dispose(&c);
}

static void deadlines_come_in_order_and_never_overflow(void **state)
{
    (void)state;
    struct deadline soon = deadline_in_ms(1000), late = deadline_in_ms(90000);
    assert_false(deadline_passed(soon));
    assert_int_equal(deadline_min(soon, late).at_ns, soon.at_ns);
    assert_int_equal(deadline_min(late, soon).at_ns, soon.at_ns);
    assert_int_equal(deadline_within_ms(soon, 60000).at_ns, soon.at_ns);
    assert_true(deadline_within_ms(late, 10).at_ns < soon.at_ns);
    assert_in_range(deadline_left_ms(late), 80000, 90000);
    assert_int_equal(deadline_left_ms(deadline_never()), INT_MAX);
    assert_false(deadline_passed(deadline_never()));
    assert_true(deadline_passed(deadline_in_ms(0)));
    assert_true(deadline_passed(deadline_in_ms(-5)));
    assert_int_equal(deadline_left_ms(deadline_in_ms(-5)), 0);
}

static void what_is_left_is_rounded_up(void **state)
{
    (void)state;
    /* Else poll() would spin through the last millisecond. */
    for (int i = 0; i < 1000; i++) {
        struct deadline d = {deadline_now_ns() + 1000000};
        int left = deadline_left_ms(d);
        assert_true(left == 1 || deadline_passed(d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raised_cancel_is_seen_by_flag_and_by_poll),
        cmocka_unit_test(nobody_can_raise_none),
        cmocka_unit_test(a_wait_without_a_cancel_takes_its_time),
        cmocka_unit_test(another_thread_ends_the_wait),
        cmocka_unit_test(deadlines_come_in_order_and_never_overflow),
        cmocka_unit_test(what_is_left_is_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
