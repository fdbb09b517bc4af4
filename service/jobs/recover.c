/* Design: a job that was running when espgate ended may have left its board in the loader, or
 * hanging in a command. So its slot gets a reset of our own, before all that waits there. The reset
 * is stored before its cause is marked as interrupted: whenever we are killed in between, the next
 * start finds either the cause or the reset, and a reset that was killed itself is a cause again.
 */
#include "service/jobs/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/jobs/worker.h"

/* Its first word to the board is said in a step, which is stored before. */
static bool touched_board(const struct job_record *r)
{
    for (size_t i = 0; i < r->step_count; i++)
        if (strcmp(r->steps[i].name, "ports") != 0) return true;
    return false;
}

/* The first of the slot's queue is what is looked for, if it is there at all. */
static enum err has_reset(struct jobs *j, const char *slot, bool *out)
{
    struct job_filter filter = {.kind = "reset", .by_state = true, .state = JOB_QUEUED};
    struct store_page page = {.limit = LIMIT_PAGE};
    struct job_record *list;
    size_t n;
    snprintf(filter.slot, sizeof filter.slot, "%s", slot);
    *out = false;
    do {
        enum err e = store_job_list(j->config.store, &filter, &page, &list, &n);
        if (e) return e;
        for (size_t i = 0; i < n; i++) {
            *out = *out || list[i].priority == JOB_PRIORITY_RECOVERY;
            job_record_dispose(&list[i]);
        }
        free(list);
        memcpy(page.cursor, page.next, sizeof page.cursor);
    } while (!*out && page.cursor[0]);
    return ERR_OK;
}

static enum err add_reset(struct jobs *j, const char *slot)
{
    json_t *body = json_pack("{s:s, s:s}", "kind", "reset", "slot", slot);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    struct job_record *r = calloc(1, sizeof *r);
    if (!r || !text) {
        free(text);
        free(r);
        return err_set(ERR_MEM, "out of memory");
    }
    id_new("job", r->id);
    snprintf(r->kind, sizeof r->kind, "reset");
    snprintf(r->slot, sizeof r->slot, "%s", slot);
    snprintf(r->actor, sizeof r->actor, "espgate");
    r->priority = JOB_PRIORITY_RECOVERY;
    r->state = JOB_QUEUED;
    r->created_ms = clock_now_ms();
    enum err e = store_job_add(j->config.store, r, text, NULL, 0);
    if (!e) log_info("board to be reset", "job=%s slot=%s", r->id, slot);
    free(text);
    free(r);
    return e;
}

static enum err bring_back(struct jobs *j, const struct job_record *cause)
{
    bool there = false;
    if (!touched_board(cause)) return ERR_OK;
    enum err e = has_reset(j, cause->slot, &there);
    return e || there ? e : add_reset(j, cause->slot);
}

static enum err bring_boards_back(struct jobs *j)
{
    const struct job_filter running = {.by_state = true, .state = JOB_RUNNING};
    struct store_page page = {.limit = LIMIT_PAGE};
    struct job_record *list;
    size_t n;
    enum err e;
    do {
        e = store_job_list(j->config.store, &running, &page, &list, &n);
        if (e) return e;
        for (size_t i = 0; i < n; i++) {
            if (!e) e = bring_back(j, &list[i]);
            job_record_dispose(&list[i]);
        }
        free(list);
        memcpy(page.cursor, page.next, sizeof page.cursor);
    } while (!e && page.cursor[0]);
    return e;
}

/* @param scratch  empty, and again so afterwards */
static enum err find_dependency(struct jobs *j, struct job *job, struct job_record *scratch)
{
    enum job_state known = JOB_FAILED; /* it is gone: nobody will ever say that it succeeded */
    if (!job->depends_on[0]) return ERR_OK;
    enum err e = store_job_get(j->config.store, job->depends_on, scratch);
    if (!e) known = scratch->state;
    job_record_dispose(scratch);
    if (e && e != ERR_NOT_FOUND) return e;
    pthread_mutex_lock(&j->lock);
    bool entered = depend_enter(j, job, known); /* jobs come in the order of their acceptance */
    pthread_mutex_unlock(&j->lock);
    return entered ? ERR_OK : err_set(ERR_INTERNAL, "%s is nowhere", job->depends_on);
}

static enum err requeue(struct jobs *j, const char *id, struct job_record *r)
{
    struct job *job = NULL;
    struct worker *w = NULL;
    enum err e = store_job_get(j->config.store, id, r);
    if (!e) e = job_new(r, &job);
    job_record_dispose(r);
    if (!e) e = find_dependency(j, job, r);
    if (e) {
        job_free(job);
        return e;
    }
    pthread_mutex_lock(&j->lock);
    e = worker_for(j, job->slot, &w);
    if (!e) {
        job->worker = w;
        job->phase = PHASE_QUEUED;
        job->number = j->numbers++;
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
    enum err e = bring_boards_back(j);
    if (!e) e = store_job_recover(j->config.store, &ids, &n);
    if (e) return e;
    struct job_record *r = calloc(1, sizeof *r);
    if (!r) e = err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; r && !e && i < n; i++)
        e = requeue(j, ids[i], r);
    if (!e && n) log_info("queued jobs run on", "count=%zu", n);
    free(r);
    free(ids);
    return e;
}
