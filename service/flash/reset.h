/* reset: into the ROM loader and out of it again, by the DTR and RTS lines (rom-protocol.md 12). */
#ifndef SERVICE_FLASH_RESET_H
#define SERVICE_FLASH_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/port/port.h"

enum reset_kind {
    RESET_AUTO,     /* what usually works, one after the other */
    RESET_TIGHT,    /* both lines in one call */
    RESET_CLASSIC,  /* one line after the other */
    RESET_USB_JTAG, /* the chip's own USB port */
    RESET_CUSTOM,   /* the user's own steps */
    RESET_NONE,     /* by hand */
};

enum { RESET_STEPS = 32, RESET_TOTAL_MS = 10000, RESET_BACK_MS = 3000 };

/** Both lines (true = asserted, low at the pin), and how long they stay so. */
struct reset_step {
    bool dtr, rts;
    uint16_t ms;
};

struct reset {
    enum reset_kind kind;
    struct reset_step steps[RESET_STEPS]; /* RESET_CUSTOM: into the loader */
    size_t count;
};

/** "auto", "tight", "classic", "usb-jtag", "none", or steps as esptool spells them, parted by '|':
 * D0 or D1 sets DTR, R0 or R1 RTS, U1,0 both in one call (DTR first), W0.05 waits that many
 * seconds. At most RESET_STEPS of them beside the waits, and RESET_TOTAL_MS of waiting; a line that
 * is not named yet is released.
 *  @return ERR_OK; ERR_ARG with code bad_reset, the position and what was expected there in the
 * detail */
enum err reset_parse(const char *text, struct reset *out);

/** Pull the board into its ROM loader once. Both lines are at rest afterwards, also on an error.
 *  @param attempt  0, 1, 2 …: RESET_AUTO walks its ladder (tight 50 ms, classic 50 ms, both with
 * 550 ms for boards whose EN rises slowly, usb-jtag; on a chip's own USB port usb-jtag first);
 * tight and classic go back and forth between 50 and 550 ms; RESET_NONE does nothing.
 *  @return ERR_OK; ERR_PORT_GONE, which is usual on a chip's own USB port (port_reopen());
 * ERR_CANCELLED, ERR_UNSUPPORTED, ERR_IO */
enum err reset_to_download(struct port *p, const struct reset *r, int attempt);
/** Pulse EN so that the board runs its firmware. Both lines are at rest afterwards, also on an
 * error. The chip's own USB port may be gone afterwards: that is success. One that is gone before
 * is waited for, up to RESET_BACK_MS.
 *  @return ERR_OK, ERR_PORT_GONE, ERR_CANCELLED, ERR_UNSUPPORTED, ERR_IO */
enum err reset_to_run(struct port *p, const struct reset *r);
/** Both lines as they are between resets, in which nothing is pulled. @return as port_set_lines()
 */
enum err reset_rest(struct port *p);
#endif
