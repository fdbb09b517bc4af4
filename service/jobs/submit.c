/* submit: an order becomes a job: it has its place in the queue before it is stored, and it is
 * stored before it can run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/jobs/source.h"
#include "service/jobs/worker.h"
#include "service/register/wanted.h"

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
    r->priority = c->priority;
    memcpy(r->depends_on, c->depends_on, sizeof r->depends_on);
    r->state = JOB_QUEUED;
    r->created_ms = clock_now_ms();
    if (c->deadline_s) r->deadline_ms = r->created_ms + (int64_t)c->deadline_s * 1000;
}

/* A place in the queue, and the job among those that live.
 * @param known  the state of the job that it depends on
 * @param[out] again_out  that was out of date: ask for it, and come again */
static enum err admit(struct jobs *j, struct job *job, enum job_state known, bool *again_out)
{
    struct worker *w = NULL;
    *again_out = false;
    pthread_mutex_lock(&j->lock);
    enum err e = ERR_OK;
    if (j->stopping)
        e = err_fail(ERR_CONFLICT, "shutting_down", "Send it again when espgate runs again.",
                     "espgate is ending");
    if (!e) e = worker_for(j, job->slot, &w);
    if (!e && w->hold.state == HOLD_DRAINING)
        e = err_fail(ERR_CONFLICT, "slot_draining",
                     "POST …/resume when it is to take jobs again, or use another slot.",
                     "the slot \"%s\" takes no more jobs", job->slot);
    if (!e && !w->started) e = worker_start(w);
    if (!e && !queue_reserve(&w->queue))
        e = err_fail(ERR_BUSY, "queue_full", "Wait until some of its jobs have ended.",
                     "%d jobs wait for the slot \"%s\"", LIMIT_QUEUE, job->slot);
    if (!e) {
        job->worker = w;
        job->phase = PHASE_ARRIVING;
        *again_out = !depend_enter(j, job, known);
        if (*again_out)
            queue_unreserve(&w->queue);
        else
            table_add(&j->table, job);
    }
    pthread_mutex_unlock(&j->lock);
    return e;
}

static void dismiss(struct jobs *j, struct job *job)
{
    pthread_mutex_lock(&j->lock);
    queue_unreserve(&job->worker->queue);
    depend_leave(j, job);
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
        job->number = j->numbers++;
        queue_push(&w->queue, job);
        pthread_cond_signal(&w->work);
        if (w->queue.watched) pthread_cond_signal(&j->clock_wake);
    }
    pthread_mutex_unlock(&j->lock);
}

/* The job with its order, on the disk. */
static enum err keep(const struct jobs *j, const struct command *c, const char *body,
                     const struct job_record *r)
{
    struct job_need needs[LIMIT_FLASH_IMAGES + 2];
    size_t n = 0;
    const char *claim = c->cloud ? c->cloud->claim_credential : "";
    if (claim[0]) needs[n++] = (struct job_need){NEED_CREDENTIAL, claim};
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

/* @param scratch  empty, and again so afterwards */
static enum err state_of(struct jobs *j, const char *id, struct job_record *scratch,
                         enum job_state *out)
{
    *out = JOB_SUCCEEDED;
    if (!id[0]) return ERR_OK;
    enum err e = jobs_get(j, id, scratch);
    *out = scratch->state;
    job_record_dispose(scratch);
    memset(scratch, 0, sizeof *scratch);
    return e;
}

/* The new job, with its place. */
static enum err enter(struct jobs *j, const struct job_order *o, const char *retry_of,
                      struct job_record *out, struct job **job_out)
{
    enum job_state known;
    bool again = true;
    enum err e = ERR_OK;
    *job_out = NULL;
    while (!e && again) {
        e = state_of(j, o->command->depends_on, out, &known);
        if (e) break;
        fill_record(o, retry_of, out);
        e = job_new(out, job_out);
        if (!e) e = admit(j, *job_out, known, &again);
        if (!e && !again) return ERR_OK;
        job_free(*job_out);
        *job_out = NULL;
    }
    memset(out, 0, sizeof *out);
    return e;
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
    if (!e && c->cloud) e = wanted_is_here(j->config.store, c->cloud);
    if (e) return e;
    e = enter(j, o, retry_of, out, &job);
    if (e) return e;
    struct worker *w = job->worker;
    e = keep(j, c, o->body, out);
    if (e) {
        dismiss(j, job);
        memset(out, 0, sizeof *out);
        job_free(job);
        return e;
    }
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
