/* usbjtag: the download port is the chip's own USB-Serial/JTAG. DTR and RTS go to the peripheral,
 * not to transistors: a flag says where the next reset leads, and there is no line that could hold
 * the chip in reset. A reset may take the port off the bus and bring it back after a while. */
#ifndef TESTS_BOARD_USBJTAG_H
#define TESTS_BOARD_USBJTAG_H

#include <stdbool.h>

struct loop;
struct uart;
struct usbjtag;

struct usbjtag_events {
    void (*held)(void *arg); /* the chip stops */
    /* It starts, with the port there again. reason: as the ROM prints it. */
    void (*started)(bool download, const char *reason, void *arg);
    void *arg;
};

/** @param uart  its port; borrowed
 *  @param gap_ms  how long the port is away at a reset; 0: it stays
 *  @return NULL when memory is out */
struct usbjtag *usbjtag_new(struct loop *l, struct uart *uart, unsigned gap_ms,
                            const struct usbjtag_events *on);
void usbjtag_free(struct usbjtag *u);
/** The host has set the lines. @param reason  what the ROM is to say when that is a reset */
void usbjtag_lines(struct usbjtag *u, bool dtr, bool rts, const char *reason);
/** The chip is reset by something else: all goes as when the host does it. */
void usbjtag_reset(struct usbjtag *u, const char *reason);
/** Power is lost: a reset under way comes to nothing. */
void usbjtag_stop(struct usbjtag *u);
#endif
