/* rom_boot: what the ROM makes of the bootloader that lies in flash. */
#ifndef TESTS_BOARD_ROM_BOOT_H
#define TESTS_BOARD_ROM_BOOT_H

#include <stdbool.h>

struct chip;
struct flash;
struct uart;

/** Loads the bootloader, and prints what it loads and what goes wrong.
 *  @param quiet  prints nothing when all is well
 *  @return false when it cannot be run, or when there is no image: then nothing is printed */
bool rom_boot(const struct chip *c, const struct flash *f, struct uart *console, bool quiet);
/** @return whether an encrypted flash has the mark of an image: it is not looked behind that */
bool rom_boot_encrypted(const struct chip *c, const struct flash *f);
/** Prints the words for a flash without an image; for one that has any, rom_boot() has said why. */
void rom_boot_complain(const struct chip *c, const struct flash *f, struct uart *console,
                       bool encrypted);
#endif
