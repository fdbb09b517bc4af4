#include "api/exchange.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/body_file.h"
#include "api/field.h"
#include "api/link.h"
#include "api/media.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/status.h"
#include "api/stream.h"
#include "service/base/deadline.h"
#include "service/base/limits.h"
#include "service/base/log.h"

enum {
    SWALLOW_MAX = 1024 * 1024, /* bytes of a refused body that are read to be polite */
    STREAM_PATIENCE = 10,      /* so much longer may a body take that goes to the disk */
};

struct exchange {
    struct exchange_host *host;
    struct MHD_Connection *conn;
    struct link *link;
    struct request rq;
    char method[16]; /* for the log */
    struct reply reply;
    bool refused;  /* reply is ready; the rest of the body is swallowed */
    bool asked;    /* the handler has made the reply */
    bool answered; /* the same, on another thread: reply only has to be sent */
    handler_fn then;
    struct waiter waiter;
    struct slow_task task;
    struct deadline body_until;
    size_t limit, taken; /* bytes of body: most, and so far */
    size_t swallowed, swallow_max;
    int64_t started_ns;
};

static const char *header(struct MHD_Connection *conn, const char *name)
{
    return MHD_lookup_connection_value(conn, MHD_HEADER_KIND, name);
}

static enum MHD_Result count_framing(void *cls, enum MHD_ValueKind kind, const char *key,
                                     const char *value)
{
    struct framing *f = cls;
    (void)kind;
    if (strcasecmp(key, "Content-Length") == 0) {
        if (!f->lengths++) f->length = value;
    } else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        if (!f->encodings++) f->encoding = value;
    } else if (strcasecmp(key, "Host") == 0) {
        f->hosts++;
    }
    return MHD_YES;
}

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    (void)kind;
    return request_add_query(cls, key, value) == ERR_OK ? MHD_YES : MHD_NO;
}

/* @return true when the request is refused: the reply says why */
static bool refuse(struct exchange *x, int status)
{
    x->reply = reply_problem(&x->rq, status, NULL, NULL);
    x->refused = true;
    return true;
}

static bool begin_framing(struct exchange *x, bool *has_body, long *length)
{
    struct framing f = {.lengths = 0};
    MHD_get_connection_values(x->conn, MHD_HEADER_KIND, count_framing, &f);
    switch (framing_judge(&f, has_body, length)) {
    case FRAMING_OK:
        return false;
    case FRAMING_BAD:
        err_fail(ERR_ARG, "bad_framing", "Send one Content-Length or one Transfer-Encoding.",
                 "the length of the body is told twice, or wrongly");
        return refuse(x, 400);
    case FRAMING_UNKNOWN_ENCODING:
        err_fail(ERR_ARG, "bad_transfer_encoding", "Use chunked, or Content-Length.",
                 "this Transfer-Encoding is not known here");
        return refuse(x, 501);
    }
    return false;
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
        return refuse(x, 404);
    case ROUTE_BAD_PATH:
        err_fail(ERR_ARG, "bad_path", NULL,
                 "a part of the path is too long, or is not printable ASCII, percent-encoded");
        return refuse(x, 400);
    case ROUTE_NO_METHOD:
        err_fail(ERR_ARG, "bad_method", NULL, "this path takes %s", x->rq.match.allow);
        refuse(x, 405);
        reply_header(&x->reply, "Allow", "%s", x->rq.match.allow);
        return true;
    }
    /* the iterator stops at the first parameter that is refused */
    int total = MHD_get_connection_values(x->conn, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    MHD_get_connection_values(x->conn, MHD_GET_ARGUMENT_KIND, add_query, &x->rq);
    if ((size_t)total == x->rq.query_count) return false;
    return refuse(x, 400);
}

static void too_large(size_t limit)
{
    if (limit)
        err_fail(ERR_TOO_LARGE, "body_too_large", NULL, "a body here has at most %zu bytes", limit);
    else
        err_fail(ERR_TOO_LARGE, "body_too_large", NULL, "this operation takes no body");
}

static void end_file(struct exchange *x)
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
    return begin_file(x) != ERR_OK && refuse(x, status_of(err_last()));
}

