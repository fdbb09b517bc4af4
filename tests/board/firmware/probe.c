#include "tests/board/firmware/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/board/firmware/resolve.h"
#include "tests/board/firmware/task.h"
#include "tests/board/loop.h"

enum { ECHO_PORT = 7 };
#define MS_NS UINT64_C(1000000)

struct probe {
    struct probe_question question;
    struct probe_answer answer; /* the thread's until it has ended */
    struct task *task;
    probe_fn fn;
    void *arg;
};

/* How the connection that is being made on @p fd came out: an errno. */
static int outcome_of(int fd, uint32_t wait_ms, int stop_fd)
{
    struct pollfd p[] = {{.fd = fd, .events = POLLOUT}, {.fd = stop_fd, .events = POLLIN}};
    if (poll(p, 2, (int)wait_ms) <= 0 || !p[0].revents) return ETIMEDOUT;
    int error = 0;
    socklen_t n = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}

/* @return the socket when there is a connection; -1 with the reason otherwise */
static int connects(const struct sockaddr_in *to, uint32_t wait_ms, int stop_fd, int *error)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *error = errno;
    if (fd < 0) return -1;
    *error = connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 ? 0 : errno;
    if (*error == EINPROGRESS) *error = outcome_of(fd, wait_ms, stop_fd);
    if (*error == 0) return fd;
    close(fd);
    return -1;
}

static void work(int stop_fd, void *arg)
{
    struct probe *p = arg;
    const struct probe_question *q = &p->question;
    struct probe_answer *a = &p->answer;
    a->named = resolve_ipv4(q->host, &a->address);
    if (!a->named || q->kind == PROBE_NAME) return;
    const bool echo = q->kind == PROBE_ECHO;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(echo ? ECHO_PORT : q->port),
                                   .sin_addr = a->address};
    uint64_t began = loop_now_ns();
    int error;
    a->fd = connects(&to, q->wait_ms, stop_fd, &error);
    a->took_ms = (uint32_t)((loop_now_ns() - began) / MS_NS);
    a->reached = a->fd >= 0 || (echo && error == ECONNREFUSED);
    if (!echo || a->fd < 0) return;
    close(a->fd);
    a->fd = -1;
}

static void on_done(void *arg)
{
    struct probe *p = arg;
    struct probe_answer answer = p->answer;
    probe_fn fn = p->fn;
    void *its = p->arg;
    free(p);
    fn(&answer, its);
}

struct probe *probe_start(struct loop *l, const struct probe_question *q, probe_fn fn, void *arg)
{
    struct probe *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    *p = (struct probe){.question = *q, .answer.fd = -1, .fn = fn, .arg = arg};
    p->task = task_start(l, work, on_done, p);
    if (p->task) return p;
    free(p);
    return NULL;
}

void probe_drop(struct probe *p)
{
    if (!p) return;
    task_drop(p->task);
    if (p->answer.fd >= 0) close(p->answer.fd);
    free(p);
}
