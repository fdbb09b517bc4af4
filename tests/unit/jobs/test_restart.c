/* Concurrent: runs under TSan too. What happens to jobs when espgate ends, is killed, or cannot
 * write; and what they report while they run. */
#include "tests/unit/jobs/rig.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void stopping_interrupts_the_running_job_and_keeps_the_queue(void **state)
{
    struct rig *rig = *state;
    char running[ID_TEXT], queued[3][ID_TEXT];
    static struct job_record r;
    rig_open(rig);
    rig_submit(rig, "p1", "block", running);
    rig_wait(rig, running, JOB_RUNNING, 1);
    for (int i = 0; i < 3; i++)
        rig_submit(rig, "p1", "ok", queued[i]);
    jobs_halt(rig->jobs);
    assert_int_equal(jobs_get(rig->jobs, running, &r), ERR_OK); /* reading goes on */
    assert_int_equal(r.state, JOB_INTERRUPTED);
    assert_string_equal(r.error.code, "shutting_down");
    assert_string_equal(r.error_step, "work");
    assert_int_equal(r.steps[0].state, STEP_INTERRUPTED);
    job_record_dispose(&r);
    assert_int_equal(rig_try(rig, "{\"kind\":\"reset\",\"slot\":\"p1\"}", &r), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "shutting_down");
    jobs_halt(rig->jobs);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rig_stored(rig, queued[i]), JOB_QUEUED);
    rig_close(rig);

    rig_open(rig);
    for (int i = 0; i < 3; i++)
        rig_wait(rig, queued[i], JOB_SUCCEEDED, 1);
    assert_int_equal(rig->ran, 4);
    for (int i = 0; i < 3; i++)
        assert_string_equal(rig->order[i + 1], queued[i]);
    assert_int_equal(rig_stored(rig, running), JOB_INTERRUPTED);
}

static void stopping_ends_a_wait_for_ports(void **state)
{
    struct rig *rig = *state;
    char a[ID_TEXT], b[ID_TEXT];
    rig_open(rig);
    rig_put_slot(rig, "left", "p1", "p2");
    rig_put_slot(rig, "right", "p2", "p3");
    rig_submit(rig, "left", "block", a);
    rig_wait(rig, a, JOB_RUNNING, 1);
    rig_submit(rig, "right", "ok", b);
    rig_wait(rig, b, JOB_RUNNING, 1);
    jobs_halt(rig->jobs);
    assert_int_equal(rig_stored(rig, a), JOB_INTERRUPTED);
    assert_int_equal(rig_stored(rig, b), JOB_INTERRUPTED);
}

/* The child's runner: tells that it runs, and stays. */
static int child_pipe;

static enum err run_and_stay(struct job_context *ctx)
{
    enum err e = job_step_begin(ctx, "write");
    if (e) return e;
    if (write(child_pipe, ctx->job_id, ID_TEXT) != ID_TEXT) _exit(3);
    for (;;)
        pause();
}

/* Not a return: what the parent has is not the child's to release. */
static void child_main(struct rig *rig)
{
    struct command c;
    struct field_errors errors;
    static struct job_record r;
    static const char body[] = "{\"kind\":\"at\",\"slot\":\"p1\",\"lines\":[\"ok\"]}";
    const struct jobs_config config = {
        .run = run_and_stay, .changed = rig_changed, .changed_arg = rig};
    struct jobs_config full = config;
    if (store_open(rig->folder.path, &rig->store)) _exit(1);
    full.store = rig->store;
    if (jobs_start(&full, &rig->jobs)) _exit(1);
    for (int i = 0; i < 3; i++) {
        if (command_parse(body, strlen(body), &c, &errors)) _exit(2);
        const struct job_order order = {.command = &c, .body = body};
        if (jobs_submit(rig->jobs, &order, &errors, &r)) _exit(2);
        if (write(child_pipe, r.id, ID_TEXT) != ID_TEXT) _exit(3);
    }
    for (;;)
        pause();
}

static void after_kill_9_queued_jobs_run_on_and_the_running_one_is_interrupted(void **state)
{
    struct rig *rig = *state;
    char ids[4][ID_TEXT]; /* three submitted and the running one, in any order */
    int fds[2], status;
    static struct job_record r;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        child_pipe = fds[1];
        child_main(rig);
    }
    close(fds[1]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(read(fds[0], ids[i], ID_TEXT), ID_TEXT);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(fds[0]);

    rig_open(rig);
    int interrupted = 0, ran = 0;
    for (int i = 0; i < 4; i++) {
        /* The running one was told twice. */
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || strcmp(ids[i], ids[k]) == 0;
        if (again) continue;
        if (rig_stored(rig, ids[i]) == JOB_INTERRUPTED) {
            interrupted++;
            assert_int_equal(jobs_get(rig->jobs, ids[i], &r), ERR_OK);
            assert_string_equal(r.error.code, "interrupted");
            assert_string_equal(r.error_step, "write");
            assert_int_equal(r.steps[0].state, STEP_INTERRUPTED);
        } else {
            rig_wait(rig, ids[i], JOB_SUCCEEDED, 1);
            ran++;
        }
    }
    assert_int_equal(interrupted, 1);
    assert_int_equal(ran, 2);
}

