/* writer: a group is one transaction, each operation in it a savepoint, so that one that fails
 * takes back only itself. Some faults (disk full, I/O) make SQLite undo the whole transaction; then
 * each operation is run again alone, so that the guilty one cannot take others with it. */
#include "service/store/writer.h"

#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

#include "service/base/metrics.h"
#include "service/base/thread.h"

enum { GROUP_MAX = 256, FOLD_WAIT_MS = 100 };

struct op {
    write_fn fn;
    void *arg;
    written_fn then;
    void *then_arg;
    bool bare; /* outside of a transaction, and so alone */
    enum err result;
    struct err_info error;
    sem_t done; /* not a condition: its owner goes on without waiting for the lock */
    struct op *next;
};

struct writer {
    struct db db;
    struct sleeper thread; /* its lock guards the list */
    struct op *first, **last;
};

static void fail_op(struct op *op, enum err e)
{
    op->result = e;
    op->error = *err_last();
}

/* As db_exec(), its statement kept: what each operation needs is not parsed each time. */
static enum err say(struct db *db, const char *sql)
{
    struct query q;
    query_begin(&q, db, sql);
    return query_run(&q);
}

static void run_op(struct db *db, struct op *op)
{
    metrics_add(METRIC_STORE_WRITES, 1);
    enum err e = say(db, "SAVEPOINT op");
    if (!e) e = op->fn(db, op->arg);
    if (!e) e = say(db, "RELEASE op");
    op->result = e;
    if (!e) return;
    fail_op(op, e);
    if (!sqlite3_get_autocommit(db->handle)) (void)db_exec(db, "ROLLBACK TO op; RELEASE op");
}

static void fail_all(struct op *group, enum err e)
{
    for (struct op *op = group; op; op = op->next)
        fail_op(op, e);
}

/* @return ERR_OK when each operation has its own result; else the whole was undone */
static enum err run_group(struct db *db, struct op *group)
{
    bool undone = false;
    enum err e = say(db, "BEGIN IMMEDIATE");
    if (e) metrics_add(METRIC_STORE_FAULTS, 1);
    if (e) { /* trying again one by one would wait for the same lock each time */
        fail_all(group, e);
        return ERR_OK;
    }
    for (struct op *op = group; !e && !undone && op; op = op->next) {
        run_op(db, op);
        undone = sqlite3_get_autocommit(db->handle) != 0;
        if (undone) e = err_restore(&op->error);
    }
    if (!e) e = say(db, "COMMIT");
    metrics_add(e ? METRIC_STORE_FAULTS : METRIC_STORE_COMMITS, 1);
    if (!e) return ERR_OK;
    struct err_info saved = *err_last();
    if (!sqlite3_get_autocommit(db->handle)) (void)db_exec(db, "ROLLBACK");
    return err_restore(&saved);
}

static void run_alone(struct db *db, struct op *op)
{
    struct op *next = op->next;
    op->next = NULL;
    enum err e = run_group(db, op);
    if (e) fail_op(op, e);
    op->next = next;
}

static void run_bare(struct db *db, struct op *op)
{
    op->result = op->fn(db, op->arg);
    if (op->result) fail_op(op, op->result);
}

static void run_all(struct db *db, struct op *group)
{
    enum err e = run_group(db, group);
    if (!e) return;
    if (!group->next) fail_op(group, e);
    for (struct op *op = group; group->next && op; op = op->next)
        run_alone(db, op);
}

/* Take at most GROUP_MAX from the list: the first, and what may share its transaction. */
static struct op *take_group(struct writer *w)
{
    struct op *group = w->first, **end = &group->next;
    for (int n = 1; *end && n < GROUP_MAX && !group->bare && !(*end)->bare; n++)
        end = &(*end)->next;
    w->first = *end;
    *end = NULL;
    if (!w->first) w->last = &w->first;
    return group;
}

/* Without the lock, while their owners wait. */
static void tell_all(const struct op *group)
{
    for (const struct op *op = group; op; op = op->next)
        if (!op->result && op->then) op->then(op->then_arg);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->thread.lock);
    for (;;) {
        while (!w->first && !w->thread.ending)
            sleeper_wait(&w->thread, deadline_never());
        if (!w->first) break;
        struct op *group = take_group(w);
        pthread_mutex_unlock(&w->thread.lock);
        if (group->bare)
            run_bare(&w->db, group);
        else
            run_all(&w->db, group);
        tell_all(group);
        while (group) {
            /* Once it is done its owner may be gone with it. */
            struct op *next = group->next;
            sem_post(&group->done);
            group = next;
        }
        pthread_mutex_lock(&w->thread.lock);
    }
    pthread_mutex_unlock(&w->thread.lock);
    return NULL;
}

enum err writer_start(struct db *db, struct writer **out)
{
    *out = NULL;
    struct writer *w = calloc(1, sizeof *w);
    if (!w) return err_set(ERR_MEM, "out of memory");
    w->last = &w->first;
    w->db = *db;
    enum err e = sleeper_start(&w->thread, "store-writer", writer_main, w);
    if (e) {
        free(w);
        return e;
    }
    *db = (struct db){0};
    *out = w;
    return ERR_OK;
}

/* Under the lock. */
static void append(struct writer *w, struct op *op)
{
    *w->last = op;
    w->last = &op->next;
}

/* Its owner's part: hand it in, and wait until it is done. */
static enum err hand_in(struct writer *w, struct op *op)
{
    op->result = ERR_INTERNAL;
    sem_init(&op->done, 0, 0);
    pthread_mutex_lock(&w->thread.lock);
    append(w, op);
    pthread_cond_signal(&w->thread.wake);
    pthread_mutex_unlock(&w->thread.lock);
    while (sem_wait(&op->done)) /* EINTR: a signal */
        continue;
    sem_destroy(&op->done);
    return op->result ? err_restore(&op->error) : ERR_OK;
}

enum err writer_do(struct writer *w, write_fn fn, void *arg, written_fn then, void *then_arg)
{
    return hand_in(w, &(struct op){.fn = fn, .arg = arg, .then = then, .then_arg = then_arg});
}

/* All wait meanwhile, so a reader that takes its time (a check of the audit, a backup) is not
 * waited for long. */
static enum err fold(struct db *db, void *arg)
{
    (void)arg;
    sqlite3_busy_timeout(db->handle, FOLD_WAIT_MS);
    enum err e = db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    return e;
}

enum err writer_fold(struct writer *w)
{
    return hand_in(w, &(struct op){.fn = fold, .bare = true});
}

void writer_stop(struct writer *w)
{
    if (!w) return;
    sleeper_end(&w->thread);
    db_close(&w->db);
    free(w);
}
