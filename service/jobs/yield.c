#include "service/jobs/yield.h"

static struct yield now = {.by_kind.making = PTHREAD_MUTEX_INITIALIZER,
                           .by_slot.making = PTHREAD_MUTEX_INITIALIZER,
                           .by_step.making = PTHREAD_MUTEX_INITIALIZER,
                           .failures.making = PTHREAD_MUTEX_INITIALIZER};

const struct histogram_scale yield_scale = {
    .n = 14,
    .bounds_us = {10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
                  30000000, 60000000, 120000000, 300000000}};

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
        histogram_add(&row->times, &yield_scale, s->ms > 0 ? (uint64_t)s->ms * 1000 : 0);
    }
}
