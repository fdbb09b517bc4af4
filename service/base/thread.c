#include "service/base/thread.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICENESS = 10 };

enum err thread_start(pthread_t *thread_out, const char *name, void *(*fn)(void *), void *arg)
{
    char kept[16];
    snprintf(kept, sizeof kept, "%s", name);
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former); /* the new thread inherits it */
    int rc = pthread_create(thread_out, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (rc) return err_set(ERR_MEM, "thread %s: %s", kept, strerror(rc));
    pthread_setname_np(*thread_out, kept);
    return ERR_OK;
}

void thread_give_way(void)
{
    /* On Linux a thread has a niceness of its own. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
}

void thread_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

void thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, struct deadline until)
{
    if (until.at_ns == INT64_MAX) {
        pthread_cond_wait(cond, lock);
        return;
    }
    struct timespec t = {.tv_sec = until.at_ns / 1000000000, .tv_nsec = until.at_ns % 1000000000};
    pthread_cond_timedwait(cond, lock, &t);
}
