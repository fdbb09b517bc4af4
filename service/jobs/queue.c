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

void queue_push(struct queue *q, struct job *job)
{
    job->next = NULL;
    if (q->last)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
    q->count++;
}

void queue_push_front(struct queue *q, struct job *job)
{
    job->next = q->first;
    q->first = job;
    if (!q->last) q->last = job;
    q->count++;
}

struct job *queue_take(struct queue *q)
{
    struct job *job = q->first;
    if (!job) return NULL;
    q->first = job->next;
    if (!q->first) q->last = NULL;
    job->next = NULL;
    q->count--;
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
        return;
    }
}
