#include "api/field.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool decode(const char *in, size_t n, char *out, size_t cap, int highest)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)in[i];
        if (c == '%') {
            if (n - i < 3) return false;
            int hi = hex_value(in[i + 1]), lo = hex_value(in[i + 2]);
            if (hi < 0 || lo < 0) return false;
            c = hi << 4 | lo;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || c > highest || len + 1 >= cap) return false;
        out[len++] = (char)c;
    }
    if (len >= cap) return false;
    out[len] = '\0';
    return true;
}

bool field_percent_decode(const char *in, size_t n, char *out, size_t cap)
{
    return decode(in, n, out, cap, 0x7e);
}

bool field_percent_decode_text(const char *in, size_t n, char *out, size_t cap)
{
    return decode(in, n, out, cap, 0xff);
}

const char *field_target_path(const char *target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (strncasecmp(target, schemes[i], n) != 0) continue;
        size_t host = strcspn(target + n, "/");
        if (!host) break;
        return target[n + host] ? target + n + host : "/";
    }
    return target;
}

bool field_percent_encode(const char *in, char *out, size_t cap)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = strlen(out);
    for (; *in; in++) {
        unsigned char c = (unsigned char)*in;
        bool plain = isalnum(c) || strchr("-._~", c);
        if (len + (plain ? 1 : 3) >= cap) return false;
        if (plain) {
            out[len++] = (char)c;
        } else {
            out[len++] = '%';
            out[len++] = digits[c >> 4];
            out[len++] = digits[c & 15];
        }
    }
    out[len] = '\0';
    return true;
}

