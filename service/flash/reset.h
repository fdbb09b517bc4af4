/* reset: into the ROM loader and out of it again, by the DTR and RTS lines (rom-protocol.md 12). */
#ifndef SERVICE_FLASH_RESET_H
#define SERVICE_FLASH_RESET_H

#include <stdbool.h>

#include "service/base/err.h"
#include "service/port/port.h"

enum reset_kind {
    RESET_AUTO,
    RESET_TIGHT,
    RESET_CLASSIC,
    RESET_NONE
}; /* usb-jtag and custom: with their chips */

/** "auto", "tight", "classic" or "none". @return ERR_OK, ERR_ARG */
enum err reset_kind_parse(const char *name, enum reset_kind *kind_out);
const char *reset_kind_name(enum reset_kind k);

/** Pull the board into its ROM loader once. @param attempt  0, 1, 2 …: RESET_AUTO walks its ladder
 * (tight 50 ms, classic 50 ms, then both with 550 ms for boards whose EN rises slowly); RESET_NONE
 * does nothing.
 *  @return ERR_OK, ERR_PORT_GONE, ERR_CANCELLED, ERR_UNSUPPORTED, ERR_IO */
enum err reset_to_download(struct port *p, enum reset_kind kind, int attempt);
/** Pulse EN so that the board runs its firmware. Both lines are released afterwards, also on an
 * error. */
enum err reset_to_run(struct port *p, enum reset_kind kind);
#endif
