/* cipher: stands in for the flash cipher of a chip: what is encrypted twice is plain again, and
 * what is read through it without having been encrypted is noise. It hides nothing. */
#ifndef TESTS_BOARD_CIPHER_H
#define TESTS_BOARD_CIPHER_H

#include <stddef.h>
#include <stdint.h>

/** Encrypt or decrypt @p n bytes that stand at flash address @p at. */
static inline void cipher_apply(uint32_t at, uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t x = (at + (uint32_t)i) * 0x9e3779b1u + 0x7f4a7c15u;
        x = (x ^ x >> 15) * 0x85ebca77u;
        data[i] ^= (uint8_t)(x >> 24);
    }
}
#endif
