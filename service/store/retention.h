/* retention: what has ended is kept for some days: jobs with their logs and what they read, events,
 * deliveries; and answers to requests for a day. Never deleted here: the audit, the record of a
 * board, backups of partitions, credentials, and a job that one which has not ended yet waits for
 * or repeats. */
#ifndef SERVICE_STORE_RETENTION_H
#define SERVICE_STORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "service/store/store.h"

struct retention_limits {
    int64_t ended_before_ms;   /* what ended before this goes; 0 = nothing does */
    int64_t answers_before_ms; /* the same of answers, and of what jobs remember of such requests */
};
/** Delete a little of it, so that nobody waits for long behind it. @param[out] more_out  there is
 * more of it */
enum err store_retain(struct store *s, const struct retention_limits *limits, bool *more_out);

/** A thread that does so each hour, from an hour after its start. */
struct retention; /* opaque */
/** @param s  borrowed until retention_stop()  @param keep_days  0 = for ever */
enum err retention_start(struct store *s, unsigned keep_days, struct retention **out);
void retention_stop(struct retention *r); /* NULL allowed */
#endif
