/* wait: requests that wait for a job to end. Each waits at most until its deadline; a clock thread
 * sees to that, because a suspended connection has no timeout of its own.
 *
 * The rule that keeps it free of races: a request is suspended first and then put into the list,
 * and whoever takes it out of the list, exactly one of them, resumes it. The state of the job is
 * looked at after that, so an end that came in between is not lost. Knows nothing of HTTP. */
#ifndef API_WAIT_H
#define API_WAIT_H

#include <stddef.h>

#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/base/id.h"

enum wait_end {
    WAIT_NOT,     /* did not wait */
    WAIT_ENDED,   /* the job ended */
    WAIT_TIMEOUT, /* the time is over */
    WAIT_FULL,    /* too many wait already */
    WAIT_CLOSING, /* the service stops */
};

/** Go on. Called once for each waiter, without a lock; the waiter is out of the list then. */
typedef void (*wait_resume_fn)(enum wait_end why, void *arg);

/** The caller's storage, from wait_add() until it is resumed. */
struct waiter {
    char job[ID_TEXT];
    struct deadline until;
    wait_resume_fn resume;
    void *arg;
    enum wait_end why;
    struct waiter *next, *prev;
};

struct wait_list; /* opaque, thread-safe */

/** @param max  most requests that may wait at a time */
enum err wait_list_new(size_t max, struct wait_list **out);
/** Nobody may wait any more (wait_list_close()). NULL allowed. */
void wait_list_free(struct wait_list *l);
/** Put it into the list; it is resumed at once when the list is full or closed.
 *  @param w  job, until, resume and arg filled */
void wait_add(struct wait_list *l, struct waiter *w);
/** This job ended: resume those who wait for it. */
void wait_wake(struct wait_list *l, const char *job);
/** Resume all, and from now on each at once. */
void wait_list_close(struct wait_list *l);
/** How many wait. */
size_t wait_list_count(struct wait_list *l);
#endif
