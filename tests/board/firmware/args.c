#include "tests/board/firmware/args.h"

#include <string.h>

enum { NUMBER_MAX = 0x7fffffff };

static void split_parameters(const char *text, size_t n, struct at_args *out)
{
    size_t from = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && text[i] == '\\' && i + 1 < n) {
            i++;
            continue;
        }
        if (i < n && text[i] != ',') continue;
        if (out->count <= ARGS_MAX) {
            out->v[out->count].text = text + from;
            out->v[out->count].n = i - from;
            out->count++;
        }
        from = i + 1;
    }
}

enum at_op args_split(const char *rest, size_t n, char *name, struct at_args *out)
{
    memset(out, 0, sizeof *out);
    const char *equals = memchr(rest, '=', n);
    size_t name_n = equals ? (size_t)(equals - rest) : n;
    enum at_op op = equals ? AT_SET : AT_EXEC;
    if (equals && n == name_n + 2 && rest[n - 1] == '?') op = AT_TEST;
    if (!equals && n && rest[n - 1] == '?') {
        op = AT_QUERY;
        name_n--;
    }
    memcpy(name, rest, name_n);
    name[name_n] = '\0';
    if (op == AT_SET) split_parameters(equals + 1, n - name_n - 1, out);
    return op;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

enum arg_status args_int(const struct at_args *a, size_t i, long *out)
{
    *out = 0;
    if (i >= a->count) return ARG_MISSING;
    const char *p = a->v[i].text;
    size_t n = a->v[i].n;
    if (!n) return ARG_EMPTY;
    bool minus = *p == '-';
    if (minus) p++, n--;
    int base = 10;
    if (n > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
        n -= 2;
    }
    if (!n) return ARG_BAD;
    long value = 0;
    for (; n; p++, n--) {
        int d = digit_of(*p);
        if (d >= base || value > (NUMBER_MAX - d) / base) return ARG_BAD;
        value = value * base + d;
    }
    *out = minus ? -value : value;
    return ARG_OK;
}

enum arg_status args_str(const struct at_args *a, size_t i, char *out, size_t cap)
{
    *out = '\0';
    if (i >= a->count) return ARG_MISSING;
    const char *p = a->v[i].text;
    size_t n = a->v[i].n;
    if (!n) return ARG_EMPTY;
    if (n < 2 || p[0] != '"' || p[n - 1] != '"') return ARG_BAD;
    size_t used = 0;
    for (size_t k = 1; k < n - 1; k++) {
        if (p[k] == '"') return ARG_BAD;
        if (p[k] == '\\') {
            /* The last quote is escaped, so nothing closes the string. */
            if (k + 1 == n - 1) return ARG_BAD;
            k++;
        }
        if (used + 1 >= cap) return ARG_BAD;
        out[used++] = p[k];
    }
    out[used] = '\0';
    return ARG_OK;
}

bool args_absent(const struct at_args *a, size_t i)
{
    return i >= a->count || a->v[i].n == 0;
}
