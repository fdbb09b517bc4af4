/* rom_boot: what the ROM makes of the bootloader that lies in flash. */
#ifndef TESTS_BOARD_ROM_BOOT_H
#define TESTS_BOARD_ROM_BOOT_H

#include <stdbool.h>

struct chip;
struct flash;
struct uart;

/** Loads the bootloader. What goes wrong is printed; the later chips also print what they load.
 *  @return false when it cannot be run, or when there is no image: then nothing is printed */
bool rom_boot(const struct chip *c, const struct flash *f, struct uart *console);
#endif
