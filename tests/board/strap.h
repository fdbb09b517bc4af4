/* strap: the circuit between the adapter's DTR and RTS and the chip's EN and IO0: two transistors,
 * so that both lines asserted, or both released, change nothing. EN has a capacitor: it rises 1 ms
 * after it is let go, and IO0 is sampled then. Pure: every call says what time it is. */
#ifndef TESTS_BOARD_STRAP_H
#define TESTS_BOARD_STRAP_H

#include <stdbool.h>
#include <stdint.h>

#define STRAP_RISE_NS 1000000ULL

struct strap {
    bool en_low, io0_low;    /* what the transistors do now */
    uint64_t started_ns;     /* when EN will be (or was) over the threshold; 0 = it has been told */
    void (*held)(void *arg); /* EN went low: the chip stops */
    void (*started)(bool download, void *arg); /* EN is high again */
    void *arg;
};

/** The lines changed at @p at_ns. Calls held() and started() for what happened up to then. */
void strap_edge(struct strap *s, bool dtr, bool rts, uint64_t at_ns);
/** Time passes. */
void strap_elapse(struct strap *s, uint64_t now_ns);
#endif
