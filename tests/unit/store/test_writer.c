/* Concurrent: runs under TSan too. Groups are made by an operation that holds the writer until all
 * others are on their way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "service/store/writer.h"
#include "tests/unit/store/folder.h"

enum { THREADS = 24 };

struct bench {
    struct folder folder;
    char path[FOLDER_FILE];
    struct writer *writer;
    atomic_int arrived, commits;
};

static int count_commit(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    return 0;
}

static int setup(void **state)
{
    static struct bench b;
    struct db db;
    memset(&b, 0, sizeof b);
    *state = &b;
    if (folder_make(&b.folder)) return -1;
    folder_file(&b.folder, "t.db", b.path);
    close(open(b.path, O_CREAT | O_WRONLY, 0600));
    if (db_open(b.path, &db)) return -1;
    if (db_exec(&db, "PRAGMA journal_mode = WAL; CREATE TABLE t (v INTEGER UNIQUE)")) return -1;
    sqlite3_commit_hook(db.handle, count_commit, &b.commits);
    return writer_start(&db, &b.writer) ? -1 : 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    writer_stop(b->writer);
    folder_remove(&b->folder);
    return 0;
}

static int64_t number(struct bench *b, const char *sql)
{
    struct db db;
    int64_t n;
    assert_int_equal(db_open(b->path, &db), ERR_OK);
    assert_int_equal(db_number(&db, sql, &n), ERR_OK);
    db_close(&db);
    return n;
}

struct job {
    struct bench *bench;
    int value;
    write_fn fn; /* NULL: it folds the log */
    enum err result;
    char code[48];
    pthread_t thread;
};

static enum err insert(struct db *db, void *arg)
{
    const struct job *job = arg;
    struct query q;
    query_begin(&q, db, "INSERT INTO t (v) VALUES (?)");
    query_put_int(&q, job->value);
    return query_run(&q);
}

/* Inserts, then thinks better of it. */
static enum err insert_and_fail(struct db *db, void *arg)
{
    enum err e = insert(db, arg);
    return e ? e : err_fail(ERR_VERIFY, "changed_mind", NULL, "no");
}

/* What SQLite does by itself when the disk is full. */
static enum err undo_all(struct db *db, void *arg)
{
    (void)arg;
    enum err e = db_exec(db, "ROLLBACK");
    return e ? e : err_fail(ERR_IO, "store_full", NULL, "as if");
}

static enum err hold(struct db *db, void *arg)
{
    struct bench *b = arg;
    (void)db;
    while (atomic_load(&b->arrived) < THREADS)
        sched_yield();
    for (int i = 0; i < 2000; i++) /* let the last one get from its counter to the list */
        sched_yield();
    return ERR_OK;
}

static void *holder_main(void *arg)
{
    struct bench *b = arg;
    return (void *)(intptr_t)writer_do(b->writer, hold, b, NULL, NULL);
}

static void *job_main(void *arg)
{
    struct job *job = arg;
    atomic_fetch_add(&job->bench->arrived, 1);
    job->result = job->fn ? writer_do(job->bench->writer, job->fn, job, NULL, NULL)
                          : writer_fold(job->bench->writer);
    snprintf(job->code, sizeof job->code, "%s", err_last()->code);
    return NULL;
}

static void run(struct bench *b, struct job jobs[THREADS])
{
    pthread_t holder;
    void *held;
    assert_int_equal(pthread_create(&holder, NULL, holder_main, b), 0);
    for (int i = 0; i < THREADS; i++) {
        jobs[i].bench = b;
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, job_main, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(jobs[i].thread, NULL);
    pthread_join(holder, &held);
    assert_null(held);
}

static void many_writers_share_a_commit(void **state)
{
    struct bench *b = *state;
    struct job jobs[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){.value = i, .fn = insert};
    run(b, jobs);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(jobs[i].result, ERR_OK);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), THREADS);
    assert_true(atomic_load(&b->commits) < THREADS);
}

static void one_that_fails_takes_back_only_itself(void **state)
{
    struct bench *b = *state;
    struct job jobs[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){.value = i, .fn = i % 3 ? insert : insert_and_fail};
    run(b, jobs);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(jobs[i].result, i % 3 ? ERR_OK : ERR_VERIFY);
        if (i % 3 == 0) assert_string_equal(jobs[i].code, "changed_mind");
    }
    assert_int_equal(number(b, "SELECT count(*) FROM t WHERE v % 3 = 0"), 0);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), THREADS * 2 / 3);
}

static void one_that_undoes_the_group_does_not_take_others_with_it(void **state)
{
    struct bench *b = *state;
    struct job jobs[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){.value = i, .fn = i == THREADS / 2 ? undo_all : insert};
    run(b, jobs);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(jobs[i].result, i == THREADS / 2 ? ERR_IO : ERR_OK);
    assert_string_equal(jobs[THREADS / 2].code, "store_full");
    assert_int_equal(number(b, "SELECT count(*) FROM t"), THREADS - 1);
}

static void a_constraint_is_told_to_its_own_caller(void **state)
{
    struct bench *b = *state;
    struct job jobs[THREADS] = {{0}};
    int good = 0;
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){.value = i / 2, .fn = insert};
    run(b, jobs);
    for (int i = 0; i < THREADS; i++) {
        good += jobs[i].result == ERR_OK;
        if (jobs[i].result) assert_string_equal(jobs[i].code, "store_conflict");
    }
    assert_int_equal(good, THREADS / 2);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), THREADS / 2);
}

static off_t log_size(const struct bench *b)
{
    char path[FOLDER_FILE + 4];
    struct stat st;
    snprintf(path, sizeof path, "%s-wal", b->path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* A check of the audit, or a backup: it lasts. */
static void a_fold_among_writes_waits_for_no_reader(void **state)
{
    struct bench *b = *state;
    struct job jobs[THREADS] = {{0}};
    struct db reader;
    int64_t n;
    assert_int_equal(db_open(b->path, &reader), ERR_OK);
    assert_int_equal(db_exec(&reader, "BEGIN"), ERR_OK);
    assert_int_equal(db_number(&reader, "SELECT count(*) FROM t", &n), ERR_OK);
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){.value = i, .fn = i % 8 ? insert : NULL};
    run(b, jobs);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(jobs[i].result, ERR_OK);
    assert_int_equal(number(b, "SELECT count(*) FROM t"), THREADS * 7 / 8);
    assert_true(log_size(b) > 0);
    assert_int_equal(db_number(&reader, "SELECT count(*) FROM t", &n), ERR_OK);
    assert_int_equal(n, 0); /* it sees what it saw */
    db_close(&reader);
    assert_int_equal(writer_fold(b->writer), ERR_OK);
    assert_int_equal(log_size(b), 0);
}

static void what_was_handed_in_is_done_before_the_end(void **state)
{
    struct bench *b = *state;
    struct job job = {.value = 1};
    assert_int_equal(writer_do(b->writer, insert, &job, NULL, NULL), ERR_OK);
    writer_stop(b->writer);
    b->writer = NULL;
    assert_int_equal(number(b, "SELECT count(*) FROM t"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_writers_share_a_commit),
        TEST(one_that_fails_takes_back_only_itself),
        TEST(one_that_undoes_the_group_does_not_take_others_with_it),
        TEST(a_constraint_is_told_to_its_own_caller),
        TEST(a_fold_among_writes_waits_for_no_reader),
        TEST(what_was_handed_in_is_done_before_the_end),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
