/* Where one value ends and the next begins cannot be seen in the values, as they come from outside
 * and may look like anything. So the names, their order and their kinds are taken from the format,
 * and nobody can add a member to a line, or give one of another line's meaning. */
#include "service/base/log_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct writer {
    char *out;
    size_t n, cap;
    bool full;
};

struct key {
    const char *name;
    size_t len;
    bool quoted, number;
};

static void put(struct writer *w, const char *text, size_t n)
{
    if (w->full || n > w->cap - w->n) {
        w->full = true;
        return;
    }
    memcpy(w->out + w->n, text, n);
    w->n += n;
}

/* @return how many bytes the UTF-8 character at @p s has, 0 = it is none */
static size_t utf8_length(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char mask, lead;
        unsigned least;
    } kinds[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t more = 0; more < sizeof kinds / sizeof *kinds; more++) {
        if ((s[0] & kinds[more].mask) != kinds[more].lead) continue;
        unsigned code = s[0] & (unsigned char)~kinds[more].mask;
        if (more >= left) return 0;
        for (size_t i = 1; i <= more; i++) {
            if ((s[i] & 0xc0) != 0x80) return 0;
            code = code << 6 | (s[i] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code < kinds[more].least || code > 0x10ffff || surrogate ? 0 : more + 1;
    }
    return 0;
}

static void put_string(struct writer *w, const char *text, size_t len)
{
    char escape[8];
    put(w, "\"", 1);
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length((const unsigned char *)text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        if (n == 0)
            put(w, "\\ufffd", 6);
        else if (c < 0x20 || c == 0x7f)
            put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
        else if (c == '"' || c == '\\')
            put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", c));
        else
            put(w, text + i, n);
        i += n ? n : 1;
    }
    put(w, "\"", 1);
}

static bool is_number(const char *text, size_t n)
{
    size_t i = n && text[0] == '-' ? 1 : 0;
    if (i == n || (text[i] == '0' && n - i > 1)) return false;
    return strspn(text + i, "0123456789") >= n - i;
}

/* All of it, or nothing. */
static void put_member(struct writer *w, const struct key *k, const char *value, size_t n)
{
    size_t before = w->n;
    if (w->n > 1) put(w, ",", 1);
    put_string(w, k->name, k->len);
    put(w, ":", 1);
    if (k->number && is_number(value, n))
        put(w, value, n);
    else
        put_string(w, value, n);
    if (w->full) w->n = before;
    w->full = false;
}

static void put_text(struct writer *w, const char *name, const char *value)
{
    const struct key k = {.name = name, .len = strlen(name)};
    if (value[0]) put_member(w, &k, value, strlen(value));
}

/* The next name in the format. @return false at its end */
static bool next_key(const char **fmt, struct key *k)
{
    const char *p = *fmt + strspn(*fmt, " ");
    k->name = p;
    k->len = strcspn(p, "=");
    if (!p[k->len]) return false;
    p += k->len + 1;
    k->quoted = *p == '"';
    size_t flags = *p == '%' ? strspn(p + 1, "0123456789lzj") + 1 : 0;
    k->number = flags && (p[flags] == 'd' || p[flags] == 'u');
    if (k->quoted) p += 1 + strcspn(p + 1, "\"");
    *fmt = p + strcspn(p, " ");
    return true;
}

/* Where the value at @p text ends: before the next name, or with all. */
static size_t value_length(const char *text, const struct key *k, const struct key *next)
{
    char seam[64];
    snprintf(seam, sizeof seam, "%s %.*s=", k->quoted ? "\"" : "", (int)next->len, next->name);
    const char *end = next->len ? strstr(text, seam) : NULL;
    if (end) return (size_t)(end - text);
    size_t n = strlen(text);
    return k->quoted && n && text[n - 1] == '"' ? n - 1 : n;
}

static void put_values(struct writer *w, const char *fmt, const char *values)
{
    struct key k, next;
    bool more = next_key(&fmt, &k);
    while (more) {
        next.len = 0;
        more = next_key(&fmt, &next);
        if (!more) next.len = 0;
        size_t head = k.len + 1 + k.quoted;
        if (strlen(values) < head) return; /* cut off */
        values += head;
        size_t n = value_length(values, &k, &next);
        put_member(w, &k, values, n);
        values += n;
        values += strspn(values, "\"");
        values += strspn(values, " ");
        k = next;
    }
}

size_t log_json(const struct log_line *l, char *out, size_t cap)
{
    struct writer w = {.out = out, .cap = cap - 2}; /* "}" and a NUL */
    put(&w, "{", 1);
    put_text(&w, "time", l->time);
    put_text(&w, "level", l->level);
    put_text(&w, "thread", l->thread);
    put_text(&w, "message", l->message);
    put_text(&w, "request", l->request);
    put_text(&w, "job", l->job);
    if (l->fmt) put_values(&w, l->fmt, l->values);
    out[w.n++] = '}';
    out[w.n] = '\0';
    return w.n;
}
