#include "tests/board/image.h"

#include <openssl/evp.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/flash.h"

enum { ALIGNMENT = 16 };

static const uint8_t *at(const struct flash *f, uint32_t where, uint32_t n)
{
    if (where > flash_size(f) || n > flash_size(f) - where) return NULL;
    return flash_bytes(f) + where;
}

bool image_segment(const struct flash *f, const struct image *i, unsigned n,
                   struct image_segment *out)
{
    *out = (struct image_segment){0};
    uint32_t where = i->at + IMAGE_HEAD_BYTES;
    for (unsigned k = 0; k <= n && k < i->segments; k++) {
        const uint8_t *head = at(f, where, IMAGE_SEGMENT_HEAD_BYTES);
        if (!head) return false;
        *out = (struct image_segment){.at = where + IMAGE_SEGMENT_HEAD_BYTES,
                                      .address = le32_get(head),
                                      .bytes = le32_get(head + 4)};
        if (!at(f, out->at, out->bytes)) return false;
        where = out->at + out->bytes;
    }
    return n < i->segments;
}

/* Checksum and hash, as far as the segments can be followed. */
static void measure(const struct flash *f, struct image *i)
{
    struct image_segment s;
    uint32_t end = i->at + IMAGE_HEAD_BYTES;
    i->sum = IMAGE_SUM_SEED;
    for (unsigned n = 0; n < i->segments; n++) {
        if (!image_segment(f, i, n, &s)) return;
        for (uint32_t k = 0; k < s.bytes; k++)
            i->sum ^= flash_bytes(f)[s.at + k];
        end = s.at + s.bytes;
    }
    uint32_t summed = (end - i->at) / ALIGNMENT * ALIGNMENT + ALIGNMENT; /* its last byte is it */
    const uint8_t *whole = at(f, i->at, summed + (i->hashed ? IMAGE_HASH_BYTES : 0));
    if (!whole) return;
    i->stored_sum = whole[summed - 1];
    i->bytes = summed;
    if (!i->hashed) return;
    EVP_Digest(whole, summed, i->hash, NULL, EVP_sha256(), NULL);
    memcpy(i->stored_hash, whole + summed, IMAGE_HASH_BYTES);
    i->bytes += IMAGE_HASH_BYTES;
}

bool image_read(const struct flash *f, uint32_t where, struct image *out)
{
    *out = (struct image){.at = where};
    const uint8_t *head = at(f, where, IMAGE_HEAD_BYTES);
    if (!head) return false;
    out->segments = head[1];
    out->mode = head[2];
    out->freq = head[3] & 0xf;
    out->entry = le32_get(head + 4);
    out->chip_id = (uint16_t)(head[12] | head[13] << 8);
    out->hashed = head[23] == 1;
    if (head[0] != IMAGE_MAGIC) return false;
    if (out->segments <= IMAGE_SEGMENTS_MAX) measure(f, out);
    return true;
}

bool image_sum_is_right(const struct image *i)
{
    return i->sum == i->stored_sum;
}

bool image_hash_is_right(const struct image *i)
{
    return !i->hashed || memcmp(i->hash, i->stored_hash, IMAGE_HASH_BYTES) == 0;
}
