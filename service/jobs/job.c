#include "service/jobs/job.h"

#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/shared_text.h"
#include "service/jobs/transcript.h"

enum err job_new(const struct job_record *r, struct job **out)
{
    struct job *job = calloc(1, sizeof *job);
    *out = job;
    if (!job) return err_set(ERR_MEM, "out of memory");
    memcpy(job->id, r->id, sizeof job->id);
    memcpy(job->kind, r->kind, sizeof job->kind);
    memcpy(job->slot, r->slot, sizeof job->slot);
    memcpy(job->credential, r->credential, sizeof job->credential);
    memcpy(job->firmware, r->firmware, sizeof job->firmware);
    memcpy(job->retry_of, r->retry_of, sizeof job->retry_of);
    job->priority = r->priority;
    memcpy(job->depends_on, r->depends_on, sizeof job->depends_on);
    memcpy(job->actor, r->actor, sizeof job->actor);
    memcpy(job->token, r->token, sizeof job->token);
    job->created_ms = r->created_ms;
    job->deadline_ms = r->deadline_ms;
    job->until = deadline_never();
    if (r->deadline_ms) job->until = deadline_in_ms(r->deadline_ms - clock_now_ms());
    return ERR_OK;
}

static void free_record(struct job_record *r)
{
    if (r) job_record_dispose(r);
    free(r);
}

void job_free(struct job *job)
{
    if (!job) return;
    free_record(job->view);
    free_record(job->coming);
    shared_text_unref(job->text);
    transcript_unref(job->log);
    free(job);
}

enum err job_snapshot(const struct job *job, struct job_record *out)
{
    if (job->view) return job_record_copy(job->view, out);
    memset(out, 0, sizeof *out);
    memcpy(out->id, job->id, sizeof out->id);
    memcpy(out->kind, job->kind, sizeof out->kind);
    memcpy(out->slot, job->slot, sizeof out->slot);
    memcpy(out->credential, job->credential, sizeof out->credential);
    memcpy(out->firmware, job->firmware, sizeof out->firmware);
    memcpy(out->retry_of, job->retry_of, sizeof out->retry_of);
    out->priority = job->priority;
    memcpy(out->depends_on, job->depends_on, sizeof out->depends_on);
    memcpy(out->actor, job->actor, sizeof out->actor);
    memcpy(out->token, job->token, sizeof out->token);
    out->created_ms = job->created_ms;
    out->deadline_ms = job->deadline_ms;
    out->state = JOB_QUEUED;
    return ERR_OK;
}

void job_prepare(struct job *job, struct job_record *copy)
{
    free_record(job->coming);
    job->coming = copy;
}

void job_show(struct job *job)
{
    free_record(job->view);
    shared_text_unref(job->text);
    job->text = NULL;
    job->shown++;
    job->view = job->coming;
    job->coming = NULL;
}

/* FNV-1a: the ids are random at their end. */
static struct job **bucket_of(struct job_table *t, const char *id)
{
    uint32_t h = 2166136261u;
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 16777619u;
    return &t->buckets[h % JOB_BUCKETS];
}

void table_add(struct job_table *t, struct job *job)
{
    struct job **bucket = bucket_of(t, job->id);
    job->chain = *bucket;
    *bucket = job;
}

struct job *table_find(const struct job_table *t, const char *id)
{
    struct job *job = *bucket_of((struct job_table *)t, id);
    while (job && strcmp(job->id, id) != 0)
        job = job->chain;
    return job;
}

void table_remove(struct job_table *t, const struct job *job)
{
    struct job **at = bucket_of(t, job->id);
    while (*at && *at != job)
        at = &(*at)->chain;
    if (*at) *at = job->chain;
}

void table_end(struct job_table *t, struct job *job)
{
    job->next = NULL;
    if (t->ended_last)
        t->ended_last->next = job;
    else
        t->ended_first = job;
    t->ended_last = job;
    if (++t->ended <= JOB_ENDED_KEPT) return;
    struct job *oldest = t->ended_first;
    t->ended_first = oldest->next;
    t->ended--;
    table_remove(t, oldest);
    job_free(oldest);
}

void table_dispose(struct job_table *t)
{
    for (size_t i = 0; i < JOB_BUCKETS; i++) {
        while (t->buckets[i]) {
            struct job *job = t->buckets[i];
            t->buckets[i] = job->chain;
            job_free(job);
        }
    }
    *t = (struct job_table){0};
}
