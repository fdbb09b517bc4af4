/* Concurrent: runs under TSan too. The life of jobs: states, queues, ports, cancel, limits. */
#include "service/store/clouds.h"
#include "tests/unit/jobs/rig.h"

static struct job_record *get(struct rig *rig, const char *id)
{
    static _Thread_local struct job_record r;
    job_record_dispose(&r);
    assert_int_equal(jobs_get(rig->jobs, id, &r), ERR_OK);
    return &r;
}

static void expect(enum err e, enum err kind, const char *code)
{
    assert_int_equal(e, kind);
    assert_string_equal(err_last()->code, code);
}

static void a_job_goes_from_queued_to_succeeded(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig_submit(rig, "p1", "ok", id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    const struct job_record *r = get(rig, id);
    assert_int_equal(r->state, JOB_SUCCEEDED);
    assert_string_equal(r->kind, "at");
    assert_string_equal(r->slot, "p1");
    assert_true(r->created_ms && r->started_ms && r->finished_ms);
    assert_int_equal(r->step_count, 1);
    assert_string_equal(r->steps[0].name, "work");
    assert_int_equal(r->steps[0].state, STEP_SUCCEEDED);
    assert_string_equal(r->result_json, "{\"script\":\"ok\"}");
    assert_int_equal(r->error.kind, ERR_OK);
    assert_string_equal(r->error_step, "");
    job_record_dispose(get(rig, id));

    pthread_mutex_lock(&rig->lock);
    assert_int_equal(rig->event_count, 5);
    assert_int_equal(rig->events[0].state, JOB_QUEUED);
    assert_int_equal(rig->events[1].state, JOB_RUNNING);
    assert_int_equal(rig->events[1].steps, 0);
    assert_int_equal(rig->events[2].steps, 1);
    assert_int_equal(rig->events[2].last, STEP_RUNNING);
    assert_int_equal(rig->events[3].last, STEP_SUCCEEDED);
    assert_int_equal(rig->events[3].state, JOB_RUNNING);
    assert_int_equal(rig->events[4].state, JOB_SUCCEEDED);
    pthread_mutex_unlock(&rig->lock);
}

static void a_failed_step_is_the_jobs_error(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig_submit(rig, "p1", "fail", id);
    rig_wait(rig, id, JOB_FAILED, 1);
    const struct job_record *r = get(rig, id);
    assert_int_equal(r->error.kind, ERR_DEVICE);
    assert_string_equal(r->error.code, "at_error");
    assert_string_equal(r->error.detail, "the board said no");
    assert_string_equal(r->error.device, "ERROR\n");
    assert_string_equal(r->error.hint, "Look at the board.");
    assert_string_equal(r->error_step, "work");
    assert_int_equal(r->steps[0].state, STEP_FAILED);
    assert_string_equal(r->steps[0].error.code, "at_error");
    job_record_dispose(get(rig, id));
}

static void the_guilty_step_is_told_and_not_the_last_one(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig_submit(rig, "p1", "cleanup", id);
    rig_wait(rig, id, JOB_FAILED, 3);
    const struct job_record *r = get(rig, id);
    assert_string_equal(r->error_step, "write");
    assert_string_equal(r->error.code, "at_error");
    assert_int_equal(r->steps[1].state, STEP_SKIPPED);
    assert_string_equal(r->steps[1].error.detail, "nothing was written");
    assert_int_equal(r->steps[2].state, STEP_SUCCEEDED);
}

static void a_stopped_job_can_clean_up(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    rig_submit(rig, "p1", "take back when stopped", id);
    rig_wait(rig, id, JOB_RUNNING, 1);
    assert_int_equal(jobs_cancel(rig->jobs, id, &r), ERR_OK);
    job_record_dispose(&r);
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_RUNNING, 2);
    assert_int_equal(jobs_cancel(rig->jobs, id, &r), ERR_OK); /* has been said */
    job_record_dispose(&r);
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_CANCELLED, 2);
    const struct job_record *ended = get(rig, id);
    assert_string_equal(ended->error.code, "cancelled");
    assert_string_equal(ended->credential, "cred_made");
    assert_int_equal(ended->steps[0].state, STEP_CANCELLED);
    assert_int_equal(ended->steps[1].state, STEP_SUCCEEDED);
    job_record_dispose(get(rig, id));
}

