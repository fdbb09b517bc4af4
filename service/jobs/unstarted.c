/* unstarted: how a job ends that never ran. */
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/jobs/worker.h"

/* It left its queue: store how it ended. */
static enum err cancel_queued(struct jobs *j, struct job *job, struct job_record *out)
{
    out->state = JOB_CANCELLED;
    out->finished_ms = clock_now_ms();
    worker_stop_error(STOP_USER);
    out->error = *err_last();
    enum err e = jobs_store(j, job, out);
    if (!e) return ERR_OK;
    pthread_mutex_lock(&j->lock); /* as if it had not been asked for */
    job->phase = PHASE_QUEUED;
    queue_push_front(&job->worker->queue, job);
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
    if (queued || running) e = job_snapshot(job, out);
    if (!e && queued) {
        queue_remove(&job->worker->queue, job);
        job->phase = PHASE_LEAVING;
    }
    if (!e && running) worker_stop_job(job->worker, STOP_USER);
    pthread_mutex_unlock(&j->lock);
    if (!queued && !running) return refuse_cancel(j, id, out);
    if (e || running) return e;
    e = cancel_queued(j, job, out);
    if (e) memset(out, 0, sizeof *out);
    return e;
}
