/* fault: faults on command, so that tests can have the bad day they need. Each --fault adds one
 * spec:
 * - drop-byte:PORT:N: the Nth byte from the host (1-based, counted from the last reset) is lost
 * - flip-byte:PORT:N: it arrives with a bit flipped
 * - late-reply:MS: every ROM answer comes MS late
 * - bad-md5[:N]: the Nth MD5 answer since the last reset (all when N is missing) is wrong
 * - hangup:PORT:N: the port goes away after the Nth byte from the host, as an unplugged adapter
 * - reset-at:PORT:N: the board resets by itself at the Nth byte
 * - garbage[:PORT]: everything the board sends is noise
 * - silent[:PORT]: the board never answers (no power)
 * - busy:N: the next N AT commands after each reset are answered "busy p..."
 * - wrong-boot: EN works, but the boot strap does not (the board always starts its firmware)
 * - drop-every:PORT:N: each Nth byte from the host is lost
 * - noise-above:BAUD: at more than BAUD, one byte in 256 changes on the way, both ways, by a source
 *   that starts the same each time
 * - deaf-above:BAUD: at more than BAUD nothing gets through, both ways
 * - flash-dead: the flash chip does not answer: it reads as zeros, and so does its id; who erases
 *   or programs waits for ever
 * - write-protect: erasing and programming are answered as good and change nothing
 * - worn:OFFSET: a bit of this byte of the flash (decimal, or 0x…) stays 0
 * - tx-dead: the board prints, but hears nothing
 * - at-stall:NAME: the AT command NAME (e.g. MQTTSUB) never finishes
 *
 * PORT is "download" or "at". A spec may end in "@once": it is used up when it has fired; without
 * it a counted fault fires after every reset. */
#ifndef TESTS_BOARD_FAULT_H
#define TESTS_BOARD_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_DROP_BYTE,
    FAULT_FLIP_BYTE,
    FAULT_LATE_REPLY,
    FAULT_BAD_MD5,
    FAULT_HANGUP,
    FAULT_RESET_AT,
    FAULT_GARBAGE,
    FAULT_SILENT,
    FAULT_BUSY,
    FAULT_WRONG_BOOT,
    FAULT_TX_DEAD,
    FAULT_AT_STALL,
    FAULT_DROP_EVERY,
    FAULT_NOISE_ABOVE,
    FAULT_DEAF_ABOVE,
    FAULT_FLASH_DEAD,
    FAULT_WRITE_PROTECT,
    FAULT_WORN,
};

struct faults;
struct faults *faults_new(void);
void faults_free(struct faults *f);
/** @return false when the spec is not understood. */
bool faults_add(struct faults *f, const char *spec);
/** None from now on. */
void faults_clear(struct faults *f);
/** Does a fault of this kind apply to event number @p n on @p port (or AT command name)? Uses up
 * @once specs. */
bool faults_hit(struct faults *f, enum fault_kind kind, const char *port_or_name, uint64_t n);
/** Is there none at all? */
bool faults_none(const struct faults *f);
/** The number of the @p i-th fault of this kind. @return false behind the last */
bool faults_number(const struct faults *f, enum fault_kind kind, size_t i, uint64_t *out);
#endif
