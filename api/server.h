/* server: HTTP by libmicrohttpd (epoll, two threads). The only place that talks to it; handlers
 * return values. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdint.h>
#include <stdio.h>

#include "service/base/err.h"
#include "service/jobs/jobs.h"
#include "service/store/store.h"

/** What handlers work with; borrowed for the server's life. */
struct service {
    struct store *store;
    struct jobs *jobs;
    const char *const *port_globs;
    size_t port_glob_count;
    const char *version;
};

struct server_config {
    const char *address; /* numeric, e.g. "127.0.0.1" or "::1" */
    uint16_t port;       /* 0 = any free one */
    size_t max_body;     /* most bytes of any body; rows of the route table may ask for less */
};

struct server; /* opaque */

/** SIGPIPE ignored and other signals blocked before this: the HTTP threads inherit the mask.
 *  @return ERR_OK; ERR_IO with code listen_failed; ERR_MEM */
enum err server_start(const struct server_config *cfg, const struct service *svc,
                      struct server **out);
/** The port that it really listens on. */
uint16_t server_port(const struct server *s);
/** jobs_changed_fn: wakes the requests that wait for this job. @p arg is the struct server; safe
 * before start (NULL). */
void server_job_changed(const struct job_record *job, void *arg);
/** Accept nothing new, answer waiting requests (503), stop. NULL allowed. */
void server_stop(struct server *s);
/** --routes: "METHOD template operationId" a line. */
void server_print_routes(FILE *out);
#endif