/* Its own failure stays its error, whatever happens while it cleans up. */
static void a_failed_job_cleans_up_beyond_its_time(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    rig_submit(rig, "p1", "take back", id);
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_RUNNING, 2);
    assert_int_equal(jobs_cancel(rig->jobs, id, &r), ERR_OK); /* too late: it has failed */
    job_record_dispose(&r);
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_FAILED, 2);
    assert_string_equal(get(rig, id)->error.code, "at_error");
    assert_int_equal(get(rig, id)->steps[1].state, STEP_SUCCEEDED);
    job_record_dispose(get(rig, id));
}

static void *stop_now(void *jobs)
{
    jobs_halt(jobs);
    return NULL;
}

static void halt_at_the_gate(struct rig *rig, const char *id, size_t steps)
{
    pthread_t thread;
    rig_wait_inside(rig, 1);
    rig_wait(rig, id, JOB_RUNNING, steps);
    assert_int_equal(thread_start(&thread, "halt", stop_now, rig->jobs), ERR_OK);
    static struct job_record r; /* once nobody is let in, the end has begun */
    struct deadline until = deadline_in_ms(RIG_PATIENCE_MS);
    const char *body = "{\"kind\":\"at\",\"slot\":\"p2\",\"lines\":[\"ok\"]}";
    enum err e = ERR_OK;
    while (!err_is(e, "shutting_down") && !deadline_passed(until)) {
        e = rig_try(rig, body, &r);
        if (!e) job_record_dispose(&r);
    }
    assert_true(err_is(e, "shutting_down"));
    rig_open_gate(rig, 1);
    pthread_join(thread, NULL);
}

static void the_end_of_espgate_ends_a_clean_up(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig_submit(rig, "p1", "take back", id);
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_RUNNING, 2);
    halt_at_the_gate(rig, id, 2);
    const struct job_record *r = get(rig, id);
    assert_int_equal(r->state, JOB_FAILED);
    assert_string_equal(r->error.code, "at_error");
    assert_int_equal(r->steps[1].state, STEP_INTERRUPTED);
    assert_non_null(strstr(r->error.detail, "A part is left."));
    job_record_dispose(get(rig, id));
}

static void no_clean_up_begins_when_espgate_ends(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig_submit(rig, "p1", "take back", id);
    halt_at_the_gate(rig, id, 1);
    const struct job_record *r = get(rig, id);
    assert_int_equal(r->step_count, 1);
    assert_string_equal(r->error.detail, "the board said no. All is left.");
    job_record_dispose(get(rig, id));
}

static void what_an_order_wants_of_a_cloud_must_be_there(void **state)
{
    struct rig *rig = *state;
    static struct job_record r;
    rig_put_slot(rig, "bench", "p1", "p2");
    expect(rig_try(rig,
                   "{\"kind\":\"provision\",\"slot\":\"bench\",\"wifi\":{\"ssid\":\"s\"},"
                   "\"cloud\":\"prod\"}",
                   &r),
           ERR_NOT_FOUND, "cloud_not_found");
    struct named_settings settings = {
        .name = "prod", .changed_ms = 1, .settings_json = strdup("{}")};
    assert_int_equal(store_cloud_put(rig->store, &settings, false), ERR_OK);
    named_settings_dispose(&settings);
    expect(rig_try(rig,
                   "{\"kind\":\"provision\",\"slot\":\"bench\",\"wifi\":{\"ssid\":\"s\"},"
                   "\"cloud\":{\"name\":\"prod\",\"certificate\":\"own\",\"authority\":\"ca_1\"}}",
                   &r),
           ERR_NOT_FOUND, "authority_not_found");
    expect(rig_try(rig,
                   "{\"kind\":\"provision\",\"slot\":\"bench\",\"wifi\":{\"ssid\":\"s\"},"
                   "\"cloud\":{\"name\":\"prod\",\"certificate\":\"claim\",\"claim\":"
                   "{\"template\":\"T\",\"credential\":\"cred_1\"}}}",
                   &r),
           ERR_NOT_FOUND, "credential_not_found");
}

