#include "api/traffic.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Those that are answered; the first stands for a client that went away, the last for all others.
 */
static const struct status {
    int code;
    const char *text;
} statuses[] = {{0, "cut"},   {200, "200"}, {201, "201"}, {202, "202"}, {204, "204"}, {206, "206"},
                {304, "304"}, {400, "400"}, {401, "401"}, {403, "403"}, {404, "404"}, {405, "405"},
                {406, "406"}, {409, "409"}, {412, "412"}, {413, "413"}, {415, "415"}, {421, "421"},
                {422, "422"}, {428, "428"}, {429, "429"}, {500, "500"}, {501, "501"}, {502, "502"},
                {503, "503"}, {504, "504"}, {507, "507"}, {-1, "other"}};
enum { STATUSES = sizeof statuses / sizeof *statuses };

static const struct histogram_scale scale = {.n = 13,
                                             .bounds_us = {250, 500, 1000, 2500, 5000, 10000, 25000,
                                                           50000, 100000, 250000, 1000000, 10000000,
                                                           60000000}};

struct operation {
    _Atomic uint64_t counts[STATUSES];
    struct histogram times;
};

struct traffic {
    const struct route *table;
    size_t n;
    struct operation operations[]; /* one a route, and one for none */
};

enum err traffic_new(struct traffic **out)
{
    size_t n;
    const struct route *table = routes_table(&n);
    *out = calloc(1, sizeof **out + (n + 1) * sizeof *(*out)->operations);
    if (!*out) return err_set(ERR_MEM, "out of memory");
    (*out)->table = table;
    (*out)->n = n;
    return ERR_OK;
}

void traffic_free(struct traffic *t)
{
    free(t);
}

void traffic_count(struct traffic *t, const struct route *route, int status, int64_t us)
{
    struct operation *o = &t->operations[route ? (size_t)(route - t->table) : t->n];
    size_t i = 0;
    while (i < STATUSES - 1 && statuses[i].code != status)
        i++;
    atomic_fetch_add_explicit(&o->counts[i], 1, memory_order_relaxed);
    histogram_add(&o->times, &scale, us > 0 ? (uint64_t)us : 0);
}

static void expose_counts(const struct operation *o, const char *method, const char *path,
                          struct exposition *x)
{
    for (size_t i = 0; i < STATUSES; i++) {
        uint64_t count = atomic_load_explicit(&o->counts[i], memory_order_relaxed);
        const struct label labels[] = {
            {"method", method}, {"route", path}, {"status", statuses[i].text}, {NULL, NULL}};
        if (count) expose_value(x, labels, (double)count);
    }
}

static bool was_called(const struct operation *o)
{
    for (size_t i = 0; i < STATUSES; i++)
        if (atomic_load_explicit(&o->counts[i], memory_order_relaxed)) return true;
    return false;
}

void traffic_expose(struct traffic *t, struct exposition *x)
{
    expose(x, EXPOSE_COUNTER, "espgate_http_requests", "Requests that were answered.");
    for (size_t i = 0; i <= t->n; i++)
        expose_counts(&t->operations[i], i < t->n ? t->table[i].method : "",
                      i < t->n ? t->table[i].path : "", x);
    expose(x, EXPOSE_HISTOGRAM, "espgate_http_request_duration_seconds",
           "From the head of a request to the end of its answer, with what it waited for a job.");
    for (size_t i = 0; i <= t->n; i++) {
        const struct label labels[] = {{"method", i < t->n ? t->table[i].method : ""},
                                       {"route", i < t->n ? t->table[i].path : ""},
                                       {NULL, NULL}};
        if (was_called(&t->operations[i]))
            expose_histogram(x, labels, &t->operations[i].times, &scale);
    }
}
