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

enum err sleeper_start(struct sleeper *s, const char *name, void *(*fn)(void *), void *arg)
{
    s->ending = false;
    pthread_mutex_init(&s->lock, NULL);
    thread_cond_init(&s->wake);
    enum err e = thread_start(&s->thread, name, fn, arg);
    if (!e) return ERR_OK;
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    return e;
}

void sleeper_wait(struct sleeper *s, struct deadline until)
{
    thread_wait_until(&s->wake, &s->lock, until);
}

bool sleeper_pause(struct sleeper *s, int64_t ms)
{
    struct deadline until = deadline_in_ms(ms);
    pthread_mutex_lock(&s->lock);
    while (!s->ending && !deadline_passed(until))
        sleeper_wait(s, until);
    bool goes_on = !s->ending;
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

void sleeper_end(struct sleeper *s)
{
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
}
