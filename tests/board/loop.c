/* loop: one epoll instance, which waits no longer than until the earliest timer. Timers are few (a
 * handful a board), so they are kept in a plain list and searched. A watch that is removed while
 * events of the same round are still to be handled is only marked, and freed when the round is
 * over. */
#include "tests/board/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_A_ROUND = 16 };
#define NS_PER_S 1000000000ULL
#define NEVER    UINT64_MAX

struct watch {
    int fd;
    bool gone;
    loop_fd_fn fn;
    void *arg;
    struct watch *next;
};

struct timer {
    struct loop *loop;
    loop_timer_fn fn;
    void *arg;
    uint64_t at_ns; /* NEVER = stopped */
    struct timer *next;
};

struct loop {
    int epoll_fd;
    bool stop;
    struct watch *watches;
    struct timer *timers;
};

uint64_t loop_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        free(l);
        return NULL;
    }
    prctl(PR_SET_TIMERSLACK, 1UL); /* a byte takes 11 us at 921600 baud, the default is 50 */
    return l;
}

void loop_free(struct loop *l)
{
    if (!l) return;
    while (l->watches) {
        struct watch *w = l->watches;
        l->watches = w->next;
        free(w);
    }
    close(l->epoll_fd);
    free(l);
}

static struct watch *find(struct loop *l, int fd)
{
    struct watch *w = l->watches;
    while (w && (w->gone || w->fd != fd))
        w = w->next;
    return w;
}

int loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *arg)
{
    struct watch *w = find(l, fd);
    bool known = w != NULL;
    if (!known) w = calloc(1, sizeof *w);
    if (!w) return -1;
    w->fd = fd;
    w->fn = fn;
    w->arg = arg;
    struct epoll_event ev = {.events = events, .data = {.ptr = w}};
    if (epoll_ctl(l->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) != 0) {
        if (!known) free(w);
        return -1;
    }
    if (!known) {
        w->next = l->watches;
        l->watches = w;
    }
    return 0;
}

void loop_remove_fd(struct loop *l, int fd)
{
    struct watch *w = find(l, fd);
    if (!w) return;
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    w->gone = true;
}

static void sweep(struct loop *l)
{
    struct watch **at = &l->watches;
    while (*at) {
        struct watch *w = *at;
        if (w->gone) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
}

struct timer *timer_new(struct loop *l, loop_timer_fn fn, void *arg)
{
    struct timer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->loop = l;
    t->fn = fn;
    t->arg = arg;
    t->at_ns = NEVER;
    t->next = l->timers;
    l->timers = t;
    return t;
}

void timer_arm(struct timer *t, uint64_t delay_ns)
{
    t->at_ns = loop_now_ns() + delay_ns;
}

void timer_stop(struct timer *t)
{
    t->at_ns = NEVER;
}

void timer_free(struct timer *t)
{
    if (!t) return;
    struct timer **at = &t->loop->timers;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free(t);
}

static struct timer *earliest(const struct loop *l)
{
    struct timer *best = NULL;
    for (struct timer *t = l->timers; t; t = t->next) {
        if (t->at_ns != NEVER && (!best || t->at_ns < best->at_ns)) best = t;
    }
    return best;
}

/* @return false when no timer is armed. */
static bool time_left(const struct loop *l, struct timespec *out)
{
    const struct timer *t = earliest(l);
    if (!t) return false;
    uint64_t now = loop_now_ns();
    uint64_t left = t->at_ns > now ? t->at_ns - now : 0;
    out->tv_sec = (time_t)(left / NS_PER_S);
    out->tv_nsec = (long)(left % NS_PER_S);
    return true;
}

static void run_timers(struct loop *l)
{
    uint64_t now = loop_now_ns();
    struct timer *t = earliest(l);
    while (t && t->at_ns <= now && !l->stop) {
        t->at_ns = NEVER;
        t->fn(t->arg); /* may free t */
        t = earliest(l);
    }
}

void loop_run(struct loop *l)
{
    while (!l->stop) {
        struct epoll_event events[EVENTS_A_ROUND];
        struct timespec left;
        bool limited = time_left(l, &left);
        int n = epoll_pwait2(l->epoll_fd, events, EVENTS_A_ROUND, limited ? &left : NULL, NULL);
        if (n < 0 && errno != EINTR) {
            perror("espboard: epoll_wait");
            return;
        }
        for (int i = 0; i < n && !l->stop; i++) {
            struct watch *w = events[i].data.ptr;
            if (!w->gone) w->fn(w->fd, events[i].events, w->arg);
        }
        run_timers(l);
        sweep(l);
    }
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}
