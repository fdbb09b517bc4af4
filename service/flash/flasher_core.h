/* flasher_core: what the parts of the flasher share: flasher.c (life, connection, recovery),
 * flasher_speed.c, flasher_read.c, flasher_write.c, flasher_changed.c, flasher_erase.c. */
#ifndef SERVICE_FLASH_FLASHER_CORE_H
#define SERVICE_FLASH_FLASHER_CORE_H

#include "service/flash/flasher.h"
#include "service/flash/rom.h"

enum {
    RESYNC_MS = 500,
    FLASHER_SECTOR = 0x1000,
    FLASHER_LARGE = 16 * 1024 /* bytes that are worth a change of speed */
};

struct flasher {
    struct port *port;
    struct rom rom;
    struct flasher_options options;
    struct flasher_board board;
    uint32_t pins;        /* of a flash inside the package */
    uint32_t flash_bytes; /* as told to the loader; 0 = not attached */
    uint32_t told_bytes;  /* what the loader takes for its size now: flash_bytes, or a fence */
    bool no_lines;        /* nothing to reset with */
    bool entered;         /* the loader was entered anew: is it the same board's? */
    bool astray;          /* something went wrong: it is to be attached anew */
    bool unverified;      /* something was written or erased that nobody could check */
    bool hurry;           /* something large was begun: top_baud from then on */
    bool read_singly;     /* asking ahead did not work here */
    bool advanced;        /* the present try of a step got further than any before it */
    uint32_t top_baud;    /* the fastest that is still believed to hold */
    unsigned retries, slowdowns;
    uint64_t written, erased; /* bytes of flash */
    unsigned fences_refused;  /* a BEGIN within its fence, one after the other */
};

typedef enum err (*step_fn)(struct flasher *f, void *arg);

/** Do a step until it works, in step with the loader again in between, slower after each second
 * error of the wire. Given up when it came no further in three tries at one speed.
 *  @return the error of the last try, or why there could be none */
enum err flasher_persist(struct flasher *f, step_fn step, void *arg);

/** As flasher_check_writable(), within the deadline of what is under way: the flash is about to
 * change, and flasher_unverified() will say so where nobody can look. */
enum err flasher_allow_write(struct flasher *f);

/** @p n bytes are to be moved: at the flash speed, if that is worth it. */
void flasher_hurry(struct flasher *f, size_t n);
/** To the speed that is wanted, when the port is not there yet. @return also ERR_UNSUPPORTED when
 * the adapter refuses; the next try is then at a lower one */
enum err flasher_hold_speed(struct flasher *f);
/** One step down the ladder, if there is one. */
void flasher_slow_down(struct flasher *f);
/** Back to the connect speed, when nothing will reset the board: the next to come looks for it
 * there. */
void flasher_leave_speed(struct flasher *f);

/** The loader takes @p end for the end of its flash (which makes a BEGIN that was damaged on the
 * way, so that it points behind it, an error and no harm). To be called in a step. */
enum err flasher_fence(struct flasher *f, uint32_t end);
/** Away with a fence that ends before @p end. */
enum err flasher_unfence(struct flasher *f, uint32_t end);
/** A fence at @p end, before a BEGIN of what ends there or before; but none where the ROM refused,
 * twice, a BEGIN within its fence. */
enum err flasher_bound(struct flasher *f, uint32_t end);
/** How that BEGIN, or what followed it, ended. */
void flasher_note_begin(struct flasher *f, enum err e);
/** Compare the MD5 of a range, once. In secure download mode nobody can look: it differs. */
enum err flasher_same(struct flasher *f, uint32_t offset, uint32_t n,
                      const uint8_t wanted[MD5_BYTES], bool *same_out);
/** The same; a difference is ERR_VERIFY with code flash_verify. Where nobody can look, it is taken
 * for right: flasher_allow_write() has written that down. */
enum err flasher_expect(struct flasher *f, uint32_t offset, uint32_t n,
                        const uint8_t wanted[MD5_BYTES]);
/** @return ERR_OK; ERR_CONFLICT when the flash is not attached; ERR_ARG beyond the flash */
enum err flasher_check_range(const struct flasher *f, uint32_t offset, size_t n);
/** @return ERR_OK, ERR_ARG; ERR_CONFLICT when the flash is not attached */
enum err flasher_check_region(const struct flasher *f, const struct flasher_region *r);
#endif