static atomic_bool disk_is_full;
static atomic_int refused; /* writes */
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

static ssize_t full_pwrite(int fd, const void *data, size_t n, off_t at)
{
    if (!atomic_load(&disk_is_full)) return real_pwrite(fd, data, n, at);
    atomic_fetch_add(&refused, 1);
    errno = ENOSPC;
    return -1;
}

static void replace_pwrite(bool on)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    static const char *const names[] = {"pwrite", "pwrite64"};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_syscall_ptr former = vfs->xGetSystemCall(vfs, names[i]);
        if (!former) continue;
        if (on) real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))former;
        vfs->xSetSystemCall(vfs, names[i], on ? (sqlite3_syscall_ptr)full_pwrite : NULL);
    }
}

static void wait_refused(int more_than)
{
    struct deadline until = deadline_in_ms(RIG_PATIENCE_MS);
    while (atomic_load(&refused) <= more_than && !deadline_passed(until))
        sched_yield();
    assert_true(atomic_load(&refused) > more_than);
}

static void a_full_disk_takes_no_job_and_loses_no_end(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT], next[ID_TEXT];
    static struct job_record r;
    replace_pwrite(true);
    rig_open(rig);
    rig_submit(rig, "p1", "gate", id);
    rig_wait_inside(rig, 1);
    atomic_store(&disk_is_full, true);
    assert_int_equal(rig_try(rig, "{\"kind\":\"reset\",\"slot\":\"p1\"}", &r), ERR_IO);
    assert_string_equal(err_last()->code, "store_full");
    int before = atomic_load(&refused);
    rig_open_gate(rig, 1);
    wait_refused(before + 2); /* the step's end, the transcript or the job's end, and again */
    assert_int_equal(jobs_get(rig->jobs, id, &r), ERR_OK);
    assert_int_equal(r.state, JOB_RUNNING); /* nothing is shown that is not stored */
    job_record_dispose(&r);
    atomic_store(&disk_is_full, false);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    assert_int_equal(rig_stored(rig, id), JOB_SUCCEEDED);
    rig_submit(rig, "p1", "ok", next);
    rig_wait(rig, next, JOB_SUCCEEDED, 1);
    rig_close(rig);
    replace_pwrite(false);
}

static void a_full_disk_does_not_hold_up_the_end(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    replace_pwrite(true);
    rig_open(rig);
    rig_submit(rig, "p1", "gate", id);
    rig_wait_inside(rig, 1);
    atomic_store(&disk_is_full, true);
    rig_open_gate(rig, 1);
    jobs_halt(rig->jobs);
    rig_close(rig);
    atomic_store(&disk_is_full, false);
    replace_pwrite(false);
    assert_int_equal(store_open(rig->folder.path, &rig->store), ERR_OK);
    assert_int_equal(store_job_get(rig->store, id, &r), ERR_OK);
    assert_int_equal(r.state, JOB_RUNNING); /* as it was known last; the next start says so */
    job_record_dispose(&r);
}

static void a_full_disk_does_not_lose_how_a_job_ended_that_never_ran(void **state)
{
    struct rig *rig = *state;
    static struct job_record r;
    static const char order[] =
        "{\"kind\":\"at\",\"slot\":\"p1\",\"lines\":[\"ok\"],\"deadline\":1}";
    replace_pwrite(true);
    rig_open(rig);
    assert_int_equal(jobs_hold(rig->jobs, "p1", HOLD_PAUSED, ""), ERR_OK);
    assert_int_equal(rig_try(rig, order, &r), ERR_OK);
    int before = atomic_load(&refused);
    atomic_store(&disk_is_full, true);
    wait_refused(before + 1); /* it was tried again */
    assert_int_equal(jobs_get(rig->jobs, r.id, &r), ERR_OK);
    assert_int_equal(r.state, JOB_QUEUED);
    atomic_store(&disk_is_full, false);
    rig_wait(rig, r.id, JOB_FAILED, 0);
    assert_int_equal(rig_stored(rig, r.id), JOB_FAILED);
    rig_close(rig);
    replace_pwrite(false);
}

