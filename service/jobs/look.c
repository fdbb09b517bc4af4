/* look: what readers see of jobs and slots. */
#include <stdlib.h>
#include <string.h>

#include "service/jobs/worker.h"

enum err jobs_get(struct jobs *j, const char *id, struct job_record *out)
{
    pthread_mutex_lock(&j->lock);
    const struct job *job = table_find(&j->table, id);
    enum err e = job ? job_snapshot(job, out) : ERR_OK;
    pthread_mutex_unlock(&j->lock);
    return job ? e : store_job_get(j->config.store, id, out);
}

/* The store knows of one that runs what was stored last. What has ended since it was listed stays
 * as it was then: it fits the filter. */
static void freshen(struct jobs *j, struct job_record *r)
{
    struct job_record now;
    if (r->state != JOB_RUNNING || jobs_get(j, r->id, &now)) return;
    if (now.state != JOB_RUNNING) {
        job_record_dispose(&now);
        return;
    }
    job_record_dispose(r);
    *r = now;
}

enum err jobs_list(struct jobs *j, const struct job_filter *filter, struct store_page *page,
                   struct job_record **list_out, size_t *n_out)
{
    enum err e = store_job_list(j->config.store, filter, page, list_out, n_out);
    for (size_t i = 0; !e && i < *n_out; i++)
        freshen(j, &(*list_out)[i]);
    return e;
}

/* What is there of it already. Under the lock. */
static struct shared_text *text_of(struct jobs *j, const char *id, bool *ended_out)
{
    const struct job *job = table_find(&j->table, id);
    if (!job || !job->text) return NULL;
    *ended_out = job->phase == PHASE_ENDED;
    return shared_text_ref(job->text);
}

/* For the next who asks, unless it has changed meanwhile. */
static void keep_text(struct jobs *j, const char *id, uint64_t shown, struct shared_text *text)
{
    pthread_mutex_lock(&j->lock);
    struct job *job = table_find(&j->table, id);
    if (job && !job->text && job->shown == shown) job->text = shared_text_ref(text);
    pthread_mutex_unlock(&j->lock);
}

enum err jobs_text(struct jobs *j, const char *id, job_render_fn render, struct shared_text **out,
                   bool *ended_out)
{
    struct job_record record;
    pthread_mutex_lock(&j->lock);
    *out = text_of(j, id, ended_out);
    const struct job *job = *out ? NULL : table_find(&j->table, id);
    uint64_t shown = job ? job->shown : 0;
    enum err e = job ? job_snapshot(job, &record) : ERR_OK;
    pthread_mutex_unlock(&j->lock);
    if (*out) return ERR_OK;
    if (!job) e = store_job_get(j->config.store, id, &record);
    if (e) return e;
    *ended_out = job_state_is_final(record.state);
    *out = render(&record);
    job_record_dispose(&record);
    if (!*out) return err_set(ERR_MEM, "out of memory");
    if (job) keep_text(j, id, shown, *out);
    return ERR_OK;
}

enum err jobs_log(struct jobs *j, const char *id, struct buf *out)
{
    pthread_mutex_lock(&j->lock);
    const struct job *job = table_find(&j->table, id);
    struct transcript *log = job && job->log ? transcript_ref(job->log) : NULL;
    pthread_mutex_unlock(&j->lock);
    if (!log) return store_job_log_get(j->config.store, id, out);
    enum err e = transcript_render(log, out);
    transcript_unref(log);
    return e;
}

static enum err slot_among(struct jobs *j, const struct port_list *ports, const char *name,
                           struct slot_record *slot_out, struct slot_status *status_out)
{
    struct port_claim claim;
    enum err e = slot_find(&j->source, ports, name, slot_out);
    if (e) {
        memset(slot_out, 0, sizeof *slot_out);
        return e;
    }
    struct slot_record resolved = *slot_out;
    bool there = slot_resolve(ports, &resolved, &claim) == ERR_OK;
    pthread_mutex_lock(&j->lock);
    const struct worker *w = worker_find(j, name);
    bool busy = claims_overlap(&j->claims, &claim) || (w && w->job);
    if (w) status_out->queued = w->queue.count;
    if (w) status_out->hold = w->hold;
    status_out->drained =
        w && w->hold.state == HOLD_DRAINING && !w->job && w->queue.count + w->queue.reserved == 0;
    if (w && w->job) memcpy(status_out->job, w->job->id, sizeof status_out->job);
    pthread_mutex_unlock(&j->lock);
    status_out->state = busy ? SLOT_BUSY : there ? SLOT_IDLE : SLOT_ABSENT;
    return ERR_OK;
}

enum err jobs_slot(struct jobs *j, const struct port_list *ports, const char *name,
                   struct slot_record *slot_out, struct slot_status *status_out)
{
    struct port_list own;
    memset(status_out, 0, sizeof *status_out);
    if (ports) return slot_among(j, ports, name, slot_out, status_out);
    enum err looked = ports_look(&j->source, &own);
    struct err_info why = *err_last();
    enum err e = slot_among(j, &own, name, slot_out, status_out);
    free(own.items);
    return looked && e == ERR_NOT_FOUND ? err_restore(&why) : e;
}

enum err jobs_loads(struct jobs *j, struct slot_load **out, size_t *n_out)
{
    size_t n = 0, i = 0;
    *out = NULL;
    *n_out = 0;
    pthread_mutex_lock(&j->lock);
    for (const struct worker *w = j->workers; w; w = w->next)
        n++;
    struct slot_load *list = calloc(n ? n : 1, sizeof *list);
    for (const struct worker *w = list ? j->workers : NULL; w; w = w->next, i++) {
        memcpy(list[i].slot, w->slot, sizeof list[i].slot);
        list[i].queued = w->queue.count;
        list[i].running = w->job != NULL;
        list[i].hold = w->hold.state;
    }
    pthread_mutex_unlock(&j->lock);
    if (!list) return err_set(ERR_MEM, "out of memory");
    *out = list;
    *n_out = n;
    return ERR_OK;
}

static void count_job(const struct job *job, struct jobs_census *c)
{
    bool running = job->phase == PHASE_RUNNING;
    if (!running && job->phase != PHASE_QUEUED) return;
    for (int k = 0; k < COMMAND_KINDS; k++)
        if (strcmp(job->kind, command_kind_name((enum command_kind)k)) == 0)
            (running ? c->running : c->queued)[k]++;
}

void jobs_count(struct jobs *j, struct jobs_census *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < JOB_BUCKETS; i++)
        for (const struct job *job = j->table.buckets[i]; job; job = job->chain)
            count_job(job, out);
    pthread_mutex_unlock(&j->lock);
}