static void a_step_that_was_left_open_is_ended(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig_submit(rig, "p1", "open", id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    assert_int_equal(get(rig, id)->steps[0].state, STEP_SUCCEEDED);
    job_record_dispose(get(rig, id));
}

static struct shared_text *state_of(const struct job_record *job)
{
    const char *name = job_state_name(job->state);
    return shared_text_new(name, strlen(name));
}

/* Twice the same text while nothing changes, and never an old one. */
static void expect_text(struct rig *rig, const char *id, const char *state, bool ended)
{
    struct shared_text *a, *b;
    bool over;
    assert_int_equal(jobs_text(rig->jobs, id, state_of, &a, &over), ERR_OK);
    assert_int_equal(over, ended);
    assert_int_equal(jobs_text(rig->jobs, id, state_of, &b, &over), ERR_OK);
    assert_int_equal(over, ended);
    assert_ptr_equal(a, b);
    assert_int_equal(a->len, strlen(state));
    assert_memory_equal(a->bytes, state, a->len);
    shared_text_unref(a);
    shared_text_unref(b);
}

static void the_text_of_a_job_is_made_once_and_follows_it(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT], second[ID_TEXT];
    struct shared_text *text;
    bool over;
    rig_submit(rig, "p1", "gate", id);
    rig_submit(rig, "p1", "gate", second);
    expect_text(rig, second, "queued", false);
    rig_wait_inside(rig, 1);
    rig_wait(rig, id, JOB_RUNNING, 1);
    expect_text(rig, id, "running", false);
    rig_open_gate(rig, 2);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    expect_text(rig, id, "succeeded", true);
    rig_wait(rig, second, JOB_SUCCEEDED, 1);
    expect_text(rig, second, "succeeded", true);
    assert_int_equal(jobs_text(rig->jobs, "job_0", state_of, &text, &over), ERR_NOT_FOUND);
    assert_null(text);
}

static void jobs_of_a_slot_run_one_by_one_in_their_order(void **state)
{
    struct rig *rig = *state;
    char ids[6][ID_TEXT];
    for (int i = 0; i < 6; i++)
        rig_submit(rig, "p1", "gate", ids[i]);
    for (int i = 0; i < 6; i++) {
        rig_wait_inside(rig, 1);
        rig_open_gate(rig, 1);
        rig_wait(rig, ids[i], JOB_SUCCEEDED, 1);
    }
    for (int i = 0; i < 6; i++)
        assert_string_equal(rig->order[i], ids[i]);
}

static void two_slots_run_at_once(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    rig_submit(rig, "p1", "gate", a);
    rig_submit(rig, "p2", "gate", b);
    rig_wait_inside(rig, 2);
    rig_open_gate(rig, 2);
    rig_wait(rig, a, JOB_SUCCEEDED, 1);
    rig_wait(rig, b, JOB_SUCCEEDED, 1);
}

static void two_slots_that_share_a_port_take_turns(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    rig_put_slot(rig, "left", "p1", "p2");
    rig_put_slot(rig, "right", "/rig/p2", "/rig/p3"); /* p2 by another name */
    rig_submit(rig, "left", "gate", a);
    rig_wait_inside(rig, 1);
    rig_submit(rig, "right", "gate", b);
    rig_wait(rig, b, JOB_RUNNING, 1); /* its step "ports" */
    const struct job_record *r = get(rig, b);
    assert_string_equal(r->steps[0].name, "ports");
    assert_int_equal(r->steps[0].state, STEP_RUNNING);
    rig_wait_inside(rig, 1);
    rig_open_gate(rig, 1);
    rig_wait(rig, a, JOB_SUCCEEDED, 1);
    rig_wait_inside(rig, 1);
    rig_open_gate(rig, 1);
    rig_wait(rig, b, JOB_SUCCEEDED, 2);
    r = get(rig, b);
    assert_int_equal(r->steps[0].state, STEP_SUCCEEDED);
    assert_string_equal(r->steps[1].name, "work");
    job_record_dispose(get(rig, b));
}

