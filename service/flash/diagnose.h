/* diagnose: what a board said while it was reset, and so why its loader does not answer, or whether
 * its firmware runs. Pure. */
#ifndef SERVICE_FLASH_DIAGNOSE_H
#define SERVICE_FLASH_DIAGNOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

/** Later ones tell more about the board. */
enum heard {
    HEARD_NOTHING,
    HEARD_NOISE,    /* bytes that are no text */
    HEARD_TEXT,     /* a firmware that talks, but no boot */
    HEARD_FIRMWARE, /* a boot, but not into the serial loader */
    HEARD_LOADER,   /* a boot into the serial loader */
};

enum heard diagnose_text(const uint8_t *text, size_t n);
/** The loader has said its last word and listens. */
bool diagnose_loader_ready(const uint8_t *text, size_t n);

struct evidence {
    enum heard heard; /* the most telling of all attempts … */
    const uint8_t *text;
    size_t n;    /* … and what was received in it */
    bool echoed; /* our own frame came back */
    const char *port;
    uint32_t baud;
};

/** Record why no loader answered, with a hint and the board's words: board_silent,
 * board_wrong_boot_mode, board_wrong_straps, board_download_disabled, board_tx_dead, board_garbage,
 * board_echo, board_basic, or what keeps its firmware from running, as diagnose_boot_failure().
 * @return the kind of that error */
enum err diagnose_failure(const struct evidence *ev);

/** How a boot from flash went; what is behind BOOT_LOADER keeps a firmware from running. */
enum boot {
    BOOT_SILENT,      /* nothing was received */
    BOOT_NOISE,       /* nothing that can be read */
    BOOT_BEGUN,       /* the ROM's first line, and no more */
    BOOT_RUNS,        /* a program was entered, and nothing bad was heard of it since */
    BOOT_LOADER,      /* it is in its loader instead */
    BOOT_STOPPED,     /* the ROM begins, and a watchdog ends it */
    BOOT_NO_FIRMWARE, /* the ROM finds no bootloader, or cannot read the flash */
    BOOT_NO_APP,      /* the bootloader finds no application or no partition table */
    BOOT_WRONG_CHIP,  /* the application is for another chip */
    BOOT_CRASH,       /* the last start ended in a crash, or several did */
    BOOT_LOOP,        /* it restarts over and over */
    BOOT_BROWNOUT,    /* its power dips */
};

/** Judge what was received since a reset; judge again when more has come: what runs may still
 * crash, and what crashed once may run. */
enum boot diagnose_boot(const uint8_t *text, size_t n);
/** Record what is wrong with a board that booted so, with a hint and its words: board_stopped,
 * board_in_loader, board_no_firmware, board_no_app, board_wrong_chip, board_crash, board_boot_loop,
 * board_brownout. @param port  for the message
 * @return ERR_OK up to BOOT_RUNS, for what was not said proves nothing: a chip that its ROM cannot
 * start is restarted by a watchdog and heard again; else the kind of that error */
enum err diagnose_boot_failure(enum boot boot, const uint8_t *text, size_t n, const char *port);
#endif
