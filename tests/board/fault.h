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
 * - tx-dead: the board prints, but hears nothing
 * - at-stall:NAME: the AT command NAME (e.g. MQTTSUB) never finishes
 *
 * PORT is "download" or "at". A spec may end in "@once": it is used up when it has fired; without
 * it a counted fault fires after every reset. */
#ifndef TESTS_BOARD_FAULT_H
#define TESTS_BOARD_FAULT_H

#include <stdbool.h>
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
/** Milliseconds of FAULT_LATE_REPLY, 0 without. */
uint32_t faults_late_ms(const struct faults *f);
#endif