/* Progress, transcript and notes, with the test looking in between. */
static enum err run_reports(struct job_context *ctx)
{
    struct port port = {.name = "fake"};
    enum err e = job_step_begin(ctx, "write");
    if (e) return e;
    assert_string_equal(ctx->slot->download_port, "/rig/by-id/p1");
    assert_string_equal(ctx->slot->at_port, "/rig/by-id/p1");
    assert_string_equal(ctx->command->slot, "p1");
    job_transcribe(ctx, &port, "at");
    port.tap(PORT_TO_BOARD, (const uint8_t *)"AT\r\n", 4, port.tap_arg);
    port.tap(PORT_FROM_BOARD, (const uint8_t *)"OK", 2, port.tap_arg);
    port.tap(PORT_TO_BOARD, NULL, 1704, port.tap_arg);
    job_note(ctx, "block %d of %d", 1, 2);
    job_progress(ctx, 512, 1024, "bytes");
    rig_pass_gate(rig_now);
    job_progress(ctx, 1024, 1024, "bytes");
    return job_step_end(ctx, ERR_OK);
}

static void read_log(struct rig *rig, const char *id, struct buf *out)
{
    buf_reset(out);
    assert_int_equal(jobs_log(rig->jobs, id, out), ERR_OK);
    assert_non_null(
        strstr(buf_str(out), "\"dir\":\"host\",\"port\":\"at\",\"hex\":\"41540d0a\"}\n"));
    assert_non_null(strstr(buf_str(out), "\"dir\":\"board\",\"port\":\"at\",\"hex\":\"4f4b\"}\n"));
    assert_non_null(strstr(buf_str(out), "\"dir\":\"host\",\"port\":\"at\",\"secret\":1704}\n"));
    assert_non_null(strstr(buf_str(out), "\"note\":\"block 1 of 2\"}\n"));
}

static void progress_and_transcript_are_seen_live_and_kept(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    struct buf log;
    buf_init(&log, 2 * LIMIT_TRANSCRIPT);
    assert_int_equal(store_open(rig->folder.path, &rig->store), ERR_OK);
    rig_start_with(rig, run_reports);
    rig_submit(rig, "p1", "x", id);
    rig_wait_inside(rig, 1);
    assert_int_equal(jobs_get(rig->jobs, id, &r), ERR_OK);
    assert_int_equal(r.progress_done, 512);
    assert_int_equal(r.progress_total, 1024);
    assert_string_equal(r.progress_unit, "bytes");
    read_log(rig, id, &log);
    rig_open_gate(rig, 1);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    read_log(rig, id, &log);
    assert_int_equal(store_job_get(rig->store, id, &r), ERR_OK);
    assert_int_equal(r.progress_done, 1024);
    assert_int_equal(jobs_log(rig->jobs, "job_x", &log), ERR_NOT_FOUND);
    assert_string_equal(err_last()->code, "job_not_found");
    buf_dispose(&log);
}

/* Two thousand reports: few are announced, fewer are stored. */
static enum err run_many_reports(struct job_context *ctx)
{
    enum err e = job_step_begin(ctx, "write");
    if (e) return e;
    for (int i = 1; i <= 2000; i++)
        job_progress(ctx, (uint64_t)i, 2000, "bytes");
    return job_step_end(ctx, ERR_OK);
}

static int64_t saves(const struct rig *rig)
{
    char path[FOLDER_FILE];
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(folder_file(&rig->folder, "espgate.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT n FROM saves", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void count_saves(const struct rig *rig)
{
    char path[FOLDER_FILE];
    sqlite3 *db;
    assert_int_equal(sqlite3_open(folder_file(&rig->folder, "espgate.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TABLE saves (n); INSERT INTO saves VALUES (0);"
                                  "CREATE TRIGGER t AFTER UPDATE ON job BEGIN"
                                  " UPDATE saves SET n = n + 1; END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

static void progress_is_told_twice_and_stored_once_a_second_at_most(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT];
    static struct job_record r;
    assert_int_equal(store_open(rig->folder.path, &rig->store), ERR_OK);
    count_saves(rig);
    rig_start_with(rig, run_many_reports);
    rig_submit(rig, "p1", "x", id);
    rig_wait(rig, id, JOB_SUCCEEDED, 1);
    assert_int_equal(store_job_get(rig->store, id, &r), ERR_OK);
    int64_t seconds = (r.finished_ms - r.started_ms) / 1000;
    assert_true(saves(rig) <= 4 + seconds + 1);
    assert_in_range(rig->event_count, 6, 5 + 2 * (size_t)(seconds + 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stopping_interrupts_the_running_job_and_keeps_the_queue),
        TEST(stopping_ends_a_wait_for_ports),
        TEST(after_kill_9_queued_jobs_run_on_and_the_running_one_is_interrupted),
        TEST(a_full_disk_takes_no_job_and_loses_no_end),
        TEST(a_full_disk_does_not_hold_up_the_end),
        TEST(a_full_disk_does_not_lose_how_a_job_ended_that_never_ran),
        TEST(progress_and_transcript_are_seen_live_and_kept),
        TEST(progress_is_told_twice_and_stored_once_a_second_at_most),
    };
    return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
