#include "tests/board/usbjtag.h"

#include <stdlib.h>

#include "tests/board/loop.h"
#include "tests/board/uart.h"

#define NS_PER_MS 1000000ULL

struct usbjtag {
    struct uart *uart;
    struct timer *back; /* the port is away until then */
    struct usbjtag_events on;
    unsigned gap_ms;
    bool flag;          /* the next reset leads into the loader */
    bool download;      /* so does the one under way */
    const char *reason; /* of the one under way */
};

static void on_back(void *arg)
{
    struct usbjtag *u = arg;
    uart_plug(u->uart);
    u->on.started(u->download, u->reason, u->on.arg);
}

struct usbjtag *usbjtag_new(struct loop *l, struct uart *uart, unsigned gap_ms,
                            const struct usbjtag_events *on)
{
    struct usbjtag *u = calloc(1, sizeof *u);
    if (!u) return NULL;
    *u = (struct usbjtag){.uart = uart, .on = *on, .gap_ms = gap_ms};
    u->back = timer_new(l, on_back, u);
    if (u->back) return u;
    usbjtag_free(u);
    return NULL;
}

void usbjtag_free(struct usbjtag *u)
{
    if (!u) return;
    timer_free(u->back);
    free(u);
}

/* Unplugging releases the lines, and so clears the flag: whoever left it set does not find the chip
 * in its loader for ever. */
void usbjtag_reset(struct usbjtag *u, const char *reason)
{
    u->download = u->flag;
    u->reason = reason;
    u->on.held(u->on.arg);
    if (u->gap_ms > 0) uart_unplug(u->uart);
    timer_arm(u->back, u->gap_ms * NS_PER_MS);
}

void usbjtag_stop(struct usbjtag *u)
{
    timer_stop(u->back);
}

void usbjtag_lines(struct usbjtag *u, bool dtr, bool rts, const char *reason)
{
    if (dtr && rts) return;
    if (rts)
        usbjtag_reset(u, reason);
    else
        u->flag = dtr;
}
