/* slow: what computes for long (making a key, or hashing a password that opens one, takes up to
 * seconds on a small computer) is done on a thread of its own, one after the other, so that the
 * threads of HTTP go on answering. Knows nothing of HTTP. */
#ifndef API_SLOW_H
#define API_SLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"

enum slow_end {
    SLOW_NOW,    /* your turn: compute, for as long as it takes */
    SLOW_FULL,   /* too many wait already */
    SLOW_CLOSING /* the service stops */
};

/** Called once for each task, without a lock: on the thread of its own, or for SLOW_FULL and
 * SLOW_CLOSING on any. */
typedef void (*slow_fn)(enum slow_end why, void *arg);

/** The caller's storage, from slow_add() until it is run. */
struct slow_task {
    slow_fn run;
    void *arg;
    struct slow_task *next;
};

struct slow; /* opaque, thread-safe */

/** @param max  most tasks that may wait at a time */
enum err slow_new(size_t max, struct slow **out);
/** Run it when those before it have been. @param t  run and arg filled */
void slow_add(struct slow *s, struct slow_task *t);
/** Let the one that runs end; those that wait, and all that come later, are told SLOW_CLOSING. A
 * second call does nothing. */
void slow_close(struct slow *s);
/** slow_close(), then free; nobody may add any more. NULL allowed. */
void slow_free(struct slow *s);
#endif
