/* route: method and path → row of the route table. Pure. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "service/access/actor.h"

struct request;
struct reply;
struct service;

/** Answers one request: it may read memory and the store, never a port, and the network only with
 * ROUTE_CALLS. That of a reading operation runs on a thread of HTTP and never waits; that of a
 * writing one runs on a thread of the pool for those (pool.h), where it may wait for the disk. */
typedef struct reply (*handler_fn)(struct request *rq, const struct service *svc);

/** Media types that a row takes; a row takes one, or several (their sum). With BODY_STREAM the body
 * goes to the disk (struct body_file), else to memory. */
enum body_kind {
    BODY_NONE = 0,
    BODY_JSON = 1,      /* application/json */
    BODY_MULTIPART = 2, /* multipart/form-data */
    BODY_CSV = 4,       /* text/csv */
    BODY_BINARY = 8,    /* application/octet-stream */
    BODY_ZIP = 16,      /* application/zip */
    BODY_KINDS = 31,
    BODY_STREAM = 32,
    BODY_MANY = 2048, /* with ?certificate= it is the files of many boards: LIMIT_DROP_BODY */
    /* What follows says nothing of the body. */
    BODY_SLOW = 64,      /* the handler computes for long: on a thread of its own, one by one */
    ROUTE_CREATES = 128, /* an Idempotency-Key makes it safe to repeat */
    ROUTE_WAITS = 256,   /* it changes nothing, and waits for the disk all the same */
    ROUTE_CALLS = 1024,  /* it calls others, for LIMIT_CALL_S at most: on threads of their own */
    ROUTE_SECRET = 512,  /* it gives out what may hold a key, or says who may do what */
};

struct route {
    const char *method, *path; /* "/v1/jobs/{id}" */
    const char *operation;     /* operationId in openapi.yaml */
    enum scope scope;          /* who may call it */
    const char *query;         /* names of its query parameters, each followed by a blank */
    unsigned bodies;           /* sum of enum body_kind */
    size_t limit;              /* bytes of body, with all that is around a form's file */
    handler_fn handler;
};

enum { ROUTE_VARS = 3, ROUTE_VAR_MAX = 127 };

struct route_match {
    const struct route *route;
    struct {
        const char *name; /* borrowed from the template; ends at '}' */
        char value[ROUTE_VAR_MAX + 1];
    } vars[ROUTE_VARS];
    size_t var_count;
    char allow[48]; /* for ROUTE_NO_METHOD: "GET, HEAD, POST" */
};

enum route_verdict { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD, ROUTE_BAD_PATH };

/** Find the row of @p method and @p path. A literal segment beats a variable one, as OpenAPI has
 * it. HEAD finds GET.
 *  @param path  as it was sent, percent-encoded, without query */
enum route_verdict route_find(const struct route *table, size_t n, const char *method,
                              const char *path, struct route_match *out);

/** Does it change something, and so wait for the disk? */
bool route_writes(const struct route *route);

/** THE table. */
const struct route *routes_table(size_t *n_out);
#endif
