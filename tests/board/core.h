/* core: the board itself: power, reset, and who owns the serial ports at each moment: the ROM
 * loader, a firmware, or nobody. */
#ifndef TESTS_BOARD_CORE_H
#define TESTS_BOARD_CORE_H

#include <stdbool.h>

struct board;
struct board_options;
struct chip;
struct faults;
struct flash;
struct loop;
struct transcript;
struct uart;

/** What the board is made of, borrowed for its whole life. */
struct board_parts {
    const struct board_options *options;
    const struct chip *chip;
    struct loop *loop;
    struct flash *flash;
    struct uart *uart0; /* download port and console */
    struct uart *uart1; /* AT port; may be uart0 */
    struct faults *faults;
    struct transcript *transcript; /* NULL allowed */
};

struct board *board_new(const struct board_parts *parts);
void board_free(struct board *b);
/** Power comes; nothing happens when it is there. @param download  with the boot button held: into
 * the loader */
void board_power_on(struct board *b, bool download);
/** Power goes. An adapter stays on the bus, the chip's own USB port does not. */
void board_power_off(struct board *b);
#endif
