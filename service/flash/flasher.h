/* flasher: reads and writes the flash of a board through its ROM loader, behind a struct port.
 * Not thread-safe: one flasher belongs to one worker thread. Whatever happens, end with
 * flasher_finish(): it leaves the board running. */
#ifndef SERVICE_FLASH_FLASHER_H
#define SERVICE_FLASH_FLASHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/deadline.h"
#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/flash/chip.h"
#include "service/flash/reset.h"
#include "service/port/port.h"

struct flasher; /* opaque */

struct flasher_options {
    struct reset reset;
    uint32_t connect_baud; /* bits a second; 0 = 115200 */
    uint32_t flash_baud;   /* for large transfers; 0 = stay at connect_baud */
    int connect_attempts;  /* resets tried; 0 = 5 */
    uint32_t flash_bytes;  /* where the flash chip does not tell; 0 = 4 MiB */
    bool force_plain;      /* write in plain though flash encryption or secure boot is on */
    bool allow_unverified; /* write though secure download mode lets nobody check it */
};

/** What the fuses of a board forbid. */
struct flasher_security {
    bool known;            /* false: this loader does not tell */
    bool secure_boot;      /* the ROM runs signed firmware only */
    bool flash_encryption; /* what is written plain cannot be read by the firmware */
    bool secure_download;  /* the loader takes a few commands only: no MAC, no MD5, no reading */
    uint32_t flags;        /* as GET_SECURITY_INFO gave them; 0 where they were read from fuses */
    uint8_t crypt_count;   /* fuse SPI_BOOT_CRYPT_CNT / FLASH_CRYPT_CNT */
};

struct flasher_board {
    const struct chip *chip;
    uint8_t mac[6];
    bool mac_known;
    uint32_t flash_id;    /* JEDEC: manufacturer | type << 8 | capacity << 16 */
    uint32_t flash_bytes; /* from the capacity code */
    unsigned revision;    /* major × 100 + minor */
    uint32_t crystal_mhz; /* 40, 26 …; 0 = unknown */
    struct flasher_security security;
};

/** Called on the worker thread. While a region is written it is called with a block on the wire, so
 * that some milliseconds cost no time (4 KiB take 44 ms at 921600 baud). */
typedef void (*flasher_progress_fn)(size_t done_bytes, size_t total_bytes, void *arg);

enum { FLASHER_WINDOW = 32768 };

struct flasher_region {
    uint32_t offset;      /* multiple of 4096 */
    uint32_t erase_bytes; /* multiple of 4096, ≥ n: the whole partition, so that no old key stays
                             behind the new one; 0xFF behind the data */
    const uint8_t *data;  /* borrowed; padded with 0xFF to a multiple of 4 inside */
    size_t n;             /* 0: erase only */
    /* The beginning of the region as a zlib stream of whole windows, closed with a flush and never
     * ended (rom-observed.md 42); NULL = all raw. */
    const uint8_t *packed; /* borrowed */
    size_t packed_n;
    size_t packed_covers; /* bytes of the region that it stands for (data, and 0xFF behind it),
                             multiple of FLASHER_WINDOW; the rest of the data goes raw */
    /* What is there now, erase_bytes of it: flasher_write_changed() compares with this instead of
     * asking the board; NULL = not known. */
    const uint8_t *before;
    bool secret;       /* keep the data out of the transcript */
    bool verify_later; /* the caller does it, with flasher_verify() or flasher_md5(), after the last
                       region */
};

/** Borrows @p port, which must outlive it. @return ERR_OK, ERR_MEM */
enum err flasher_new(struct port *port, const struct flasher_options *options,
                     struct flasher **f_out);
/** NULL allowed. Leaves the port open. */
void flasher_free(struct flasher *f);

/** Reset into the loader, SYNC, detect the chip. A failure says why, from the boot text and from
 * what was received: the codes of connect_loader() and diagnose_failure(), of which board_silent,
 * board_wrong_boot_mode, board_tx_dead and board_garbage are the usual ones; chip_unknown,
 * chip_unsupported (ERR_UNSUPPORTED, named in the detail); port errors. The boot text is kept with
 * the error (err_last()->device). */
enum err flasher_connect(struct flasher *f, struct deadline until);
/** MAC, revision, security state, and the pins of a flash inside the chip's package (which
 * flasher_attach() needs on such modules, so call this or flasher_identify() before it): about ten
 * short reads, done once. In secure download mode only the security state; mac_known tells. */
enum err flasher_read_mac(struct flasher *f);
/** All of the above, flash id and size, crystal. In secure download mode there is no flash id, and
 * the size is that of the options. @return also ERR_DEVICE with code flash_silent */
