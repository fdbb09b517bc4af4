/* chip: what differs between chips of the family, one row each. */
#ifndef TESTS_BOARD_CHIP_H
#define TESTS_BOARD_CHIP_H

#include <stdint.h>

struct chip_region {
    uint32_t base, size;
    enum { REGION_REGS, REGION_RAM, REGION_ROM } kind;
};

struct chip_word {
    uint32_t address, value;
};

struct chip_spi { /* flash controller: register offsets */
    uint32_t base;
    uint8_t usr2, w0;
};

struct chip {
    const char *name;
    const char *rom_banner;                 /* first line after every reset */
    const char *boot_download, *boot_strap; /* how the ROM names its two ways into the loader */
    const char *boot_flash;
    uint32_t strap_download, strap_entry; /* strap register in the two cases */
    uint32_t strap_reg, mac_reg, clkdiv_reg, crystal_hz;
    uint32_t bootloader_at; /* flash address */
    struct chip_spi spi;
    const struct chip_region *regions; /* ends with size 0 */
    const struct chip_word *words;     /* non-zero reset values; ends with address 0 */
};

/** @return NULL when there is no such chip. */
const struct chip *chip_find(const char *name);
#endif
