/* Concurrent: runs under TSan too. What the store keeps through death, full disks, locks, other
 * versions and curious eyes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "service/base/file.h"
#include "service/store/store.h"
#include "tests/unit/store/kept.h"

static enum err add_firmware(struct store *s, const char *id)
{
    struct firmware_record r = {.info_json = (char *)"{}"};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.sha256, sizeof r.sha256, "%s", id);
    return store_firmware_add(s, &r);
}

enum { TOLD = 20 }; /* fewer than LIMIT_DUMPS */

/* Adds jobs, each with a firmware of the same id, the first ones with what they read; tells each id
 * after all of it was acknowledged, until it is killed. */
static void child_adds_jobs(const struct folder *f, int out)
{
    struct store *s;
    if (store_open(f->path, &s)) _exit(1);
    for (int i = 0;; i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "job_%06d", i);
        if (add_job(s, id, "{}") || add_firmware(s, id)) _exit(2);
        if (i < TOLD && store_dump_put(s, id, id, sizeof id)) _exit(3);
        if (write(out, id, sizeof id) != sizeof id) _exit(4);
    }
}

static void expect_added(struct store *s, const char *id)
{
    struct job_record r;
    struct firmware_record firmware;
    struct buf dump;
    buf_init_secret(&dump, 64);
    assert_int_equal(store_job_get(s, id, &r), ERR_OK);
    assert_int_equal(r.state, JOB_QUEUED);
    assert_int_equal(store_firmware_get(s, id, &firmware), ERR_OK);
    firmware_record_dispose(&firmware);
    assert_int_equal(store_dump_get(s, id, &dump), ERR_OK);
    assert_memory_equal(dump.data, id, ID_TEXT);
    buf_dispose(&dump);
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    const struct folder *f = *state;
    char ids[TOLD][ID_TEXT];
    int pipe_fds[2], status;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) child_adds_jobs(f, pipe_fds[1]);
    close(pipe_fds[1]);
    for (int i = 0; i < TOLD; i++)
        assert_int_equal(read(pipe_fds[0], ids[i], sizeof ids[i]), sizeof ids[i]);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(pipe_fds[0]);
    assert_true(WIFSIGNALED(status));

    struct store *s = open_good(f);
    for (int i = 0; i < TOLD; i++)
        expect_added(s, ids[i]);
    store_close(s);
}

static void running_jobs_become_interrupted_and_queued_ones_are_told_in_order(void **state)
{
    struct store *s = open_good(*state);
    struct job_record r;
    char(*ids)[ID_TEXT];
    size_t n;
    static const char *const names[] = {"job_c", "job_a", "job_d", "job_b"};
    for (int i = 0; i < 4; i++)
        assert_int_equal(add_job(s, names[i], "{}"), ERR_OK);
    new_job(&r, "job_a");
    r.state = JOB_RUNNING;
    r.step_count = 2;
    snprintf(r.steps[0].name, sizeof r.steps[0].name, "identify");
    r.steps[0].state = STEP_SUCCEEDED;
    snprintf(r.steps[1].name, sizeof r.steps[1].name, "write");
    r.steps[1].state = STEP_RUNNING;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    store_close(s);

    s = open_good(*state);
    assert_int_equal(store_job_recover(s, &ids, &n), ERR_OK);
    assert_int_equal(n, 3);
    assert_string_equal(ids[0], "job_c");
    assert_string_equal(ids[1], "job_d");
    assert_string_equal(ids[2], "job_b");
    free(ids);
    assert_int_equal(store_job_get(s, "job_a", &r), ERR_OK);
    assert_int_equal(r.state, JOB_INTERRUPTED);
    assert_true(r.finished_ms > 0);
    assert_string_equal(r.error.code, "interrupted");
    assert_string_equal(r.error_step, "write");
    assert_int_equal(r.steps[0].state, STEP_SUCCEEDED);
    assert_int_equal(r.steps[1].state, STEP_INTERRUPTED);
    assert_int_equal(store_job_recover(s, &ids, &n), ERR_OK); /* twice changes nothing */
    assert_int_equal(n, 3);
    free(ids);
    store_close(s);
}

