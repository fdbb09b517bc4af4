/* exchange_parts: one request, and the parts of its way that exchange.c puts together. */
#ifndef API_EXCHANGE_PARTS_H
#define API_EXCHANGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/exchange.h"
#include "api/pool.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/wait.h"
#include "service/base/deadline.h"

struct exchange {
    struct exchange_host *host;
    struct MHD_Connection *conn;
    struct link *link;
    struct request rq;
    const char *method; /* for the log; the connection's */
    struct reply reply;
    bool has_body;  /* one is announced */
    bool refused;   /* reply is ready; the rest of the body is swallowed */
    bool hears_out; /* refused, but told so only behind the body */
    bool asked;     /* the handler has made the reply */
    bool answered;  /* the pool is done with it: the reply only has to be sent */
    bool streams;   /* an event stream has taken over */
    handler_fn then;
    struct waiter waiter;
    struct pool_task task;
    struct deadline body_until;
    size_t limit, taken; /* bytes of body: most, and so far */
    size_t swallowed, swallow_max;
    int64_t started_ns;
};

/* exchange.c */
/** One of those that are counted as active is over. */
void exchange_left(struct exchange_host *host);

/* exchange_begin.c: all that is judged before the body is read */
/** @return true when the request is refused: the reply says why */
bool exchange_begin(struct exchange *x, const char *method, const char *url);
/** The error of this thread becomes the reply. @return true */
bool exchange_refuse(struct exchange *x, int status);
/** The error of a body beyond @p limit bytes. */
void exchange_too_large(size_t limit);
/** The file of the body, when there is one, is no longer needed. */
void exchange_end_file(struct exchange *x);

/* exchange_work.c: the request is whole, or refused: make its reply, and send it */
/** Called again, until it has sent the reply, each time that the connection goes on. */
enum MHD_Result exchange_work(struct exchange *x);
#endif
