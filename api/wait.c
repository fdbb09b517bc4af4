#include "api/wait.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/thread.h"

struct wait_list {
    struct sleeper clock; /* woken by a nearer deadline; its lock guards all that follows */
    struct waiter *first;
    size_t count, max;
    bool closed;
};

static void take_out(struct wait_list *l, struct waiter *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        l->first = w->next;
    if (w->next) w->next->prev = w->prev;
    l->count--;
}

/* Move those for whom @p job (NULL: any) ended or whose time is over to a list of their own. */
static struct waiter *take_ready(struct wait_list *l, const char *job, enum wait_end why)
{
    struct waiter *ready = NULL, *next;
    for (struct waiter *w = l->first; w; w = next) {
        next = w->next;
        if (job && strcmp(w->job, job) != 0) continue;
        if (why == WAIT_TIMEOUT && !deadline_passed(w->until)) continue;
        take_out(l, w);
        w->why = why;
        w->next = ready;
        ready = w;
    }
    return ready;
}

/* Without the lock. The next one is read first: a resumed waiter may be gone. */
static void resume_all(struct waiter *ready)
{
    for (struct waiter *next; ready; ready = next) {
        next = ready->next;
        ready->resume(ready->why, ready->arg);
    }
}

static struct deadline nearest(const struct wait_list *l)
{
    struct deadline d = deadline_never();
    for (const struct waiter *w = l->first; w; w = w->next)
        d = deadline_min(d, w->until);
    return d;
}

static void *clock_main(void *arg)
{
    struct wait_list *l = arg;
    pthread_mutex_lock(&l->clock.lock);
    while (!l->clock.ending) {
        sleeper_wait(&l->clock, nearest(l));
        struct waiter *ready = take_ready(l, NULL, WAIT_TIMEOUT);
        if (!ready) continue;
        pthread_mutex_unlock(&l->clock.lock);
        resume_all(ready);
        pthread_mutex_lock(&l->clock.lock);
    }
    pthread_mutex_unlock(&l->clock.lock);
    return NULL;
}

enum err wait_list_new(size_t max, struct wait_list **out)
{
    *out = NULL;
    struct wait_list *l = calloc(1, sizeof *l);
    if (!l) return err_set(ERR_MEM, "out of memory");
    l->max = max;
    enum err e = sleeper_start(&l->clock, "http-clock", clock_main, l);
    if (e)
        free(l);
    else
        *out = l;
    return e;
}

void wait_list_free(struct wait_list *l)
{
    if (!l) return;
    sleeper_end(&l->clock);
    free(l);
}

void wait_add(struct wait_list *l, struct waiter *w)
{
    w->why = WAIT_NOT;
    w->prev = NULL;
    pthread_mutex_lock(&l->clock.lock);
    if (l->closed)
        w->why = WAIT_CLOSING;
    else if (l->count >= l->max)
        w->why = WAIT_FULL;
    enum wait_end refused = w->why;
    if (refused == WAIT_NOT) {
        w->next = l->first;
        if (w->next) w->next->prev = w;
        l->first = w;
        l->count++;
        pthread_cond_signal(&l->clock.wake);
    }
    pthread_mutex_unlock(&l->clock.lock);
    if (refused != WAIT_NOT) w->resume(refused, w->arg);
}

void wait_wake(struct wait_list *l, const char *job)
{
    pthread_mutex_lock(&l->clock.lock);
    struct waiter *ready = take_ready(l, job, WAIT_ENDED);
    pthread_mutex_unlock(&l->clock.lock);
    resume_all(ready);
}

void wait_list_close(struct wait_list *l)
{
    pthread_mutex_lock(&l->clock.lock);
    l->closed = true;
    struct waiter *ready = take_ready(l, NULL, WAIT_CLOSING);
    pthread_mutex_unlock(&l->clock.lock);
    resume_all(ready);
}

size_t wait_list_count(struct wait_list *l)
{
    pthread_mutex_lock(&l->clock.lock);
    size_t n = l->count;
    pthread_mutex_unlock(&l->clock.lock);
    return n;
}
