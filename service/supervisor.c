#include "service/supervisor.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "service/base/deadline.h"
#include "service/base/log.h"

enum { FIRST_FD = 3, TEXT_MAX = 256 };

/* @return the number, 0 when it is none */
static long long number(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtoll(text, NULL, 10) : 0;
}

enum err supervisor_socket(int *fd_out)
{
    *fd_out = 0;
    if (number("LISTEN_PID") != getpid()) return ERR_OK;
    long long n = number("LISTEN_FDS");
    if (n > 1)
        return err_fail(ERR_ARG, "listen_failed", "Give it one ListenStream=.",
                        "%lld sockets were handed over, and one is used", n);
    if (n == 1) *fd_out = FIRST_FD;
    return ERR_OK;
}

void supervisor_tell(const char *fmt, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if (n < 2 || n >= sizeof at.sun_path) return;
    memcpy(at.sun_path, path, n);
    if (path[0] == '@') at.sun_path[0] = '\0'; /* a name that is in no folder */
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    if (len > 0 && len < TEXT_MAX)
        sendto(fd, text, (size_t)len, MSG_NOSIGNAL, (const struct sockaddr *)&at,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

/* Half of the time after which it acts, ms; 0 = it wants no signs of life. */
static int64_t watchdog_ms(void)
{
    long long us = number("WATCHDOG_USEC");
    if (us <= 0 || (getenv("WATCHDOG_PID") && number("WATCHDOG_PID") != getpid())) return 0;
    return us < 2000 ? 1 : us / 2000;
}

static void reload(const struct supervisor_duty *d)
{
    supervisor_tell("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(deadline_now_ns() / 1000));
    if (d->reload(d->arg))
        log_error("not reloaded", "code=%s detail=\"%s\" hint=\"%s\"", err_last()->code,
                  err_last()->detail, err_last()->hint);
    else
        log_info("reloaded", NULL);
    supervisor_tell("READY=1");
}

/* @return the signal, 0 when there was none for @p ms (0: wait for ever) */
static int next_signal(const sigset_t *set, int64_t ms)
{
    const struct timespec most = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    for (;;) {
        int sig = ms ? sigtimedwait(set, NULL, &most) : sigwaitinfo(set, NULL);
        if (sig > 0) return sig;
        if (errno == EAGAIN) return 0;
    }
}

int supervisor_attend(const sigset_t *set, const char *status, const struct supervisor_duty *d)
{
    int64_t watchdog = watchdog_ms();
    supervisor_tell("READY=1\nSTATUS=%s", status);
    for (;;) {
        int sig = next_signal(set, watchdog);
        if (sig == SIGHUP) {
            reload(d);
        } else if (sig) {
            supervisor_tell("STOPPING=1");
            return sig;
        }
        if (!watchdog) continue;
        d->touch(d->arg);
        supervisor_tell("WATCHDOG=1");
    }
}
