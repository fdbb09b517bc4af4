#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/audit.h"
#include "api/body_file.h"
#include "api/exchange_parts.h"
#include "api/field.h"
#include "api/link.h"
#include "api/media.h"
#include "api/status.h"
#include "service/base/limits.h"
#include "service/base/log.h"

enum {
    SWALLOW_MAX = 1024 * 1024,       /* bytes of a refused body that are read to be polite */
    FORM_SWALLOW = 64 * 1024 * 1024, /* the same of a form: a browser looks for an answer only when
                                        all is sent */
    STREAM_PATIENCE = 10,            /* so much longer may a body take that goes to the disk */
};

bool exchange_refuse(struct exchange *x, int status)
{
    x->reply = reply_problem(&x->rq, status, NULL, NULL);
    x->refused = true;
    audit_refused(&x->rq, &x->reply, &x->host->service, x->host->writers);
    return true;
}

/* The header fields that are looked at, each as a place in the request; the first of a name counts.
 */
static const struct field_place {
    const char *name;
    size_t at;
} fields[] = {
    {"Content-Type", offsetof(struct request, content_type)},
    {"Accept", offsetof(struct request, accept)},
    {"Accept-Encoding", offsetof(struct request, accept_encoding)},
    {"Prefer", offsetof(struct request, prefer)},
    {"If-Match", offsetof(struct request, if_match)},
    {"If-None-Match", offsetof(struct request, if_none_match)},
    {"Idempotency-Key", offsetof(struct request, idempotency_key)},
    {"Authorization", offsetof(struct request, authorization)},
    {"Origin", offsetof(struct request, origin)},
    {"Host", offsetof(struct request, host)},
    {"Last-Event-ID", offsetof(struct request, last_event_id)},
    {"X-Request-Id", offsetof(struct request, request_id)},
};

struct head {
    struct framing framing;
    struct request *rq;
    bool odd_name; /* of a field: MHD takes "Content-Length : 5" for one it does not know, and a
                      proxy may take it for the length */
};

/* libmicrohttpd keeps the header for as long as the connection lasts, and its memory for longer. */
static void forget(const char *value)
{
    if (value) explicit_bzero((void *)(uintptr_t)value, strlen(value));
}

static void keep_field(struct request *rq, const char *key, const char *value)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char **place = (const char **)((char *)rq + fields[i].at);
        if (strcasecmp(key, fields[i].name) != 0) continue;
        if (*place)
            forget(value); /* nobody looks at it again: it may be a token too */
        else
            *place = value;
        return;
    }
}

/* One pass over the header instead of a search for each field. */
static enum MHD_Result take_field(void *cls, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    struct head *head = cls;
    struct framing *f = &head->framing;
    (void)kind;
    head->odd_name = head->odd_name || !field_is_token(key);
    if (strcasecmp(key, "Content-Length") == 0) {
        if (!f->lengths++) f->length = value;
    } else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        if (!f->encodings++) f->encoding = value;
    } else {
        f->hosts += strcasecmp(key, "Host") == 0;
        keep_field(head->rq, key, value);
    }
    return MHD_YES;
}

static bool begin_framing(struct exchange *x, const struct head *head, long *length)
{
    enum framing_verdict verdict = framing_judge(&head->framing, &x->has_body, length);
    if (head->odd_name) {
        err_fail(ERR_ARG, "bad_framing", "Send names of letters, digits and '-'.",
                 "the name of a header field holds a blank or another sign that none may have");
        return exchange_refuse(x, 400);
    }
    switch (verdict) {
    case FRAMING_OK:
        return false;
    case FRAMING_BAD:
        err_fail(ERR_ARG, "bad_framing", "Send one Content-Length or one Transfer-Encoding.",
                 "the length of the body is told twice, or wrongly");
        return exchange_refuse(x, 400);
    case FRAMING_UNKNOWN_ENCODING:
        err_fail(ERR_ARG, "bad_transfer_encoding", "Use chunked, or Content-Length.",
                 "this Transfer-Encoding is not known here");
        return exchange_refuse(x, 501);
    }
    return false;
}

