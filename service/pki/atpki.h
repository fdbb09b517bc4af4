/* atpki: the container that ESP-AT reads from its raw PKI partitions (esp-at.md 1.1), byte for byte
 * as AtPKI.py makes it; where that tool would make a broken image (an item over 65535 bytes, a
 * 257th item of a type, an empty item) this refuses. Pure: bytes in, bytes out. */
#ifndef SERVICE_PKI_ATPKI_H
#define SERVICE_PKI_ATPKI_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

enum atpki_type { ATPKI_CA = 1, ATPKI_CERT = 2, ATPKI_KEY = 3 };

struct atpki_item {
    enum atpki_type type;
    const uint8_t *data; /* borrowed */
    size_t len;
};

/** "ca", "cert" or "key" → type. @return ERR_OK, ERR_ARG */
enum err atpki_type_parse(const char *name, enum atpki_type *type_out);

/** Append the image of @p n items, verbatim, grouped by type in order of first appearance.
 *  @return ERR_OK; ERR_ARG with code item_empty, too_many_items, no_items; ERR_TOO_LARGE with code
 * item_too_large; ERR_MEM */
enum err atpki_build(const struct atpki_item *items, size_t n, struct buf *out);

/** Take an image apart. Items borrow from @p image.
 *  @param image    image, possibly followed by erased flash (0xFF)
 *  @return ERR_OK; ERR_PROTOCOL with code not_atpki (bad magic), atpki_truncated, atpki_malformed;
 * ERR_TOO_LARGE when there are more than @p cap items */
enum err atpki_parse(const uint8_t *image, size_t len, struct atpki_item *items_out, size_t cap,
                     size_t *n_out);
#endif
