/* unstarted: how a job ends that never ran: it was cancelled, its deadline passed, or what it
 * waited for did not succeed. */
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/jobs/worker.h"

/* Out of its queue; what is stored of it now is how it ended. Under the lock. @return ERR_OK,
 * ERR_MEM */
static enum err begin_end(struct job *job, struct job_record *out)
{
    enum err e = job_snapshot(job, out);
    if (e) return e;
    queue_remove(&job->worker->queue, job);
    job->phase = PHASE_LEAVING;
    return ERR_OK;
}

static enum err why_ended(const struct job_record *r, enum stop_reason why)
{
    if (why != STOP_DEPENDENCY) return worker_stop_error(why);
    return err_fail(ERR_CONFLICT, "dependency_failed",
                    "Order it anew, without depends_on or with a job that succeeds.",
                    "%s, which this job was to follow, did not succeed", r->depends_on);
}

/* Store how it ended. @return ERR_OK; ERR_IO, ERR_MEM: it is in its queue again */
static enum err end(struct jobs *j, struct job *job, enum stop_reason why, struct job_record *out)
{
    out->state = why == STOP_USER ? JOB_CANCELLED : JOB_FAILED;
    out->finished_ms = clock_now_ms();
    why_ended(out, why);
    out->error = *err_last();
    enum err e = jobs_store(j, job, out);
    if (!e) return ERR_OK;
    pthread_mutex_lock(&j->lock);
    job->phase = PHASE_QUEUED;
    queue_push(&job->worker->queue, job);
    pthread_cond_signal(&job->worker->work);
    pthread_mutex_unlock(&j->lock);
    return e;
}

/* Not in memory: ended long ago, or never there. */
static enum err refuse_cancel(struct jobs *j, const char *id, struct job_record *out)
{
    enum err e = store_job_get(j->config.store, id, out);
    job_record_dispose(out);
    memset(out, 0, sizeof *out);
    if (e) return e;
    return err_fail(ERR_CONFLICT, "job_ended", "POST …/retry makes a new one of it.",
                    "the job %s has ended", id);
}

enum err jobs_cancel(struct jobs *j, const char *id, struct job_record *out)
{
    bool queued = false, running = false;
    enum err e = ERR_OK;
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&j->lock);
    struct job *job = table_find(&j->table, id);
    if (job) {
        queued = job->phase == PHASE_QUEUED || job->phase == PHASE_ARRIVING;
        running = job->phase == PHASE_RUNNING;
    }
    if (queued) e = begin_end(job, out);
    if (running) e = job_snapshot(job, out);
    if (!e && running) worker_stop_job(job->worker, STOP_USER);
    pthread_mutex_unlock(&j->lock);
    if (!queued && !running) return refuse_cancel(j, id, out);
    if (e || running) return e;
    e = end(j, job, STOP_USER, out);
    if (e) memset(out, 0, sizeof *out);
    return e;
}

/* @param[in,out] next  the earliest deadline of those that are not lost yet */
static struct job *find_lost(const struct jobs *j, struct deadline *next)
{
    for (const struct worker *w = j->workers; w; w = w->next) {
        struct job *lost = queue_lost(&w->queue);
        if (lost) return lost;
        for (struct job *job = w->queue.watched ? w->queue.first : NULL; job; job = job->next)
            *next = deadline_min(*next, job->until);
    }
    return NULL;
}

/* @param r  empty; stays so but for plain fields. Under the lock, which is given up meanwhile. */
static enum err end_lost(struct jobs *j, struct job *job, struct job_record *r)
{
    enum stop_reason why = job->dependency == DEPENDENCY_FAILED ? STOP_DEPENDENCY : STOP_DEADLINE;
    enum err e = begin_end(job, r);
    if (e) return e;
    pthread_mutex_unlock(&j->lock);
    e = end(j, job, why, r);
    if (!e) log_info("job ended", "job=%s state=failed code=%s", r->id, r->error.code);
    pthread_mutex_lock(&j->lock);
    return e;
}

bool unstarted_end_one(struct jobs *j, struct deadline *next)
{
    struct job *job = find_lost(j, next);
    if (!job) return false;
    struct job_record *r = calloc(1, sizeof *r); /* too large for a stack */
    bool ended = r && end_lost(j, job, r) == ERR_OK;
    free(r);
    if (!ended) *next = deadline_within_ms(*next, WORKER_RETRY_MS);
    return ended;
}
