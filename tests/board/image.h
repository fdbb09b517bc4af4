/* image: a program in flash as the ROM and the bootloader see it: head, segments, checksum,
 * appended SHA-256. */
#ifndef TESTS_BOARD_IMAGE_H
#define TESTS_BOARD_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

struct flash;

enum {
    IMAGE_MAGIC = 0xe9,
    IMAGE_HEAD_BYTES = 24,
    IMAGE_SEGMENT_HEAD_BYTES = 8,
    IMAGE_HASH_BYTES = 32
};
enum { IMAGE_SUM_SEED = 0xef, IMAGE_SEGMENTS_MAX = 16 };

struct image {
    uint32_t at;
    uint8_t segments, mode, freq; /* codes of the head */
    uint16_t chip_id;
    uint32_t entry;
    bool hashed;
    uint32_t bytes; /* all of it; 0: its segments run past the end */
    uint8_t sum, stored_sum;
    uint8_t hash[IMAGE_HASH_BYTES], stored_hash[IMAGE_HASH_BYTES];
};

struct image_segment {
    uint32_t at; /* of its data, in flash */
    uint32_t address, bytes;
};

/** What lies at @p at. @return false when it is no image */
bool image_read(const struct flash *f, uint32_t at, struct image *out);
/** @return false behind the last, or when the segment does not lie within the chip: then @p out
 * says what its head says */
bool image_segment(const struct flash *f, const struct image *i, unsigned n,
                   struct image_segment *out);
bool image_sum_is_right(const struct image *i);
/** Also true when it has none. */
bool image_hash_is_right(const struct image *i);
#endif
