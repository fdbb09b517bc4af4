/* Concurrent: runs under TSan too. Jobs whose ports are not there (yet), or go away. */
#include "tests/unit/jobs/rig.h"

static struct job_record *get(struct rig *rig, const char *id)
{
    static _Thread_local struct job_record r;
    job_record_dispose(&r);
    assert_int_equal(jobs_get(rig->jobs, id, &r), ERR_OK);
    return &r;
}

/* A slot whose AT port is unplugged. */
static void open_without_p2(struct rig *rig, int port_wait_ms)
{
    rig->port_wait_ms = port_wait_ms;
    rig_open(rig);
    rig_put_slot(rig, "s", "p1", "p2");
    rig_unplug(rig, "p2");
}

static void a_port_that_does_not_come_fails_the_job_and_not_the_slot(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    struct slot_record slot;
    struct slot_status status;
    open_without_p2(rig, 50);
    assert_int_equal(jobs_slot(rig->jobs, NULL, "s", &slot, &status), ERR_OK);
    assert_int_equal(status.state, SLOT_ABSENT);
    rig_submit(rig, "s", "ok", a);
    rig_wait(rig, a, JOB_FAILED, 1);
    const struct job_record *r = get(rig, a);
    assert_string_equal(r->error.code, "port_not_found");
    assert_string_equal(r->error_step, "ports");
    assert_true(r->finished_ms - r->started_ms >= 49);
    assert_int_equal(rig->ran, 0);
    rig_unplug(rig, NULL);
    rig_submit(rig, "s", "ok", b);
    rig_wait(rig, b, JOB_SUCCEEDED, 1);
    job_record_dispose(get(rig, b));
}

static void a_job_waits_for_a_port_that_comes(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    open_without_p2(rig, RIG_PATIENCE_MS);
    rig_submit(rig, "s", "ok", id);
    rig_wait(rig, id, JOB_RUNNING, 1);
    jobs_ports_changed(rig->jobs); /* another one */
    rig_unplug(rig, NULL);
    jobs_ports_changed(rig->jobs);
    rig_wait(rig, id, JOB_SUCCEEDED, 2);
    const struct job_record *r = get(rig, id);
    assert_string_equal(r->steps[0].name, "ports");
    assert_int_equal(r->steps[0].state, STEP_SUCCEEDED);
    assert_true(r->finished_ms - r->started_ms < RIG_PATIENCE_MS / 2);
    job_record_dispose(get(rig, id));
}

static void a_port_that_does_not_announce_itself_is_found_at_the_end_of_the_wait(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    open_without_p2(rig, 2000);
    rig_submit(rig, "s", "ok", id);
    rig_wait(rig, id, JOB_RUNNING, 1);
    rig_unplug(rig, NULL);
    rig_wait(rig, id, JOB_SUCCEEDED, 2);
}

static void an_implicit_slot_waits_for_its_port_too(void **state)
{
    struct rig *rig = *state;
    char first[ID_TEXT], id[ID_TEXT];
    rig->port_wait_ms = RIG_PATIENCE_MS;
    rig_open(rig);
    rig_submit(rig, "p3", "gate", first);
    rig_wait_inside(rig, 1);
    rig_submit(rig, "p3", "ok", id);
    rig_unplug(rig, "p3");
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_RUNNING, 1);
    rig_unplug(rig, NULL);
    jobs_ports_changed(rig->jobs);
    rig_wait(rig, id, JOB_SUCCEEDED, 2);
}

static void a_job_that_waits_for_a_missing_port_can_be_cancelled(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    open_without_p2(rig, RIG_PATIENCE_MS);
    rig_submit(rig, "s", "ok", id);
    rig_wait(rig, id, JOB_RUNNING, 1);
    assert_int_equal(jobs_cancel(rig->jobs, id, &r), ERR_OK);
    job_record_dispose(&r);
    rig_wait(rig, id, JOB_CANCELLED, 1);
    assert_int_equal(get(rig, id)->steps[0].state, STEP_CANCELLED);
    assert_int_equal(rig->ran, 0);
    job_record_dispose(get(rig, id));
}

static void a_port_that_went_away_is_taken_again_when_it_is_back(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT], other[ID_TEXT];
    rig->port_wait_ms = RIG_PATIENCE_MS;
    rig_open(rig);
    rig_put_slot(rig, "s", "p1", "p2");
    rig_put_slot(rig, "t", "p2", "p2");
    rig_submit(rig, "s", "replug", id);
    rig_wait_inside(rig, 1);
    rig_unplug(rig, "p2");
    jobs_ports_changed(rig->jobs);
    rig_open_gate(rig, 1);
    rig_submit(rig, "t", "gate", other);
    rig_wait(rig, other, JOB_RUNNING, 1);
    rig_unplug(rig, NULL);
    jobs_ports_changed(rig->jobs);
    /* Whichever came first has the port now: both end. */
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    rig_wait(rig, other, JOB_SUCCEEDED, 1);
    rig_submit(rig, "s", "ok", id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
}

static void a_port_that_went_away_for_good_fails_the_job(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    rig->port_wait_ms = 50;
    rig_open(rig);
    rig_put_slot(rig, "s", "p1", "p2");
    rig_submit(rig, "s", "replug", id);
    rig_wait_inside(rig, 1);
    rig_unplug(rig, "p2");
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_FAILED, 1);
    assert_string_equal(get(rig, id)->error.code, "port_not_found");
    job_record_dispose(get(rig, id));
}

#define PORT_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PORT_TEST(a_port_that_does_not_come_fails_the_job_and_not_the_slot),
        PORT_TEST(a_job_waits_for_a_port_that_comes),
        PORT_TEST(a_port_that_does_not_announce_itself_is_found_at_the_end_of_the_wait),
        PORT_TEST(an_implicit_slot_waits_for_its_port_too),
        PORT_TEST(a_job_that_waits_for_a_missing_port_can_be_cancelled),
        PORT_TEST(a_port_that_went_away_is_taken_again_when_it_is_back),
        PORT_TEST(a_port_that_went_away_for_good_fails_the_job),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
