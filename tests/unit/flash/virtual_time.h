/* virtual_time: a clock that moves only when somebody waits, so that time-outs of seconds are
 * tested in no time and to the millisecond. It stands in for the C library's clock_gettime() and
 * poll() in the whole test program. */
#ifndef TESTS_UNIT_FLASH_VIRTUAL_TIME_H
#define TESTS_UNIT_FLASH_VIRTUAL_TIME_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

static int64_t virtual_ns = 1000000000;
static void (*virtual_moved)(void *arg); /* told after each move */
static void *virtual_arg;

static inline void virtual_move_to(int64_t ns)
{
    if (ns > virtual_ns) virtual_ns = ns;
    if (virtual_moved) virtual_moved(virtual_arg);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    t->tv_sec = virtual_ns / 1000000000;
    t->tv_nsec = virtual_ns % 1000000000;
    return 0;
}

/* Only pauses get here: the ports of these tests wait by themselves. */
int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    for (nfds_t i = 0; i < n; i++)
        fds[i].revents = 0;
    virtual_move_to(virtual_ns + (int64_t)timeout_ms * 1000000);
    return 0;
}
#endif
