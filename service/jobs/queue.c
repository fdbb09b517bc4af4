#include "service/jobs/queue.h"

#include "service/base/limits.h"
#include "service/jobs/job.h"

bool queue_reserve(struct queue *q)
{
    if (q->count + q->reserved >= LIMIT_QUEUE) return false;
    q->reserved++;
    return true;
}

void queue_unreserve(struct queue *q)
{
    q->reserved--;
}

static bool is_watched(const struct job *job)
{
    return job->deadline_ms || job->depends_on[0];
}

static bool is_before(const struct job *a, const struct job *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

void queue_push(struct queue *q, struct job *job)
{
    struct job **at = &q->first;
    if (q->last && is_before(q->last, job)) at = &q->last->next; /* as almost always */
    while (*at && is_before(*at, job))
        at = &(*at)->next;
    job->next = *at;
    *at = job;
    if (!job->next) q->last = job;
    q->count++;
    q->watched += is_watched(job);
}

static bool may_run(const struct job *job, bool held)
{
    if (held && job->priority != JOB_PRIORITY_RECOVERY) return false;
    return job->dependency == DEPENDENCY_MET && !deadline_passed(job->until);
}

struct job *queue_take(struct queue *q, bool held)
{
    struct job *job = q->first;
    while (job && !may_run(job, held))
        job = job->next;
    if (job) queue_remove(q, job);
    return job;
}

struct job *queue_lost(const struct queue *q)
{
    struct job *job = q->watched ? q->first : NULL;
    while (job && job->dependency != DEPENDENCY_FAILED && !deadline_passed(job->until))
        job = job->next;
    return job;
}

void queue_remove(struct queue *q, const struct job *job)
{
    struct job *before = NULL;
    for (struct job *at = q->first; at; before = at, at = at->next) {
        if (at != job) continue;
        if (before)
            before->next = at->next;
        else
            q->first = at->next;
        if (q->last == at) q->last = before;
        at->next = NULL;
        q->count--;
        q->watched -= is_watched(job);
        return;
    }
}
