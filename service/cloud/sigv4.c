#include "service/cloud/sigv4.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "service/base/digest.h"

enum {
    CANONICAL_MAX = 64 * 1024, /* a session token may have 8 KiB */
    PARAMETERS = 32,
    DAY = 8,
};

const char *sigv4_time(int64_t unix_s, char out[SIGV4_TIME])
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || strftime(out, SIGV4_TIME, "%Y%m%dT%H%M%SZ", &tm) != SIGV4_TIME - 1)
        snprintf(out, SIGV4_TIME, "19700101T000000Z");
    return out;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.~", c));
}

enum err sigv4_encode(const char *text, size_t n, char keep, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_unreserved(c) || (keep && c == (unsigned char)keep))
            buf_append(out, &c, 1);
        else
            buf_printf(out, "%%%02X", c);
    }
    return buf_ok(out);
}

/* --- path */

/* "/a/b" becomes "/a". */
static void drop_segment(struct buf *b)
{
    while (b->len && b->data[--b->len] != '/')
        continue;
}

/* Segments one by one: "." is nothing, ".." takes the one before it. */
static enum err plain_path(const char *path, struct buf *out)
{
    bool folder = true; /* it ends in a slash, or in a segment that is gone */
    for (const char *s = path; *s;) {
        s += strspn(s, "/");
        size_t n = strcspn(s, "/");
        bool up = n == 2 && memcmp(s, "..", 2) == 0;
        folder = n == 0 || up || (n == 1 && *s == '.');
        if (up) drop_segment(out);
        if (!folder) {
            buf_puts(out, "/");
            buf_append(out, s, n);
        }
        s += n;
    }
    return folder ? buf_puts(out, "/") : buf_ok(out);
}

/* Encoded once more than it goes out: all services but S3 want it so. */
static enum err add_path(const struct sigv4_request *r, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, CANONICAL_MAX);
    enum err e =
        r->path_as_is && r->path[0] ? buf_puts(&plain, r->path) : plain_path(r->path, &plain);
    if (!e) e = sigv4_encode(buf_str(&plain), plain.len, '/', out);
    buf_dispose(&plain);
    return e;
}

/* --- query */

struct parameter {
    char *name, *value; /* encoded */
};

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* @return decoded and encoded again, on the heap; NULL = no memory */
static char *again(const char *text, size_t n)
{
    struct buf b;
    buf_init(&b, CANONICAL_MAX);
    buf_puts(&b, "");
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        int high = c == '%' && i + 2 < n ? digit(text[i + 1]) : -1;
        int low = high >= 0 ? digit(text[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        }
        sigv4_encode(&c, 1, '\0', &b);
    }
    return (char *)b.data; /* NULL when it failed */
}

static int compare_parameters(const void *a, const void *b)
{
    const struct parameter *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);
    return by_name ? by_name : strcmp(x->value, y->value);
}

static enum err read_query(const char *query, struct parameter *list, size_t *n_out)
{
    for (const char *s = query; *s;) {
        size_t n = strcspn(s, "&"), name = strcspn(s, "=&");
        if (n && *n_out == PARAMETERS)
            return err_set(ERR_ARG, "a query of more than %d parameters", PARAMETERS);
        if (n) {
            struct parameter *p = &list[(*n_out)++];
            p->name = again(s, name);
            p->value = name < n ? again(s + name + 1, n - name - 1) : again("", 0);
            if (!p->name || !p->value) return err_set(ERR_MEM, "out of memory");
        }
        s += n + (s[n] == '&');
    }
    return ERR_OK;
}

static enum err add_query(const char *query, struct buf *out)
{
    struct parameter list[PARAMETERS] = {0};
    size_t n = 0;
    enum err e = read_query(query, list, &n);
    qsort(list, n, sizeof *list, compare_parameters);
    for (size_t i = 0; i < n; i++) {
        if (!e) e = buf_printf(out, "%s%s=%s", i ? "&" : "", list[i].name, list[i].value);
        free(list[i].name);
        free(list[i].value);
    }
    return e;
}

/* --- headers */

struct sorted {
    const struct sigv4_header *list[SIGV4_HEADERS];
    size_t n;
};

/* By name; those of one name stay in the order in which they are sent. */
static enum err sort_headers(const struct sigv4_request *r, struct sorted *out)
{
    out->n = 0;
    if (r->n_headers > SIGV4_HEADERS)
        return err_set(ERR_ARG, "more than %d headers", SIGV4_HEADERS);
    for (size_t i = 0; i < r->n_headers; i++) {
        size_t at = out->n++;
        for (; at && strcasecmp(out->list[at - 1]->name, r->headers[i].name) > 0; at--)
            out->list[at] = out->list[at - 1];
        out->list[at] = &r->headers[i];
    }
    return ERR_OK;
}

