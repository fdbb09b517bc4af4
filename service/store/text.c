#include "service/store/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TEXT_JSON = 2049 }; /* the longest is an ARN of AWS */

/* Bytes of the character at p, 0 when it is none: RFC 3629, so no surrogates and no long forms. */
static size_t character(const unsigned char *p)
{
    static const struct {
        unsigned char first, last, second_min, second_max;
        size_t n;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (p[0] < forms[i].first || p[0] > forms[i].last) continue;
        if (forms[i].n == 1) return 1;
        if (p[1] < forms[i].second_min || p[1] > forms[i].second_max) return 0;
        for (size_t k = 2; k < forms[i].n; k++)
            if (p[k] < 0x80 || p[k] > 0xbf) return 0; /* a NUL stops here too */
        return forms[i].n;
    }
    return 0;
}

void text_clean(char *text)
{
    unsigned char *p = (unsigned char *)text;
    while (*p) {
        size_t n = character(p);
        if (n == 0) *p = '?';
        p += n ? n : 1;
    }
}

void text_clean_error(struct err_info *error)
{
    text_clean(error->code);
    text_clean(error->detail);
    text_clean(error->device);
    text_clean(error->hint);
}

json_t *text_json(const char *text)
{
    char clean[TEXT_JSON];
    snprintf(clean, sizeof clean, "%s", text);
    text_clean(clean);
    return json_string(clean);
}

json_t *text_json_or_null(const char *text)
{
    return *text ? text_json(text) : json_null();
}
