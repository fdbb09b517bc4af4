#include "tests/board/firmware/task.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/board/loop.h"

struct task {
    struct loop *loop;
    task_work_fn work;
    task_done_fn done;
    void *arg;
    int stop, ended; /* eventfds: towards the thread, towards the loop */
    pthread_t thread;
};

static void signal_fd(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0) perror("espboard: eventfd");
}

static void *run(void *arg)
{
    struct task *t = arg;
    t->work(t->stop, t->arg);
    signal_fd(t->ended);
    return NULL;
}

static void release(struct task *t)
{
    if (t->stop >= 0) close(t->stop);
    if (t->ended >= 0) close(t->ended);
    free(t);
}

static void join(struct task *t)
{
    pthread_join(t->thread, NULL);
    loop_remove_fd(t->loop, t->ended);
    release(t);
}

static void on_ended(int fd, uint32_t events, void *arg)
{
    (void)fd;
    (void)events;
    struct task *t = arg;
    task_done_fn done = t->done;
    void *its = t->arg;
    join(t);
    done(its);
}

struct task *task_start(struct loop *l, task_work_fn work, task_done_fn done, void *arg)
{
    struct task *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    *t = (struct task){.loop = l, .work = work, .done = done, .arg = arg};
    t->stop = eventfd(0, EFD_CLOEXEC);
    t->ended = eventfd(0, EFD_CLOEXEC);
    if (t->stop >= 0 && t->ended >= 0 && loop_add_fd(l, t->ended, EPOLLIN, on_ended, t) == 0) {
        if (pthread_create(&t->thread, NULL, run, t) == 0) return t;
        loop_remove_fd(l, t->ended);
    }
    release(t);
    return NULL;
}

void task_drop(struct task *t)
{
    if (!t) return;
    signal_fd(t->stop);
    join(t);
}
