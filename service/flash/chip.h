/* chip: what differs between the chips of the family, a row each. */
#ifndef SERVICE_FLASH_CHIP_H
#define SERVICE_FLASH_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chip {
    const char *name;                                 /* "esp32" */
    const char *title;                                /* "ESP32" */
    uint32_t magics[6];                               /* words at 0x40001000, 0-ended */
    uint32_t mac_word;                                /* register of MAC word 0; word 1 follows */
    uint32_t spi_base;                                /* SPI flash controller */
    uint8_t spi_usr, spi_usr2, spi_miso_dlen, spi_w0; /* register offsets (rom-protocol.md 8) */
    uint8_t begin_words;                              /* words of FLASH_BEGIN: 4 or 5 */
    uint32_t table_offset;                            /* of the primary partition table */
    uint32_t uart_clkdiv; /* register, for the crystal estimate; 0 = none */
    uint32_t fuse_base;   /* eFuse words with revision and flash pins as on the ESP32; 0 = none */
    uint32_t apb_ctl;     /* register whose bit 31 is part of the revision; 0 = none */
    bool supported;       /* false: told by name and refused */
};

/** By the word at 0x40001000; NULL when unknown. */
const struct chip *chip_by_magic(uint32_t magic);
const struct chip *chip_by_name(const char *name);
#endif
