/* Webhooks: a delivery is written with the end of its job, once, and waits for its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/base/clock.h"
#include "service/store/webhooks.h"
#include "tests/unit/store/fresh.h"

enum { HOUR = 3600 * 1000 };

/* @param states  sum of 1 << enum job_state */
static void add_hook(const char *id, const char *slot, unsigned states)
{
    struct webhook_record r = {.created_ms = 7, .url = "https://example.com/", .states = states};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.slot, sizeof r.slot, "%s", slot);
    assert_int_equal(store_webhook_add(store, &r, "key", 3), ERR_OK);
}

static void add_job(const char *id, const char *slot, enum job_state state)
{
    struct job_record *r = calloc(1, sizeof *r);
    assert_non_null(r);
    snprintf(r->id, sizeof r->id, "%s", id);
    snprintf(r->kind, sizeof r->kind, "reset");
    snprintf(r->slot, sizeof r->slot, "%s", slot);
    r->created_ms = 1000;
    assert_int_equal(store_job_add(store, r, "{}", NULL, 0), ERR_OK);
    r->state = state;
    r->finished_ms = job_state_is_final(state) ? 2000 : 0;
    if (state == JOB_FAILED) {
        err_fail(ERR_DEVICE, "no_answer", "Look at its cable.", "it says nothing: \"\xff\"");
        r->error = *err_last();
        snprintf(r->error_step, sizeof r->error_step, "connect");
    }
    assert_int_equal(store_job_save(store, r), ERR_OK);
    assert_int_equal(store_job_save(store, r), ERR_OK); /* again, as after a failed write */
    free(r);
}

