#include "service/base/deadline.h"

#include <limits.h>
#include <time.h>

int64_t deadline_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct deadline deadline_in_ms(int64_t ms)
{
    return (struct deadline){deadline_now_ns() + (ms > 0 ? ms : 0) * 1000000};
}

struct deadline deadline_never(void)
{
    return (struct deadline){INT64_MAX};
}

struct deadline deadline_min(struct deadline a, struct deadline b)
{
    return a.at_ns < b.at_ns ? a : b;
}

bool deadline_passed(struct deadline d)
{
    return d.at_ns <= deadline_now_ns();
}

int deadline_left_ms(struct deadline d)
{
    int64_t now = deadline_now_ns();
    if (d.at_ns <= now) return 0;
    /* Not (left + 999999) / 1000000: "never" would overflow. */
    int64_t ms = (d.at_ns - now - 1) / 1000000 + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

struct deadline deadline_within_ms(struct deadline d, int64_t ms)
{
    return deadline_min(d, deadline_in_ms(ms));
}
