/* The thread that delivers, against receivers of every temper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/hooks/hooks.h"
#include "service/store/webhooks.h"
#include "tests/unit/hooks/receiver.h"
#include "tests/unit/store/fresh.h"

#define SAYS(...) (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int)

static struct receiver one, other;
static struct hooks *hooks;

static void start(void)
{
    const struct hooks_config c = {.store = store,
                                   .version = "test",
                                   .first_ms = 10,
                                   .longest_ms = 40,
                                   .attempts = 4,
                                   .timeout_ms = 30000};
    assert_int_equal(hooks_start(&c, &hooks), ERR_OK);
    hooks_begin(hooks);
}

static void add_hook(const char *id, int port)
{
    struct webhook_record r = {.created_ms = 1};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.url, sizeof r.url, "http://127.0.0.1:%d/x", port);
    assert_int_equal(store_webhook_add(store, &r, "0123456789abcdef0123456789abcdef", 32), ERR_OK);
}

static struct delivery_record owe(const char *hook)
{
    struct delivery_record d;
    assert_int_equal(store_delivery_test(store, hook, &d), ERR_OK);
    hooks_wake(hooks);
    return d;
}

/* The delivery when it has ended. The store tells nobody, so it is asked. */
static struct delivery_record ended(const struct delivery_record *d)
{
    struct delivery_record now;
    struct deadline until = deadline_in_ms(60000);
    do
        assert_int_equal(store_delivery_get(store, d->webhook, d->id, &now), ERR_OK);
    while (now.state == DELIVERY_PENDING && !deadline_passed(until));
    return now;
}

static void what_is_owed_is_delivered(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(204));
    add_hook("hook_1", one.port);
    struct delivery_record before = owe("hook_1"); /* as after a crash: before it has started */
    start();
    struct delivery_record d = ended(&before);
    assert_int_equal(d.state, DELIVERY_DELIVERED);
    assert_int_equal(d.status, 204);
    assert_int_equal(d.attempts, 1);
    assert_string_equal(d.error, "");
    struct delivery_record second = owe("hook_1");
    assert_int_equal(ended(&second).state, DELIVERY_DELIVERED);
    assert_string_equal(one.calls[0].id, before.id);
    assert_string_equal(one.calls[1].id, second.id);
    assert_non_null(strstr(one.calls[0].body, "\"webhook.test\""));
    receiver_stop(&one);
}

static void a_failure_is_tried_again_until_it_is_taken(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(500, RECEIVER_CUT, 302, 200));
    add_hook("hook_1", one.port);
    start();
    struct delivery_record d = owe("hook_1");
    d = ended(&d);
    assert_int_equal(d.state, DELIVERY_DELIVERED);
    assert_int_equal(d.attempts, 4);
    assert_int_equal(receiver_count(&one), 4);
    for (size_t i = 1; i < 4; i++) {
        assert_string_equal(one.calls[i].id, one.calls[0].id);
        assert_string_equal(one.calls[i].body, one.calls[0].body);
    }
    receiver_stop(&one);
}

static void it_is_given_up_after_so_many_tries(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(404));
    add_hook("hook_1", one.port);
    start();
    struct delivery_record d = owe("hook_1");
    d = ended(&d);
    assert_int_equal(d.state, DELIVERY_FAILED);
    assert_int_equal(d.attempts, 4);
    assert_int_equal(d.status, 404);
    assert_string_equal(d.error, "the receiver answered 404");
    struct delivery_record again;
    assert_int_equal(store_delivery_again(store, "hook_1", d.id, &again), ERR_OK);
    hooks_wake(hooks);
    assert_int_equal(ended(&again).attempts, 4);
    assert_int_equal(receiver_count(&one), 8);
    receiver_stop(&one);
}

static void a_receiver_that_is_gone_is_believed(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(410));
    add_hook("hook_1", one.port);
    start();
    struct delivery_record d = owe("hook_1");
    d = ended(&d);
    assert_int_equal(d.state, DELIVERY_FAILED);
    assert_int_equal(d.attempts, 1);
    receiver_stop(&one);
}

static void nobody_there_is_a_failure_with_its_reason(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(200));
    receiver_stop(&one); /* its port answers nobody now */
    add_hook("hook_1", one.port);
    start();
    struct delivery_record d = owe("hook_1");
    d = ended(&d);
    assert_int_equal(d.state, DELIVERY_FAILED);
    assert_int_equal(d.status, 0);
    assert_non_null(strstr(d.error, "connect"));
}

/* It has taken it, and says so; what else it says is not waited for. */
static void an_endless_answer_is_an_answer(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(RECEIVER_LONG));
    add_hook("hook_1", one.port);
    start();
    struct delivery_record d = owe("hook_1");
    d = ended(&d);
    assert_int_equal(d.state, DELIVERY_DELIVERED);
    assert_int_equal(d.status, 200);
    receiver_stop(&one);
}

static void a_mute_receiver_holds_up_no_other(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(RECEIVER_MUTE));
    receiver_start(&other, SAYS(200));
    add_hook("hook_mute", one.port);
    add_hook("hook_fine", other.port);
    start();
    struct delivery_record mute = owe("hook_mute");
    owe("hook_mute");
    assert_true(receiver_wait(&one, 1));
    for (int i = 0; i < 3; i++) {
        struct delivery_record fine = owe("hook_fine");
        assert_int_equal(ended(&fine).state, DELIVERY_DELIVERED);
    }
    assert_int_equal(receiver_count(&one), 1); /* one at a time */
    hooks_stop(hooks);                         /* in the middle of it */
    hooks = NULL;
    struct delivery_record now;
    assert_int_equal(store_delivery_get(store, "hook_mute", mute.id, &now), ERR_OK);
    assert_int_equal(now.state, DELIVERY_PENDING);
    assert_int_equal(now.attempts, 0);
    receiver_stop(&one);
    receiver_stop(&other);
}

static void a_webhook_may_go_while_it_is_called(void **state)
{
    (void)state;
    receiver_start(&one, SAYS(RECEIVER_MUTE));
    receiver_start(&other, SAYS(200));
    add_hook("hook_1", one.port);
    start();
    struct delivery_record gone = owe("hook_1"), d;
    assert_true(receiver_wait(&one, 1));
    assert_int_equal(store_webhook_delete(store, "hook_1"), ERR_OK);
    receiver_stop(&one); /* ends the call */
    add_hook("hook_2", other.port);
    hooks_begin(hooks); /* again: changes nothing */
    d = owe("hook_2");
    assert_int_equal(ended(&d).state, DELIVERY_DELIVERED);
    expect(store_delivery_get(store, "hook_1", gone.id, &d), ERR_NOT_FOUND, "delivery_not_found");
    receiver_stop(&other);
}

static int leave(void **state)
{
    hooks_stop(hooks);
    hooks = NULL;
    return teardown(state);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_owed_is_delivered),
        TEST(a_failure_is_tried_again_until_it_is_taken),
        TEST(it_is_given_up_after_so_many_tries),
        TEST(a_receiver_that_is_gone_is_believed),
        TEST(nobody_there_is_a_failure_with_its_reason),
        TEST(an_endless_answer_is_an_answer),
        TEST(a_mute_receiver_holds_up_no_other),
        TEST(a_webhook_may_go_while_it_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
