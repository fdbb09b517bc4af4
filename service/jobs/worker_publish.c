/* worker_publish: how what a worker did is stored and shown. */
#include <stdlib.h>
#include <string.h>

#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/jobs/worker.h"

enum { TELL_NS = 500 * 1000 * 1000 };

/* The job is over for readers: in the same moment in which they see how it ended, its slot is free.
 * Under the lock. */
static void let_go(struct jobs *j, struct job *job)
{
    if (job->worker->job == job) job->worker->job = NULL;
    transcript_unref(job->log);
    job->log = NULL;
    job->phase = PHASE_ENDED;
    depend_leave(j, job);
    depend_settle(j, job, job->view->state);
    table_end(&j->table, job);
}

/* A copy for readers, made before it is stored, so that showing it cannot fail. */
static enum err prepare(struct jobs *j, struct job *job, const struct job_record *r)
{
    struct job_record *copy = malloc(sizeof *copy);
    enum err e = copy ? job_record_copy(r, copy) : err_set(ERR_MEM, "out of memory");
    if (e) {
        free(copy);
        return e;
    }
    pthread_mutex_lock(&j->lock);
    job_prepare(job, copy);
    pthread_mutex_unlock(&j->lock);
    return ERR_OK;
}

static void show(struct jobs *j, const char *id)
{
    pthread_mutex_lock(&j->lock);
    struct job *job = table_find(&j->table, id);
    if (job && job->coming) {
        job_show(job);
        if (job_state_is_final(job->view->state)) let_go(j, job);
    }
    pthread_mutex_unlock(&j->lock);
}

void jobs_stored(const struct job_record *r, const struct event_record *event, void *arg)
{
    struct jobs *j = arg;
    if (!r)
        hold_stored(j, event->slot);
    else if (r->state != JOB_QUEUED) /* a cancel may be on its way, which is not stored yet */
        show(j, r->id);
    if (j->config.changed) j->config.changed(r, event, j->config.changed_arg);
}

enum err jobs_store(struct jobs *j, struct job *job, const struct job_record *r)
{
    enum err e = prepare(j, job, r);
    return e ? e : store_job_save(j->config.store, r);
}

enum err worker_show(struct worker *w)
{
    struct event_record event;
    enum err e = prepare(w->jobs, w->job, w->record);
    if (e) return e;
    show(w->jobs, w->record->id);
    int64_t now = deadline_now_ns();
    if (!w->jobs->config.changed || now - w->told_ns < TELL_NS) return ERR_OK;
    w->told_ns = now;
    e = event_of_job(w->record, "job.progress", &event);
    if (e) return e;
    jobs_stored(w->record, &event, w->jobs);
    event_record_dispose(&event);
    return ERR_OK;
}

/* What the steps found so far. */
static enum err renew_result(struct worker *w)
{
    if (!w->result || !json_object_size(w->result)) return ERR_OK;
    char *text = json_dumps(w->result, JSON_COMPACT);
    if (!text) return err_set(ERR_MEM, "out of memory");
    free(w->record->result_json);
    w->record->result_json = text;
    return ERR_OK;
}

enum err worker_publish(struct worker *w)
{
    enum err e = renew_result(w);
    if (!e) e = jobs_store(w->jobs, w->job, w->record);
    if (!e) w->stored_ns = deadline_now_ns();
    return e;
}

bool worker_pause(struct jobs *j)
{
    struct deadline until = deadline_in_ms(WORKER_RETRY_MS);
    pthread_mutex_lock(&j->lock);
    while (!j->stopping && !deadline_passed(until))
        thread_wait_until(&j->halting, &j->lock, until);
    bool stopping = j->stopping;
    pthread_mutex_unlock(&j->lock);
    return stopping;
}

bool worker_publish_surely(struct worker *w)
{
    bool told = false;
    while (worker_publish(w)) {
        if (!told) log_error("job not stored, trying on", "code=%s", err_last()->code);
        told = true;
        if (worker_pause(w->jobs)) return worker_publish(w) == ERR_OK;
    }
    return true;
}
