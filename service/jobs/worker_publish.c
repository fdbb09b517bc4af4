/* worker_publish: how what a worker did is stored and shown. */
#include <stdlib.h>
#include <string.h>

#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/jobs/worker.h"

enum { STORE_RETRY_MS = 500 };

void jobs_announce(const struct jobs *j, const struct job_record *r)
{
    if (j->config.changed) j->config.changed(r, j->config.changed_arg);
}

/* The job is over for readers: in the same moment in which they see how it ended, its slot is free.
 * Under the lock. */
static void let_go(struct worker *w)
{
    struct job *job = w->job;
    w->job = NULL;
    transcript_unref(job->log);
    job->log = NULL;
    job->phase = PHASE_ENDED;
    table_end(&w->jobs->table, job);
}

enum err worker_show(struct worker *w)
{
    struct job_record *r = w->record;
    char *result = r->result_json ? strdup(r->result_json) : NULL;
    if (r->result_json && !result) return err_set(ERR_MEM, "out of memory");
    char *own = r->result_json;
    r->result_json = NULL;
    pthread_mutex_lock(&w->jobs->lock);
    struct job_record *view = w->job->view;
    job_record_dispose(view);
    job_record_copy(r, view); /* without a result it does not fail */
    view->result_json = result;
    if (job_state_is_final(r->state)) let_go(w);
    pthread_mutex_unlock(&w->jobs->lock);
    r->result_json = own;
    jobs_announce(w->jobs, r);
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
    if (!e) e = store_job_save(w->jobs->config.store, w->record);
    if (e) return e;
    w->stored_ns = deadline_now_ns();
    return worker_show(w);
}

bool worker_pause(struct jobs *j)
{
    struct deadline until = deadline_in_ms(STORE_RETRY_MS);
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
