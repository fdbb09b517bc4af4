#include "service/base/cancel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum err cancel_init(struct cancel *c)
{
    atomic_init(&c->raised, false);
    c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->fd < 0) return err_set(ERR_IO, "eventfd: %s", strerror(errno));
    return ERR_OK;
}

void cancel_dispose(struct cancel *c)
{
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

void cancel_raise(struct cancel *c)
{
    atomic_store(&c->raised, true);
    uint64_t one = 1;
    ssize_t n = write(c->fd, &one, sizeof one);
    (void)n; /* a full counter is raised all the same */
}

void cancel_clear(struct cancel *c)
{
    uint64_t count;
    ssize_t n = read(c->fd, &count, sizeof count);
    (void)n; /* EAGAIN: was not raised */
    atomic_store(&c->raised, false);
}

bool cancel_is_raised(const struct cancel *c)
{
    return c && atomic_load(&c->raised);
}

enum err cancel_wait(struct cancel *c, struct deadline until)
{
    while (!deadline_passed(until)) {
        struct pollfd p = {c ? c->fd : -1, POLLIN, 0};
        if (poll(&p, 1, deadline_left_ms(until)) < 0 && errno != EINTR)
            return err_set(ERR_IO, "poll: %s", strerror(errno));
        if (cancel_is_raised(c)) break;
    }
    return cancel_is_raised(c) ? err_set(ERR_CANCELLED, "cancelled") : ERR_OK;
}
