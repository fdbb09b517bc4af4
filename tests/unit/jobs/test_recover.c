/* Concurrent: runs under TSan too. What is done for the boards of jobs that a crash cut off. */
#include "tests/unit/jobs/rig.h"

enum { LISTED = 16 };

/* As a killed process left it. @param step  NULL = it had not begun one */
static void leave(struct rig *rig, const char *id, const char *slot, enum job_state job_state,
                  const char *step, int priority)
{
    static struct job_record r;
    char body[128];
    r = (struct job_record){.kind = "reset", .created_ms = 1, .priority = priority};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.slot, sizeof r.slot, "%s", slot);
    snprintf(body, sizeof body, "{\"kind\":\"reset\",\"slot\":\"%s\"}", slot);
    r.state = JOB_QUEUED;
    assert_int_equal(store_job_add(rig->store, &r, body, NULL, 0), ERR_OK);
    r.state = job_state;
    r.step_count = step ? 1 : 0;
    snprintf(r.steps[0].name, sizeof r.steps[0].name, "%s", step ? step : "");
    assert_int_equal(store_job_save(rig->store, &r), ERR_OK);
}

static void open_store(struct rig *rig)
{
    assert_int_equal(store_open(rig->folder.path, &rig->store), ERR_OK);
}

/* The resets of our own, newest first. @return how many */
static size_t resets(struct rig *rig, char ids[LISTED][ID_TEXT])
{
    struct store_page page = {.limit = LISTED};
    const struct job_filter filter = {.kind = "reset"};
    struct job_record *list;
    size_t n, found = 0;
    assert_int_equal(store_job_list(rig->store, &filter, &page, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        bool own = list[i].priority == JOB_PRIORITY_RECOVERY;
        if (own) assert_string_equal(list[i].actor, list[i].created_ms == 1 ? "" : "espgate");
        if (own) memcpy(ids[found++], list[i].id, ID_TEXT);
        job_record_dispose(&list[i]);
    }
    free(list);
    return found;
}

static void the_board_of_a_cut_off_job_is_reset_before_all_else(void **state)
{
    struct rig *rig = *state;
    char ids[LISTED][ID_TEXT];
    open_store(rig);
    leave(rig, "job_waits", "p1", JOB_QUEUED, NULL, JOB_PRIORITY_MAX);
    leave(rig, "job_cut", "p1", JOB_RUNNING, "write", 0);
    leave(rig, "job_far", "p2", JOB_SUCCEEDED, "write", 0);
    rig_start_with(rig, rig_run);
    rig_wait(rig, "job_waits", JOB_SUCCEEDED, 1);
    assert_int_equal(resets(rig, ids), 1);
    assert_int_equal(rig->ran, 2);
    assert_string_equal(rig->order[0], ids[0]);
    assert_int_equal(rig_stored(rig, ids[0]), JOB_SUCCEEDED);
    assert_int_equal(rig_stored(rig, "job_cut"), JOB_INTERRUPTED);
    assert_int_equal(rig_stored(rig, "job_far"), JOB_SUCCEEDED);
}

static void a_board_that_was_not_spoken_to_is_left_alone(void **state)
{
    struct rig *rig = *state;
    char ids[LISTED][ID_TEXT];
    open_store(rig);
    leave(rig, "job_new", "p1", JOB_RUNNING, NULL, 0);
    leave(rig, "job_ports", "p2", JOB_RUNNING, "ports", 0);
    rig_start_with(rig, rig_run);
    assert_int_equal(rig_stored(rig, "job_new"), JOB_INTERRUPTED);
    assert_int_equal(rig_stored(rig, "job_ports"), JOB_INTERRUPTED);
    assert_int_equal(resets(rig, ids), 0);
}

static void a_reset_that_was_cut_off_itself_is_made_again(void **state)
{
    struct rig *rig = *state;
    char ids[LISTED][ID_TEXT];
    open_store(rig);
    leave(rig, "job_reset", "p1", JOB_RUNNING, "reset", JOB_PRIORITY_RECOVERY);
    rig_start_with(rig, rig_run);
    assert_int_equal(resets(rig, ids), 2);
    rig_wait(rig, ids[0], JOB_SUCCEEDED, 1);
    assert_int_equal(rig_stored(rig, "job_reset"), JOB_INTERRUPTED);
}

/* Killed between the two writes of a recovery. */
static void a_reset_that_waits_already_is_enough(void **state)
{
    struct rig *rig = *state;
    char ids[LISTED][ID_TEXT];
    open_store(rig);
    leave(rig, "job_cut", "p1", JOB_RUNNING, "write", 0);
    leave(rig, "job_reset", "p1", JOB_QUEUED, NULL, JOB_PRIORITY_RECOVERY);
    rig_start_with(rig, rig_run);
    rig_wait(rig, "job_reset", JOB_SUCCEEDED, 1);
    assert_int_equal(resets(rig, ids), 1);
    assert_int_equal(rig->ran, 1);
}

static void a_paused_slot_has_its_board_reset_and_does_no_more(void **state)
{
    struct rig *rig = *state;
    char ids[LISTED][ID_TEXT];
    const struct hold_record hold = {.slot = "p1", .state = HOLD_PAUSED, .since_ms = 1};
    open_store(rig);
    assert_int_equal(store_hold_put(rig->store, &hold), ERR_OK);
    leave(rig, "job_cut", "p1", JOB_RUNNING, "write", 0);
    leave(rig, "job_waits", "p1", JOB_QUEUED, NULL, JOB_PRIORITY_MAX);
    leave(rig, "job_other", "p2", JOB_QUEUED, NULL, 0);
    rig_start_with(rig, rig_run);
    assert_int_equal(resets(rig, ids), 1);
    rig_wait(rig, ids[0], JOB_SUCCEEDED, 1);
    rig_wait(rig, "job_other", JOB_SUCCEEDED, 1);
    assert_int_equal(rig_stored(rig, "job_waits"), JOB_QUEUED);
    assert_int_equal(rig->ran, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_board_of_a_cut_off_job_is_reset_before_all_else),
        TEST(a_board_that_was_not_spoken_to_is_left_alone),
        TEST(a_reset_that_was_cut_off_itself_is_made_again),
        TEST(a_reset_that_waits_already_is_enough),
        TEST(a_paused_slot_has_its_board_reset_and_does_no_more),
    };
    return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