/* @return whether the bytes are in a file of the folder */
static bool folder_holds(const struct folder *f, const char *text)
{
    static const char *const names[] = {"espgate.db", "espgate.db-wal", "espgate.db-shm",
                                        "vault.key"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[FOLDER_FILE];
        struct buf b;
        buf_init(&b, 64 * 1024 * 1024);
        if (file_read(folder_file(f, names[i], path), &b) == ERR_OK)
            found = found || memmem(b.data, b.len, text, strlen(text));
        buf_dispose(&b);
    }
    return found;
}

static void secrets_are_nowhere_in_the_files(void **state)
{
    const struct folder *f = *state;
    static const char key[] = "-----BEGIN PRIVATE KEY-----\nMIIsecretkeybytes\n";
    static const char command[] = "{\"wifi\":{\"password\":\"correct horse\"}}";
    static const char dump[] = "what was read from the flash";
    struct store *s = open_good(f);
    struct credential_record r = {.id = "cred_1", .certificate_pem = (char *)"the certificate"};
    assert_int_equal(store_credential_add(s, &r, key, strlen(key), NULL), ERR_OK);
    assert_int_equal(add_job(s, "job_1", command), ERR_OK);
    assert_int_equal(store_dump_put(s, "job_1", dump, strlen(dump)), ERR_OK);
    for (int open = 1; open >= 0; open--) { /* in the WAL, then folded into the database */
        assert_true(folder_holds(f, "the certificate"));
        assert_true(folder_holds(f, "job_1"));
        assert_false(folder_holds(f, "PRIVATE KEY"));
        assert_false(folder_holds(f, "secretkeybytes"));
        assert_false(folder_holds(f, "correct horse"));
        assert_false(folder_holds(f, "read from the flash"));
        if (open) store_close(s);
    }
    struct buf b;
    s = open_good(f);
    buf_init_secret(&b, 4096);
    assert_int_equal(store_credential_key(s, "cred_1", &b), ERR_OK);
    assert_string_equal(buf_str(&b), key);
    buf_reset(&b);
    assert_int_equal(store_job_command(s, "job_1", &b), ERR_OK);
    assert_string_equal(buf_str(&b), command);
    buf_dispose(&b);
    store_close(s);
}

static void keys_made_here_and_settings_are_nowhere_in_the_files(void **state)
{
    const struct folder *f = *state;
    static const char key[] = "-----BEGIN PRIVATE KEY-----\nMIIsecretkeybytes\n";
    struct store *s = open_good(f);
    const struct csr_record csr = {.id = "csr_1", .request_pem = (char *)"the request"};
    const struct authority_record authority = {.id = "ca_1", .certificate_pem = (char *)"the root"};
    const struct named_settings profile = {.name = "line-3",
                                           .settings_json = (char *)"{\"p\":\"correct horse\"}"};
    assert_int_equal(store_csr_add(s, &csr, key, strlen(key)), ERR_OK);
    assert_int_equal(store_authority_add(s, &authority, key, strlen(key)), ERR_OK);
    assert_int_equal(store_profile_put(s, &profile), ERR_OK);
    for (int open = 1; open >= 0; open--) {
        assert_true(folder_holds(f, "the request"));
        assert_true(folder_holds(f, "the root"));
        assert_true(folder_holds(f, "line-3"));
        assert_false(folder_holds(f, "PRIVATE KEY"));
        assert_false(folder_holds(f, "secretkeybytes"));
        assert_false(folder_holds(f, "correct horse"));
        if (open) store_close(s);
    }
}

