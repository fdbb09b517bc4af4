#include "service/hooks/backoff.h"

#include <sys/random.h>

int64_t backoff_ms(const struct backoff *b, int failed, int retry_after_s)
{
    uint32_t chance = 0;
    int64_t ms = b->first_ms;
    for (int i = 1; i < failed && ms < b->longest_ms; i++)
        ms *= 2;
    if (ms > b->longest_ms) ms = b->longest_ms;
    (void)!getrandom(&chance, sizeof chance, 0); /* four bytes never come short */
    ms += ms * ((int64_t)(chance % 401) - 200) / 1000;
    int64_t asked = (int64_t)retry_after_s * 1000;
    if (asked > b->longest_ms) asked = b->longest_ms;
    return ms > asked ? ms : asked;
}
