/* Concurrent: runs under TSan too. A backup of the database, made while it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "service/base/file.h"
#include "service/store/audit.h"
#include "tests/unit/store/kept.h"

static struct folder elsewhere; /* where the copy goes to, and is opened */

static int setup_both(void **state)
{
    return setup(state) || folder_make(&elsewhere);
}

static int teardown_both(void **state)
{
    folder_remove(&elsewhere);
    return teardown(state);
}

static void copy(const char *from, const char *to)
{
    struct buf b;
    buf_init(&b, 4 * 1024 * 1024);
    assert_int_equal(file_read(from, &b), ERR_OK);
    assert_int_equal(file_replace(to, b.data, b.len, 0600), ERR_OK);
    buf_dispose(&b);
}

static void bring_key(const struct folder *f)
{
    char from[FOLDER_FILE], to[FOLDER_FILE];
    copy(folder_file(f, "vault.key", from), folder_file(&elsewhere, "vault.key", to));
}

static void a_copy_holds_everything_and_is_one_file(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE], log[FOLDER_FILE];
    struct stat st;
    struct buf command;
    struct store *s = open_good(f);
    struct audit_entry e = {.action = "putSlot", .outcome = "done"};
    assert_int_equal(add_job(s, "job_1", "{\"kind\":\"reset\"}"), ERR_OK);
    assert_int_equal(store_audit_add(s, &e), ERR_OK);
    audit_entry_dispose(&e);
    assert_int_equal(store_copy(f->path, folder_file(&elsewhere, "espgate.db", path)), ERR_OK);
    assert_int_equal(add_job(s, "job_2", "{}"), ERR_OK);
    store_close(s);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(access(folder_file(&elsewhere, "espgate.db-wal", log), F_OK), -1);
    assert_int_equal(access(folder_file(&elsewhere, "espgate.db.part", log), F_OK), -1);

    bring_key(f);
    s = open_good(&elsewhere);
    struct job_record r;
    buf_init_secret(&command, 64);
    assert_int_equal(store_job_command(s, "job_1", &command), ERR_OK);
    assert_string_equal(buf_str(&command), "{\"kind\":\"reset\"}");
    buf_dispose(&command);
    assert_int_equal(store_job_get(s, "job_2", &r), ERR_NOT_FOUND);
    struct audit_report report;
    assert_int_equal(store_audit_verify(elsewhere.path, &report), ERR_OK);
    assert_int_equal(report.entries, 1);
    store_close(s);
}

static void refuse(const struct folder *f, const char *file, enum err kind, const char *code)
{
    assert_int_equal(store_copy(f->path, file), kind);
    assert_string_equal(err_last()->code, code);
}

static void nothing_that_is_there_is_overwritten(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    store_close(open_good(f));
    refuse(f, folder_file(f, "espgate.db", path), ERR_CONFLICT, "backup_exists");
    folder_file(&elsewhere, "b.db.part", path); /* of another copy that is on its way */
    assert_int_equal(file_replace(path, "x", 1, 0600), ERR_OK);
    refuse(f, folder_file(&elsewhere, "b.db", path), ERR_CONFLICT, "backup_exists");
    store_close(open_good(f));
}

static void what_cannot_be_copied_leaves_nothing(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    refuse(f, folder_file(&elsewhere, "b.db", path), ERR_NOT_FOUND, "no_store");
    store_close(open_good(f));
    refuse(f, "/nowhere/b.db", ERR_IO, "io");
    run_sql(f, "PRAGMA user_version = 99");
    refuse(f, path, ERR_IO, "store_version");
    assert_int_equal(access(path, F_OK), -1);
}

static atomic_bool done;

static void *adds_jobs(void *arg)
{
    for (int i = 0; !atomic_load(&done); i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "job_%06d", i);
        if (add_job(arg, id, "{}")) return arg;
    }
    return NULL;
}

static size_t count_jobs(const struct folder *f)
{
    struct store *s = open_good(f);
    struct store_page page = {.limit = LIMIT_PAGE};
    struct job_record *list;
    size_t n;
    assert_int_equal(store_job_list(s, &(struct job_filter){.slot = ""}, &page, &list, &n), ERR_OK);
    free(list); /* none has a result */
    store_close(s);
    return n;
}

/* One that begins anew whenever something is written would not end. */
static void writers_do_not_hold_it_up(void **state)
{
    const struct folder *f = *state;
    pthread_t thread;
    void *failed;
    char path[FOLDER_FILE];
    struct store *s = open_good(f);
    assert_int_equal(add_job(s, "job_first", "{}"), ERR_OK);
    atomic_store(&done, false);
    assert_int_equal(pthread_create(&thread, NULL, adds_jobs, s), 0);
    assert_int_equal(store_copy(f->path, folder_file(&elsewhere, "espgate.db", path)), ERR_OK);
    atomic_store(&done, true);
    pthread_join(thread, &failed);
    assert_null(failed);
    store_close(s);
    bring_key(f);
    assert_true(count_jobs(&elsewhere) >= 1);
}

#define TEST_BOTH(name) cmocka_unit_test_setup_teardown(name, setup_both, teardown_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_BOTH(a_copy_holds_everything_and_is_one_file),
        TEST_BOTH(nothing_that_is_there_is_overwritten),
        TEST_BOTH(what_cannot_be_copied_leaves_nothing),
        TEST_BOTH(writers_do_not_hold_it_up),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