static void expect_empty_log(const struct folder *f)
{
    char path[FOLDER_FILE];
    struct stat st;
    assert_int_equal(stat(folder_file(f, "espgate.db-wal", path), &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void what_is_deleted_is_in_the_log_no_more(void **state)
{
    struct store *s = open_good(*state);
    const struct csr_record csr = {.id = "csr_1"};
    const struct authority_record authority = {.id = "ca_1"};
    const struct named_settings profile = {.name = "line-3", .settings_json = (char *)"{}"};
    const struct backup_record backup = {.id = "bak_1"};
    assert_int_equal(store_csr_add(s, &csr, "KEY", 3), ERR_OK);
    assert_int_equal(store_csr_delete(s, "csr_1"), ERR_OK);
    expect_empty_log(*state);
    assert_int_equal(store_authority_add(s, &authority, "KEY", 3), ERR_OK);
    assert_int_equal(store_authority_delete(s, "ca_1"), ERR_OK);
    expect_empty_log(*state);
    assert_int_equal(store_profile_put(s, &profile), ERR_OK);
    assert_int_equal(store_profile_delete(s, "line-3"), ERR_OK);
    expect_empty_log(*state);
    assert_int_equal(store_backup_add(s, &backup, "KEY", 3), ERR_OK);
    assert_int_equal(store_backup_delete(s, "bak_1"), ERR_OK);
    expect_empty_log(*state);
    store_close(s);
}

static void a_key_that_was_changed_in_the_database_does_not_open(void **state)
{
    struct store *s = open_good(*state);
    struct credential_record one = {.id = "cred_1", .fingerprint_sha256 = "a", .key_sha256 = "a"};
    struct credential_record two = {.id = "cred_2", .fingerprint_sha256 = "b", .key_sha256 = "b"};
    struct buf b;
    assert_int_equal(store_credential_add(s, &one, "KEY", 3, NULL), ERR_OK);
    assert_int_equal(store_credential_add(s, &two, "KEY", 3, NULL), ERR_OK);
    store_close(s);
    run_sql(*state, "UPDATE credential SET key = (SELECT key FROM credential WHERE id = 'cred_1')"
                    " WHERE id = 'cred_2'");
    s = open_good(*state);
    buf_init_secret(&b, 64);
    assert_int_equal(store_credential_key(s, "cred_1", &b), ERR_OK);
    assert_int_equal(store_credential_key(s, "cred_2", &b), ERR_CRYPTO);
    assert_string_equal(err_last()->code, "vault_broken");
    buf_dispose(&b);
    store_close(s);
}

static void the_files_are_ours_alone(void **state)
{
    const struct folder *f = *state;
    static const char *const names[] = {"espgate.db", "espgate.db-wal", "espgate.db-shm",
                                        "vault.key"};
    char path[FOLDER_FILE];
    struct stat st;
    mode_t former = umask(0);
    struct store *s = open_good(f);
    assert_int_equal(store_ping(s), ERR_OK);
    umask(former);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(stat(folder_file(f, names[i], path), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    store_close(s);
}

static void a_folder_has_one_espgate(void **state)
{
    struct store *s = open_good(*state);
    refuse_open(*state, "store_in_use");
    store_close(s);
    store_close(open_good(*state));
}

static void a_file_that_is_no_database_is_told(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE], text[4096];
    memset(text, 'x', sizeof text);
    assert_int_equal(file_replace(folder_file(f, "espgate.db", path), text, sizeof text, 0600),
                     ERR_OK);
    refuse_open(f, "store_corrupt");
}

static void a_folder_that_cannot_be_is_told(void **state)
{
    const struct folder *f = *state;
    struct folder below;
    char path[FOLDER_FILE];
    assert_int_equal(file_replace(folder_file(f, "file", path), "", 0, 0600), ERR_OK);
    snprintf(below.path, sizeof below.path, "%.40s/file/dir", f->path);
    refuse_open(&below, "store_open");
}

static void another_vault_key_is_noticed_at_the_start(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    store_close(open_good(f));
    assert_int_equal(unlink(folder_file(f, "vault.key", path)), 0);
    refuse_open(f, "vault_key");
}

static void a_locked_database_is_told_and_reading_goes_on(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    struct job_record r;
    sqlite3 *other;
    struct store *s = open_good(f);
    assert_int_equal(add_job(s, "job_1", "{}"), ERR_OK);
    assert_int_equal(sqlite3_open(folder_file(f, "espgate.db", path), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_ping(s), ERR_IO);
    assert_string_equal(err_last()->code, "store_busy");
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    sqlite3_close(other);
    assert_int_equal(store_ping(s), ERR_OK);
    store_close(s);
}

static atomic_bool disk_is_full;
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

static ssize_t full_pwrite(int fd, const void *data, size_t n, off_t at)
{
    if (!atomic_load(&disk_is_full)) return real_pwrite(fd, data, n, at);
    errno = ENOSPC;
    return -1;
}

/* SQLite lets its system calls be replaced, which is how it is tested itself. */
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
    assert_non_null(real_pwrite);
}

static void a_full_disk_is_told_and_got_over(void **state)
{
    struct job_record r;
    replace_pwrite(true);
    struct store *s = open_good(*state);
    assert_int_equal(add_job(s, "job_1", "{}"), ERR_OK);
    atomic_store(&disk_is_full, true);
    assert_int_equal(store_ping(s), ERR_IO);
    assert_string_equal(err_last()->code, "store_full");
    assert_int_equal(add_job(s, "job_2", "{}"), ERR_IO);
    assert_string_equal(err_last()->code, "store_full");
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    assert_int_equal(store_job_get(s, "job_2", &r), ERR_NOT_FOUND);
    atomic_store(&disk_is_full, false);
    assert_int_equal(add_job(s, "job_2", "{}"), ERR_OK);
    assert_int_equal(store_ping(s), ERR_OK);
    store_close(s);
    replace_pwrite(false);
}

enum { THREADS = 12, EACH = 20 };

struct crowd {
    struct store *store;
    int first;
    atomic_int *failures;
};

static void *crowd_main(void *arg)
{
    const struct crowd *c = arg;
    struct job_record r;
    for (int i = 0; i < EACH; i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "job_%06d", c->first + i);
        new_job(&r, id);
        bool ok = store_job_add(c->store, &r, "{}", NULL, 0) == ERR_OK;
        r.state = JOB_SUCCEEDED;
        ok = ok && store_job_save(c->store, &r) == ERR_OK;
        ok = ok && store_job_get(c->store, id, &r) == ERR_OK && r.state == JOB_SUCCEEDED;
        if (!ok) atomic_fetch_add(c->failures, 1);
    }
    return NULL;
}

static void many_threads_write_and_read_their_own_writes(void **state)
{
    struct store *s = open_good(*state);
    struct crowd crowd[THREADS];
    pthread_t threads[THREADS];
    atomic_int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        crowd[i] = (struct crowd){s, i * EACH, &failures};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_main, &crowd[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
    struct job_filter f = {.by_state = true, .state = JOB_SUCCEEDED};
    struct store_page page = {.limit = LIMIT_PAGE};
    struct job_record *list;
    size_t n;
    assert_int_equal(store_job_list(s, &f, &page, &list, &n), ERR_OK);
    assert_int_equal(n, THREADS * EACH);
    free(list);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_acknowledged_survives_kill_9),
        TEST(running_jobs_become_interrupted_and_queued_ones_are_told_in_order),
        TEST(secrets_are_nowhere_in_the_files),
        TEST(keys_made_here_and_settings_are_nowhere_in_the_files),
        TEST(what_is_deleted_is_in_the_log_no_more),
        TEST(a_key_that_was_changed_in_the_database_does_not_open),
        TEST(the_files_are_ours_alone),
        TEST(a_folder_has_one_espgate),
        TEST(a_file_that_is_no_database_is_told),
        TEST(a_folder_that_cannot_be_is_told),
        TEST(another_vault_key_is_noticed_at_the_start),
        TEST(a_locked_database_is_told_and_reading_goes_on),
        TEST(a_full_disk_is_told_and_got_over),
        TEST(many_threads_write_and_read_their_own_writes),
    };
    return cmocka_run_group_tests_name("durable", tests, NULL, NULL);
}
