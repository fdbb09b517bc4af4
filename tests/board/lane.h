/* lane: bytes on their way over a wire of a given speed. Pure: the caller says what time it is. */
#ifndef TESTS_BOARD_LANE_H
#define TESTS_BOARD_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane {
    uint8_t *data;
    size_t cap, head, len;
    uint64_t clock_ns; /* when the byte before the first queued one had crossed */
};

void lane_dispose(struct lane *l);
/** @return false when @p limit bytes would be exceeded or memory is out: then nothing is queued. */
bool lane_push(struct lane *l, const uint8_t *data, size_t n, size_t limit, uint64_t now_ns);
/** How many bytes have crossed by now, in one piece of memory at *data_out; @p byte_ns 0 = all. */
size_t lane_due(const struct lane *l, uint64_t now_ns, uint64_t byte_ns, const uint8_t **data_out);
void lane_pop(struct lane *l, size_t n, uint64_t byte_ns);
void lane_clear(struct lane *l);
/** When to look again: when the next end of a frame has crossed, or the last byte, but no later
 *  than about @p quantum_ns from now.
 *  @return nanoseconds from now */
uint64_t lane_wait_ns(const struct lane *l, uint64_t now_ns, uint64_t byte_ns, uint64_t quantum_ns);
#endif
