/* line: what becomes of bytes on the way between the host and the chip: noise, and the faults of
 * the wire. */
#ifndef TESTS_BOARD_LINE_H
#define TESTS_BOARD_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct faults;

struct line {
    struct faults *faults;
    const char *port;  /* "download" or "at" */
    uint32_t noise;    /* state of its source; not 0 */
    uint64_t received; /* bytes from the host since the last reset */
};

/** Nothing of it can be made out. */
void line_garble(struct line *l, uint8_t *data, size_t n);
/** Bytes from a host that sends at @p baud. Lost ones are taken out.
 *  @param gone_out  the port is to go
 *  @return how many are left */
size_t line_inward(struct line *l, uint8_t *data, size_t n, uint32_t baud, bool *gone_out);
/** Bytes from the chip at @p baud. What noise does to a byte goes by its number, so that bytes
 * which the host has no room for come again as they were.
 *  @param first  number of the first of them
 *  @return false when the host gets none of them */
bool line_outward(struct line *l, uint64_t first, uint8_t *data, size_t n, uint32_t baud);
#endif
