/* flasher_core: what the parts of the flasher share: flasher.c (life, connection, recovery),
 * flasher_read.c, flasher_write.c. */
#ifndef SERVICE_FLASH_FLASHER_CORE_H
#define SERVICE_FLASH_FLASHER_CORE_H

#include "service/flash/flasher.h"
#include "service/flash/rom.h"

enum { RESYNC_MS = 500 };

struct flasher {
    struct port *port;
    struct rom rom;
    struct flasher_options options;
    struct flasher_board board;
    uint32_t pins;        /* of a flash inside the package */
    uint32_t flash_bytes; /* as told to the loader; 0 = not attached */
    bool no_lines;        /* nothing to reset with */
    bool slow;            /* flash_baud did not work here */
    bool unverified;      /* something was written or erased that nobody could check */
    unsigned retries;
};

typedef enum err (*step_fn)(struct flasher *f, void *arg);

/** Do a step until it works, at most three times, in step with the loader again in between.
 *  @return the error of the last try, or why there could be none */
enum err flasher_persist(struct flasher *f, step_fn step, void *arg);
/** As flasher_check_writable(), within the deadline of what is under way: the flash is about to
 * change, and flasher_unverified() will say so where nobody can look. */
enum err flasher_allow_write(struct flasher *f);
/** @return ERR_OK; ERR_CONFLICT when the flash is not attached; ERR_ARG beyond the flash */
enum err flasher_check_range(const struct flasher *f, uint32_t offset, size_t n);
#endif
