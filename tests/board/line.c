#include "tests/board/line.h"

#include "tests/board/fault.h"

enum { NOISE_ODDS = 256 }; /* one byte in so many, on a cable that does not bear the speed */

void line_garble(struct line *l, uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        l->noise ^= l->noise << 13;
        l->noise ^= l->noise >> 17;
        l->noise ^= l->noise << 5;
        data[i] = (uint8_t)(l->noise >> 24);
    }
}

/* A mixing of bits in which each bit of the number touches each of the result. */
static uint32_t scatter(uint64_t number)
{
    number = (number + 1) * 0x9e3779b97f4a7c15;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    return (uint32_t)(number >> 32);
}

static void disturb(uint64_t first, uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t r = scatter(first + i);
        if (r % NOISE_ODDS == 0) data[i] ^= (uint8_t)(1u << (r >> 29));
    }
}

static bool is_lost(const struct line *l)
{
    return faults_hit(l->faults, FAULT_DROP_BYTE, l->port, l->received) ||
           faults_hit(l->faults, FAULT_DROP_EVERY, l->port, l->received);
}

size_t line_inward(struct line *l, uint8_t *data, size_t n, uint32_t baud, bool *gone_out)
{
    *gone_out = false;
    if (faults_none(l->faults)) {
        l->received += n;
        return n;
    }
    if (faults_hit(l->faults, FAULT_NOISE_ABOVE, l->port, baud)) disturb(l->received, data, n);
    size_t kept = 0;
    for (size_t i = 0; i < n && !*gone_out; i++) {
        l->received++;
        if (faults_hit(l->faults, FAULT_FLIP_BYTE, l->port, l->received)) data[i] ^= 0x10;
        if (!is_lost(l)) data[kept++] = data[i];
        *gone_out = faults_hit(l->faults, FAULT_HANGUP, l->port, l->received);
    }
    const bool deaf = faults_hit(l->faults, FAULT_DEAF_ABOVE, l->port, baud) ||
                      faults_hit(l->faults, FAULT_TX_DEAD, l->port, 0);
    return deaf ? 0 : kept;
}

bool line_outward(struct line *l, uint64_t first, uint8_t *data, size_t n, uint32_t baud)
{
    if (faults_none(l->faults)) return true;
    if (faults_hit(l->faults, FAULT_NOISE_ABOVE, l->port, baud)) disturb(first, data, n);
    if (faults_hit(l->faults, FAULT_GARBAGE, l->port, 0)) line_garble(l, data, n);
    return !faults_hit(l->faults, FAULT_DEAF_ABOVE, l->port, baud);
}
