#include "service/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_init_secret(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max, .secret = true};
}

void buf_dispose(struct buf *b)
{
    if (b->data && b->secret) explicit_bzero(b->data, b->cap);
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

void buf_reset(struct buf *b)
{
    if (b->data && b->secret) explicit_bzero(b->data, b->cap);
    b->len = 0;
    if (b->data) b->data[0] = '\0';
    b->failed = false;
}

static enum err fail(struct buf *b, enum err e)
{
    buf_dispose(b);
    b->failed = true;
    return e;
}

/* Room for n more bytes and the NUL. Secrets are copied by hand: realloc would leave the old bytes
 * behind. */
static enum err reserve(struct buf *b, size_t n)
{
    if (b->failed) return buf_ok(b);
    if (n > b->max - b->len) {
        err_set(ERR_TOO_LARGE, "more than %zu bytes", b->max);
        return fail(b, ERR_TOO_LARGE);
    }
    size_t need = b->len + n + 1;
    if (b->data && need <= b->cap) return ERR_OK;
    size_t cap = b->cap ? 2 * b->cap : 64;
    if (cap < need) cap = need; /* what comes in one piece is mostly all there will be */
    uint8_t *grown = malloc(cap);
    if (!grown) {
        err_set(ERR_MEM, "out of memory for %zu bytes", cap);
        return fail(b, ERR_MEM);
    }
    if (b->data) {
        memcpy(grown, b->data, b->len);
        if (b->secret) explicit_bzero(b->data, b->cap);
    }
    free(b->data);
    b->data = grown;
    b->cap = cap;
    return ERR_OK;
}

enum err buf_append(struct buf *b, const void *data, size_t n)
{
    enum err e = reserve(b, n);
    if (e) return e;
    if (n) memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
    return ERR_OK;
}

enum err buf_fill(struct buf *b, uint8_t byte, size_t n)
{
    enum err e = reserve(b, n);
    if (e) return e;
    memset(b->data + b->len, byte, n);
    b->len += n;
    b->data[b->len] = '\0';
    return ERR_OK;
}

enum err buf_puts(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

enum err buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) return fail(b, err_set(ERR_INTERNAL, "bad format"));
    enum err e = reserve(b, (size_t)n);
    if (e) return e;
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return ERR_OK;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    enum err e = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return e;
}

enum err buf_le16(struct buf *b, uint16_t v)
{
    uint8_t p[2];
    le16_put(p, v);
    return buf_append(b, p, sizeof p);
}

enum err buf_le32(struct buf *b, uint32_t v)
{
    uint8_t p[4];
    le32_put(p, v);
    return buf_append(b, p, sizeof p);
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len) n = b->len;
    if (!n) return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = '\0';
}

enum err buf_ok(const struct buf *b)
{
    if (!b->failed) return ERR_OK;
    if (err_last()->kind == ERR_MEM) return ERR_MEM;
    if (err_last()->kind != ERR_TOO_LARGE) err_set(ERR_TOO_LARGE, "more than %zu bytes", b->max);
    return ERR_TOO_LARGE;
}

const char *buf_str(const struct buf *b)
{
    return b->data ? (const char *)b->data : "";
}
