/* rom: the serial loader in the chip's mask ROM, and the stub that a host may upload to take its
 * place. Bytes in, frames out; it writes the flash chip and asks the board to restart. */
#ifndef TESTS_BOARD_ROM_H
#define TESTS_BOARD_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board_options;
struct chip;
struct faults;
struct flash;
struct loop;
struct rom;
struct uart;

/** What the loader works with, borrowed for its whole life. */
struct rom_env {
    const struct chip *chip;
    struct loop *loop;
    struct flash *flash;
    struct uart *uart;
    struct faults *faults;
    const struct board_options *options;
    /** The loader wants a software reset. Must not act before it has returned. */
    void (*restart)(void *board);
    /** The loader has ended and the ROM goes on to the program in flash.
     *  @return false when there is none that could run */
    bool (*run_flash)(void *board);
    /** The host has written a register. */
    void (*wrote)(uint32_t address, uint32_t value, void *board);
    void *board;
};

struct rom *rom_new(const struct rom_env *env);
void rom_free(struct rom *r);
/** The speed that the ROM prints at. */
uint32_t rom_baud(const struct rom *r);
/** Power-on state; @p straps is what the strap register shows. */
void rom_start(struct rom *r, uint32_t straps);
/** The chip is reset: nothing more is sent. */
void rom_stop(struct rom *r);
void rom_bytes(struct rom *r, const uint8_t *data, size_t n);
#endif
