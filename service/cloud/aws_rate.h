/* aws_rate: how often each operation may be called, so that AWS need not refuse it. A bucket for
 * each, filled at a part of AWS's default rate; a refusal halves it, and it grows back in time.
 * Pure; the caller locks, and waits. */
#ifndef SERVICE_CLOUD_AWS_RATE_H
#define SERVICE_CLOUD_AWS_RATE_H

#include <stdint.h>

enum { AWS_RATE_ROWS = 48, AWS_RATE_PERCENT = 80 };

struct aws_rates {
    unsigned percent;
    struct aws_rate {
        int64_t full_at_ns; /* when the bucket would be full again */
        double share;       /* of the rate, 0…1, at share_ns: 0 counts as 1 */
        int64_t share_ns;
    } rows[AWS_RATE_ROWS];
};

/** @param percent  of AWS's default rates, 1…100; 0 = AWS_RATE_PERCENT */
void aws_rates_init(struct aws_rates *r, unsigned percent);
/** Take one call of an operation. Times are of CLOCK_MONOTONIC.
 *  @return when it may be made, @p now_ns or later; -1: not before @p latest_ns, and nothing was
 * taken */
int64_t aws_rates_take(struct aws_rates *r, const char *operation, int64_t now_ns,
                       int64_t latest_ns);
/** AWS has refused a call as too many. Many refusals within a second count once.
 *  @param wait_ns  nobody calls it again before that; 0 = unsaid */
void aws_rates_refused(struct aws_rates *r, const char *operation, int64_t now_ns, int64_t wait_ns);
/** Calls a second, now. */
double aws_rates_now(const struct aws_rates *r, const char *operation, int64_t now_ns);
#endif
