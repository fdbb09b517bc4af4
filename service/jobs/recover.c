#include "service/jobs/recover.h"

#include <stdlib.h>

#include "service/base/log.h"
#include "service/jobs/worker.h"

static enum err requeue(struct jobs *j, const char *id, struct job_record *r)
{
    struct job *job = NULL;
    struct worker *w = NULL;
    enum err e = store_job_get(j->config.store, id, r);
    if (!e) e = job_new(r, &job);
    job_record_dispose(r);
    if (e) return e;
    pthread_mutex_lock(&j->lock);
    e = worker_for(j, job->slot, &w);
    if (!e) {
        job->worker = w;
        job->phase = PHASE_QUEUED;
        table_add(&j->table, job);
        queue_push(&w->queue, job);
        job = NULL;
    }
    pthread_mutex_unlock(&j->lock);
    job_free(job);
    return e;
}

enum err recover_queue(struct jobs *j)
{
    char(*ids)[ID_TEXT];
    size_t n;
    enum err e = store_job_recover(j->config.store, &ids, &n);
    if (e) return e;
    struct job_record *r = calloc(1, sizeof *r);
    if (!r) e = err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; !e && i < n; i++)
        e = requeue(j, ids[i], r);
    if (!e && n) log_info("queued jobs run on", "count=%zu", n);
    free(r);
    free(ids);
    return e;
}
