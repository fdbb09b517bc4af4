/* rom: one function per command of the ROM serial loader, without a stub (rom-protocol.md,
 * rom-observed.md). Success is told by the first status byte alone. Nothing is retried here: a data
 * block that failed must never be sent again in place (rom-observed.md 15, 17), so retrying is
 * flasher.c's, from BEGIN. */
#ifndef SERVICE_FLASH_ROM_H
#define SERVICE_FLASH_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/deadline.h"
#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/flash/slip.h"
#include "service/port/port.h"

enum {
    ROM_BLOCK = 0x1000, /* the most that every ROM takes, raw and deflated */
    ROM_READ_MAX = 64,
    ROM_READ_AHEAD = 3, /* as was seen to work; fits in any chip's FIFO */
    ROM_FRAME_MAX = 256
};

struct rom {
    struct port *port;            /* borrowed */
    struct deadline until;        /* no command waits longer; never, unless set */
    struct buf *heard;            /* borrowed; NULL, or gets every byte received until it is full */
    uint8_t begin_words;          /* words of FLASH_BEGIN: 4, later chips 5 */
    bool secret;                  /* data blocks hold a key */
    void (*meanwhile)(void *arg); /* NULL, or called while a data block is on the wire */
    void *meanwhile_arg;
    unsigned commands;  /* sent so far: figures and records */
    uint8_t last_error; /* ROM error code of the last refusal (rom-observed.md 5) */
    struct slip_decoder slip;
    uint8_t frame[ROM_FRAME_MAX], rx[512];
    size_t rx_len, rx_used; /* received, and of that decoded */
};

void rom_init(struct rom *r, struct port *port);
void rom_dispose(struct rom *r);
/** Forget what was received and not yet looked at: the board was reset or answers are stale. */
void rom_forget(struct rom *r);

/** Is this ROM error code what bytes lost or changed on the way lead to? */
bool rom_is_wire_error(uint8_t code);

/** SYNC until answered, and drop the answers that are too many. @return ERR_OK, ERR_TIMEOUT,
 * ERR_PROTOCOL (echo of our own frame: code rom_echo), port errors */
enum err rom_sync(struct rom *r, struct deadline until);
/** All below: ERR_OK; ERR_TIMEOUT; ERR_DEVICE with code rom_refused (status in the detail);
 * ERR_UNSUPPORTED when the loader does not know the command; ERR_PROTOCOL; port errors. */
enum err rom_read_reg(struct rom *r, uint32_t addr, uint32_t *value_out);
enum err rom_write_reg(struct rom *r, uint32_t addr, uint32_t value);
/** @param pins  0: the usual ones; else those of a flash inside the chip's package */
enum err rom_spi_attach(struct rom *r, uint32_t pins);
enum err rom_spi_set_params(struct rom *r, uint32_t flash_bytes);
/** Erases, and opens a session of raw blocks.
 *  @param erase_bytes  erased before the answer, whole sectors @param offset  multiple of 4096 */
enum err rom_flash_begin(struct rom *r, uint32_t erase_bytes, uint32_t blocks, uint32_t block_bytes,
                         uint32_t offset);
/** The same for blocks of a zlib stream. Whoever ends that stream, or announces no more blocks than
 * are sent, destroys up to 32 KiB behind it (rom-observed.md 41, 42). */
enum err rom_defl_begin(struct rom *r, uint32_t erase_bytes, uint32_t blocks, uint32_t block_bytes,
                        uint32_t offset);
/** With r->secret the port's tap sees only the length.
 *  @param n  multiple of 4, at most the block_bytes of BEGIN */
enum err rom_flash_data(struct rom *r, uint32_t seq, const uint8_t *data, size_t n);
/** @param n  any, at most the block_bytes of BEGIN
 *  @param unpacked_bytes  at most so many are programmed before the answer: how long to wait */
enum err rom_defl_data(struct rom *r, uint32_t seq, const uint8_t *data, size_t n,
                       uint32_t unpacked_bytes);
enum err rom_flash_md5(struct rom *r, uint32_t offset, uint32_t n, uint8_t out[MD5_BYTES]);
/** Slow reads, up to ROM_READ_MAX bytes each.
 *  @param ahead  so many are asked for before the first is answered, 1…ROM_READ_AHEAD: the wire is
 * then not idle between one and the next */
enum err rom_read_flash(struct rom *r, uint32_t offset, uint8_t *out, size_t n, unsigned ahead);

struct rom_security_info {
    uint32_t flags; /* rom-protocol.md 7 */
    uint8_t crypt_count;
    size_t bytes;     /* of the answer: 12 of an ESP32-S2, which does not tell its id; else 20 */
    uint32_t chip_id; /* 0 when not told */
};

/** Not for an ESP32, which does not know it. */
enum err rom_security_info(struct rom *r, struct rom_security_info *out);
/** Answered at the old speed; the port follows and the stray delimiters are dropped.
 *  @param told  what the loader is asked for: @p baud, or another figure when it is wrong about its
 * crystal */
enum err rom_change_baud(struct rom *r, uint32_t baud, uint32_t told);
/** Did the call that ended with @p e fail because the loader does not know the command, or does not
 * allow it? A damaged frame looks the same. */
bool rom_is_unsupported(const struct rom *r, enum err e);
#endif
