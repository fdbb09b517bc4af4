/* clock: wall time for records (never for waiting: that is deadline.h). */
#ifndef SERVICE_BASE_CLOCK_H
#define SERVICE_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT = 32 };

/** Milliseconds since 1970, UTC. */
int64_t clock_now_ms(void);
/** RFC 3339, UTC, milliseconds: 2026-01-02T03:04:05.678Z. @return @p out */
const char *clock_format(int64_t unix_ms, char out[CLOCK_TEXT]);
#endif
