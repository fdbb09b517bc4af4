/* Concurrent: runs under TSan too. In which order jobs run, which of them never begin, and what a
 * slot that is held does with them. */
#include "tests/unit/jobs/rig.h"

#include "service/base/clock.h"
#include "service/jobs/job.h"

static struct job_record *get(struct rig *rig, const char *id)
{
    static _Thread_local struct job_record r;
    job_record_dispose(&r);
    assert_int_equal(jobs_get(rig->jobs, id, &r), ERR_OK);
    return &r;
}

/* @param more  members that say how it queues: ",\"priority\":1" */
static void submit(struct rig *rig, const char *slot, const char *script, const char *more,
                   char id[ID_TEXT])
{
    char body[256];
    static struct job_record r;
    snprintf(body, sizeof body, "{\"kind\":\"at\",\"slot\":\"%s\",\"lines\":[\"%s\"]%s}", slot,
             script, more);
    enum err e = rig_try(rig, body, &r);
    if (e) fail_msg("%s: %s", err_last()->code, err_last()->detail);
    memcpy(id, r.id, ID_TEXT);
}

static void submit_after(struct rig *rig, const char *slot, const char *script, const char *other,
                         char id[ID_TEXT])
{
    char more[64];
    snprintf(more, sizeof more, ",\"depends_on\":\"%s\"", other);
    submit(rig, slot, script, more, id);
}