static void a_port_that_comes_back_as_another_device_stays_owned(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    rig_put_slot(rig, "left", "p1", "p2");
    rig_put_slot(rig, "right", "p2", "p3");
    rig_submit(rig, "left", "gate", a);
    rig_wait_inside(rig, 1);
    pthread_mutex_lock(&rig->lock);
    rig->renumbered = true;
    pthread_mutex_unlock(&rig->lock);
    rig_submit(rig, "right", "ok", b);
    rig_wait(rig, b, JOB_RUNNING, 1);
    assert_string_equal(get(rig, b)->steps[0].name, "ports");
    assert_int_equal(rig->ran, 1);
    rig_open_gate(rig, 1);
    rig_wait(rig, b, JOB_SUCCEEDED, 2);
    job_record_dispose(get(rig, b));
}

static void a_queued_job_can_be_cancelled(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT], c[ID_TEXT];
    struct job_record r;
    rig_submit(rig, "p1", "gate", a);
    rig_wait_inside(rig, 1);
    rig_submit(rig, "p1", "ok", b);
    rig_submit(rig, "p1", "ok", c);
    assert_int_equal(jobs_cancel(rig->jobs, b, &r), ERR_OK);
    assert_int_equal(r.state, JOB_CANCELLED);
    assert_string_equal(r.error.code, "cancelled");
    assert_true(r.finished_ms > 0);
    assert_int_equal(rig_stored(rig, b), JOB_CANCELLED);
    assert_int_equal(get(rig, b)->state, JOB_CANCELLED);
    expect(jobs_cancel(rig->jobs, b, &r), ERR_CONFLICT, "job_ended");
    rig_open_gate(rig, 1);
    rig_wait(rig, c, JOB_SUCCEEDED, 1);
    assert_int_equal(rig->ran, 2);
    expect(jobs_cancel(rig->jobs, c, &r), ERR_CONFLICT, "job_ended");
    expect(jobs_cancel(rig->jobs, "job_x", &r), ERR_NOT_FOUND, "job_not_found");
}

static void a_blocked_job_can_be_cancelled_and_the_next_one_runs(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    static struct job_record r;
    rig_submit(rig, "p1", "block", a);
    rig_submit(rig, "p1", "ok", b);
    rig_wait(rig, a, JOB_RUNNING, 1);
    assert_int_equal(jobs_cancel(rig->jobs, a, &r), ERR_OK);
    assert_int_equal(r.state, JOB_RUNNING); /* it ends in its own time */
    rig_wait(rig, a, JOB_CANCELLED, 1);
    rig_wait(rig, b, JOB_SUCCEEDED, 1); /* the raised flag was not its own */
    const struct job_record *ended = get(rig, a);
    assert_string_equal(ended->error.code, "cancelled");
    assert_string_equal(ended->error_step, "work");
    assert_int_equal(ended->steps[0].state, STEP_CANCELLED);
    job_record_dispose(get(rig, a));
}

static void a_job_that_waits_for_a_port_can_be_cancelled(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    static struct job_record r;
    rig_put_slot(rig, "left", "p1", "p2");
    rig_put_slot(rig, "right", "p2", "p3");
    rig_submit(rig, "left", "gate", a);
    rig_wait_inside(rig, 1);
    rig_submit(rig, "right", "ok", b);
    rig_wait(rig, b, JOB_RUNNING, 1);
    assert_int_equal(jobs_cancel(rig->jobs, b, &r), ERR_OK);
    rig_wait(rig, b, JOB_CANCELLED, 1);
    assert_string_equal(get(rig, b)->error_step, "ports");
    rig_open_gate(rig, 1);
    rig_wait(rig, a, JOB_SUCCEEDED, 1);
    assert_int_equal(rig->ran, 1);
}

