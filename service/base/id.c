#include "service/base/id.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "service/base/clock.h"

enum { CHANCE = 16 /* bytes of an id that are chance */ };

/* A thread asks the kernel for chance once in a while, not for each id. */
static const uint8_t *take_chance(void)
{
    static _Thread_local uint8_t chance[CHANCE * 16];
    static _Thread_local size_t left;
    if (!left) {
        ssize_t got = getrandom(chance, sizeof chance, 0); /* up to 256 bytes never come short */
        assert(got == (ssize_t)sizeof chance);
        (void)got;
        left = sizeof chance / CHANCE;
    }
    return chance + --left * CHANCE;
}

const char *id_new(const char *prefix, char out[ID_TEXT])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    const uint8_t *chance = take_chance();
    size_t n = strlen(prefix);
    assert(n <= 4);
    memcpy(out, prefix, n);
    out[n++] = '_';
    uint64_t ms = (uint64_t)clock_now_ms();
    for (int i = 8; i >= 0; i--)
        out[n++] = digits[ms >> (5 * i) & 31];
    for (size_t i = 0; i < CHANCE; i++)
        out[n++] = digits[chance[i] & 31];
    out[n] = '\0';
    return out;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

bool id_is_name(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && is_name_byte(s[n]))
        n++;
    return n >= 1 && !s[n] && s[0] != '.';
}
