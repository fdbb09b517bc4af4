#include "service/cloud/gate.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum err gate_init(struct gate *g, unsigned places)
{
    g->fd = eventfd(places, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    return g->fd < 0 ? err_set(ERR_IO, "eventfd: %s", strerror(errno)) : ERR_OK;
}

void gate_dispose(struct gate *g)
{
    if (g->fd >= 0) close(g->fd);
    g->fd = -1;
}

enum err gate_enter(struct gate *g, struct cancel *cancel, struct deadline until)
{
    for (;;) {
        uint64_t one;
        if (cancel_is_raised(cancel)) return err_set(ERR_CANCELLED, "cancelled");
        if (read(g->fd, &one, sizeof one) == sizeof one) return ERR_OK;
        if (deadline_passed(until)) return err_set(ERR_TIMEOUT, "no place became free in time");
        struct pollfd p[2] = {{.fd = g->fd, .events = POLLIN},
                              {.fd = cancel ? cancel->fd : -1, .events = POLLIN}};
        poll(p, 2, deadline_left_ms(until));
    }
}

void gate_leave(struct gate *g)
{
    const uint64_t one = 1;
    (void)!write(g->fd, &one, sizeof one); /* it cannot be full: whoever leaves has entered */
}