static bool is_another(const struct sorted *s, size_t i)
{
    return i == 0 || strcasecmp(s->list[i - 1]->name, s->list[i]->name) != 0;
}

static void add_name(const char *name, struct buf *out)
{
    for (; *name; name++) {
        char c = (char)tolower((unsigned char)*name);
        buf_append(out, &c, 1);
    }
}

/* Trimmed, and one space for each run of blanks. */
static void add_value(const char *value, struct buf *out)
{
    static const char blank[] = " \t\r\n";
    for (const char *s = value + strspn(value, blank); *s;) {
        size_t n = strcspn(s, blank);
        buf_append(out, s, n);
        s += n;
        s += strspn(s, blank);
        if (*s) buf_puts(out, " ");
    }
}

static void add_headers(const struct sorted *s, struct buf *out)
{
    for (size_t i = 0; i < s->n; i++) {
        bool another = is_another(s, i);
        if (another) {
            if (i) buf_puts(out, "\n");
            add_name(s->list[i]->name, out);
        }
        buf_puts(out, another ? ":" : ",");
        add_value(s->list[i]->value, out);
    }
    if (s->n) buf_puts(out, "\n");
}

static void add_names(const struct sorted *s, struct buf *out)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!is_another(s, i)) continue;
        if (i) buf_puts(out, ";");
        add_name(s->list[i]->name, out);
    }
}

/* --- the whole */

static void add_hash(const void *data, size_t n, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX];
    digest_sha256(data, n, hash);
    buf_puts(out, digest_hex(hash, sizeof hash, hex));
}

enum err sigv4_canonical(const struct sigv4_request *r, struct buf *out)
{
    struct sorted headers;
    enum err e = sort_headers(r, &headers);
    if (!e) e = buf_printf(out, "%s\n", r->method);
    if (!e) e = add_path(r, out);
    if (!e) e = buf_puts(out, "\n");
    if (!e) e = add_query(r->query, out);
    if (e) return e;
    buf_puts(out, "\n");
    add_headers(&headers, out);
    buf_puts(out, "\n");
    add_names(&headers, out);
    buf_puts(out, "\n");
    add_hash(r->body ? r->body : "", r->body_len, out);
    return buf_ok(out);
}

static void chain(uint8_t key[SHA256_BYTES], const char *text)
{
    uint8_t next[SHA256_BYTES];
    digest_hmac_sha256(key, SHA256_BYTES, text, strlen(text), next);
    memcpy(key, next, sizeof next);
    explicit_bzero(next, sizeof next);
}

static enum err signing_key(const struct sigv4_scope *s, uint8_t out[SHA256_BYTES])
{
    struct buf first;
    buf_init_secret(&first, CANONICAL_MAX);
    enum err e = buf_printf(&first, "AWS4%s", s->secret_access_key);
    if (!e) {
        digest_hmac_sha256(first.data, first.len, s->time, DAY, out);
        chain(out, s->region);
        chain(out, s->service);
        chain(out, "aws4_request");
    }
    buf_dispose(&first);
    return e;
}

static void add_scope(const struct sigv4_scope *s, struct buf *out)
{
    buf_printf(out, "%.*s/%s/%s/aws4_request", DAY, s->time, s->region, s->service);
}

enum err sigv4_string_to_sign(const struct sigv4_request *r, const struct sigv4_scope *s,
                              struct buf *out)
{
    struct buf canonical;
    buf_init_secret(&canonical, CANONICAL_MAX);
    enum err e = sigv4_canonical(r, &canonical);
    if (!e) {
        buf_printf(out, "AWS4-HMAC-SHA256\n%s\n", s->time);
        add_scope(s, out);
        buf_puts(out, "\n");
        add_hash(canonical.data, canonical.len, out);
        e = buf_ok(out);
    }
    buf_dispose(&canonical);
    return e;
}

enum err sigv4_authorization(const struct sigv4_request *r, const struct sigv4_scope *s,
                             struct buf *out)
{
    struct buf text;
    struct sorted headers;
    uint8_t key[SHA256_BYTES], signature[SHA256_BYTES];
    char hex[SHA256_HEX];
    buf_init(&text, CANONICAL_MAX);
    enum err e = sigv4_string_to_sign(r, s, &text);
    if (!e) e = sort_headers(r, &headers);
    if (!e) e = signing_key(s, key);
    if (!e) {
        digest_hmac_sha256(key, sizeof key, text.data, text.len, signature);
        buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/", s->access_key_id);
        add_scope(s, out);
        buf_puts(out, ", SignedHeaders=");
        add_names(&headers, out);
        buf_printf(out, ", Signature=%s", digest_hex(signature, sizeof signature, hex));
        e = buf_ok(out);
    }
    explicit_bzero(key, sizeof key);
    buf_dispose(&text);
    return e;
}
