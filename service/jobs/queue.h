/* queue: the jobs of one slot that wait, first come first served, bounded. Used under the lock of
 * jobs. */
#ifndef SERVICE_JOBS_QUEUE_H
#define SERVICE_JOBS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct job;

struct queue {
    struct job *first, *last;
    size_t count;    /* in the list */
    size_t reserved; /* places promised to jobs that are being stored */
};

/** Promise a place. @return false when it is full */
bool queue_reserve(struct queue *q);
void queue_unreserve(struct queue *q);
void queue_push(struct queue *q, struct job *job);
void queue_push_front(struct queue *q, struct job *job);
/** @return NULL when it is empty */
struct job *queue_take(struct queue *q);
/** Take this one out; nothing happens when it is not in. */
void queue_remove(struct queue *q, const struct job *job);
#endif
