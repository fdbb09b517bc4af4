/* secret: bytes that are locked in memory where the system allows it, and wiped when they are
 * released. */
#ifndef SERVICE_PKI_SECRET_H
#define SERVICE_PKI_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

struct secret {
    uint8_t *data; /* followed by a NUL that len does not count; NULL when empty */
    size_t len;
};

/** Copy @p n bytes. @return ERR_OK, ERR_MEM; *out is empty on error */
enum err secret_copy(const void *data, size_t n, struct secret *out);
/** Wipe, unlock, free; NULL-safe, leaves it empty. */
void secret_dispose(struct secret *s);
#endif
