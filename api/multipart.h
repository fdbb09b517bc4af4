/* multipart: multipart/form-data (RFC 7578), taken apart. Pure. It works on the whole body, which
 * the exchange has collected under its cap in one wiped buffer: so the parts borrow from it, no key
 * is copied, and how the network cut the body into pieces cannot matter. */
#ifndef API_MULTIPART_H
#define API_MULTIPART_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

struct multipart_part {
    char name[64];  /* of the form field; "" when it has none */
    char file[128]; /* file name, cut to fit; "" when it has none */
    const uint8_t *data;
    size_t len;
};

struct multipart_list {
    struct multipart_part *parts; /* the caller's, with room for so many: */
    size_t cap;
    size_t count; /* out */
};

/** @param list  parts and cap filled
 *  @return ERR_OK; ERR_ARG with code bad_multipart (no opening or closing boundary, broken part
 *          headers); ERR_TOO_LARGE with code too_many_parts */
enum err multipart_parse(const uint8_t *body, size_t n, const char *boundary,
                         struct multipart_list *list);
#endif
