/* connect: resets a board until its loader answers SYNC, or says why it does not. */
#ifndef SERVICE_FLASH_CONNECT_H
#define SERVICE_FLASH_CONNECT_H

#include <stdbool.h>

#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/flash/reset.h"
#include "service/flash/rom.h"

struct connect_plan {
    const struct reset *reset; /* borrowed */
    int attempts;              /* resets */
};

/** Ends at the speed that the port has now. A port that vanishes through the reset and comes back
 * is known as the chip's own USB from then on.
 *  @param[out] no_lines_out  the port has no DTR and RTS (only RESET_AUTO goes on then: the board
 * may have been put into its loader by hand)
 *  @return ERR_OK: in step with the loader; the codes of diagnose_failure(); port_no_lines;
 * usb_gone: the port did not come back; port errors */
enum err connect_loader(struct rom *r, const struct connect_plan *plan, struct deadline until,
                        bool *no_lines_out);
#endif
