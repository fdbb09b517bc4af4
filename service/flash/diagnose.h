/* diagnose: what a board said while it was reset, and so why its loader does not answer. Pure. */
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
    HEARD_FIRMWARE, /* a boot from flash */
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

/** Record why no loader answered: board_silent, board_wrong_boot_mode, board_tx_dead, board_garbage
 * or board_echo, with a hint and the board's words. @return the kind of that error */
enum err diagnose_failure(const struct evidence *ev);
#endif