bool field_media_is(const char *value, const char *type)
{
    if (!value) return false;
    size_t n = strlen(type);
    if (strncasecmp(value, type, n) != 0) return false;
    value += n;
    return value[strspn(value, " \t")] == '\0' || value[strspn(value, " \t")] == ';';
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* One parameter behind a ';': name, and the value with its quotes undone. @return behind it, NULL
 * when it is malformed or the value does not fit */
static const char *parameter(const char *s, char name[32], char *value, size_t cap)
{
    s = skip_blanks(s + 1);
    size_t n = strcspn(s, "=; \t"), len = 0;
    if (s[n] != '=' || n == 0 || n >= 32) return NULL;
    memcpy(name, s, n);
    name[n] = '\0';
    s += n + 1;
    bool quoted = *s == '"';
    if (quoted) s++;
    while (*s && (quoted ? *s != '"' : !strchr("; \t", *s))) {
        if (quoted && *s == '\\' && s[1]) s++;
        if (len + 1 >= cap) return NULL;
        value[len++] = *s++;
    }
    value[len] = '\0';
    if (quoted && *s++ != '"') return NULL;
    return skip_blanks(s);
}

bool field_boundary(const char *value, char out[FIELD_BOUNDARY_MAX + 1])
{
    static const char allowed[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ";
    char name[32], text[FIELD_BOUNDARY_MAX + 2];
    const char *s = value ? strchr(value, ';') : NULL;
    while (s && *s == ';') {
        s = parameter(s, name, text, sizeof text);
        if (!s) return false;
        if (strcasecmp(name, "boundary") != 0) continue;
        size_t n = strlen(text);
        if (n < 1 || n > FIELD_BOUNDARY_MAX || strspn(text, allowed) != n || text[n - 1] == ' ')
            return false;
        memcpy(out, text, n + 1);
        return true;
    }
    return false;
}

bool field_is_token(const char *s)
{
    const char *start = s;
    while (isalnum((unsigned char)*s) || (*s && strchr("!#$%&'*+-.^_`|~", *s)))
        s++;
    return !*s && s > start;
}

bool field_number(const char *s, long max, long *out)
{
    long v = 0;
    if (!*s) return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9') return false;
        int digit = *s - '0';
        if (v > (max - digit) / 10) return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

long field_prefer_wait(const char *value, long max)
{
    for (const char *s = value; s && *s;) {
        s += strspn(s, " \t,");
        size_t n = strcspn(s, ",;");
        char digits[12];
        long wait;
        if (strncasecmp(s, "wait=", 5) == 0) {
            size_t len = n - 5;
            while (len && (s[5 + len - 1] == ' ' || s[5 + len - 1] == '\t'))
                len--;
            /* a wish that makes no sense is no wish (RFC 7240 2) */
            if (len >= sizeof digits) return 0;
            memcpy(digits, s + 5, len);
            digits[len] = '\0';
            if (!field_number(digits, LONG_MAX, &wait)) return 0;
            return wait < max ? wait : max;
        }
        s += strcspn(s, ",");
    }
    return 0;
}

bool field_etag_listed(const char *value, const char *etag, bool weak)
{
    size_t n = strlen(etag);
    for (const char *s = value; s && *s;) {
        s += strspn(s, " \t,");
        if (*s == '*') return true;
        bool is_weak = strncmp(s, "W/", 2) == 0;
        if (is_weak) s += 2;
        if (strncmp(s, etag, n) == 0 && (!is_weak || weak)) return true;
        if (*s == '"') s = strchr(s + 1, '"') ? strchr(s + 1, '"') : s;
        s += strcspn(s, ",");
    }
    return false;
}

/* A weight as RFC 9110 writes it, "0.7", in thousandths; what is not one counts as 1. */
static int weight(const char *s)
{
    if (*s != '0' && *s != '1') return 1000;
    int thousandths = (*s - '0') * 1000;
    for (int i = 0, unit = 100; s[1] == '.' && i < 3 && s[2 + i] >= '0' && s[2 + i] <= '9';
         i++, unit /= 10)
        thousandths += (s[2 + i] - '0') * unit;
    return thousandths < 1000 ? thousandths : 1000;
}

/* How much one media range of Accept likes a type: 0 not at all … 1000 fully; -1: does not speak of
 * it. The more exact range counts, so its rank is told too. */
static int range_quality(const char *s, size_t n, const char *type, int *rank_out)
{
    size_t len = strcspn(s, ";, \t");
    size_t major = strcspn(type, "/");
    if (len == strlen(type) && strncasecmp(s, type, len) == 0)
        *rank_out = 3;
    else if (len == major + 2 && strncasecmp(s, type, major) == 0 && s[len - 1] == '*')
        *rank_out = 2;
    else if (len == 3 && strncmp(s, "*/*", 3) == 0)
        *rank_out = 1;
    else
        return -1;
    for (size_t i = len; i + 2 < n; i++)
        if (s[i] == 'q' && s[i + 1] == '=' && strchr("; \t", s[i - 1])) return weight(s + i + 2);
    return 1000;
}

static int accept_quality(const char *value, const char *type)
{
    int best_rank = 0, quality = 0;
    for (const char *s = value; *s;) {
        s += strspn(s, " \t,");
        size_t n = strcspn(s, ",");
        int rank = 0, q = range_quality(s, n, type, &rank);
        if (q >= 0 && rank > best_rank) {
            best_rank = rank;
            quality = q;
        }
        s += n;
    }
    return quality;
}

bool field_accept_prefers(const char *value, const char *a, const char *b)
{
    return value && accept_quality(value, a) > accept_quality(value, b);
}

enum framing_verdict framing_judge(const struct framing *f, bool *has_body_out, long *length_out)
{
    *has_body_out = f->lengths || f->encodings;
    *length_out = -1;
    if (f->lengths > 1 || f->encodings > 1 || f->hosts > 1) return FRAMING_BAD;
    if (f->lengths && f->encodings) return FRAMING_BAD;
    if (f->encodings)
        return strcasecmp(f->encoding, "chunked") == 0 ? FRAMING_OK : FRAMING_UNKNOWN_ENCODING;
    if (!f->lengths) return FRAMING_OK;
    if (!field_number(f->length, LONG_MAX, length_out)) return FRAMING_BAD;
    *has_body_out = *length_out > 0;
    return FRAMING_OK;
}
