/* chip: what differs between the chips of the family, one row each, and between the generations of
 * their mask ROM. */
#ifndef TESTS_BOARD_CHIP_H
#define TESTS_BOARD_CHIP_H

#include <stdbool.h>
#include <stdint.h>

struct chip_region {
    uint32_t base, size;
    enum { REGION_REGS, REGION_RAM, REGION_ROM } kind;
};

struct chip_word {
    uint32_t address, value;
};

/** Secure states; a board may be in several. */
enum chip_fuse { FUSE_BOOT, FUSE_ENCRYPTION, FUSE_DOWNLOAD, FUSE_NO_DOWNLOAD, FUSE_STATES };

struct chip_map {
    const struct chip_region *regions; /* ends with size 0 */
    const struct chip_word *words;     /* non-zero reset values; ends with address 0 */
    /** The bits that are burnt in each state; no address in the first: it does not exist. */
    struct chip_word fuses[FUSE_STATES][2];
};

struct chip_spi { /* flash controller: register offsets */
    uint32_t base;
    uint8_t usr2, w0;
};

/** One way to start: what the strap register shows, and what the ROM says. */
struct chip_boot {
    uint32_t straps;
    const char *text; /* "boot:…" */
    const char *wait; /* the line after that */
};

/** How the ROM names the reasons of a reset. */
struct chip_resets {
    const char *power_on, *software, *cpu, *watchdog, *super_watchdog, *usb;
};

/** The watchdogs of the RTC domain: their registers, and the bit by which the super watchdog feeds
 * itself. */
struct chip_watchdog {
    uint32_t config0, config1, protect, swd_config, swd_protect, swd_key;
    uint8_t swd_bit;
};

/** What one generation of the ROM's loader does in its own way. */
struct chip_rom {
    uint8_t begin_bytes;    /* body of FLASH_BEGIN and DEFL_BEGIN */
    uint8_t security_bytes; /* answer to GET_SECURITY_INFO; 0 = it does not know the command */
    uint16_t deflate_block; /* largest block size that DEFL_BEGIN takes */
    bool separate_sessions; /* raw and deflate know nothing of each other, raw data is taken without
                               a BEGIN, a block longer than announced is refused */
    bool overruns;          /* the end of a deflate stream programs a whole window */
    bool writes_past_end;   /* after a BEGIN that was refused for its end, data is programmed */
    bool runs_long_frames;  /* a frame longer than the buffer runs with what the buffer holds */
    bool divides_by_zero;   /* a speed of 0 kills it */
    bool end_runs_flash;    /* FLASH_END 1 goes on to the program in flash; else into a crash */
    bool hashes;          /* it compares the SHA-256 of the bootloader, and prints lengths in hex */
    uint16_t main_line;   /* of its source, which it names when it gives up booting */
    const char *disabled; /* said instead of entering a loader that the fuses forbid, before it
                             starts again; NULL: it goes on to the flash */
    bool panics;          /* it prints a dump when it crashes; else it is silent */
};

struct chip {
    const char *name;
    const char *banner;        /* what comes before "rst:" after every reset */
    struct chip_boot button;   /* into the loader by the button at power-on; no text = as below */
    struct chip_boot download; /* into the loader by EN and the strap */
    struct chip_boot flash;
    uint32_t strap_reg;
    const struct chip_resets *resets;
    const struct chip_rom *rom;
    uint8_t id, api;  /* as GET_SECURITY_INFO says */
    uint32_t mac_reg; /* low word; the high word follows */
    bool mac_crc;     /* above the MAC stands its check sum */
    uint32_t clkdiv_reg;
    uint8_t crystals_mhz[2]; /* that it is sold with, the usual one first */
    uint8_t rom_mhz;         /* what the ROM takes the crystal for; 0 = for what it is */
    uint32_t crystal_reg;    /* bits 30:24 say what the ROM takes it for; 0 = there is none */
    uint32_t autobaud_min;   /* the slowest SYNC that it finds the speed of */
    uint32_t bootloader_at;  /* flash address */
    struct chip_spi spi;
    struct chip_word usb_port;            /* where the ROM keeps the port in use, and its number for
                                             USB-Serial/JTAG; address 0 = not known */
    const struct chip_watchdog *watchdog; /* NULL: no USB-Serial/JTAG, whose resets they survive */
    const struct chip_map *map;
};

/** @return NULL when there is no such chip. */
const struct chip *chip_find(const char *name);
/** The name of the @p i-th chip, NULL behind the last. */
const char *chip_name(unsigned i);
#endif
