/* reply: the answer to a request, as a value. Handlers make one; exchange.c sends it. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/request.h"
#include "api/route.h"
#include "api/stream_hub.h"
#include "service/base/buf.h"
#include "service/base/json_in.h"
#include "service/base/shared_text.h"

enum { REPLY_HEADERS = 7, REPLY_HEADER_MAX = 512, REPLY_HEADER_TEXT = 1024 };

/** What caches may do with an answer. */
enum reply_keep {
    KEEP_NOT,   /* no-store */
    KEEP_ASK,   /* keep it, and ask again each time */
    KEEP_ALWAYS /* what is at this address never changes */
};

struct reply {
    int status;                 /* 0: later, see reply_later() */
    const char *content_type;   /* NULL: no body */
    struct buf body;            /* owned */
    struct shared_text *shared; /* the same, held once */
    const void *fixed;          /* instead of body: bytes that live as long as the process */
    size_t fixed_len;
    struct stream *stream; /* owned; instead of body: see reply_stream() */
    char code[48];         /* of the problem that it tells; "" = none */
    enum reply_keep keep;
    /* Values stand behind each other: a reply is small, since it is passed by value. */
    struct {
        const char *name;
        size_t at;
    } headers[REPLY_HEADERS];
    size_t header_count, header_bytes;
    char header_text[REPLY_HEADER_TEXT];
    handler_fn then; /* status 0 only */
    int wait_s;
};

/** @param body  taken; NULL is answered as 503 (out of memory) */
struct reply reply_json(int status, json_t *body);
/** No body. */
struct reply reply_empty(int status);
/** @param body  taken */
struct reply reply_bytes(int status, const char *content_type, struct buf *body);
/** @param text  taken */
struct reply reply_shared(int status, const char *content_type, struct shared_text *text);
/** Bytes that live as long as the process. */
struct reply reply_fixed(const char *content_type, const void *data, size_t n);
/** Server-Sent Events. @param s  taken; NULL: the header alone */
struct reply reply_stream(struct stream *s);
/** Let the request wait until job @p rq->job ends, at most @p seconds; then ask @p then, which
 * finds the reason in rq->woken. It must not wait again. */
struct reply reply_later(int seconds, handler_fn then);

/** The error of this thread as application/problem+json, with the status that it means. */
struct reply reply_error(const struct request *rq);
/** The same for an error in content that was read well: 422 (status_of_content). */
struct reply reply_content_error(const struct request *rq);
/** The same, with a list of bad fields. */
struct reply reply_fields(const struct request *rq, const struct field_errors *errors);
/** The same with a status of the caller's choice and, unless NULL, one member more: @p member,
 * @p value (taken). */
struct reply reply_problem(const struct request *rq, int status, const char *member, json_t *value);

/** Add a header field, or give the one of this name another value; too many or too long is a bug.
 */
void reply_header(struct reply *r, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** The value of header field @p i of header_count. */
const char *reply_value(const struct reply *r, size_t i);
/** Value of a header field that was added. NULL: none */
const char *reply_find(const struct reply *r, const char *name);
void reply_dispose(struct reply *r);

/** {"items":[…],"next":cursor or null}, 200, with a Link to the next page.
 *  @param items  taken  @param next  "" = this was the last one */
struct reply reply_list(const struct request *rq, json_t *items, const char *next);
/** The Link field alone, for lists that are not JSON. */
void reply_link_next(struct reply *r, const struct request *rq, const char *next);

/** Answer with an ETag: 304 when If-None-Match of @p rq has it. @p r  taken */
struct reply reply_with_etag(const struct request *rq, struct reply r, const char *etag);
#endif