static void the_time_limit_ends_a_job_wherever_it_is(void **state)
{
    struct rig *rig = *state;
    char blocked[ID_TEXT], late[ID_TEXT], waiting[ID_TEXT], away[ID_TEXT], gate[ID_TEXT];
    rig_put_slot(rig, "shared", "p3", "p3");
    rig_put_slot(rig, "third", "p3", "p4");
    rig_put_slot(rig, "away", "p5", "p5");
    rig_unplug(rig, "p5");
    rig_submit(rig, "shared", "gate", gate);
    rig_wait_inside(rig, 1);
    rig_submit_for(rig, "p1", "block", 5, blocked);
    rig_submit_for(rig, "p2", "late", 5, late);
    rig_submit_for(rig, "third", "ok", 5, waiting);
    rig_submit_for(rig, "away", "ok", 5, away);
    rig_wait(rig, blocked, JOB_FAILED, 1);
    rig_wait(rig, late, JOB_FAILED, 1);
    rig_wait(rig, waiting, JOB_FAILED, 1);
    rig_wait(rig, away, JOB_FAILED, 1);
    rig_open_gate(rig, 1);
    rig_wait(rig, gate, JOB_SUCCEEDED, 1);
    const char *const ids[] = {blocked, late, waiting, away};
    static const char *const steps[] = {"work", "work", "ports", "ports"};
    for (int i = 0; i < 4; i++) {
        const struct job_record *r = get(rig, ids[i]);
        assert_string_equal(r->error.code, "job_timeout");
        assert_int_equal(r->error.kind, ERR_TIMEOUT);
        assert_string_equal(r->error_step, steps[i]);
        assert_int_equal(r->steps[0].state, STEP_FAILED);
        assert_true(r->finished_ms - r->started_ms >= 4990);
    }
    assert_string_equal(get(rig, late)->error.device, "boot:0x13");
    job_record_dispose(get(rig, late));
}

static void an_ended_job_can_be_tried_again(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT];
    static struct job_record r;
    rig_submit(rig, "p1", "gate", a);
    rig_wait_inside(rig, 1);
    expect(jobs_retry(rig->jobs, a, &(struct job_order){.actor = ""}, &r), ERR_CONFLICT,
           "job_not_ended");
    rig_open_gate(rig, 1);
    rig_wait(rig, a, JOB_SUCCEEDED, 1);
    rig_open_gate(rig, 1);
    assert_int_equal(jobs_retry(rig->jobs, a, &(struct job_order){.actor = ""}, &r), ERR_OK);
    assert_string_equal(r.retry_of, a);
    assert_string_not_equal(r.id, a);
    assert_int_equal(r.state, JOB_QUEUED);
    rig_wait(rig, r.id, JOB_SUCCEEDED, 1);
    assert_string_equal(get(rig, r.id)->retry_of, a);
    assert_string_equal(get(rig, r.id)->result_json, "{\"script\":\"gate\"}");
    job_record_dispose(get(rig, r.id));
    expect(jobs_retry(rig->jobs, "job_x", &(struct job_order){.actor = ""}, &r), ERR_NOT_FOUND,
           "job_not_found");
}