static bool begin_body(struct exchange *x, bool has_body, long length)
{
    const struct route *route = x->rq.match.route;
    x->limit = route->limit;
    if (x->host->max_body && x->host->max_body < x->limit) x->limit = x->host->max_body;
    buf_init_secret(&x->rq.body, x->limit);
    x->body_until = deadline_in_ms((int64_t)x->host->body_s * 1000);
    x->swallow_max = SWALLOW_MAX;
    if (has_body && length > 0 && (size_t)length > x->limit) {
        too_large(x->limit);
        return refuse(x, 413);
    }
    if (!route->bodies) return false;
    if (has_body || x->rq.content_type) {
        if (media_is_taken(x->rq.content_type, route->bodies)) {
            if (has_body) return begin_stream(x);
        } else {
            media_not_taken(route->bodies);
            return refuse(x, 415);
        }
    }
    err_fail(ERR_ARG, "empty_body", NULL, "this operation needs a body");
    return refuse(x, 400);
}

static void take_request_id(struct request *rq, const char *given)
{
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
    return refuse(x, 503);
}

/* Nothing is done for one who may not be here, not even told what there is. */
static bool begin_peer(struct exchange *x)
{
    return link_peer(x->link, x->conn, &x->rq.peer) != ERR_OK && refuse(x, 403);
}

static bool begin(struct exchange *x, const char *method, const char *url)
{
    bool has_body;
    long length;
    struct request *rq = &x->rq;
    keep_path(rq, url);
    rq->content_type = header(x->conn, "Content-Type");
    rq->accept = header(x->conn, "Accept");
    rq->prefer = header(x->conn, "Prefer");
    rq->if_match = header(x->conn, "If-Match");
    rq->if_none_match = header(x->conn, "If-None-Match");
    rq->last_event_id = header(x->conn, "Last-Event-ID");
    return begin_peer(x) || begin_closing(x) || begin_framing(x, &has_body, &length) ||
           begin_route(x, method, url) || begin_body(x, has_body, length);
}

