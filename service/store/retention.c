#include "service/store/retention.h"

#include <stdlib.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/store/internal.h"

enum { BATCH = 100, MS_NS = 1000000, PERIOD_S = 3600, SLACK_S = 600 };

static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

struct sweep {
    const struct retention_limits *limits;
    int deleted;
    bool more;
};

/* @param sql  with the parameters ?1, a time, and ?2, the number of rows at most */
static enum err take(struct db *db, struct sweep *s, const char *sql, int64_t before_ms)
{
    struct query q;
    query_begin(&q, db, sql);
    query_put_int(&q, before_ms);
    query_put_int(&q, BATCH);
    enum err e = query_run(&q);
    int n = e ? 0 : sqlite3_changes(db->handle);
    s->deleted += n;
    if (n == BATCH) s->more = true;
    return e;
}

static enum err sweep_ended(struct db *db, struct sweep *s)
{
    int64_t before = s->limits->ended_before_ms;
    enum err e = take(db, s,
                      "DELETE FROM job WHERE seq IN (SELECT seq FROM job"
                      " WHERE finished_ms > 0 AND finished_ms < ?1"
                      " AND state NOT IN ('queued', 'running') AND id NOT IN"
                      " (SELECT depends_on FROM job WHERE state IN ('queued', 'running')"
                      " UNION SELECT retry_of FROM job WHERE state IN ('queued', 'running'))"
                      " ORDER BY finished_ms LIMIT ?2)",
                      before);
    /* Events and deliveries are looked at from the oldest on, and only as far as they are too old:
     * all else that is to be written waits meanwhile. */
    if (!e)
        e = take(db, s,
                 "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq < coalesce("
                 "(SELECT seq FROM event WHERE at_ms >= ?1 ORDER BY seq LIMIT 1),"
                 " 9223372036854775807) ORDER BY seq LIMIT ?2)",
                 before);
    if (!e)
        e = take(db, s,
                 "DELETE FROM delivery WHERE seq IN (SELECT seq FROM delivery WHERE seq < coalesce("
                 "(SELECT seq FROM delivery WHERE created_ms >= ?1 ORDER BY seq LIMIT 1),"
                 " 9223372036854775807) AND state <> 'pending' AND ended_ms > 0 AND ended_ms < ?1"
                 " ORDER BY seq LIMIT ?2)",
                 before);
    /* One that made a policy which others have is how the last of them knows whose it is. */
    if (!e)
        e = take(db, s,
                 "DELETE FROM registration WHERE seq IN (SELECT seq FROM registration"
                 " WHERE state = 'undone' AND policy_made = 0 AND changed_ms < ?1"
                 " ORDER BY seq LIMIT ?2)",
                 before);
    return e;
}

static enum err sweep_answers(struct db *db, struct sweep *s)
{
    int64_t before = s->limits->answers_before_ms;
    enum err e = take(db, s,
                      "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency"
                      " WHERE created_ms < ?1 ORDER BY created_ms LIMIT ?2)",
                      before);
    if (!e)
        e = take(db, s,
                 "UPDATE job SET idempotency = '', body_digest = '' WHERE seq IN"
                 " (SELECT seq FROM job WHERE idempotency <> '' AND created_ms < ?1 LIMIT ?2)",
                 before);
    return e;
}

static enum err run(struct db *db, void *arg)
{
    struct sweep *s = arg;
    s->deleted = 0;
    s->more = false;
    enum err e = sweep_answers(db, s);
    return !e && s->limits->ended_before_ms ? sweep_ended(db, s) : e;
}

enum err store_retain(struct store *s, const struct retention_limits *limits, bool *more_out)
{
    struct sweep sweep = {.limits = limits};
    enum err e = store_write(s, run, &sweep);
    *more_out = !e && sweep.more;
    /* What was deleted last goes out of the log too. */
    if (!e && sweep.deleted && !sweep.more) store_fold_log(s);
    return e;
}

struct retention {
    struct store *store;
    unsigned keep_days;
    struct sleeper thread;
};

static void sweep_all(struct retention *r)
{
    enum { BREATH_MS = 20 };
    int64_t now = clock_now_ms();
    const struct retention_limits limits = {
        .ended_before_ms = r->keep_days ? now - (int64_t)r->keep_days * day_ms : 0,
        .answers_before_ms = now - (int64_t)(LIMIT_IDEMPOTENCY_S + SLACK_S) * 1000,
    };
    bool more;
    do {
        if (!store_retain(r->store, &limits, &more)) continue;
        log_warn("not tidied up, later again", "code=%s", err_last()->code);
        return;
    } while (more && sleeper_pause(&r->thread, BREATH_MS));
}

/* A wall clock that was set meanwhile says nothing of what is old: a small computer has a wrong one
 * until it has found the network. */
static void *retention_main(void *arg)
{
    struct retention *r = arg;
    for (;;) {
        int64_t wall_ms = clock_now_ms(), steady_ns = deadline_now_ns();
        if (!sleeper_pause(&r->thread, (int64_t)PERIOD_S * 1000)) return NULL;
        int64_t moved_ms = clock_now_ms() - wall_ms - (deadline_now_ns() - steady_ns) / MS_NS;
        if (llabs(moved_ms) < (int64_t)PERIOD_S * 1000) sweep_all(r);
    }
}

enum err retention_start(struct store *s, unsigned keep_days, struct retention **out)
{
    *out = NULL;
    struct retention *r = calloc(1, sizeof *r);
    if (!r) return err_set(ERR_MEM, "out of memory");
    r->store = s;
    r->keep_days = keep_days;
    enum err e = sleeper_start(&r->thread, "retention", retention_main, r);
    if (e)
        free(r);
    else
        *out = r;
    return e;
}

void retention_stop(struct retention *r)
{
    if (!r) return;
    sleeper_end(&r->thread);
    free(r);
}
