/* slip: the framing of the serial loader, as the chip's ROM decodes it. Pure. */
#ifndef TESTS_BOARD_SLIP_H
#define TESTS_BOARD_SLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slip {
    uint8_t *buf; /* the caller's; keeps what earlier frames left behind the present one */
    size_t cap;
    size_t len;
    bool in_frame, escaped, overflow;
};

/** Take one byte off the wire. @return true when it ends a frame: buf[0..len), or more than fits
 * when overflow is set. */
bool slip_feed(struct slip *s, uint8_t byte);
/** Frame @p n bytes into @p out, which has room for 2 n + 2. @return length. */
size_t slip_frame(uint8_t *out, const uint8_t *data, size_t n);
#endif
