#include "api/multipart.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/field.h"

static const char hint[] = "Send multipart/form-data, as `curl -F file=@name` does.";

static enum err bad(const char *why)
{
    return err_fail(ERR_ARG, "bad_multipart", hint, "%s", why);
}

/* "--b" must not be taken for "--bc": behind a delimiter comes "--", or its line ends. */
static bool delimiter_ends(const uint8_t *after, const uint8_t *end)
{
    if (end - after >= 2 && memcmp(after, "--", 2) == 0) return true;
    while (after < end && (*after == ' ' || *after == '\t'))
        after++;
    return end - after >= 2 && memcmp(after, "\r\n", 2) == 0;
}

/* The next "--boundary" that begins a line; the line break before it belongs to it (RFC 2046).
 * @return its first byte, NULL when there is none */
static const uint8_t *find_delimiter(const uint8_t *from, const uint8_t *end, const char *delimiter,
                                     size_t n)
{
    while (from < end) {
        const uint8_t *hit = memmem(from, (size_t)(end - from), delimiter, n);
        if (!hit || delimiter_ends(hit + n, end)) return hit;
        from = hit + 1;
    }
    return NULL;
}

/* A quoted or bare value behind "key="; backslash escapes are undone, control bytes dropped. */
static void copy_value(const char *s, const char *end, char *out, size_t cap)
{
    bool quoted = s < end && *s == '"';
    size_t len = 0;
    if (quoted) s++;
    for (; s < end && (quoted ? *s != '"' : !strchr("; \t", *s)); s++) {
        if (quoted && *s == '\\' && s + 1 < end && (s[1] == '"' || s[1] == '\\')) s++;
        unsigned char c = (unsigned char)*s;
        if (c >= 0x20 && c != 0x7f && len + 1 < cap) out[len++] = (char)c;
    }
    out[len] = '\0';
}

/* @return behind the parameter at @p s: its ';' or the end; quotes may hold a ';' */
static const char *end_of_parameter(const char *s, const char *end)
{
    for (bool quoted = false; s < end && (quoted || *s != ';'); s++) {
        if (quoted && *s == '\\' && s + 1 < end)
            s++;
        else if (*s == '"')
            quoted = !quoted;
    }
    return s;
}

static void read_disposition(const char *s, const char *end, struct multipart_part *part)
{
    s = end_of_parameter(s, end);
    while (s < end) {
        for (s++; s < end && (*s == ' ' || *s == '\t');)
            s++;
        const char *stop = end_of_parameter(s, end);
        if (stop - s > 5 && strncasecmp(s, "name=", 5) == 0)
            copy_value(s + 5, stop, part->name, sizeof part->name);
        else if (stop - s > 9 && strncasecmp(s, "filename=", 9) == 0)
            copy_value(s + 9, stop, part->file, sizeof part->file);
        s = stop;
    }
}

/* The header lines of a part. @return the first byte of its data, NULL when they are broken */
static const uint8_t *read_headers(const uint8_t *at, const uint8_t *end,
                                   struct multipart_part *part)
{
    static const char disposition[] = "content-disposition:";
    const size_t n = sizeof disposition - 1;
    for (;;) {
        const uint8_t *eol = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (!eol) return NULL;
        if (eol == at) return at + 2;
        if (!memchr(at, ':', (size_t)(eol - at))) return NULL;
        if ((size_t)(eol - at) > n && strncasecmp((const char *)at, disposition, n) == 0)
            read_disposition((const char *)at + n, (const char *)eol, part);
        at = eol + 2;
    }
}

/* Behind the delimiter's own line. */
static const uint8_t *next_line(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *eol = memmem(at, (size_t)(end - at), "\r\n", 2);
    return eol ? eol + 2 : end;
}

enum err multipart_parse(const uint8_t *body, size_t n, const char *boundary,
                         struct multipart_list *list)
{
    char delimiter[FIELD_BOUNDARY_MAX + 5];
    list->count = 0;
    size_t len = (size_t)snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);
    if (len >= sizeof delimiter) return bad("the boundary is too long");
    const uint8_t *end = body + n;
    const uint8_t *at = NULL;
    /* The first one may open the body, without a line break of its own. */
    if (n >= len - 2 && memcmp(body, delimiter + 2, len - 2) == 0 &&
        delimiter_ends(body + len - 2, end))
        at = body + len - 2;
    else if ((at = find_delimiter(body, end, delimiter, len)))
        at += len;
    if (!at) return bad("the opening boundary is missing");
    while (end - at < 2 || memcmp(at, "--", 2) != 0) {
        if (list->count == list->cap)
            return err_fail(ERR_TOO_LARGE, "too_many_parts", "Send fewer files in one request.",
                            "more than %zu parts", list->cap);
        struct multipart_part *part = &list->parts[list->count];
        *part = (struct multipart_part){.data = NULL};
        const uint8_t *data = read_headers(next_line(at, end), end, part);
        if (!data) return bad("a part has no proper headers");
        /* the line break that ends the headers also opens the delimiter of an empty part */
        const uint8_t *stop = find_delimiter(data - 2, end, delimiter, len);
        if (!stop) return bad("the closing boundary is missing: the body is cut off");
        part->data = data;
        part->len = stop > data ? (size_t)(stop - data) : 0;
        list->count++;
        at = stop + len;
    }
    return ERR_OK;
}