static void ended_jobs_are_found_in_the_store(void **state)
{
    struct rig *rig = *state;
    char first[ID_TEXT], id[ID_TEXT];
    rig_submit(rig, "p1", "ok", first);
    for (int i = 0; i < 80; i++)
        rig_submit(rig, "p1", "ok", id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    const struct job_record *r = get(rig, first);
    assert_int_equal(r->state, JOB_SUCCEEDED);
    assert_string_equal(r->steps[0].name, "work");
    job_record_dispose(get(rig, first));
    static struct job_record none;
    expect(jobs_get(rig->jobs, "job_x", &none), ERR_NOT_FOUND, "job_not_found");
}

static void the_command_must_fit_the_slot(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *slot, *rest;
        enum err kind;
        const char *code;
    } cases[] = {
        {"nowhere", "\"kind\":\"reset\"", ERR_NOT_FOUND, "slot_not_found"},
        {"p9", "\"kind\":\"reset\"", ERR_NOT_FOUND, "slot_not_found"},
        {"/rig/p4", "\"kind\":\"reset\"", ERR_NOT_FOUND, "slot_not_found"},
        {"p1", "\"kind\":\"reset\"", ERR_NOT_FOUND, "slot_not_found"}, /* named by "rom" */
        {"rom", "\"kind\":\"at\",\"lines\":[\"ok\"]", ERR_ARG, "slot_has_no_at_port"},
        {"rom", "\"kind\":\"identify\",\"method\":\"at\"", ERR_ARG, "slot_has_no_at_port"},
        {"rom", "\"kind\":\"check\",\"level\":\"wifi\",\"wifi\":{\"ssid\":\"s\",\"password\":\"\"}",
         ERR_ARG, "slot_has_no_at_port"},
        {"at", "\"kind\":\"identify\",\"method\":\"rom\"", ERR_ARG, "slot_has_no_download_port"},
        {"none", "\"kind\":\"reset\"", ERR_ARG, "slot_has_no_download_port"},
        {"p4", "\"kind\":\"write\",\"credential\":\"cred_x\"", ERR_NOT_FOUND,
         "credential_not_found"},
    };
    rig_put_slot(rig, "rom", "p1", "");
    rig_put_slot(rig, "at", "", "p2");
    rig_put_slot(rig, "none", "", "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        static struct job_record r;
        snprintf(body, sizeof body, "{\"slot\":\"%s\",%s}", cases[i].slot, cases[i].rest);
        print_message("%s\n", body);
        expect(rig_try(rig, body, &r), cases[i].kind, cases[i].code);
        assert_string_equal(r.id, "");
    }
    assert_int_equal(rig->event_count, 0);
}

static void a_slot_tells_what_it_does(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    struct slot_record slot;
    struct slot_status status;
    assert_int_equal(jobs_slot(rig->jobs, NULL, "p1", &slot, &status), ERR_OK);
    assert_int_equal(status.state, SLOT_IDLE);
    assert_string_equal(slot.name, "p1");
    assert_string_equal(slot.download_port, "/rig/by-id/p1");
    assert_string_equal(slot.at_port, "/rig/by-id/p1");
    assert_string_equal(slot.reset, "auto");
    assert_int_equal(slot.at_baud, 115200);
    assert_int_equal(slot.changed_ms, 0);
    rig_submit(rig, "p1", "gate", a);
    rig_wait_inside(rig, 1);
    rig_submit(rig, "p1", "ok", b);
    assert_int_equal(jobs_slot(rig->jobs, NULL, "p1", &slot, &status), ERR_OK);
    assert_int_equal(status.state, SLOT_BUSY);
    assert_string_equal(status.job, a);
    assert_int_equal(status.queued, 1);
    rig_put_slot(rig, "sharing", "/rig/p1", "p2");
    assert_int_equal(jobs_slot(rig->jobs, NULL, "sharing", &slot, &status), ERR_OK);
    assert_int_equal(status.state, SLOT_BUSY); /* its port is */
    assert_string_equal(status.job, "");
    rig_open_gate(rig, 1);
    rig_wait(rig, b, JOB_FAILED, 1); /* the implicit slot went when another one named its port */
    assert_string_equal(get(rig, b)->error.code, "slot_not_found");
    assert_int_equal(jobs_slot(rig->jobs, NULL, "sharing", &slot, &status), ERR_OK);
    assert_int_equal(status.state, SLOT_IDLE); /* in the moment in which the job has ended */
    expect(jobs_slot(rig->jobs, NULL, "nowhere", &slot, &status), ERR_NOT_FOUND, "slot_not_found");
}