static bool begin_origin(struct exchange *x)
{
    return auth_take_origin(&x->host->auth, &x->rq) != ERR_OK &&
           exchange_refuse(x, status_of(err_last()));
}

/* A browser asks whether a page of a listed origin may send a request (CORS). */
static bool answer_preflight(struct exchange *x, const char *method)
{
    if (!x->rq.foreign || strcmp(method, "OPTIONS") != 0 ||
        !MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, "Access-Control-Request-Method"))
        return false;
    x->reply = auth_preflight(&x->rq);
    x->refused = true;
    return true;
}

static bool begin_route(struct exchange *x, const char *method, const char *url)
{
    size_t n;
    const struct route *table = routes_table(&n);
    switch (route_find(table, n, method, url, &x->rq.match)) {
    case ROUTE_FOUND:
        break;
    case ROUTE_NO_PATH:
        err_fail(ERR_NOT_FOUND, "no_such_path", "The contract at /openapi.yaml names the paths.",
                 "there is nothing at this path");
        return exchange_refuse(x, 404);
    case ROUTE_BAD_PATH:
        err_fail(ERR_ARG, "bad_path", "Percent-encode what is neither a letter nor a digit.",
                 "a part of the path is too long, or is not printable ASCII, percent-encoded");
        return exchange_refuse(x, 400);
    case ROUTE_NO_METHOD:
        if (answer_preflight(x, method)) return true;
        err_fail(ERR_ARG, "bad_method",
                 "The contract at /openapi.yaml tells what each method does.", "this path takes %s",
                 x->rq.match.allow);
        exchange_refuse(x, 405);
        reply_header(&x->reply, "Allow", "%s", x->rq.match.allow);
        return true;
    }
    return false;
}

static bool begin_auth(struct exchange *x)
{
    unsigned wait_s = 0;
    enum err e = auth_admit(&x->host->auth, &x->rq, &wait_s);
    if (!e) return false;
    exchange_refuse(x, status_of(err_last()));
    auth_explain(&x->rq, &x->reply, wait_s);
    return true;
}

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    (void)kind;
    return request_add_query(cls, key, value) == ERR_OK ? MHD_YES : MHD_NO;
}

