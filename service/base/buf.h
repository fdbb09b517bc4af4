/* buf: growable bytes with a mandatory maximum. An append that fails leaves it disposed and failed,
 * so that a chain of appends is tested once, at its end, with buf_ok(). */
#ifndef SERVICE_BASE_BUF_H
#define SERVICE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

struct buf {
    uint8_t *data; /* always followed by a NUL once something was appended */
    size_t len, cap, max;
    bool failed;
    bool secret; /* wiped before it is freed or moved */
};

/** @param max  most bytes that it may hold */
void buf_init(struct buf *b, size_t max);
/** The same, for key material: wiped on every release. */
void buf_init_secret(struct buf *b, size_t max);
void buf_dispose(struct buf *b);
/** Empty it, keeping its storage. */
void buf_reset(struct buf *b);

enum err buf_append(struct buf *b, const void *data, size_t n);
enum err buf_fill(struct buf *b, uint8_t byte, size_t n);
enum err buf_puts(struct buf *b, const char *s);
enum err buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum err buf_vprintf(struct buf *b, const char *fmt, va_list ap);
enum err buf_le16(struct buf *b, uint16_t v);
enum err buf_le32(struct buf *b, uint32_t v);
/** Drop the first @p n bytes. */
void buf_consume(struct buf *b, size_t n);

/** @return ERR_OK, or the error of the first append that failed (ERR_MEM, ERR_TOO_LARGE) */
enum err buf_ok(const struct buf *b);
/** The text so far, "" when empty; valid until the next append. */
const char *buf_str(const struct buf *b);

static inline uint16_t le16_get(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32_get(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void le16_put(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void le32_put(uint8_t *p, uint32_t v)
{
    le16_put(p, (uint16_t)v);
    le16_put(p + 2, (uint16_t)(v >> 16));
}
#endif