static void expect_order(const struct rig *rig, const char *const *ids, size_t n)
{
    assert_int_equal(rig->ran, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(rig->order[i], ids[i]);
}

static void expect_failed(struct rig *rig, const char *id, const char *code)
{
    rig_wait(rig, id, JOB_FAILED, 0);
    const struct job_record *r = get(rig, id);
    assert_string_equal(r->error.code, code);
    assert_int_equal(r->started_ms, 0);
    assert_true(r->finished_ms > 0);
    assert_int_equal(rig_stored(rig, id), JOB_FAILED);
}

static struct slot_status status(struct rig *rig, const char *slot)
{
    struct slot_record record;
    struct slot_status s;
    assert_int_equal(jobs_slot(rig->jobs, NULL, slot, &record, &s), ERR_OK);
    return s;
}

static void the_higher_priority_runs_first_and_then_the_earlier_one(void **state)
{
    struct rig *rig = *state;
    char ids[7][ID_TEXT];
    static const int priorities[] = {0, 0, -10, 5, 10, 5, 0};
    static const int runs[] = {0, 4, 3, 5, 1, 6, 2};
    submit(rig, "p1", "gate", "", ids[0]);
    rig_wait_inside(rig, 1);
    for (int i = 1; i < 7; i++) {
        char more[32];
        snprintf(more, sizeof more, ",\"priority\":%d", priorities[i]);
        submit(rig, "p1", "ok", more, ids[i]);
    }
    rig_open_gate(rig, 1);
    rig_wait(rig, ids[2], JOB_SUCCEEDED, 1);
    const char *order[7];
    for (int i = 0; i < 7; i++)
        order[i] = ids[runs[i]];
    expect_order(rig, order, 7);
    assert_int_equal(get(rig, ids[4])->priority, 10);
    job_record_dispose(get(rig, ids[4]));
}

static void the_order_survives_a_restart(void **state)
{
    struct rig *rig = *state;
    char first[ID_TEXT], low[ID_TEXT], high[ID_TEXT], after[ID_TEXT];
    submit(rig, "p1", "block", "", first);
    rig_wait(rig, first, JOB_RUNNING, 1);
    submit(rig, "p1", "ok", ",\"priority\":-1", low);
    submit_after(rig, "p1", "ok", low, after);
    submit(rig, "p1", "ok", ",\"priority\":1", high);
    rig_close(rig);
    rig->ran = 0;
    rig_open(rig);
    rig_wait(rig, after, JOB_SUCCEEDED, 1);
    expect_order(rig, (const char *const[]){high, low, after}, 3);
}

static void a_job_that_waits_for_another_holds_up_nobody(void **state)
{
    struct rig *rig = *state;
    char other[ID_TEXT], waits[ID_TEXT], next[ID_TEXT];
    submit(rig, "p2", "gate", "", other);
    rig_wait_inside(rig, 1);
    submit_after(rig, "p1", "ok", other, waits);
    submit(rig, "p1", "ok", "", next);
    rig_wait(rig, next, JOB_SUCCEEDED, 1);
    assert_int_equal(get(rig, waits)->state, JOB_QUEUED);
    assert_string_equal(get(rig, waits)->depends_on, other);
    assert_int_equal(status(rig, "p1").queued, 1);
    rig_open_gate(rig, 1);
    rig_wait(rig, waits, JOB_SUCCEEDED, 1);
    expect_order(rig, (const char *const[]){other, next, waits}, 3);
    job_record_dispose(get(rig, waits));
}

static void what_depends_on_a_failure_fails_with_all_that_depends_on_it(void **state)
{
    struct rig *rig = *state;
    char gate[ID_TEXT], fails[ID_TEXT], chain[3][ID_TEXT];
    submit(rig, "p1", "gate", "", gate);
    rig_wait_inside(rig, 1);
    submit(rig, "p1", "fail", "", fails);
    submit_after(rig, "p2", "ok", fails, chain[0]);
    submit_after(rig, "p1", "ok", chain[0], chain[1]);
    submit_after(rig, "p3", "ok", chain[1], chain[2]);
    rig_open_gate(rig, 1);
    for (int i = 0; i < 3; i++)
        expect_failed(rig, chain[i], "dependency_failed");
    expect_order(rig, (const char *const[]){gate, fails}, 2);
}

static void a_cancelled_job_is_no_success_for_those_that_wait(void **state)
{
    struct rig *rig = *state;
    char running[ID_TEXT], queued[ID_TEXT], one[ID_TEXT], two[ID_TEXT], gone[ID_TEXT];
    static struct job_record r;
    submit(rig, "p1", "block", "", running);
    rig_wait(rig, running, JOB_RUNNING, 1);
    submit(rig, "p1", "ok", "", queued);
    submit_after(rig, "p2", "ok", queued, one);
    submit_after(rig, "p3", "ok", running, two);
    submit_after(rig, "p2", "ok", running, gone);
    assert_int_equal(jobs_cancel(rig->jobs, gone, &r), ERR_OK);
    assert_int_equal(r.state, JOB_CANCELLED);
    assert_int_equal(jobs_cancel(rig->jobs, queued, &r), ERR_OK);
    expect_failed(rig, one, "dependency_failed");
    assert_int_equal(jobs_cancel(rig->jobs, running, &r), ERR_OK);
    expect_failed(rig, two, "dependency_failed");
    assert_int_equal(get(rig, gone)->state, JOB_CANCELLED);
    assert_int_equal(rig->ran, 1);
}

static void what_has_ended_long_ago_is_known_too(void **state)
{
    struct rig *rig = *state;
    char good[ID_TEXT], bad[ID_TEXT], id[ID_TEXT];
    static struct job_record r;
    submit(rig, "p1", "ok", "", good);
    submit(rig, "p1", "fail", "", bad);
    rig_wait(rig, bad, JOB_FAILED, 1);
    submit_after(rig, "p2", "ok", good, id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    submit_after(rig, "p2", "ok", bad, id);
    expect_failed(rig, id, "dependency_failed");
    for (int i = 0; i < JOB_ENDED_KEPT + 1; i++) /* they push both out of memory */
        submit(rig, "p1", "ok", "", id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    submit_after(rig, "p2", "ok", good, id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    submit_after(rig, "p2", "ok", bad, id);
    expect_failed(rig, id, "dependency_failed");
    assert_int_equal(
        rig_try(rig, "{\"kind\":\"reset\",\"slot\":\"p1\",\"depends_on\":\"job_x\"}", &r),
        ERR_NOT_FOUND);
    assert_string_equal(err_last()->code, "job_not_found");
    assert_int_equal(status(rig, "p1").queued, 0);
}

static void a_job_whose_deadline_passes_in_the_queue_does_not_begin(void **state)
{
    struct rig *rig = *state;
    char running[ID_TEXT], late[ID_TEXT], next[ID_TEXT];
    submit(rig, "p1", "gate", "", running);
    rig_wait_inside(rig, 1);
    submit(rig, "p1", "ok", ",\"deadline\":1,\"priority\":1", late);
    submit(rig, "p1", "ok", ",\"deadline\":3600", next);
    expect_failed(rig, late, "deadline_passed");
    const struct job_record *r = get(rig, late);
    assert_true(r->finished_ms - r->created_ms >= 990);
    assert_int_equal(r->deadline_ms, r->created_ms + 1000);
    rig_open_gate(rig, 1);
    rig_wait(rig, next, JOB_SUCCEEDED, 1);
    expect_order(rig, (const char *const[]){running, next}, 2);
}

static void a_job_that_runs_is_stopped_at_its_deadline(void **state)
{
    struct rig *rig = *state;
    char blocked[ID_TEXT], late[ID_TEXT];
    submit(rig, "p1", "block", ",\"deadline\":1", blocked);
    submit(rig, "p2", "late", ",\"deadline\":1", late);
    rig_wait(rig, blocked, JOB_FAILED, 1);
    rig_wait(rig, late, JOB_FAILED, 1);
    const char *const ids[] = {blocked, late};
    for (int i = 0; i < 2; i++) {
        const struct job_record *r = get(rig, ids[i]);
        assert_string_equal(r->error.code, "deadline_passed");
        assert_string_equal(r->error_step, "work");
        assert_int_equal(r->steps[0].state, STEP_FAILED);
    }
    job_record_dispose(get(rig, late));
}

static void a_retry_queues_as_the_first_one_did(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    submit(rig, "p1", "fail", ",\"priority\":7,\"deadline\":100", id);
    rig_wait(rig, id, JOB_FAILED, 1);
    const struct job_order by = {.actor = "anna"};
    assert_int_equal(jobs_retry(rig->jobs, id, &by, &r), ERR_OK);
    assert_int_equal(r.priority, 7);
    assert_int_equal(r.deadline_ms, r.created_ms + 100000);
    assert_string_equal(r.actor, "anna");
    rig_wait(rig, r.id, JOB_FAILED, 1);
}

static void a_paused_slot_begins_nothing_also_after_a_restart(void **state)
{
    struct rig *rig = *state;
    char running[ID_TEXT], waits[ID_TEXT], other[ID_TEXT];
    submit(rig, "p1", "gate", "", running);
    rig_wait_inside(rig, 1);
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_PAUSED, "anna"), ERR_OK);
    submit(rig, "p1", "ok", "", waits);
    rig_open_gate(rig, 1);
    rig_wait(rig, running, JOB_SUCCEEDED, 1);
    submit(rig, "p2", "ok", "", other);
    rig_wait(rig, other, JOB_SUCCEEDED, 1);
    assert_int_equal(rig_stored(rig, waits), JOB_QUEUED);
    rig_close(rig);
    rig_open(rig);
    int64_t since = status(rig, "p1").hold.since_ms;
    assert_true(since > 0);
    assert_int_equal(status(rig, "p1").hold.state, HOLD_PAUSED);
    assert_string_equal(status(rig, "p1").hold.actor, "anna");
    assert_false(status(rig, "p1").drained);
    assert_int_equal(status(rig, "p2").hold.state, HOLD_NONE);
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_PAUSED, "bert"), ERR_OK); /* it is already */
    assert_string_equal(status(rig, "p1").hold.actor, "anna");
    submit(rig, "p2", "ok", "", other);
    rig_wait(rig, other, JOB_SUCCEEDED, 1);
    assert_int_equal(rig_stored(rig, waits), JOB_QUEUED);
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_NONE, "anna"), ERR_OK);
    rig_wait(rig, waits, JOB_SUCCEEDED, 1);
    assert_int_equal(status(rig, "p1").hold.state, HOLD_NONE);
    assert_int_equal(jobs_hold(rig->jobs, "nowhere", HOLD_PAUSED, "anna"), ERR_NOT_FOUND);
    assert_string_equal(err_last()->code, "slot_not_found");
    rig_close(rig);
    rig_open(rig);
    assert_int_equal(status(rig, "p1").hold.state, HOLD_NONE);
}