static bool begin_query(struct exchange *x)
{
    /* the iterator stops at the first parameter that is refused */
    int total = MHD_get_connection_values(x->conn, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    MHD_get_connection_values(x->conn, MHD_GET_ARGUMENT_KIND, add_query, &x->rq);
    if ((size_t)total == x->rq.query_count) return false;
    return exchange_refuse(x, 400);
}

void exchange_too_large(size_t limit)
{
    if (limit)
        err_fail(ERR_TOO_LARGE, "body_too_large",
                 "Send a smaller one; --max-body may have lowered the limit.",
                 "a body here has at most %zu bytes", limit);
    else
        err_fail(ERR_TOO_LARGE, "body_too_large", "Send the request without a body.",
                 "this operation takes no body");
}

void exchange_end_file(struct exchange *x)
{
    if (!x->rq.file) return;
    body_file_free(x->rq.file);
    x->rq.file = NULL;
    atomic_fetch_sub(&x->host->streams, 1);
}

static enum err begin_file(struct exchange *x)
{
    if (atomic_fetch_add(&x->host->streams, 1) >= LIMIT_STREAMS) {
        atomic_fetch_sub(&x->host->streams, 1);
        return err_fail(ERR_BUSY, "too_many_uploads", "Send it again a little later.",
                        "%d files are on their way already", LIMIT_STREAMS);
    }
    enum err e = body_file_new(x->host->service.data_dir, x->conn, &x->rq.file);
    if (e) atomic_fetch_sub(&x->host->streams, 1);
    return e;
}

/* A row with BODY_STREAM. What goes wrong later than this is told when the whole body was read: a
 * client that is still sending does not look for an answer. */
static bool begin_stream(struct exchange *x)
{
    if (!(x->rq.match.route->bodies & BODY_STREAM)) return false;
    x->body_until = deadline_in_ms((int64_t)x->host->body_s * 1000 * STREAM_PATIENCE);
    x->swallow_max = x->limit;
    return begin_file(x) != ERR_OK && exchange_refuse(x, status_of(err_last()));
}

static size_t body_limit(const struct exchange *x)
{
    const struct route *route = x->rq.match.route;
    bool many = route->bodies & BODY_MANY && request_query(&x->rq, "certificate");
    size_t limit = many ? LIMIT_DROP_BODY : route->limit;
    return x->host->max_body && x->host->max_body < limit ? x->host->max_body : limit;
}

static bool begin_body(struct exchange *x, long length)
{
    const struct route *route = x->rq.match.route;
    x->limit = body_limit(x);
    buf_init_secret(&x->rq.body, x->limit);
    if (x->has_body && length > 0 && (size_t)length > x->limit) {
        exchange_too_large(x->limit);
        x->hears_out = route->bodies & BODY_MULTIPART && length <= FORM_SWALLOW &&
                       !MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, "Expect");
        if (x->hears_out) x->swallow_max = FORM_SWALLOW;
        return exchange_refuse(x, 413);
    }
    if (!(route->bodies & BODY_KINDS)) return false;
    if (x->has_body || x->rq.content_type) {
        if (media_is_taken(x->rq.content_type, route->bodies)) {
            if (x->has_body) return begin_stream(x);
        } else {
            media_not_taken(route->bodies);
            return exchange_refuse(x, 415);
        }
    }
    err_fail(ERR_ARG, "empty_body", "The contract at /openapi.yaml has its schema and examples.",
             "this operation needs a body");
    return exchange_refuse(x, 400);
}

static void take_request_id(struct request *rq)
{
    const char *given = rq->request_id;
    if (given && id_is_name(given, REQUEST_ID_MAX))
        snprintf(rq->id, sizeof rq->id, "%s", given);
    else
        id_new("req", rq->id);
}

static void keep_path(struct request *rq, const char *url)
{
    size_t n = 0;
    for (; url[n] && n + 1 < sizeof rq->path; n++)
        rq->path[n] = url[n] > 0x20 && url[n] < 0x7f ? url[n] : '?';
    rq->path[n] = '\0';
}

static bool begin_closing(struct exchange *x)
{
    if (!atomic_load(&x->host->closing)) return false;
    err_fail(ERR_CONFLICT, "shutting_down", "Ask again when it runs.", "espgate is stopping");
    return exchange_refuse(x, 503);
}

/* Nothing is done for one who may not be here, not even told what there is. */
static bool begin_peer(struct exchange *x)
{
    enum err e = link_peer(x->link, x->conn, &x->rq.peer);
    memcpy(x->rq.actor.address, x->rq.peer->address, sizeof x->rq.actor.address);
    return e && exchange_refuse(x, 403);
}

bool exchange_begin(struct exchange *x, const char *method, const char *url)
{
    long length = 0;
    struct head head = {.rq = &x->rq};
    MHD_get_connection_values(x->conn, MHD_HEADER_KIND, take_field, &head);
    take_request_id(&x->rq);
    log_context(x->rq.id, "");
    keep_path(&x->rq, url);
    x->rq.head = strcmp(method, "HEAD") == 0;
    /* What is refused before its framing is judged may have one. */
    x->has_body = head.framing.lengths || head.framing.encodings;
    x->body_until = deadline_in_ms((int64_t)x->host->body_s * 1000);
    x->swallow_max = SWALLOW_MAX;
    bool refused = begin_peer(x) || begin_closing(x) || begin_framing(x, &head, &length) ||
                   begin_origin(x) || begin_route(x, method, url) || begin_auth(x) ||
                   begin_query(x) || begin_body(x, length);
    forget(x->rq.authorization);
    x->rq.authorization = NULL;
    return refused;
}
