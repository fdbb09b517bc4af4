/* regs: the chip's address space as the loader can reach it: memory, mask ROM, and registers that
 * only remember, except for the flash controller, which answers the few SPI commands that hosts
 * send by hand. */
#ifndef TESTS_BOARD_REGS_H
#define TESTS_BOARD_REGS_H

#include <stdbool.h>
#include <stdint.h>

struct board_options;
struct chip;
struct flash;
struct regs;

/** All borrowed: the options for MAC, crystal and fuses, the flash for its id. */
struct regs *regs_new(const struct chip *chip, const struct board_options *options,
                      const struct flash *flash);
void regs_free(struct regs *r);
/** All as after a reset. @return false when memory is out. */
bool regs_reset(struct regs *r);

/** @return false when nothing is at that address: the chip then raises an exception. */
bool regs_read(const struct regs *r, uint32_t address, uint32_t *out);
bool regs_write(struct regs *r, uint32_t address, uint32_t value);
/** Load bytes into RAM. */
bool regs_load(struct regs *r, uint32_t address, const uint8_t *data, uint32_t n);
#endif
