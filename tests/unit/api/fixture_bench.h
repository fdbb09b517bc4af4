/* fixture_bench: a real store and real job queues over made-up ports; the jobs do what the test
 * says. Requests are made as values, without sockets. */
#ifndef TESTS_UNIT_API_FIXTURE_BENCH_H
#define TESTS_UNIT_API_FIXTURE_BENCH_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <ftw.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/firmware/shelf.h"
#include "service/jobs/jobs.h"
#include "service/port/enumerate.h"

enum { PORTS = 2 };

static struct {
    bool ports_fail; /* the host cannot list its ports */
    size_t port_count;
} host = {.port_count = PORTS};

/* This stands before the library's own: nothing here looks at real devices. */
static struct port_info port_number(size_t i)
{
    struct port_info p = {.usb_vid = i ? 0x10c4 : -1, .usb_pid = i ? 0xea60 : -1};
    snprintf(p.name, sizeof p.name, "ttyTEST%zu", i);
    snprintf(p.path, sizeof p.path, "/dev/serial/by-id/test-%zu", i);
    snprintf(p.device, sizeof p.device, "/dev/ttyTEST%zu", i);
    snprintf(p.id, sizeof p.id, "test-%zu", i);
    return p;
}

enum err enumerate_ports(const char *const *globs, size_t glob_count, struct port_list *out)
{
    (void)globs;
    (void)glob_count;
    *out = (struct port_list){.items = NULL};
    if (host.ports_fail) return err_set(ERR_IO, "the ports cannot be listed");
    out->items = calloc(PORTS, sizeof *out->items);
    assert_non_null(out->items);
    for (; out->count < host.port_count; out->count++)
        out->items[out->count] = port_number(out->count);
    return ERR_OK;
}

struct bench {
    char dir[64];
    struct store *store;
    struct tokens *tokens;
    struct jobs *jobs;
    struct server *server; /* NULL: without */
    struct service service;
};

/* A job that runs until it is told to stop. */
static inline enum err run_until_stopped(struct job_context *ctx)
{
    enum err e = job_step_begin(ctx, "wait");
    if (e) return e;
    cancel_wait(ctx->cancel, ctx->until);
    return job_step_end(ctx, job_why_cancelled(ctx));
}

/* A job that does what it is for at once. */
static inline enum err run_nothing(struct job_context *ctx)
{
    enum err e = job_step_begin(ctx, "nothing");
    return e ? e : job_step_end(ctx, ERR_OK);
}

static inline bool bench_knows_nothing(const char *id, void *arg)
{
    (void)id;
    (void)arg;
    return false;
}

static inline void bench_start(struct bench *b, job_run_fn run, const struct server_config *server)
{
    *b = (struct bench){.dir = "/tmp/espgate-api-XXXXXX"};
    host.ports_fail = false;
    host.port_count = PORTS;
    log_set_level(LOG_ERROR);
    assert_non_null(mkdtemp(b->dir));
    assert_int_equal(store_open(b->dir, &b->store), ERR_OK);
    assert_int_equal(shelf_open(b->dir, bench_knows_nothing, NULL), ERR_OK);
    assert_int_equal(tokens_open(b->store, &b->tokens), ERR_OK);
    assert_int_equal(server_new(&b->server), ERR_OK);
    struct jobs_config cfg = {
        .store = b->store, .run = run, .changed = server_changed, .changed_arg = b->server};
    assert_int_equal(jobs_start(&cfg, &b->jobs), ERR_OK);
    b->service = (struct service){.store = b->store,
                                  .jobs = b->jobs,
                                  .tokens = b->tokens,
                                  .data_dir = b->dir,
                                  .version = "test"};
    if (server) assert_int_equal(server_start(b->server, server, &b->service), ERR_OK);
}

static inline int bench_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void bench_stop(struct bench *b)
{
    server_stop(b->server);
    jobs_stop(b->jobs);
    server_free(b->server);
    tokens_close(b->tokens);
    store_close(b->store);
    nftw(b->dir, bench_remove, 8, FTW_DEPTH | FTW_PHYS);
}

struct call {
    const char *method, *path; /* path with its query */
    const char *type, *body;   /* NULL: none */
    const char *prefer, *accept, *accept_encoding, *if_match, *if_none_match;
    const struct actor *actor; /* NULL: nobody */
};

/* What the exchange does before it asks the handler, without HTTP. */
static inline struct reply call(struct bench *b, const struct call *c, struct request *rq)
{
    size_t n;
    char path[256];
    const struct route *table = routes_table(&n);
    *rq = (struct request){.id = "test",
                           .content_type = c->type,
                           .prefer = c->prefer,
                           .accept = c->accept,
                           .accept_encoding = c->accept_encoding,
                           .if_match = c->if_match,
                           .if_none_match = c->if_none_match};
    if (c->actor) rq->actor = *c->actor;
    snprintf(path, sizeof path, "%s", c->path);
    char *query = strchr(path, '?');
    if (query) *query++ = '\0';
    snprintf(rq->path, sizeof rq->path, "%s", path);
    assert_int_equal(route_find(table, n, c->method, path, &rq->match), ROUTE_FOUND);
    for (char *pair = query; pair;) {
        char *next = strchr(pair, '&');
        if (next) *next++ = '\0';
        char *value = strchr(pair, '=');
        if (value) *value++ = '\0';
        if (request_add_query(rq, pair, value)) return reply_error(rq);
        pair = next;
    }
    buf_init_secret(&rq->body, rq->match.route->limit);
    if (c->body) assert_int_equal(buf_puts(&rq->body, c->body), ERR_OK);
    struct reply r = rq->match.route->handler(rq, &b->service);
    buf_dispose(&rq->body);
    return r;
}

/* The body of a reply as JSON; it must be JSON. */
static inline json_t *body_of(const struct reply *r)
{
    json_t *body = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
    assert_non_null(body);
    return body;
}

static inline const char *header_of(const struct reply *r, const char *name)
{
    return reply_find(r, name);
}

/* Call, and compare status and, unless NULL, the problem's code. */
static inline void expect(struct bench *b, const struct call *c, int status, const char *code)
{
    struct request rq;
    struct reply r = call(b, c, &rq);
    if (r.status != status)
        fail_msg("%s %s: %d, not %d: %s", c->method, c->path, r.status, status, buf_str(&r.body));
    if (code) {
        json_t *body = body_of(&r);
        assert_string_equal(r.content_type, "application/problem+json");
        assert_string_equal(json_string_value(json_object_get(body, "code")), code);
        assert_int_equal(json_integer_value(json_object_get(body, "status")), status);
        json_decref(body);
    }
    reply_dispose(&r);
}

/* Order a job on a slot. @return its id in @p id */
static inline void order(struct bench *b, const char *slot, char id[ID_TEXT])
{
    char body[128];
    struct request rq;
    snprintf(body, sizeof body, "{\"kind\":\"reset\",\"slot\":\"%s\"}", slot);
    struct reply r =
        call(b,
             &(struct call){
                 .method = "POST", .path = "/v1/jobs", .type = "application/json", .body = body},
             &rq);
    assert_int_equal(r.status, 202);
    json_t *job = body_of(&r);
    snprintf(id, ID_TEXT, "%s", json_string_value(json_object_get(job, "id")));
    json_decref(job);
    reply_dispose(&r);
}
#endif
