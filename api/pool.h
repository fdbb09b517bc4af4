/* pool: threads for what the threads of HTTP must not do, so that they go on answering: what waits
 * for the disk, what calls others over the network, and what computes for long (making a key, or
 * hashing a password that opens one, takes up to seconds on a small computer). Knows nothing of
 * HTTP. */
#ifndef API_POOL_H
#define API_POOL_H

#include <stddef.h>

#include "service/base/err.h"

enum { POOL_THREADS_MAX = 32 };

enum pool_end {
    POOL_NOW,    /* your turn: for as long as it takes */
    POOL_FULL,   /* too many wait already */
    POOL_CLOSING /* the service stops */
};

/** Called once for each task, without a lock: on a thread of the pool, or for POOL_FULL and
 * POOL_CLOSING on any. */
typedef void (*pool_fn)(enum pool_end why, void *arg);

/** The caller's storage, from pool_add() until it is run. */
struct pool_task {
    pool_fn run;
    void *arg;
    struct pool_task *next;
};

struct pool; /* opaque, thread-safe */

/** No thread is started before there is work for it; then it stays.
 *  @param name  of its threads, at most 15 characters; borrowed
 *  @param threads  at most, 1…POOL_THREADS_MAX: 1 = one task after the other
 *  @param max  most tasks that may wait at a time
 *  @return ERR_OK, ERR_MEM */
enum err pool_new(const char *name, size_t threads, size_t max, struct pool **out);
/** Run it when those before it have been begun. @param t  run and arg filled */
void pool_add(struct pool *p, struct pool_task *t);
/** Let those that run end; those that wait, and all that come later, are told POOL_CLOSING. A
 * second call does nothing. */
void pool_close(struct pool *p);
/** pool_close(), then free; nobody may add any more. NULL allowed. */
void pool_free(struct pool *p);
#endif
