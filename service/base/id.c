#include "service/base/id.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "service/base/clock.h"

const char *id_new(const char *prefix, char out[ID_TEXT])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint8_t chance[16];
    ssize_t got = getrandom(chance, sizeof chance, 0); /* up to 256 bytes never come short */
    assert(got == (ssize_t)sizeof chance);
    (void)got;
    assert(strlen(prefix) <= 4);
    int n = snprintf(out, ID_TEXT, "%s_", prefix);
    uint64_t ms = (uint64_t)clock_now_ms();
    for (int i = 8; i >= 0; i--)
        out[n++] = digits[ms >> (5 * i) & 31];
    for (size_t i = 0; i < sizeof chance; i++)
        out[n++] = digits[chance[i] & 31];
    out[n] = '\0';
    return out;
}

bool id_is_name(const char *s, size_t max)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = strlen(s);
    return n >= 1 && n <= max && s[0] != '.' && strspn(s, allowed) == n;
}
