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
#include "tests/unit/store/folder.h"

static int setup(void **state)
{
    static struct folder f;
    *state = &f;
    return folder_make(&f);
}

static int teardown(void **state)
{
    folder_remove(*state);
    return 0;
}

static struct store *open_good(const struct folder *f)
{
    struct store *s;
    enum err e = store_open(f->path, &s);
    if (e) print_message("%s: %s\n", err_last()->code, err_last()->detail);
    assert_int_equal(e, ERR_OK);
    return s;
}

static void refuse_open(const struct folder *f, const char *code)
{
    struct store *s = (struct store *)1;
    assert_int_equal(store_open(f->path, &s), ERR_IO);
    assert_string_equal(err_last()->code, code);
    assert_null(s);
}

static void new_job(struct job_record *r, const char *id)
{
    memset(r, 0, sizeof *r);
    snprintf(r->id, sizeof r->id, "%s", id);
    snprintf(r->kind, sizeof r->kind, "reset");
    snprintf(r->slot, sizeof r->slot, "a");
    r->created_ms = 1;
}

static enum err add_job(struct store *s, const char *id, const char *command)
{
    struct job_record r;
    new_job(&r, id);
    return store_job_add(s, &r, command, NULL, 0);
}

static void run_sql(const struct folder *f, const char *sql)
{
    char path[FOLDER_FILE];
    sqlite3 *db;
    assert_int_equal(sqlite3_open(folder_file(f, "espgate.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

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
    const struct profile_record profile = {.name = "line-3",
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
    const struct profile_record profile = {.name = "line-3", .settings_json = (char *)"{}"};
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

static void an_empty_database_is_brought_up_to_date(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    assert_int_equal(file_replace(folder_file(f, "espgate.db", path), "", 0, 0600), ERR_OK);
    struct store *s = open_good(f);
    assert_int_equal(add_job(s, "job_1", "{}"), ERR_OK);
    store_close(s);
    s = open_good(f); /* now there is nothing to migrate */
    struct job_record r;
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    store_close(s);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    const struct folder *f = *state;
    /* Version 0, but a table of version 1 is in the way. */
    run_sql(f, "CREATE TABLE device_entry (x)");
    struct store *s;
    assert_int_equal(store_open(f->path, &s), ERR_IO);
    assert_null(s);
    run_sql(f, "CREATE TABLE job (x)"); /* not made by the failed step */
}

/* tests/data/store: as an older version left it, with a running and a queued job, and one
 * credential twice. */
static void make_older(const struct folder *f, const char *sql_path)
{
    char path[FOLDER_FILE];
    struct buf sql, key;
    buf_init(&sql, 64 * 1024);
    buf_init(&key, 64);
    assert_int_equal(file_read(sql_path, &sql), ERR_OK);
    assert_int_equal(file_read("tests/data/store/v1.key", &key), ERR_OK);
    assert_int_equal(file_replace(folder_file(f, "vault.key", path), key.data, key.len, 0600),
                     ERR_OK);
    run_sql(f, buf_str(&sql));
    buf_dispose(&sql);
    buf_dispose(&key);
}

static void expect_old_rows(struct store *s)
{
    struct credential_record credential;
    struct image_record image;
    struct slot_record slot;
    struct device_record device;
    struct device_entry *entries;
    struct buf text;
    size_t n;
    buf_init_secret(&text, 4096);
    assert_int_equal(store_credential_get(s, "cred_1", &credential), ERR_OK);
    assert_string_equal(credential.certificate_pem, "CERT");
    credential_record_dispose(&credential);
    assert_int_equal(store_credential_key(s, "cred_1", &text), ERR_OK);
    assert_string_equal(buf_str(&text), "KEY");
    assert_int_equal(store_image_get(s, "img_1", &image), ERR_OK);
    assert_string_equal(image.layout_json, "\"partitions\"");
    assert_string_equal(image.firmware, "");
    image_record_dispose(&image);
    assert_int_equal(store_slot_get(s, "left", &slot), ERR_OK);
    assert_int_equal(slot.flash_baud, 460800);
    assert_int_equal(store_device_get(s, "24:0a:c4:00:00:01", &device, &entries, &n), ERR_OK);
    assert_int_equal(n, 1);
    device_entry_dispose(&entries[0]);
    free(entries);
    buf_reset(&text);
    assert_int_equal(store_job_log_get(s, "job_1", &text), ERR_OK);
    assert_string_equal(buf_str(&text), "{}\n");
    buf_dispose(&text);
}

static void expect_old_jobs(struct store *s)
{
    static const enum job_state states[] = {JOB_SUCCEEDED, JOB_RUNNING, JOB_QUEUED};
    struct job_record r;
    struct buf command;
    buf_init_secret(&command, 4096);
    for (int i = 0; i < 3; i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "job_%d", i + 1);
        assert_int_equal(store_job_get(s, id, &r), ERR_OK);
        assert_int_equal(r.state, states[i]);
        assert_int_equal(r.created_ms, 11 + i);
        assert_string_equal(r.firmware, "");
        job_record_dispose(&r);
        buf_reset(&command);
        assert_int_equal(store_job_command(s, id, &command), ERR_OK);
        assert_string_equal(buf_str(&command), "{\"kind\":\"write\",\"slot\":\"left\"}");
    }
    buf_dispose(&command);
}

static void a_database_of_version_1_loses_nothing(void **state)
{
    char(*ids)[ID_TEXT];
    size_t n;
    struct firmware_record firmware = {.id = "fw_1", .info_json = (char *)"{}"};
    make_older(*state, "tests/data/store/v1.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(*state);
        expect_old_rows(s);
        expect_old_jobs(s);
        store_close(s);
    }
    struct store *s = open_good(*state);
    /* what the new rows are for holds for old jobs too */
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(store_credential_delete(s, i == 1 ? "cred_1" : "cred_2"), ERR_CONFLICT);
        assert_string_equal(err_last()->code, "credential_in_use");
    }
    assert_int_equal(store_job_recover(s, &ids, &n), ERR_OK);
    assert_int_equal(n, 1);
    free(ids);
    assert_int_equal(store_credential_delete(s, "cred_2"), ERR_OK); /* its job is interrupted */
    assert_int_equal(store_credential_delete(s, "cred_1"), ERR_CONFLICT);
    assert_int_equal(store_firmware_add(s, &firmware), ERR_OK);
    assert_int_equal(store_dump_put(s, "job_1", "x", 1), ERR_OK);
    store_close(s);
}

static void expect_version_2_rows(struct store *s)
{
    struct firmware_record firmware;
    struct image_record image;
    struct buf dump;
    assert_int_equal(store_firmware_get(s, "fw_1", &firmware), ERR_OK);
    assert_string_equal(firmware.name, "esp-at");
    firmware_record_dispose(&firmware);
    assert_int_equal(store_image_get(s, "img_2", &image), ERR_OK);
    assert_string_equal(image.firmware, "fw_1");
    assert_string_equal(image.target, "mqtt");
    image_record_dispose(&image);
    buf_init_secret(&dump, 16);
    assert_int_equal(store_dump_get(s, "job_1", &dump), ERR_OK);
    assert_string_equal(buf_str(&dump), "read");
    buf_dispose(&dump);
    assert_int_equal(store_firmware_delete(s, "fw_1"), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "firmware_in_use");
}

/* Both of a pair that is there twice go on working; a third is refused. */
static void expect_twice(struct store *s)
{
    struct credential_duplicate d = {.allowed = false};
    struct credential_record third = {.id = "cred_3",
                                      .fingerprint_sha256 = "f1",
                                      .key_sha256 = "k1",
                                      .certificate_pem = (char *)"CERT",
                                      .root_ca_pem = (char *)"ROOT",
                                      .meta_json = (char *)"{}"};
    struct credential_record r;
    struct buf key;
    buf_init_secret(&key, 16);
    assert_int_equal(store_credential_key(s, "cred_2", &key), ERR_OK);
    assert_int_equal(store_credential_get(s, "cred_2", &r), ERR_OK);
    assert_string_equal(r.fingerprint_sha256, "f1");
    assert_int_equal(r.purged_ms, 0);
    credential_record_dispose(&r);
    buf_dispose(&key);
    assert_int_equal(store_credential_add(s, &third, "KEY", 3, &d), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "credential_exists");
    assert_string_equal(d.earlier, "cred_2");
}

static void a_database_of_version_2_loses_nothing(void **state)
{
    make_older(*state, "tests/data/store/v2.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(*state);
        expect_old_rows(s);
        expect_old_jobs(s);
        expect_version_2_rows(s);
        expect_twice(s);
        store_close(s);
    }
}

static void a_newer_database_is_left_alone(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    struct buf before, after;
    run_sql(f, "CREATE TABLE t (v); PRAGMA user_version = 99");
    buf_init(&before, 1024 * 1024);
    buf_init(&after, 1024 * 1024);
    assert_int_equal(file_read(folder_file(f, "espgate.db", path), &before), ERR_OK);
    refuse_open(f, "store_newer");
    assert_int_equal(file_read(path, &after), ERR_OK);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    buf_dispose(&before);
    buf_dispose(&after);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(an_empty_database_is_brought_up_to_date),
        TEST(a_migration_that_fails_changes_nothing),
        TEST(a_database_of_version_1_loses_nothing),
        TEST(a_database_of_version_2_loses_nothing),
        TEST(a_newer_database_is_left_alone),
        TEST(a_file_that_is_no_database_is_told),
        TEST(a_folder_that_cannot_be_is_told),
        TEST(another_vault_key_is_noticed_at_the_start),
        TEST(a_locked_database_is_told_and_reading_goes_on),
        TEST(a_full_disk_is_told_and_got_over),
        TEST(many_threads_write_and_read_their_own_writes),
    };
    return cmocka_run_group_tests_name("durable", tests, NULL, NULL);
}
