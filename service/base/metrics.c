#include "service/base/metrics.h"

#include <stdio.h>
#include <string.h>

static _Atomic uint64_t counters[METRIC_COUNT];

/* Each is a number of its own: nobody concludes from one what another must be. */
static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void metrics_add(enum metric m, uint64_t n)
{
    add(&counters[m], n);
}

uint64_t metrics_get(enum metric m)
{
    return atomic_load_explicit(&counters[m], memory_order_relaxed);
}

void histogram_add(struct histogram *h, const struct histogram_scale *s, uint64_t us)
{
    size_t i = 0;
    while (i < s->n && us > s->bounds_us[i])
        i++;
    add(&h->sum_us, us);
    add(&h->counts[i], 1);
}

/* Labels are cut to fit, so they are compared as far as they fit. */
static struct tally_row *find(struct tally *t, const char *a, const char *b)
{
    size_t n = atomic_load_explicit(&t->n, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        struct tally_row *r = &t->rows[i];
        if (strncmp(r->labels[0], a, TALLY_LABEL - 1) == 0 &&
            strncmp(r->labels[1], b, TALLY_LABEL - 1) == 0)
            return r;
    }
    return NULL;
}

static struct tally_row *make(struct tally *t, const char *a, const char *b)
{
    size_t n = atomic_load(&t->n);
    if (n == TALLY_ROWS) return &t->rows[TALLY_ROWS - 1];
    if (n == TALLY_ROWS - 1) {
        a = "other";
        b = b[0] ? "other" : "";
    }
    struct tally_row *r = &t->rows[n];
    snprintf(r->labels[0], TALLY_LABEL, "%s", a);
    snprintf(r->labels[1], TALLY_LABEL, "%s", b);
    atomic_store_explicit(&t->n, n + 1, memory_order_release);
    return r;
}

struct tally_row *tally_row(struct tally *t, const char *a, const char *b)
{
    struct tally_row *r = find(t, a, b);
    if (r) return r;
    pthread_mutex_lock(&t->making);
    r = find(t, a, b);
    if (!r) r = make(t, a, b);
    pthread_mutex_unlock(&t->making);
    return r;
}

struct tally *metrics_cloud_calls(void)
{
    static struct tally calls = {.making = PTHREAD_MUTEX_INITIALIZER};
    return &calls;
}