/* The bytes stay with the exchange, which outlives the sending: nothing is copied. */
static struct MHD_Response *make_response(const struct exchange *x)
{
    const struct reply *r = &x->reply;
    if (r->stream) return stream_response(r->stream, x->conn);
    void *data = r->fixed ? (void *)(uintptr_t)r->fixed : r->body.data;
    return MHD_create_response_from_buffer(r->fixed ? r->fixed_len : r->body.len, data,
                                           MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_reply(struct exchange *x)
{
    const struct reply *r = &x->reply;
    struct MHD_Response *response = make_response(x);
    if (!response) return MHD_NO;
    if (r->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
                            r->may_be_kept ? "no-cache" : "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "X-Request-Id", x->rq.id);
    for (size_t i = 0; i < r->header_count; i++)
        MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
    enum MHD_Result sent = MHD_queue_response(x->conn, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return sent;
}

/* The job ended, or the time is over: any thread. */
static void go_on(enum wait_end why, void *arg)
{
    struct exchange *x = arg;
    x->rq.woken = why;
    MHD_resume_connection(x->conn);
}

static bool job_is_over(const struct service *svc, const char *id)
{
    struct job_record job = {.id = ""};
    if (jobs_get(svc->jobs, id, &job)) return true;
    bool over = job_state_is_final(job.state);
    job_record_dispose(&job);
    return over;
}

/* Suspend first, then be found, then look (wait.h). This thread is the connection's own: however
 * soon it is resumed, it goes on only after this has returned. */
static enum MHD_Result start_waiting(struct exchange *x)
{
    x->then = x->reply.then;
    x->waiter = (struct waiter){
        .until = deadline_in_ms((int64_t)x->reply.wait_s * 1000), .resume = go_on, .arg = x};
    snprintf(x->waiter.job, sizeof x->waiter.job, "%s", x->rq.job);
    MHD_suspend_connection(x->conn);
    wait_add(x->host->waits, &x->waiter);
    if (job_is_over(&x->host->service, x->rq.job)) wait_wake(x->host->waits, x->rq.job);
    return MHD_YES;
}

/* On the thread for what is slow. The connection is suspended: nobody else touches the exchange. */
static void run_slow(enum slow_end why, void *arg)
{
    struct exchange *x = arg;
    log_context(x->rq.id, "");
    if (why == SLOW_FULL)
        err_fail(ERR_BUSY, "too_many_waiting", "Send it again a little later.",
                 "%d requests that take long wait already", LIMIT_SLOW);
    if (why == SLOW_CLOSING)
        err_fail(ERR_CONFLICT, "shutting_down", "Ask again when it runs.", "espgate is stopping");
    x->reply = why == SLOW_NOW ? x->rq.match.route->handler(&x->rq, &x->host->service)
                               : reply_error(&x->rq);
    x->answered = true;
    log_context("", "");
    MHD_resume_connection(x->conn);
}

static enum MHD_Result start_slow(struct exchange *x)
{
    x->task = (struct slow_task){.run = run_slow, .arg = x};
    MHD_suspend_connection(x->conn);
    slow_add(x->host->slow, &x->task);
    return MHD_YES;
}

static enum err put_body(struct exchange *x, const char *data, size_t n)
{
    if (n > x->limit - x->taken) {
        too_large(x->limit);
        return ERR_TOO_LARGE;
    }
    x->taken += n;
    return x->rq.file ? body_file_take(x->rq.file, data, n) : buf_append(&x->rq.body, data, n);
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t *n)
{
    /* A slow body is cut off: this version of MHD cannot answer in the middle of one. */
    bool cut = deadline_passed(x->body_until);
    if (x->refused) {
        x->swallowed += *n;
        cut = cut || x->swallowed > x->swallow_max;
    } else if (put_body(x, data, *n)) {
        refuse(x, status_of(err_last()));
        end_file(x);
    }
    /* It may have been a key: MHD's buffer is cleared here rather than when MHD thinks fit. */
    explicit_bzero((void *)(uintptr_t)data, *n);
    *n = 0;
    return cut ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(struct exchange *x)
{
    if (x->rq.file && body_file_end(x->rq.file)) refuse(x, status_of(err_last()));
    if (!x->refused && !x->answered) {
        const struct route *route = x->rq.match.route;
        if (route->bodies & BODY_SLOW) return start_slow(x);
        handler_fn ask = x->asked ? x->then : route->handler;
        x->reply = ask(&x->rq, &x->host->service);
        x->asked = true;
    }
    buf_dispose(&x->rq.body);
    end_file(x);
    if (x->reply.status == 0) return start_waiting(x);
    return send_reply(x);
}

static struct exchange *new_exchange(struct exchange_host *host, struct MHD_Connection *conn,
                                     const char *method)
{
    struct link *link = link_of(conn);
    struct exchange *x = link ? calloc(1, sizeof *x) : NULL;
    if (!x) return NULL;
    x->host = host;
    x->conn = conn;
    x->link = link;
    link_begin(link);
    x->started_ns = deadline_now_ns();
    snprintf(x->method, sizeof x->method, "%s", method);
    take_request_id(&x->rq, header(conn, "X-Request-Id"));
    pthread_mutex_lock(&host->lock);
    host->active++;
    pthread_mutex_unlock(&host->lock);
    return x;
}

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *data_len, void **state)
{
    struct exchange *x = *state;
    enum MHD_Result result = MHD_YES;
    (void)version;
    if (!x) {
        *state = x = new_exchange(cls, conn, method);
        if (!x) return MHD_NO;
        log_context(x->rq.id, "");
        if (begin(x, method, field_target_path(url))) result = send_reply(x);
    } else {
        log_context(x->rq.id, "");
        result = *data_len ? take_body(x, data, data_len) : finish(x);
    }
    log_context("", "");
    return result;
}

void exchange_completed(void *cls, struct MHD_Connection *conn, void **state,
                        enum MHD_RequestTerminationCode why)
{
    struct exchange_host *host = cls;
    struct exchange *x = *state;
    (void)conn;
    if (!x) return;
    end_file(x); /* before it is said that the request is over */
    log_context(x->rq.id, "");
    const struct route *route = x->rq.match.route;
    int64_t now = deadline_now_ns();
    link_end(x->link, now);
    log_info("request", "method=%s route=%s status=%d ms=%lld%s", x->method,
             route ? route->path : "-", x->reply.status,
             (long long)((now - x->started_ns) / 1000000),
             why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " cut=yes");
    log_context("", "");
    reply_dispose(&x->reply);
    buf_dispose(&x->rq.body);
    free(x);
    *state = NULL;
    pthread_mutex_lock(&host->lock);
    if (--host->active == 0) pthread_cond_broadcast(&host->idle);
    pthread_mutex_unlock(&host->lock);
}

size_t exchange_keep_escapes(void *cls, struct MHD_Connection *conn, char *text)
{
    (void)cls;
    (void)conn;
    return strlen(text);
}
