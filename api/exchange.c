#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "api/body_file.h"
#include "api/exchange_parts.h"
#include "api/field.h"
#include "api/link.h"
#include "api/status.h"
#include "api/traffic.h"
#include "service/base/log.h"

static enum err put_body(struct exchange *x, const char *data, size_t n)
{
    if (n > x->limit - x->taken) {
        exchange_too_large(x->limit);
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
        exchange_refuse(x, status_of(err_last()));
        exchange_end_file(x);
    }
    /* It may have been a key: MHD's buffer is cleared here rather than when MHD thinks fit. */
    explicit_bzero((void *)(uintptr_t)data, *n);
    *n = 0;
    return cut ? MHD_NO : MHD_YES;
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
    x->method = method;
    atomic_fetch_add(&host->active, 1);
    return x;
}

void exchange_left(struct exchange_host *host)
{
    if (atomic_fetch_sub(&host->active, 1) > 1 || !atomic_load(&host->closing)) return;
    pthread_mutex_lock(&host->lock);
    pthread_cond_broadcast(&host->idle);
    pthread_mutex_unlock(&host->lock);
}

static void end_exchange(struct exchange *x, const char *how)
{
    struct exchange_host *host = x->host;
    const struct route *route = x->rq.match.route;
    int64_t took_ns = deadline_now_ns() - x->started_ns;
    exchange_end_file(x); /* before it is said that the request is over */
    bool sent = strcmp(how, "cut") != 0;
    traffic_count(host->traffic, route, sent ? x->reply.status : 0, took_ns / 1000);
    /* Readers ask often, and a line each would cost more than their answer; who is locked out shall
     * not fill the log. */
    bool routine = (route && !route_writes(route) && x->reply.status < 400) ||
                   strcmp(x->reply.code, "too_many_failures") == 0;
    log_at(routine ? LOG_DEBUG : LOG_INFO, "request",
           "method=%s route=%s status=%d ms=%lld actor=\"%s\" token=%s address=%s end=%s",
           x->method, route ? route->path : "-", x->reply.status, (long long)(took_ns / 1000000),
           x->rq.actor.name, x->rq.actor.token, x->rq.peer->address, how);
    reply_dispose(&x->reply);
    buf_dispose(&x->rq.body);
    free(x);
    exchange_left(host);
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
        /* MHD closes a connection that is answered so early: only to stop a body. */
        if (exchange_begin(x, method, field_target_path(url)) && x->has_body && !x->hears_out)
            result = exchange_work(x);
    } else {
        log_context(x->rq.id, "");
        result = *data_len ? take_body(x, data, data_len) : exchange_work(x);
    }
    if (x->streams) { /* It may last for days, and needs nothing of its request. */
        end_exchange(x, "stream");
        *state = NULL;
    }
    log_context("", "");
    return result;
}

void exchange_completed(void *cls, struct MHD_Connection *conn, void **state,
                        enum MHD_RequestTerminationCode why)
{
    struct exchange *x = *state;
    struct link *link = link_of(conn);
    (void)cls;
    if (link) link_end(link, deadline_now_ns());
    if (!x) return; /* it was a stream */
    log_context(x->rq.id, "");
    end_exchange(x, why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "sent" : "cut");
    log_context("", "");
    *state = NULL;
}

size_t exchange_keep_escapes(void *cls, struct MHD_Connection *conn, char *text)
{
    (void)cls;
    (void)conn;
    return strlen(text);
}