static void a_full_queue_takes_no_more(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT], last[ID_TEXT];
    static struct job_record r;
    struct slot_record slot;
    struct slot_status status;
    rig_submit(rig, "p1", "gate", id);
    rig_wait_inside(rig, 1);
    for (int i = 0; i < LIMIT_QUEUE; i++)
        rig_submit(rig, "p1", "ok", last);
    expect(rig_try(rig, "{\"kind\":\"at\",\"slot\":\"p1\",\"lines\":[\"ok\"]}", &r), ERR_BUSY,
           "queue_full");
    assert_int_equal(jobs_slot(rig->jobs, NULL, "p1", &slot, &status), ERR_OK);
    assert_int_equal(status.queued, LIMIT_QUEUE);
    rig_submit(rig, "p2", "ok", id); /* another slot has its own */
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    assert_int_equal(jobs_cancel(rig->jobs, last, &r), ERR_OK);
    rig_submit(rig, "p1", "ok", last);
    rig_open_gate(rig, 1);
}

enum { THREADS = 6, EACH = 15 };

static void *submit_main(void *arg)
{
    struct rig *rig = arg;
    static const char *const slots[] = {"p1", "p2", "p3"};
    for (int i = 0; i < EACH; i++) {
        char id[ID_TEXT];
        static _Thread_local struct job_record r;
        rig_submit(rig, slots[i % 3], i % 4 ? "ok" : "fail", id);
        if (i % 5 == 0) jobs_cancel(rig->jobs, id, &r);
        job_record_dispose(&r);
        if (jobs_get(rig->jobs, id, &r)) return arg;
        job_record_dispose(&r);
        rig_wait(rig, id, rig_stored(rig, id), 0);
    }
    return NULL;
}

static void many_clients_at_once_lose_nothing(void **state)
{
    struct rig *rig = *state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_main, rig), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    for (int i = 1; i <= 3; i++) {
        char slot[16], id[ID_TEXT];
        snprintf(slot, sizeof slot, "p%d", i);
        rig_submit(rig, slot, "ok", id);
        rig_wait(rig, id, JOB_SUCCEEDED, 1);
    }
    struct job_record *list;
    struct store_page page = {.limit = LIMIT_PAGE};
    size_t n;
    assert_int_equal(store_job_list(rig->store, &(struct job_filter){0}, &page, &list, &n), ERR_OK);
    assert_int_equal(n, THREADS * EACH + 3);
    for (size_t i = 0; i < n; i++) {
        assert_true(job_state_is_final(list[i].state));
        job_record_dispose(&list[i]);
    }
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_job_goes_from_queued_to_succeeded),
        RIG_TEST(a_failed_step_is_the_jobs_error),
        RIG_TEST(the_guilty_step_is_told_and_not_the_last_one),
        RIG_TEST(a_step_that_was_left_open_is_ended),
        RIG_TEST(the_text_of_a_job_is_made_once_and_follows_it),
        RIG_TEST(jobs_of_a_slot_run_one_by_one_in_their_order),
        RIG_TEST(two_slots_run_at_once),
        RIG_TEST(two_slots_that_share_a_port_take_turns),
        RIG_TEST(a_port_that_comes_back_as_another_device_stays_owned),
        RIG_TEST(a_stopped_job_can_clean_up),
        RIG_TEST(a_failed_job_cleans_up_beyond_its_time),
        RIG_TEST(the_end_of_espgate_ends_a_clean_up),
        RIG_TEST(no_clean_up_begins_when_espgate_ends),
        RIG_TEST(what_an_order_wants_of_a_cloud_must_be_there),
        RIG_TEST(a_queued_job_can_be_cancelled),
        RIG_TEST(a_blocked_job_can_be_cancelled_and_the_next_one_runs),
        RIG_TEST(a_job_that_waits_for_a_port_can_be_cancelled),
        RIG_TEST(the_time_limit_ends_a_job_wherever_it_is),
        RIG_TEST(an_ended_job_can_be_tried_again),
        RIG_TEST(ended_jobs_are_found_in_the_store),
        RIG_TEST(the_command_must_fit_the_slot),
        RIG_TEST(a_slot_tells_what_it_does),
        RIG_TEST(a_full_queue_takes_no_more),
        RIG_TEST(many_clients_at_once_lose_nothing),
    };
    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
