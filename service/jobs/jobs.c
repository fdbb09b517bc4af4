#include "service/jobs/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/jobs/source.h"
#include "service/jobs/worker.h"

/* Under the lock. */
static struct worker *find_worker(const struct jobs *j, const char *slot)
{
    struct worker *w = j->workers;
    while (w && strcmp(w->slot, slot) != 0)
        w = w->next;
    return w;
}

/* The slot's worker, made when it is the slot's first job. Under the lock. */
static enum err worker_for(struct jobs *j, const char *slot, struct worker **out)
{
    *out = find_worker(j, slot);
    if (*out) return ERR_OK;
    enum err e = worker_new(j, slot, out);
    if (e) return e;
    (*out)->next = j->workers;
    j->workers = *out;
    return ERR_OK;
}

/* Raise what is over; @return when the next limit ends. Under the lock. */
static struct deadline watch_limits(struct jobs *j)
{
    struct deadline next = deadline_never();
    for (struct worker *w = j->workers; w; w = w->next) {
        if (!w->job || w->why != STOP_NONE) continue;
        if (deadline_passed(w->until))
            worker_stop_job(w, STOP_TIMEOUT);
        else
            next = deadline_min(next, w->until);
    }
    return next;
}

static void *clock_main(void *arg)
{
    struct jobs *j = arg;
    pthread_mutex_lock(&j->lock);
    while (!j->stopping)
        thread_wait_until(&j->clock_wake, &j->lock, watch_limits(j));
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

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

static enum err recover(struct jobs *j)
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

static void ports_changed(void *jobs)
{
    jobs_ports_changed(jobs);
}

static enum err start_threads(struct jobs *j)
{
    enum err e = thread_start(&j->clock, "jobs-clock", clock_main, j);
    j->clock_started = e == ERR_OK;
    if (!e)
        e = hotplug_start(j->config.port_globs, j->config.port_glob_count, ports_changed, j,
                          &j->hotplug);
    for (struct worker *w = j->workers; !e && w; w = w->next)
        e = worker_start(w);
    return e;
}

enum err jobs_start(const struct jobs_config *cfg, struct jobs **out)
{
    *out = NULL;
    struct jobs *j = calloc(1, sizeof *j);
    if (!j) return err_set(ERR_MEM, "out of memory");
    j->config = *cfg;
    j->source = (struct port_source){cfg->store, cfg->port_globs, cfg->port_glob_count};
    pthread_mutex_init(&j->lock, NULL);
    thread_cond_init(&j->clock_wake);
    thread_cond_init(&j->ports_freed);
    thread_cond_init(&j->halting);
    enum err e = recover(j);
    /* Before any thread can call back: what it calls may want it. */
    if (!e) *out = j;
    if (!e) e = start_threads(j);
    if (!e) return ERR_OK;
    struct err_info saved = *err_last();
    *out = NULL;
    jobs_stop(j);
    return err_restore(&saved);
}

void jobs_halt(struct jobs *j)
{
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    for (struct worker *w = j->workers; w; w = w->next) {
        worker_stop_job(w, STOP_SHUTDOWN);
        pthread_cond_broadcast(&w->work);
    }
    pthread_cond_broadcast(&j->clock_wake);
    pthread_cond_broadcast(&j->ports_freed);
    pthread_cond_broadcast(&j->halting);
    struct worker *first = j->workers; /* grows no more */
    pthread_mutex_unlock(&j->lock);
    for (struct worker *w = first; w; w = w->next) {
        if (w->started) pthread_join(w->thread, NULL);
        w->started = false;
    }
    if (j->clock_started) pthread_join(j->clock, NULL);
    j->clock_started = false;
    hotplug_stop(j->hotplug);
    j->hotplug = NULL;
}

void jobs_stop(struct jobs *j)
{
    if (!j) return;
    jobs_halt(j);
    table_dispose(&j->table);
    while (j->workers) {
        struct worker *w = j->workers;
        j->workers = w->next;
        worker_free(w);
    }
    pthread_cond_destroy(&j->clock_wake);
    pthread_cond_destroy(&j->ports_freed);
    pthread_cond_destroy(&j->halting);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static void fill_record(const struct job_order *o, const char *retry_of, struct job_record *r)
{
    const struct command *c = o->command;
    memset(r, 0, sizeof *r);
    id_new("job", r->id);
    snprintf(r->kind, sizeof r->kind, "%s", command_kind_name(c->kind));
    memcpy(r->slot, c->slot, sizeof r->slot);
    memcpy(r->credential, c->credential, sizeof r->credential);
    memcpy(r->firmware, c->firmware, sizeof r->firmware);
    snprintf(r->retry_of, sizeof r->retry_of, "%s", retry_of);
    snprintf(r->actor, sizeof r->actor, "%s", o->actor ? o->actor : "");
    snprintf(r->token, sizeof r->token, "%s", o->token ? o->token : "");
    snprintf(r->idempotency, sizeof r->idempotency, "%s", o->idempotency ? o->idempotency : "");
    snprintf(r->body_sha256, sizeof r->body_sha256, "%s", o->body_sha256 ? o->body_sha256 : "");
    r->state = JOB_QUEUED;
    r->created_ms = clock_now_ms();
}

/* A place in the queue, and the job among those that live. */
static enum err admit(struct jobs *j, struct job *job)
{
    struct worker *w = NULL;
    pthread_mutex_lock(&j->lock);
    enum err e = ERR_OK;
    if (j->stopping) e = err_fail(ERR_CONFLICT, "shutting_down", NULL, "espgate is ending");
    if (!e) e = worker_for(j, job->slot, &w);
    if (!e && !w->started) e = worker_start(w);
    if (!e && !queue_reserve(&w->queue))
        e = err_fail(ERR_BUSY, "queue_full", "Wait until some of its jobs have ended.",
                     "%d jobs wait for the slot \"%s\"", LIMIT_QUEUE, job->slot);
    if (!e) {
        job->worker = w;
        job->phase = PHASE_ARRIVING;
        table_add(&j->table, job);
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}

static void dismiss(struct jobs *j, struct job *job)
{
    pthread_mutex_lock(&j->lock);
    queue_unreserve(&job->worker->queue);
    table_remove(&j->table, job);
    pthread_mutex_unlock(&j->lock);
}

/* Found again by its id: it may have been cancelled, and be gone, since it was announced. */
static void enqueue(struct jobs *j, const char *id, struct worker *w)
{
    pthread_mutex_lock(&j->lock);
    queue_unreserve(&w->queue);
    struct job *job = table_find(&j->table, id);
    if (job && job->phase == PHASE_ARRIVING) {
        job->phase = PHASE_QUEUED;
        queue_push(&w->queue, job);
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&j->lock);
}

/* The job with its order, on the disk. */
static enum err keep(const struct jobs *j, const struct command *c, const char *body,
                     const struct job_record *r)
{
    struct job_need needs[LIMIT_FLASH_IMAGES + 1];
    size_t n = 0;
    if (c->backup[0]) needs[n++] = (struct job_need){NEED_BACKUP, c->backup};
    for (size_t i = 0; i < c->image_count; i++) {
        const struct command_image *m = &c->images[i];
        if (m->firmware[0])
            needs[n++] = (struct job_need){NEED_FIRMWARE, m->firmware};
        else
            needs[n++] = (struct job_need){NEED_IMAGES, m->image};
    }
    return store_job_add(j->config.store, r, body, needs, n);
}

static void announce(const struct jobs *j, const struct job_record *r)
{
    if (j->config.changed) j->config.changed(r, j->config.changed_arg);
}

static enum err submit(struct jobs *j, const struct job_order *o, const char *retry_of,
                       struct field_errors *errors, struct job_record *out)
{
    const struct command *c = o->command;
    struct slot_record slot;
    struct job *job = NULL;
    memset(out, 0, sizeof *out);
    enum err e = slot_find(&j->source, NULL, c->slot, &slot);
    if (!e) e = slot_serves(&slot, c);
    if (!e) e = sources_check(j->config.store, c, errors);
    if (e) return e;
    fill_record(o, retry_of, out);
    e = job_new(out, &job);
    if (!e) e = admit(j, job);
    if (e) {
        memset(out, 0, sizeof *out);
        job_free(job);
        return e;
    }
    struct worker *w = job->worker;
    e = keep(j, c, o->body, out);
    if (e) {
        dismiss(j, job);
        memset(out, 0, sizeof *out);
        job_free(job);
        return e;
    }
    announce(j, out); /* before it can run, so that its events are in order */
    enqueue(j, out->id, w);
    log_info("job queued", "job=%s kind=%s slot=%s", out->id, out->kind, out->slot);
    return ERR_OK;
}

enum err jobs_submit(struct jobs *j, const struct job_order *o, struct field_errors *errors,
                     struct job_record *out)
{
    return submit(j, o, "", errors, out);
}

enum err jobs_retry(struct jobs *j, const char *id, const struct job_order *by,
                    struct job_record *out)
{
    struct job_order order = *by;
    struct field_errors errors;
    struct buf body;
    enum err e = jobs_get(j, id, out);
    if (e) return e;
    bool ended = job_state_is_final(out->state);
    job_record_dispose(out);
    memset(out, 0, sizeof *out);
    if (!ended)
        return err_fail(ERR_CONFLICT, "job_not_ended", "Wait for it, or cancel it.",
                        "the job %s has not ended", id);
    struct command *c = calloc(1, sizeof *c);
    if (!c) return err_set(ERR_MEM, "out of memory");
    buf_init_secret(&body, LIMIT_UPLOAD_BODY);
    e = store_job_command(j->config.store, id, &body);
    if (!e) e = command_parse(buf_str(&body), body.len, c, &errors);
    order.command = c;
    order.body = buf_str(&body);
    if (!e) e = submit(j, &order, id, &errors, out);
    buf_dispose(&body);
    command_dispose(c);
    free(c);
    return e;
}

enum err jobs_get(struct jobs *j, const char *id, struct job_record *out)
{
    pthread_mutex_lock(&j->lock);
    const struct job *job = table_find(&j->table, id);
    enum err e = job ? job_snapshot(job, out) : ERR_OK;
    pthread_mutex_unlock(&j->lock);
    return job ? e : store_job_get(j->config.store, id, out);
}

/* It left its queue: store how it ended, then show it. */
static enum err cancel_queued(struct jobs *j, struct job *job, struct job_record *out)
{
    struct job_record *view = calloc(1, sizeof *view);
    out->state = JOB_CANCELLED;
    out->finished_ms = clock_now_ms();
    worker_stop_error(STOP_USER);
    out->error = *err_last();
    enum err e = view ? store_job_save(j->config.store, out) : err_set(ERR_MEM, "out of memory");
    pthread_mutex_lock(&j->lock);
    if (e) { /* as if it had not been asked for */
        job->phase = PHASE_QUEUED;
        queue_push_front(&job->worker->queue, job);
        pthread_cond_signal(&job->worker->work);
    } else {
        job_record_copy(out, view); /* there is no result: it does not fail */
        job->view = view;
        job->phase = PHASE_ENDED;
        table_end(&j->table, job);
    }
    pthread_mutex_unlock(&j->lock);
    if (!e) announce(j, out);
    if (e) free(view);
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
    const struct worker *w = find_worker(j, name);
    bool busy = claims_overlap(&j->claims, &claim) || (w && w->job);
    if (w) status_out->queued = w->queue.count;
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
