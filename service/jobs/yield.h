/* yield: what became of the jobs since the process began, counted for monitoring: by kind, by slot,
 * by step, and what failed. Any thread. */
#ifndef SERVICE_JOBS_YIELD_H
#define SERVICE_JOBS_YIELD_H

#include "service/base/metrics.h"
#include "service/store/store.h"

struct yield {
    struct tally by_kind;  /* kind, state */
    struct tally by_slot;  /* slot, state */
    struct tally by_step;  /* step, its state: times */
    struct tally failures; /* step, code */
};
extern const struct histogram_scale yield_scale; /* of by_step */

/** The one of this process. */
struct yield *yield_now(void);
/** A job has ended. Once for each. */
void yield_count(const struct job_record *job);
#endif
