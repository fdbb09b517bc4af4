#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/body_file.h"
#include "api/exchange_parts.h"
#include "api/status.h"
#include "api/stream.h"
#include "service/base/limits.h"
#include "service/base/log.h"

/* What a browser must read before it lets a page of a listed origin see the answer. */
static void send_cors(const struct exchange *x, struct MHD_Response *response)
{
    if (x->host->auth.origin_count) MHD_add_response_header(response, "Vary", "Origin");
    if (!x->rq.foreign) return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", x->rq.origin);
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "ETag, Idempotent-Replayed, Link, Location, Preference-Applied, "
                            "Retry-After, WWW-Authenticate, X-Request-Id");
}

static void stream_left(void *host)
{
    exchange_left(host);
}

static struct MHD_Response *start_stream(struct exchange *x)
{
    const struct stream_end end = {.left = stream_left, .arg = x->host};
    struct MHD_Response *response = stream_response(x->reply.stream, x->conn, x->rq.id, &end);
    if (!response) return NULL;
    atomic_fetch_add(&x->host->active, 1);
    x->reply.stream = NULL;
    x->streams = true;
    return response;
}

/* The bytes stay with the exchange, which outlives the sending: nothing is copied. */
static struct MHD_Response *make_response(struct exchange *x)
{
    const struct reply *r = &x->reply;
    if (r->stream) return start_stream(x);
    const void *data = r->body.data;
    size_t n = r->body.len;
    if (r->shared) {
        data = r->shared->bytes;
        n = r->shared->len;
    } else if (r->fixed) {
        data = r->fixed;
        n = r->fixed_len;
    }
    return MHD_create_response_from_buffer(n, (void *)(uintptr_t)data, MHD_RESPMEM_PERSISTENT);
}

static const char *const cache_control[] = {
    [KEEP_NOT] = "no-store",
    [KEEP_ASK] = "no-cache",
    [KEEP_ALWAYS] = "public, max-age=31536000, immutable", /* a year */
};

static enum MHD_Result send_reply(struct exchange *x)
{
    const struct reply *r = &x->reply;
    struct MHD_Response *response = make_response(x);
    if (!response) return MHD_NO;
    if (r->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache_control[r->keep]);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "X-Request-Id", x->rq.id);
    send_cors(x, response);
    for (size_t i = 0; i < r->header_count; i++)
        MHD_add_response_header(response, r->headers[i].name, reply_value(r, i));
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

static struct reply ask_handler(void *arg)
{
    struct exchange *x = arg;
    const struct route *route = x->rq.match.route;
    const struct service *svc = &x->host->service;
    if (x->rq.idempotency_key && route->bodies & ROUTE_CREATES)
        return idempotency_ask(&x->host->idempotency, &x->rq, svc);
    return route->handler(&x->rq, svc);
}

/* On the thread that the request belongs on: of HTTP, or of a pool. */
static void ask(struct exchange *x)
{
    const struct service *svc = &x->host->service;
    if (x->asked)
        x->reply = x->then(&x->rq, svc);
    else if (x->rq.file && body_file_end(x->rq.file))
        exchange_refuse(x, status_of(err_last()));
    else if (audit_is_wanted(x->rq.match.route))
        x->reply = audit_ask(&x->rq, svc, ask_handler, x);
    else
        x->reply = ask_handler(x);
    x->asked = true;
}

/* The connection is suspended: nobody else touches the exchange. */
static void run_on_pool(enum pool_end why, void *arg)
{
    struct exchange *x = arg;
    log_context(x->rq.id, "");
    if (why == POOL_FULL)
        err_fail(ERR_BUSY, "too_many_waiting", "Send it again a little later.",
                 "too many requests like it wait already");
    if (why == POOL_CLOSING)
        err_fail(ERR_CONFLICT, "shutting_down", "Ask again when it runs.", "espgate is stopping");
    if (why != POOL_NOW)
        exchange_refuse(x, status_of(err_last()));
    else
        ask(x);
    x->answered = true;
    log_context("", "");
    MHD_resume_connection(x->conn);
}

/* NULL: at once, on this thread. */
static struct pool *pool_of(const struct exchange *x)
{
    const struct route *route = x->rq.match.route;
    if (x->asked) return NULL; /* it waited, and reads how the job ended */
    if (route->bodies & BODY_SLOW) return x->host->slow;
    if (route->bodies & ROUTE_CALLS) return x->host->callers;
    bool waits = audit_is_wanted(route) || route->bodies & ROUTE_WAITS;
    return waits ? x->host->writers : NULL;
}

static enum MHD_Result start_on(struct pool *pool, struct exchange *x)
{
    x->task = (struct pool_task){.run = run_on_pool, .arg = x};
    MHD_suspend_connection(x->conn);
    pool_add(pool, &x->task);
    return MHD_YES;
}

enum MHD_Result exchange_work(struct exchange *x)
{
    if (!x->refused && !x->answered) {
        struct pool *pool = pool_of(x);
        if (pool) return start_on(pool, x);
        ask(x);
    }
    x->answered = false;
    buf_dispose(&x->rq.body);
    exchange_end_file(x);
    return x->reply.status == 0 ? start_waiting(x) : send_reply(x);
}
