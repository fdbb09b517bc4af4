#include "api/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/field.h"
#include "api/json_out.h"
#include "api/status.h"

enum { BODY_CAP = 64 * 1024 * 1024 }; /* far over a page of LIMIT_PAGE jobs */

static int dump(const char *text, size_t n, void *arg)
{
    return buf_append(arg, text, n) == ERR_OK ? 0 : -1;
}

/* What is left to say when there is no memory to say it in. */
static struct reply out_of_memory(void)
{
    static const char problem[] = "{\"type\":\"/problems/mem\",\"title\":\"Not available now\","
                                  "\"status\":503,\"code\":\"mem\",\"detail\":\"out of memory\"}";
    struct reply r = reply_fixed("application/problem+json", problem, sizeof problem - 1);
    r.status = 503;
    return r;
}

struct reply reply_json(int status, json_t *body)
{
    struct reply r = {.status = status, .content_type = "application/json"};
    buf_init_secret(&r.body, BODY_CAP); /* some answer with a secret, once */
    if (!body || json_dump_callback(body, dump, &r.body, JSON_COMPACT) != 0 || buf_ok(&r.body)) {
        buf_dispose(&r.body);
        r = out_of_memory();
    }
    json_decref(body);
    return r;
}

struct reply reply_empty(int status)
{
    return (struct reply){.status = status};
}

struct reply reply_bytes(int status, const char *content_type, struct buf *body)
{
    struct reply r = {.status = status, .content_type = content_type, .body = *body};
    *body = (struct buf){.data = NULL};
    return r;
}

struct reply reply_shared(int status, const char *content_type, struct shared_text *text)
{
    return (struct reply){.status = status, .content_type = content_type, .shared = text};
}

struct reply reply_fixed(const char *content_type, const void *data, size_t n)
{
    return (struct reply){
        .status = 200, .content_type = content_type, .fixed = data, .fixed_len = n};
}

struct reply reply_later(int seconds, handler_fn then)
{
    return (struct reply){.status = 0, .wait_s = seconds, .then = then};
}

struct reply reply_stream(struct stream *s)
{
    struct reply r = {.status = 200, .content_type = "text/event-stream", .stream = s};
    reply_header(&r, "X-Accel-Buffering", "no"); /* a proxy may hold nothing back */
    return r;
}

void reply_header(struct reply *r, const char *name, const char *fmt, ...)
{
    size_t i = 0;
    while (i < r->header_count && strcmp(r->headers[i].name, name) != 0)
        i++;
    assert(i < REPLY_HEADERS);
    size_t room = sizeof r->header_text - r->header_bytes;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(r->header_text + r->header_bytes, room, fmt, ap);
    va_end(ap);
    assert(n >= 0 && n < REPLY_HEADER_MAX && (size_t)n < room);
    if (i == r->header_count) r->headers[r->header_count++].name = name;
    r->headers[i].at = r->header_bytes;
    r->header_bytes += (size_t)n + 1;
}

const char *reply_value(const struct reply *r, size_t i)
{
    return r->header_text + r->headers[i].at;
}

const char *reply_find(const struct reply *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcmp(r->headers[i].name, name) == 0) return reply_value(r, i);
    return NULL;
}

void reply_dispose(struct reply *r)
{
    buf_dispose(&r->body);
    shared_text_unref(r->shared);
    r->shared = NULL;
    stream_close(r->stream);
    r->stream = NULL;
}

struct reply reply_problem(const struct request *rq, int status, const char *member, json_t *value)
{
    const struct err_info *e = err_last();
    char type[64];
    snprintf(type, sizeof type, "/problems/%s", e->code);
    json_t *body =
        json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:s}", "type", type, "title",
                  status_title(status), "status", status, "code", e->code, "detail",
                  json_text(e->detail), "instance", json_text(rq->path), "request_id", rq->id);
    if (body && e->hint[0]) json_object_set_new(body, "hint", json_text(e->hint));
    if (value) json_object_set_new(body, member, value);
    struct reply r = reply_json(status, body);
    r.content_type = "application/problem+json";
    snprintf(r.code, sizeof r.code, "%s", e->code);
    int seconds = status_retry_after_s(r.status);
    if (seconds) reply_header(&r, "Retry-After", "%d", seconds);
    return r;
}

struct reply reply_error(const struct request *rq)
{
    return reply_problem(rq, status_of(err_last()), NULL, NULL);
}

struct reply reply_content_error(const struct request *rq)
{
    return reply_problem(rq, status_of_content(err_last()), NULL, NULL);
}

struct reply reply_fields(const struct request *rq, const struct field_errors *errors)
{
    if (!errors->count) return reply_error(rq);
    json_t *list = json_array();
    for (size_t i = 0; i < errors->count && i < FIELD_ERRORS_MAX; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "pointer",
                                              json_text(errors->items[i].pointer), "detail",
                                              json_text(errors->items[i].detail)));
    return reply_problem(rq, status_of(err_last()), "errors", list);
}

void reply_link_next(struct reply *r, const struct request *rq, const char *next)
{
    char link[REPLY_HEADER_MAX - 32];
    if (!*next) return;
    snprintf(link, sizeof link, "%s?cursor=", rq->match.route->path);
    bool fits = field_percent_encode(next, link, sizeof link);
    for (size_t i = 0; i < rq->query_count && fits; i++) {
        if (strcmp(rq->query[i].name, "cursor") == 0) continue;
        size_t n = strlen(link);
        snprintf(link + n, sizeof link - n, "&%s=", rq->query[i].name);
        fits = field_percent_encode(rq->query[i].value, link, sizeof link);
    }
    if (fits) reply_header(r, "Link", "<%s>; rel=\"next\"", link);
}

struct reply reply_list(const struct request *rq, json_t *items, const char *next)
{
    struct reply r =
        reply_json(200, json_pack("{s:o, s:o}", "items", items, "next", json_text_or_null(next)));
    if (r.status == 200) reply_link_next(&r, rq, next);
    return r;
}

struct reply reply_with_etag(const struct request *rq, struct reply r, const char *etag)
{
    if (r.status == 200 && rq->if_none_match && field_etag_listed(rq->if_none_match, etag, true)) {
        enum reply_keep keep = r.keep;
        reply_dispose(&r);
        r = reply_empty(304);
        r.keep = keep;
    }
    reply_header(&r, "ETag", "%s", etag);
    return r;
}
