/* loop: one epoll instance, one timerfd armed for the earliest timer. Timers are few (a handful a
 * board), so they are kept in a plain list and searched. A watch that is removed while events of
 * the same round are still to be handled is only marked, and freed when the round is over. */
#include "tests/board/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
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
    int timer_fd;
    bool stop;
    uint64_t armed_ns; /* what the timerfd is set to */
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
    l->armed_ns = NEVER;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    /* Edge-triggered: each expiry is told once, and setting it again is all it needs. */
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data = {.ptr = NULL}};
    if (l->epoll_fd < 0 || l->timer_fd < 0 ||
        epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->timer_fd, &ev) != 0) {
        loop_free(l);
        return NULL;
    }
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
    if (l->epoll_fd >= 0) close(l->epoll_fd);
    if (l->timer_fd >= 0) close(l->timer_fd);
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

static void arm_timerfd(struct loop *l)
{
    const struct timer *t = earliest(l);
    uint64_t at_ns = t ? t->at_ns : NEVER;
    if (at_ns == l->armed_ns) return;
    struct itimerspec when = {0};
    if (t) {
        when.it_value.tv_sec = (time_t)(at_ns / NS_PER_S);
        when.it_value.tv_nsec = (long)(at_ns % NS_PER_S);
    }
    timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    l->armed_ns = at_ns;
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
        arm_timerfd(l);
        int n = epoll_wait(l->epoll_fd, events, EVENTS_A_ROUND, -1);
        if (n < 0 && errno != EINTR) {
            perror("espboard: epoll_wait");
            return;
        }
        for (int i = 0; i < n && !l->stop; i++) {
            struct watch *w = events[i].data.ptr;
            if (!w)
                l->armed_ns = NEVER; /* it has fired: it must be set again */
            else if (!w->gone)
                w->fn(w->fd, events[i].events, w->arg);
        }
        run_timers(l);
        sweep(l);
    }
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}
