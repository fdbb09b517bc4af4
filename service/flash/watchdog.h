/* watchdog: a reset through USB-Serial/JTAG leaves the RTC watchdog and the super watchdog of the
 * firmware running, and they would restart the board in the middle of a write. */
#ifndef SERVICE_FLASH_WATCHDOG_H
#define SERVICE_FLASH_WATCHDOG_H

#include "service/base/err.h"
#include "service/flash/chip.h"
#include "service/flash/rom.h"

/** Switch off both, until the next reset. Nothing is sent to a chip without USB-Serial/JTAG.
 *  @return errors of rom_write_reg() */
enum err watchdog_off(struct rom *r, const struct chip *chip);
#endif
