/* queue: the jobs of one slot that wait, bounded: by priority, and first come first served among
 * those of the same. Used under the lock of jobs. */
#ifndef SERVICE_JOBS_QUEUE_H
#define SERVICE_JOBS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct job;

struct queue {
    struct job *first, *last;
    size_t count;    /* in the list */
    size_t watched;  /* of these, those that may end without running: see queue_lost() */
    size_t reserved; /* places promised to jobs that are being stored */
};

/** Promise a place. @return false when it is full */
bool queue_reserve(struct queue *q);
void queue_unreserve(struct queue *q);
/** Put it into its place, by its priority and its number. */
void queue_push(struct queue *q, struct job *job);
/** Take the first that may run: one that waits for another job holds up nobody.
 *  @param held  only what brings a board back after a crash
 *  @return NULL when there is none */
struct job *queue_take(struct queue *q, bool held);
/** The first that can run no more: its deadline has passed, or what it waited for did not succeed.
 *  @return NULL when there is none */
struct job *queue_lost(const struct queue *q);
/** Take this one out; nothing happens when it is not in. */
void queue_remove(struct queue *q, const struct job *job);
#endif
