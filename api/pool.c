#include "api/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "service/base/thread.h"

struct pool {
    const char *name;
    size_t threads_max, max;
    pthread_mutex_t lock;   /* of all that follows */
    pthread_cond_t changed; /* a task, or the end */
    pthread_t threads[POOL_THREADS_MAX];
    size_t started, idle;
    struct pool_task *first, **last;
    size_t count;
    bool closed;
};

/* Under the lock. */
static struct pool_task *take(struct pool *p)
{
    struct pool_task *t = p->first;
    p->first = t->next;
    if (!p->first) p->last = &p->first;
    p->count--;
    return t;
}

static void *pool_main(void *arg)
{
    struct pool *p = arg;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        p->idle++;
        while (!p->first && !p->closed)
            pthread_cond_wait(&p->changed, &p->lock);
        p->idle--;
        if (!p->first) break;
        struct pool_task *t = take(p);
        enum pool_end why = p->closed ? POOL_CLOSING : POOL_NOW;
        pthread_mutex_unlock(&p->lock);
        t->run(why, t->arg);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum err pool_new(const char *name, size_t threads, size_t max, struct pool **out)
{
    assert(threads >= 1 && threads <= POOL_THREADS_MAX);
    struct pool *p = *out = calloc(1, sizeof *p);
    if (!p) return err_set(ERR_MEM, "out of memory");
    p->name = name;
    p->threads_max = threads;
    p->max = max;
    p->last = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    return ERR_OK;
}

/* Is there, or will there be, a thread for one task more? Under the lock. */
static bool is_served(struct pool *p)
{
    if (p->idle > p->count || p->started == p->threads_max) return true;
    if (!thread_start(&p->threads[p->started], p->name, pool_main, p)) p->started++;
    return p->started > 0;
}

void pool_add(struct pool *p, struct pool_task *t)
{
    enum pool_end why = POOL_NOW;
    pthread_mutex_lock(&p->lock);
    if (p->closed)
        why = POOL_CLOSING;
    else if (p->count >= p->max || !is_served(p))
        why = POOL_FULL;
    if (why == POOL_NOW) {
        t->next = NULL;
        *p->last = t;
        p->last = &t->next;
        p->count++;
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    if (why != POOL_NOW) t->run(why, t->arg);
}

void pool_close(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool first = !p->closed;
    p->closed = true;
    pthread_cond_broadcast(&p->changed);
    size_t n = p->started; /* grows no more */
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; first && i < n; i++)
        pthread_join(p->threads[i], NULL);
}

void pool_free(struct pool *p)
{
    if (!p) return;
    pool_close(p);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
