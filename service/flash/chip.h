/* chip: what differs between the chips of the family, a row each. */
#ifndef SERVICE_FLASH_CHIP_H
#define SERVICE_FLASH_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHIP_NO_IMAGE_ID = 0xffff };

/** Bits of a register. */
struct chip_field {
    uint32_t reg; /* 0 = the chip has none */
    uint8_t shift, bits;
};

/** Registers of an SPI flash controller, from its base on (rom-protocol.md 8). */
struct chip_spi {
    uint8_t usr, usr2, miso_dlen, w0;
};

/** Watchdogs that keep running through a reset by USB-Serial/JTAG (rom-protocol.md 11). */
struct chip_watchdogs {
    uint32_t config, protect;         /* of the RTC watchdog */
    uint32_t swd_config, swd_protect; /* of the super watchdog */
    uint32_t swd_key, swd_feed;       /* opens its registers; lets it feed itself */
};

struct chip {
    const char *name;           /* "esp32" */
    const char *title;          /* "ESP32" */
    bool supported;             /* false: told by name and refused; the rest may be 0 */
    uint16_t image_id;          /* in image headers and in GET_SECURITY_INFO */
    uint32_t magics[5];         /* words at 0x40001000, 0-ended */
    uint8_t begin_words;        /* of FLASH_BEGIN: 4 or 5 */
    uint8_t info_bytes;         /* of GET_SECURITY_INFO: 0 = not known to the ROM, 12 = without
                                   the chip's id, 20 */
    uint32_t bootloader_offset; /* in flash */
    uint32_t table_offset;      /* of the primary partition table */
    uint32_t spi_base;          /* SPI flash controller */
    const struct chip_spi *spi;
    uint32_t mac_word;               /* register of MAC word 0; word 1 follows */
    bool mac_crc;                    /* word 1 holds a CRC-8 of it */
    struct chip_field major[3];      /* of the revision: their sum */
    struct chip_field minor[2];      /* low bits first */
    struct chip_field block[2];      /* both 1 beside low minor bits 0: the fields above had another
                                        use then, the revision is 0.0 */
    struct chip_field crypt_count;   /* an odd number of bits: flash encryption is on */
    struct chip_field secure_boot;   /* not 0: on */
    struct chip_field flash_pins[5]; /* CLK, Q, D, CS, HD of a flash inside the package, which the
                                        ROM must be told; none = the ROM knows */
    uint32_t uart_clkdiv;
    uint8_t crystals[2];           /* MHz that boards have, 0-ended */
    uint8_t rom_crystal_mhz;       /* what the ROM takes for granted at CHANGE_BAUDRATE … */
    struct chip_field rom_crystal; /* … or where it keeps what it believes; neither = it is right */
    const struct chip_watchdogs *watchdogs; /* NULL = no USB-Serial/JTAG */
};

/** All rows. */
const struct chip *chip_list(size_t *n_out);
/** By the word at 0x40001000; NULL when unknown. */
const struct chip *chip_by_magic(uint32_t magic);
/** By the id in an image's header; NULL when unknown. */
const struct chip *chip_by_image_id(uint16_t id);
/** By the answer to GET_SECURITY_INFO. @param n  its bytes @param id  meant only where they hold
 * one; NULL when unknown */
const struct chip *chip_by_info(size_t n, uint32_t id);
const struct chip *chip_by_name(const char *name);
#endif
