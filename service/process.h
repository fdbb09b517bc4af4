/* process: what is settled for the whole process before anything else of it runs. */
#ifndef SERVICE_PROCESS_H
#define SERVICE_PROCESS_H

#include <signal.h>

/** Signals that are waited for are blocked, so that all threads inherit it; SIGPIPE is ignored; the
 * allocator and OpenSSL leave nothing behind that was freed; no core file.
 *  @param[out] waited_for  SIGTERM, SIGINT, SIGHUP */
void process_prepare(sigset_t *waited_for);
#endif
