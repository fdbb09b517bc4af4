#include "service/jobs/yield.h"

static struct yield now = {.by_kind.making = PTHREAD_MUTEX_INITIALIZER,
                           .by_slot.making = PTHREAD_MUTEX_INITIALIZER,
                           .by_step.making = PTHREAD_MUTEX_INITIALIZER,
                           .failures.making = PTHREAD_MUTEX_INITIALIZER};

enum { MS = 1000, S = 1000000 };
const struct histogram_scale yield_scale = {
    .n = 14,
    .bounds_us = {10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S, 2500 * MS, 5 * S,
                  10 * S, 30 * S, 60 * S, 120 * S, 300 * S}};

struct yield *yield_now(void)
{
    return &now;
}

static void count(struct tally *t, const char *a, const char *b)
{
    atomic_fetch_add_explicit(&tally_row(t, a, b)->count, 1, memory_order_relaxed);
}

void yield_count(const struct job_record *job)
{
    const char *state = job_state_name(job->state);
    count(&now.by_kind, job->kind, state);
    count(&now.by_slot, job->slot, state);
    if (job->state == JOB_FAILED)
        count(&now.failures, job->error_step[0] ? job->error_step : "none", job->error.code);
    for (size_t i = 0; i < job->step_count; i++) {
        const struct job_step *s = &job->steps[i];
        if (s->state == STEP_SKIPPED) continue;
        struct tally_row *row = tally_row(&now.by_step, s->name, step_state_name(s->state));
        histogram_add(&row->times, &yield_scale, s->ms > 0 ? (uint64_t)s->ms * MS : 0);
    }
}