static void a_deadline_passes_on_a_paused_slot_too(void **state)
{
    struct rig *rig = *state;
    char late[ID_TEXT];
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_PAUSED, "anna"), ERR_OK);
    submit(rig, "p1", "ok", ",\"deadline\":1", late);
    expect_failed(rig, late, "deadline_passed");
}

static void a_draining_slot_takes_nothing_on_and_runs_dry(void **state)
{
    struct rig *rig = *state;
    char running[ID_TEXT], queued[ID_TEXT];
    static struct job_record r;
    static const char order[] = "{\"kind\":\"reset\",\"slot\":\"p1\"}";
    submit(rig, "p1", "gate", "", running);
    rig_wait_inside(rig, 1);
    submit(rig, "p1", "gate", "", queued);
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_DRAINING, "anna"), ERR_OK);
    assert_int_equal(rig_try(rig, order, &r), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "slot_draining");
    assert_int_equal(status(rig, "p1").hold.state, HOLD_DRAINING);
    assert_false(status(rig, "p1").drained);
    rig_open_gate(rig, 1);
    rig_wait(rig, running, JOB_SUCCEEDED, 1);
    rig_wait_inside(rig, 1);
    assert_false(status(rig, "p1").drained);
    rig_open_gate(rig, 1);
    rig_wait(rig, queued, JOB_SUCCEEDED, 1);
    assert_true(status(rig, "p1").drained);
    assert_int_equal(jobs_retry(rig->jobs, queued, &(struct job_order){.actor = ""}, &r),
                     ERR_CONFLICT);
    rig_close(rig);
    rig_open(rig);
    assert_true(status(rig, "p1").drained);
    assert_int_equal(rig_try(rig, order, &r), ERR_CONFLICT);
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_NONE, "anna"), ERR_OK);
    assert_int_equal(rig_try(rig, order, &r), ERR_OK);
    rig_wait(rig, r.id, JOB_SUCCEEDED, 1);
}

