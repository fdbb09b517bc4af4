/* backoff: how long to wait before the next try. */
#ifndef SERVICE_HOOKS_BACKOFF_H
#define SERVICE_HOOKS_BACKOFF_H

#include <stdint.h>

struct backoff {
    int first_ms, longest_ms;
};

/** Twice as long each time, up to the longest, and up to a fifth more or less by chance, so that
 * many that failed together do not come back together.
 *  @param failed         tries so far, 1…
 *  @param retry_after_s  what the other side asked for: not before that, but not beyond the longest
 */
int64_t backoff_ms(const struct backoff *b, int failed, int retry_after_s);
#endif
