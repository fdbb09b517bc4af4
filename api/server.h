/* server: HTTP by libmicrohttpd (epoll, two threads). The only place that talks to it, together
 * with exchange.c and body_file.c; handlers return values. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "api/listener.h"
#include "service/access/tokens.h"
#include "service/base/err.h"
#include "service/jobs/jobs.h"
#include "service/store/store.h"

struct accounts;
struct cancel;
struct hooks;
struct keeper;

/** What handlers work with; what it points to is borrowed from server_start() to server_stop(). */
struct service {
    struct store *store;
    const char *data_dir;
    struct jobs *jobs;
    struct tokens *tokens;
    struct hooks *hooks; /* NULL allowed */
    struct accounts *accounts;
    struct keeper *keeper;
    const char *const *port_globs;
    size_t port_glob_count;
    const char *version;
    struct server *server;      /* filled by server_start() */
    struct stream_hub *streams; /* the server's own, filled in by it */
    struct cancel *closing;     /* the same: raised when it stops, for what calls others */
};

struct server_config {
    const char *address; /* numeric, e.g. "127.0.0.1" or "::1" */
    uint16_t port;       /* 0 = any free one */
    size_t max_body;     /* most bytes of any body; rows of the route table may ask for less; 0 =
                            the rows alone */
    bool open;           /* nobody is asked for a token */
    bool insecure;       /* also where others than this machine could come in, or listen */
    const char *const
        *origins; /* of pages that may call from elsewhere; borrowed until server_stop() */
    size_t origin_count;
    int socket; /* one that listens already, taken; 0 = none: address and port */
    const char *tls_cert, *tls_key; /* PEM files; NULL = no TLS */
    const char *client_ca;          /* PEM file: only its clients are let in; NULL = everybody */
    unsigned idle_s; /* a connection where nothing happens for so long is closed; 0 = 30 */
    unsigned body_s; /* longest time that a body may take; one that goes to the disk ten times as
                        long; 0 = 60 */
};

enum { SERVER_URL = LISTENER_NAME + 8 };

struct server; /* opaque */

/** Nothing listens yet, but server_changed() may be called from now on: so the jobs, which
 * announce their changes to the server, can be started before the server, which needs the jobs.
 * Makes jansson wipe all memory that it releases (bodies hold keys and passwords): call it before
 * other threads use jansson. @return ERR_OK, ERR_MEM */
enum err server_new(struct server **out);
/** Open the socket and read the TLS files, so that what is wrong with them is found before any job
 * runs. Without it server_start() does so. @return as server_start() */
enum err server_listen(struct server *s, const struct server_config *cfg);
/** SIGPIPE ignored and other signals blocked before this: the HTTP threads inherit the mask.
 *  @return ERR_OK; ERR_IO with code listen_failed; ERR_MEM */
enum err server_start(struct server *s, const struct server_config *cfg, const struct service *svc);
/** Where it really listens: "https://127.0.0.1:8443", "unix:/run/espgate.sock". */
void server_url(const struct server *s, char out[SERVER_URL]);
uint16_t server_port(const struct server *s);
struct server_load {
    size_t connections;      /* of clients */
    size_t active;           /* requests that were begun and not yet completed */
    size_t streams;          /* of events */
    long long tls_expires_s; /* since 1970; 0 = no TLS */
};
void server_look(struct server *s, struct server_load *out);
struct traffic *server_traffic(struct server *s);
/** Read the files of TLS again, for connections that begin from now on; the others live on.
 *  @return ERR_OK; as tls_new(), and then all is as it was */
enum err server_reload(struct server *s);
/** jobs_changed_fn: tells the event streams, and wakes the requests that wait for this job. @p arg
 * is the struct server, from server_new() to server_free(). */
void server_changed(const struct job_record *job, const struct event_record *event, void *arg);
/** Refuse what is new, answer those who wait (503), stop. Afterwards the jobs may stop. Does
 * nothing when it was not started. NULL allowed. */
void server_stop(struct server *s);
/** After server_stop() and jobs_stop(). NULL allowed. */
void server_free(struct server *s);
/** --routes: "METHOD template operationId scope" a line. */
void server_print_routes(FILE *out);
#endif