static void a_deadline_that_passed_while_espgate_was_away_counts(void **state)
{
    struct rig *rig = *state;
    static struct job_record r = {
        .id = "job_late", .kind = "at", .slot = "p1", .state = JOB_QUEUED, .created_ms = 1};
    rig_close(rig);
    assert_int_equal(store_open(rig->folder.path, &rig->store), ERR_OK);
    r.deadline_ms = clock_now_ms() - 1;
    assert_int_equal(store_job_add(rig->store, &r,
                                   "{\"kind\":\"at\",\"slot\":\"p1\",\"lines\":[\"ok\"]}", NULL, 0),
                     ERR_OK);
    rig_start_with(rig, rig_run);
    expect_failed(rig, "job_late", "deadline_passed");
    assert_int_equal(rig->ran, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_higher_priority_runs_first_and_then_the_earlier_one),
        RIG_TEST(the_order_survives_a_restart),
        RIG_TEST(a_job_that_waits_for_another_holds_up_nobody),
        RIG_TEST(what_depends_on_a_failure_fails_with_all_that_depends_on_it),
        RIG_TEST(a_cancelled_job_is_no_success_for_those_that_wait),
        RIG_TEST(what_has_ended_long_ago_is_known_too),
        RIG_TEST(a_job_whose_deadline_passes_in_the_queue_does_not_begin),
        RIG_TEST(a_job_that_runs_is_stopped_at_its_deadline),
        RIG_TEST(a_retry_queues_as_the_first_one_did),
        RIG_TEST(a_paused_slot_begins_nothing_also_after_a_restart),
        RIG_TEST(a_deadline_passes_on_a_paused_slot_too),
        RIG_TEST(a_draining_slot_takes_nothing_on_and_runs_dry),
        RIG_TEST(a_deadline_that_passed_while_espgate_was_away_counts),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
