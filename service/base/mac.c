#include "service/base/mac.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 12, UUID = 36 };

/* A run as a MAC may be written. @return its length; 0: it is none here */
static size_t mac_length(const char *s, char digits[DIGITS])
{
    const char separator = isxdigit((unsigned char)s[0]) && isxdigit((unsigned char)s[1]) && s[2] &&
                                   strchr(":-_.", s[2])
                               ? s[2]
                               : '\0';
    size_t at = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        if (separator && i && i % 2 == 0 && s[at++] != separator) return 0;
        if (!isxdigit((unsigned char)s[at])) return 0;
        digits[i] = (char)tolower((unsigned char)s[at++]);
    }
    return isxdigit((unsigned char)s[at]) ? 0 : at;
}

/* 8-4-4-4-12 digits: the last group looks like a MAC, and of some it is that of another machine. */
static bool is_uuid(const char *s)
{
    for (size_t i = 0; i < UUID; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i])) return false;
    }
    return !isxdigit((unsigned char)s[UUID]);
}

/* Of one station: the lowest bit of the first byte says that it is of a group. */
static bool is_of_device(const char digits[DIGITS])
{
    return strchr("02468ace", digits[1]) && strspn(digits, "0") < DIGITS;
}

static size_t run_of_digits(const char *s)
{
    size_t n = 0;
    while (isxdigit((unsigned char)s[n]))
        n++;
    return n;
}

bool mac_find(const char *text, char out[MAC_TEXT])
{
    char d[DIGITS + 1] = "";
    out[0] = '\0';
    while (*text) {
        size_t run = run_of_digits(text);
        if (!run) {
            text++;
        } else if (is_uuid(text)) {
            text += UUID;
        } else if (mac_length(text, d) && is_of_device(d)) {
            snprintf(out, MAC_TEXT, "%.2s:%.2s:%.2s:%.2s:%.2s:%.2s", d, d + 2, d + 4, d + 6, d + 8,
                     d + 10);
            return true;
        } else {
            text += run; /* inside a run none can begin */
        }
    }
    return false;
}
