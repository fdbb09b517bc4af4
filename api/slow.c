#include "api/slow.h"

#include <pthread.h>
#include <stdlib.h>

#include "service/base/thread.h"

struct slow {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a task, or the end */
    pthread_t thread;
    struct slow_task *first, **last;
    size_t count, max;
    bool closed;
};

/* Under the lock. */
static struct slow_task *take(struct slow *s)
{
    struct slow_task *t = s->first;
    s->first = t->next;
    if (!s->first) s->last = &s->first;
    s->count--;
    return t;
}

static void *slow_main(void *arg)
{
    struct slow *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first && !s->closed)
            pthread_cond_wait(&s->changed, &s->lock);
        if (!s->first) break;
        struct slow_task *t = take(s);
        enum slow_end why = s->closed ? SLOW_CLOSING : SLOW_NOW;
        pthread_mutex_unlock(&s->lock);
        t->run(why, t->arg);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum err slow_new(size_t max, struct slow **out)
{
    *out = NULL;
    struct slow *s = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    s->max = max;
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    enum err e = thread_start(&s->thread, "http-slow", slow_main, s);
    if (e) {
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return e;
    }
    *out = s;
    return ERR_OK;
}

void slow_add(struct slow *s, struct slow_task *t)
{
    pthread_mutex_lock(&s->lock);
    enum slow_end why = s->closed ? SLOW_CLOSING : s->count >= s->max ? SLOW_FULL : SLOW_NOW;
    if (why == SLOW_NOW) {
        t->next = NULL;
        *s->last = t;
        s->last = &t->next;
        s->count++;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (why != SLOW_NOW) t->run(why, t->arg);
}

void slow_close(struct slow *s)
{
    pthread_mutex_lock(&s->lock);
    bool first = !s->closed;
    s->closed = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (first) pthread_join(s->thread, NULL);
}

void slow_free(struct slow *s)
{
    if (!s) return;
    slow_close(s);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
