/* thread: a named thread that takes no signals (main waits for them), and one that sleeps until
 * there is something to do. */
#ifndef SERVICE_BASE_THREAD_H
#define SERVICE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/base/deadline.h"
#include "service/base/err.h"

/** Start @p fn. @param name  at most 15 characters are kept. Join it with pthread_join().
 *  @return ERR_OK, ERR_MEM */
enum err thread_start(pthread_t *thread_out, const char *name, void *(*fn)(void *), void *arg);
/** This thread gives way to the others of the process when there are too few cores for all. */
void thread_give_way(void);
/** A condition variable for thread_wait_until(). */
void thread_cond_init(pthread_cond_t *cond);
/** Wait until signalled or until @p until (spurious wake-ups happen). */
void thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, struct deadline until);

/** A thread that sleeps until it is woken. What it looks at then is guarded by its lock. */
struct sleeper {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending; /* under the lock: its function is to return */
    pthread_t thread;
};

/** Start @p fn as thread_start() does. All that it looks at is there already.
 *  @return as thread_start(); on an error there is nothing to be ended */
enum err sleeper_start(struct sleeper *s, const char *name, void *(*fn)(void *), void *arg);
/** Under the lock: sleep until woken or until @p until (spurious wake-ups happen). */
void sleeper_wait(struct sleeper *s, struct deadline until);
/** Without the lock: let @p ms go by. @return false: it is to end, and may have slept shorter */
bool sleeper_pause(struct sleeper *s, int64_t ms);
/** Let it end, and wait for that. Its lock is gone then. */
void sleeper_end(struct sleeper *s);
#endif