/* Ids of the jobs that a webhook has deliveries of, newest first. */
static const char *jobs_of(const char *hook, char out[256])
{
    struct store_page page = {.limit = 100};
    struct delivery_record *list;
    size_t n;
    out[0] = '\0';
    assert_int_equal(store_delivery_list(store, hook, &page, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        strcat(out, list[i].job);
        strcat(out, " ");
    }
    free(list);
    return out;
}

/* The delivery whose turn is next, of the only webhook that has one. */
static struct delivery_record next_one(void)
{
    struct delivery_record *list, one;
    size_t n;
    assert_int_equal(store_delivery_next(store, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    one = *list;
    free(list);
    return one;
}

static void a_webhook_is_kept_with_its_key(void **state)
{
    (void)state;
    struct webhook_record r = {.id = "hook_1", .created_ms = 7, .url = "https://a.example/x"};
    struct buf key;
    r.states = 1U << JOB_FAILED | 1U << JOB_INTERRUPTED;
    r.ca_pem = (char *)"PEM";
    assert_int_equal(store_webhook_add(store, &r, "0123", 4), ERR_OK);
    memset(&r, 0, sizeof r);
    assert_int_equal(store_webhook_get(store, "hook_1", &r), ERR_OK);
    assert_string_equal(r.url, "https://a.example/x");
    assert_string_equal(r.ca_pem, "PEM");
    assert_string_equal(r.slot, "");
    assert_int_equal(r.created_ms, 7);
    assert_int_equal(r.states, 1U << JOB_FAILED | 1U << JOB_INTERRUPTED);
    webhook_record_dispose(&r);
    buf_init_secret(&key, 64);
    assert_int_equal(store_webhook_secret(store, "hook_1", &key), ERR_OK);
    assert_string_equal(buf_str(&key), "0123");
    buf_dispose(&key);
    assert_int_equal(store_webhook_delete(store, "hook_1"), ERR_OK);
    expect(store_webhook_delete(store, "hook_1"), ERR_NOT_FOUND, "webhook_not_found");
    expect(store_webhook_get(store, "hook_1", &r), ERR_NOT_FOUND, "webhook_not_found");
    assert_null(r.ca_pem);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    struct webhook_record r = {.id = "hook_too_many"};
    for (int i = 0; i < LIMIT_WEBHOOKS; i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "hook_%d", i);
        add_hook(id, "", 0);
    }
    expect(store_webhook_add(store, &r, "key", 3), ERR_CONFLICT, "too_many_webhooks");
}

static void each_hears_of_what_it_asked_for_and_once(void **state)
{
    (void)state;
    char text[256];
    add_hook("hook_all", "", 0);
    add_hook("hook_left", "left", 0);
    add_hook("hook_bad", "", 1U << JOB_FAILED | 1U << JOB_INTERRUPTED);
    add_job("job_1", "left", JOB_SUCCEEDED);
    add_job("job_2", "right", JOB_FAILED);
    add_job("job_3", "left", JOB_CANCELLED);
    add_job("job_4", "left", JOB_QUEUED);
    add_job("job_5", "right", JOB_RUNNING);
    assert_string_equal(jobs_of("hook_all", text), "job_3 job_2 job_1 ");
    assert_string_equal(jobs_of("hook_left", text), "job_3 job_1 ");
    assert_string_equal(jobs_of("hook_bad", text), "job_2 ");
}

static void a_job_that_a_crash_ended_is_told_of(void **state)
{
    (void)state;
    char(*ids)[ID_TEXT], text[256];
    size_t n;
    add_hook("hook_1", "", 1U << JOB_INTERRUPTED);
    add_job("job_1", "left", JOB_RUNNING);
    assert_int_equal(store_job_recover(store, &ids, &n), ERR_OK);
    free(ids);
    assert_string_equal(jobs_of("hook_1", text), "job_1 ");
}

static void the_body_says_how_it_ended(void **state)
{
    (void)state;
    struct buf body;
    add_hook("hook_1", "", 0);
    add_job("job_1", "left", JOB_FAILED);
    buf_init(&body, 4096);
    assert_int_equal(store_delivery_body(store, next_one().id, &body), ERR_OK);
    assert_string_equal(
        buf_str(&body),
        "{\"type\":\"job.ended\",\"timestamp\":\"1970-01-01T00:00:02.000Z\",\"data\":{\"job\":"
        "\"job_1\",\"kind\":\"reset\",\"slot\":\"left\",\"state\":\"failed\",\"created_at\":"
        "\"1970-01-01T00:00:01.000Z\",\"finished_at\":\"1970-01-01T00:00:02.000Z\",\"error\":{"
        "\"code\":\"no_answer\",\"step\":\"connect\",\"detail\":\"it says nothing: \\\"?\\\"\","
        "\"hint\":\"Look at its cable.\"}}}");
    buf_dispose(&body);
}

static void the_longest_waiting_is_next(void **state)
{
    (void)state;
    const int64_t now = clock_now_ms();
    add_hook("hook_1", "", 0);
    add_job("job_1", "left", JOB_FAILED);
    add_job("job_2", "left", JOB_FAILED);
    struct delivery_record first = next_one();
    assert_string_equal(first.job, "job_1");
    assert_true(first.next_ms <= now);
    first.attempts = 1;
    first.status = 500;
    first.tried_ms = now - 1;
    first.next_ms = now + HOUR;
    snprintf(first.error, sizeof first.error, "the receiver answered 500");
    assert_int_equal(store_delivery_save(store, &first), ERR_OK);
    struct delivery_record second = next_one();
    assert_string_equal(second.job, "job_2");
    second.state = DELIVERY_DELIVERED;
    second.ended_ms = now;
    assert_int_equal(store_delivery_save(store, &second), ERR_OK);
    struct delivery_record again = next_one();
    assert_string_equal(again.id, first.id);
    assert_string_equal(again.error, "the receiver answered 500");
    assert_int_equal(again.status, 500);
    assert_int_equal(again.next_ms, first.next_ms);
}

/* Tried in what is the future now: the time that was reckoned for the next try says nothing. */
static void a_clock_that_was_put_back_holds_up_nobody(void **state)
{
    (void)state;
    const int64_t now = clock_now_ms();
    add_hook("hook_1", "", 0);
    add_job("job_1", "left", JOB_FAILED);
    add_job("job_2", "left", JOB_FAILED);
    struct delivery_record first = next_one();
    first.tried_ms = now - 1;
    first.next_ms = now + 5000;
    assert_int_equal(store_delivery_save(store, &first), ERR_OK);
    struct delivery_record second = next_one();
    second.tried_ms = now + 3 * HOUR;
    second.next_ms = now + 4 * HOUR;
    assert_int_equal(store_delivery_save(store, &second), ERR_OK);
    assert_string_equal(next_one().id, first.id);
    assert_int_equal(store_delivery_clock_back(store, now), ERR_OK);
    struct delivery_record next = next_one();
    assert_string_equal(next.id, second.id);
    assert_int_equal(next.next_ms, 0);
    next.state = DELIVERY_FAILED;
    assert_int_equal(store_delivery_save(store, &next), ERR_OK);
    assert_int_equal(next_one().next_ms, first.next_ms);
}

static void an_ended_one_may_begin_anew(void **state)
{
    (void)state;
    add_hook("hook_1", "", 0);
    add_job("job_1", "left", JOB_FAILED);
    struct delivery_record d = next_one();
    expect(store_delivery_again(store, "hook_1", next_one().id, &d), ERR_CONFLICT,
           "delivery_pending");
    d = next_one();
    d.state = DELIVERY_FAILED;
    d.attempts = 34;
    d.ended_ms = d.tried_ms = 5;
    assert_int_equal(store_delivery_save(store, &d), ERR_OK);
    struct delivery_record now;
    expect(store_delivery_again(store, "hook_2", d.id, &now), ERR_NOT_FOUND, "delivery_not_found");
    assert_int_equal(store_delivery_again(store, "hook_1", d.id, &now), ERR_OK);
    assert_int_equal(now.state, DELIVERY_PENDING);
    assert_int_equal(now.attempts, 0);
    assert_string_equal(next_one().id, d.id);
}

static void a_test_is_a_delivery_without_a_job(void **state)
{
    (void)state;
    struct delivery_record d;
    char text[256];
    expect(store_delivery_test(store, "hook_1", &d), ERR_NOT_FOUND, "webhook_not_found");
    add_hook("hook_1", "", 0);
    assert_int_equal(store_delivery_test(store, "hook_1", &d), ERR_OK);
    assert_int_equal(store_delivery_test(store, "hook_1", &d), ERR_OK);
    assert_string_equal(jobs_of("hook_1", text), "  ");
    expect(store_delivery_get(store, "hook_2", d.id, &d), ERR_NOT_FOUND, "delivery_not_found");
}

static void deliveries_go_with_their_webhook(void **state)
{
    (void)state;
    struct delivery_record d, *list;
    size_t n;
    add_hook("hook_1", "", 0);
    assert_int_equal(store_delivery_test(store, "hook_1", &d), ERR_OK);
    assert_int_equal(store_webhook_delete(store, "hook_1"), ERR_OK);
    expect(store_delivery_save(store, &d), ERR_NOT_FOUND, "delivery_not_found");
    assert_int_equal(store_delivery_next(store, &list, &n), ERR_OK);
    assert_int_equal(n, 0);
    free(list);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_webhook_is_kept_with_its_key),
        TEST(there_is_a_limit),
        TEST(each_hears_of_what_it_asked_for_and_once),
        TEST(a_job_that_a_crash_ended_is_told_of),
        TEST(the_body_says_how_it_ended),
        TEST(the_longest_waiting_is_next),
        TEST(a_clock_that_was_put_back_holds_up_nobody),
        TEST(an_ended_one_may_begin_anew),
        TEST(a_test_is_a_delivery_without_a_job),
        TEST(deliveries_go_with_their_webhook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
