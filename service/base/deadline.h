/* deadline: an absolute point of CLOCK_MONOTONIC, made once at the top of an operation and passed
 * down. */
#ifndef SERVICE_BASE_DEADLINE_H
#define SERVICE_BASE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct deadline {
    int64_t at_ns;
};

/** Now, in nanoseconds of CLOCK_MONOTONIC. */
int64_t deadline_now_ns(void);
/** @p ms from now; negative counts as 0. */
struct deadline deadline_in_ms(int64_t ms);
/** A deadline that never comes. */
struct deadline deadline_never(void);
/** The earlier of two. */
struct deadline deadline_min(struct deadline a, struct deadline b);
bool deadline_passed(struct deadline d);
/** Milliseconds left, rounded up, 0 when passed, capped at INT_MAX: fit for poll(). */
int deadline_left_ms(struct deadline d);
/** The earlier of @p d and @p ms from now. */
struct deadline deadline_within_ms(struct deadline d, int64_t ms);
#endif
