/* exchange: the life of one request: begin (everything that can be refused before the body),
 * collect the body, ask the handler, perhaps wait, send. These are the callbacks of libmicrohttpd.
 */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "api/auth.h"
#include "api/server.h"
#include "api/idempotency.h"
#include "api/pool.h"
#include "api/wait.h"
#include "service/base/cancel.h"

/** What all exchanges of a server share. */
struct exchange_host {
    struct service service;
    struct auth auth;
    struct wait_list *waits;
    struct traffic *traffic;
    struct pool *slow; /* one thread for what computes for long */
    struct idempotency idempotency;
    struct pool *writers; /* for what waits for the disk */
    struct pool *callers; /* for what waits for others */
    struct cancel stop;   /* raised with closing */
    atomic_bool closing;  /* new requests are refused */
    size_t max_body;
    unsigned body_s;
    atomic_size_t active; /* answers that are owed or on their way */
    pthread_mutex_t lock; /* of idle */
    pthread_cond_t idle;  /* active fell to 0 while closing */
    atomic_int streams;   /* bodies that are on their way to the disk */
};

/** MHD_AccessHandlerCallback; @p cls is the struct exchange_host. */
enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_len, void **state);
/** MHD_RequestCompletedCallback. */
void exchange_completed(void *cls, struct MHD_Connection *conn, void **state,
                        enum MHD_RequestTerminationCode why);
/** MHD_UnescapeCallback that leaves all as it is: paths and queries are decoded here, segment by
 * segment, so that %00 cannot cut one off and %2F cannot split one. */
size_t exchange_keep_escapes(void *cls, struct MHD_Connection *conn, char *text);
#endif
