/* supervisor: what a service manager (systemd) hands over, and what it wants to hear. Its two
 * protocols are a few lines; its library would cost more memory than the rest of the start. */
#ifndef SERVICE_SUPERVISOR_H
#define SERVICE_SUPERVISOR_H

#include <signal.h>

#include "service/base/err.h"

/** The socket that was opened for this process (LISTEN_FDS).
 *  @param fd_out  0 = none  @return ERR_OK; ERR_ARG with code listen_failed: more than one */
enum err supervisor_socket(int *fd_out);

/** Tell it ("READY=1"); nothing happens where nobody wants to hear (NOTIFY_SOCKET). */
void supervisor_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** What is done while the service runs; called on the caller's thread. */
struct supervisor_duty {
    enum err (*reload)(void *arg); /* at SIGHUP */
    void (*touch)(void *arg);      /* before each sign of life: passes through what may be stuck */
    void *arg;
};
/** The service runs: tell the supervisor so, give signs of life if it wants any (WATCHDOG_USEC),
 * reload at SIGHUP, until another signal of @p set comes.
 *  @param set  blocked in all threads  @param status  one line for people  @return the signal */
int supervisor_attend(const sigset_t *set, const char *status, const struct supervisor_duty *d);
#endif
