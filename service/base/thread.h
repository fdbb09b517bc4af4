/* thread: a named thread that takes no signals (main waits for them). */
#ifndef SERVICE_BASE_THREAD_H
#define SERVICE_BASE_THREAD_H

#include <pthread.h>

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
#endif