enum err flasher_identify(struct flasher *f, struct deadline until);
/** Borrowed, filled so far as the calls above filled it. */
const struct flasher_board *flasher_board(const struct flasher *f);
/** Attach the flash and tell the loader its size. Needed once before the calls below.
 *  @param flash_bytes  0 = as identified, else that of the options */
enum err flasher_attach(struct flasher *f, uint32_t flash_bytes);

/** May flash be written in plain here? flasher_write() and flasher_erase() ask the same. @return
 * ERR_OK; ERR_UNSUPPORTED with code flash_encrypted, secure_boot or secure_download, and what to do
 * in the hint; errors of the reads that tell, once */
enum err flasher_check_writable(struct flasher *f);

/** MD5 of a range of flash, by the board. This and the calls below are repeated when bytes are lost
 * on the way: in step again or after another reset, slower after each second loss, until there were
 * three tries at one speed without progress.
 * @return ERR_OK, ERR_ARG (beyond the flash), ERR_DEVICE, ERR_TIMEOUT, port errors; ERR_CONFLICT
 * when the flash is not attached, or with code board_changed when another board answers after a
 * reset in between; ERR_UNSUPPORTED with code secure_download where the loader does not read its
 * flash */
enum err flasher_md5(struct flasher *f, uint32_t offset, uint32_t n, uint8_t out[MD5_BYTES]);
/** Read @p n bytes by slow reads, 64 at a time: 9 KiB/s at 115200 baud, 65 at 921600 (from 16 KiB
 * on). More than 64 bytes are proved by MD5, and what is erased is told by it and not read; nor is
 * what @p out holds already when it comes, as a guess. 64 or less are as the wire brought them: let
 * their format prove them.
 *  @param out  initialised; 64 KiB that are guessed cost one command, else one for each sector */
enum err flasher_read(struct flasher *f, uint32_t offset, uint8_t *out, size_t n,
                      flasher_progress_fn fn, void *arg);
/** Erase and write one region; then, unless it says verify_later, compare as flasher_verify().
 * After an error it starts again from the first byte that is not sure, with another BEGIN.
 *
 * BEGIN has no checksum, and a damaged stream may unpack to more than it should: where a try failed
 * (flasher_retries() tells), flash outside of the region may have been changed in spite of all
 * fences. So write ascending, compare each region just before it is written, and when there were
 * retries compare all of them again at the end.
 *  @return ERR_OK, ERR_ARG (alignment, beyond the flash), ERR_VERIFY with code flash_verify,
 * ERR_DEVICE, ERR_TIMEOUT, port errors */
enum err flasher_write(struct flasher *f, const struct flasher_region *r, struct deadline until,
                       flasher_progress_fn fn, void *arg);
/** Compare the MD5 that the board computes over all that the region erased: the data, and 0xFF
 * behind it. Costs no more than the MD5 of the data alone, and proves that nothing old stayed
 * there.
 *  @return ERR_OK, ERR_VERIFY with code flash_verify (nothing is written again), else as above */
enum err flasher_verify(struct flasher *f, const struct flasher_region *r);
/** Is the region there already? A difference is no error; nor is secure download mode, where nobody
 * can look: it differs. */
enum err flasher_compare(struct flasher *f, const struct flasher_region *r, bool *same_out);
/** As flasher_write(), but only the sectors that differ from what is there, where that is less to
 * send: for a region of which most is there already. */
enum err flasher_write_changed(struct flasher *f, const struct flasher_region *r,
                               struct deadline until, flasher_progress_fn fn, void *arg);
/** Whole sectors to 0xFF, and proved so by MD5. What is erased already is left alone. */
enum err flasher_erase(struct flasher *f, uint32_t offset, uint32_t n, struct deadline until,
                       flasher_progress_fn fn, void *arg);
/** Was anything written or erased that could not be checked? Only in secure download mode, and only
 * with the option allow_unverified. */
bool flasher_unverified(const struct flasher *f);
/** Tries that were not the first, of a region or of a part to erase, so far; ROM commands sent so
 * far. */
unsigned flasher_retries(const struct flasher *f);
unsigned flasher_commands(const struct flasher *f);
/** Bytes of flash written, and erased, so far. */
uint64_t flasher_written(const struct flasher *f);
uint64_t flasher_erased(const struct flasher *f);
/** The present speed of the wire, and how often a faster one was given up. */
uint32_t flasher_baud(const struct flasher *f);
unsigned flasher_slowdowns(const struct flasher *f);

/** Does flasher_finish() reset the board? Not with RESET_NONE, nor through a port without lines. */
bool flasher_can_reset(const struct flasher *f);
/** Reset the board so that it runs its firmware; back to the connect speed. Works also after an
 * error and after cancel (it does not look at it). A port without lines is left as it is.
 *  @return ERR_OK, port errors */
enum err flasher_finish(struct flasher *f);
#endif
