/* uart: one serial port of the board, seen by the host as a pseudo-terminal behind a symbolic link.
 * It knows the speed and the DTR/RTS lines that the host set (shim/ptymodem.c tells), delivers
 * bytes no faster than the wire would, garbles them when the two speeds differ, and applies the
 * wire faults. */
#ifndef TESTS_BOARD_UART_H
#define TESTS_BOARD_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct uart;
struct faults;
struct transcript;

struct uart_events {
    /** Bytes from the host, at wire speed when paced. */
    void (*bytes)(const uint8_t *data, size_t n, void *arg);
    /** A change of the lines at @p at_ns (CLOCK_MONOTONIC, the host's own stamp: the board may hear
     * of several at once); true = asserted (low on the pin). */
    void (*lines)(bool dtr, bool rts, uint64_t at_ns, void *arg);
    void *arg;
};

/** Make a pseudo-terminal and the symbolic link @p link to it (an old link is replaced).
 *  @param name  "download" or "at", for the transcript and for fault specs
 *  @param link  borrowed; NULL: nobody is connected, what is sent is lost */
struct uart *uart_open(struct loop *l, const char *name, const char *link, bool paced,
                       struct faults *faults);
void uart_close(struct uart *u); /* removes the link */

/** The adapter is pulled: clients see a hang-up, the link goes, DTR and RTS are released, what is
 * sent is lost. Nothing happens when it is not plugged in. */
void uart_unplug(struct uart *u);
/** It is plugged in (again): the link leads to another pseudo-terminal than before.
 *  @return false with a message on stderr; true also when it is plugged in already */
bool uart_plug(struct uart *u);

void uart_listen(struct uart *u,
                 const struct uart_events *ev); /* copied; replaces an earlier listener */
/** Send to the host, after what is already queued. Paced: leaves at the board's speed. */
void uart_send(struct uart *u, const void *data, size_t n);
/** Call fn once all that was queued has left (at once when nothing is queued). For "answer, then
 * act". */
void uart_when_sent(struct uart *u, void (*fn)(void *arg), void *arg);
/** The board's own speed; bytes of a host at a speed more than 3 % off arrive as garbage, and so do
 * ours there. */
void uart_set_baud(struct uart *u, uint32_t baud);
uint32_t uart_baud(const struct uart *u);
/** It is a USB device, no UART: speeds mean nothing, bytes take the time that USB needs for them.
 */
void uart_set_usb(struct uart *u);
/** Until the next uart_set_baud(), take over the host's speed if it is one of @p min_baud to @p
 * max_baud. */
void uart_autobaud(struct uart *u, uint32_t min_baud, uint32_t max_baud);
/** Drop everything queued both ways, and what the host has sent but we have not read (reset of the
 * chip). */
void uart_reset(struct uart *u);

/** Record both directions, with this port's name as @p label says ("log" while it is a console).
 * Borrowed; NULL ends it. */
void uart_record(struct uart *u, struct transcript *t, const char *label);
#endif
