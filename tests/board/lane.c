/* lane: the clock moves by whole bytes from the moment the wire was last idle, never by the times
 * at which somebody happened to look, so the total is exact however late each look comes. */
#include "tests/board/lane.h"

#include <stdlib.h>
#include <string.h>

void lane_dispose(struct lane *l)
{
    free(l->data);
    memset(l, 0, sizeof *l);
}

static bool make_room(struct lane *l, size_t n)
{
    if (l->head + l->len + n <= l->cap) return true;
    if (l->len > 0) memmove(l->data, l->data + l->head, l->len);
    l->head = 0;
    if (l->len + n <= l->cap) return true;
    size_t cap = l->cap ? l->cap : 1024;
    while (cap < l->len + n)
        cap *= 2;
    uint8_t *data = realloc(l->data, cap);
    if (!data) return false;
    l->data = data;
    l->cap = cap;
    return true;
}

bool lane_push(struct lane *l, const uint8_t *data, size_t n, size_t limit, uint64_t now_ns)
{
    if (n == 0) return true;
    if (l->len + n > limit || !make_room(l, n)) return false;
    if (l->len == 0 && l->clock_ns < now_ns) l->clock_ns = now_ns;
    memcpy(l->data + l->head + l->len, data, n);
    l->len += n;
    return true;
}

size_t lane_due(const struct lane *l, uint64_t now_ns, uint64_t byte_ns, const uint8_t **data_out)
{
    *data_out = l->len ? l->data + l->head : NULL;
    if (byte_ns == 0 || l->len == 0) return l->len;
    if (now_ns < l->clock_ns) return 0;
    uint64_t crossed = (now_ns - l->clock_ns) / byte_ns;
    return crossed < l->len ? (size_t)crossed : l->len;
}

void lane_pop(struct lane *l, size_t n, uint64_t byte_ns)
{
    l->head += n;
    l->len -= n;
    l->clock_ns += n * byte_ns;
    if (l->len == 0) l->head = 0;
}

void lane_clear(struct lane *l)
{
    l->head = l->len = 0;
    l->clock_ns = 0;
}

/* A receiver acts on the end of a frame: that is not to be late. The end of a line is, as a rule,
 * the last byte for now. */
enum { FRAME_END = 0xc0 };

uint64_t lane_wait_ns(const struct lane *l, uint64_t now_ns, uint64_t byte_ns, uint64_t quantum_ns)
{
    if (byte_ns == 0) return 0;
    size_t i = now_ns > l->clock_ns ? (size_t)((now_ns - l->clock_ns) / byte_ns) : 0;
    uint64_t at_ns = l->clock_ns + (i + 1) * byte_ns; /* the next byte that is not due yet */
    while (i + 1 < l->len && at_ns < now_ns + quantum_ns && l->data[l->head + i] != FRAME_END) {
        i++;
        at_ns += byte_ns;
    }
    return at_ns > now_ns && i < l->len ? at_ns - now_ns : 0;
}
