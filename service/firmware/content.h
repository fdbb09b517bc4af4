/* content: what the flash shall hold after a job: parts of files and, over them, bytes from memory
 * (a board's own credential). Cut into pieces that are written, checked and, when a byte is lost,
 * written again on their own. Not thread-safe. */
#ifndef SERVICE_FIRMWARE_CONTENT_H
#define SERVICE_FIRMWARE_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

struct content; /* opaque */

enum {
    CONTENT_SECTOR = 4096,
    /* Pieces end at multiples of this flash address. Each is a stream of its own and costs four
     * commands: of a 4 MiB factory image pieces of 32, 64, 128, 256 KiB take 9.56, 9.25, 9.09, 9.02
     * s of wire at 921600 baud (tests/bench/bench_pack.c), a lost byte on average half of one:
     * 0.07, 0.14, 0.28, 0.56 s; and each board under way holds one in memory. */
    CONTENT_PIECE = 128 * 1024
};

/** Up to whole sectors. */
static inline uint64_t content_sectors(uint64_t n)
{
    return (n + CONTENT_SECTOR - 1) / CONTENT_SECTOR * CONTENT_SECTOR;
}

/** Whole sectors of flash: as what was added says, 0xFF where it says nothing. */
struct piece {
    uint32_t offset, size; /* multiples of CONTENT_SECTOR */
    int file;              /* key of the only file that gives it bytes; -1: patched, from several,
                              or from memory */
    bool secret;           /* holds a key */
};

enum err content_new(struct content **out);
void content_free(struct content *c); /* wipes what is secret; NULL allowed */
/** Bytes of a file: a part of a firmware. Overlapping another part is refused.
 *  @param name  not empty; copied
 *  @param fd  borrowed until content_free()
 *  @param key  names the file to the caller (>= 0), comes back in struct piece
 *  @return ERR_OK; ERR_ARG with code flash_unaligned (offset), flash_overlap (names both),
 * flash_past_end (of any flash); ERR_MEM */
enum err content_add_file(struct content *c, const char *name, uint32_t offset, uint32_t size,
                          int fd, uint64_t at, int key);
/** Bytes from memory, copied, over whatever the files say.
 *  @param room  bytes that are its own (the partition): 0xFF behind @p n
 *  @return as above, but only other bytes from memory overlap; ERR_ARG with code
 * flash_past_partition (@p n > @p room) */
enum err content_add_bytes(struct content *c, const char *name, uint32_t offset, uint32_t room,
                           const uint8_t *data, size_t n, bool secret);
/** The pieces, ascending. @param[out] list_out  borrowed, good until the next add or free */
enum err content_pieces(struct content *c, const struct piece **list_out, size_t *n_out);
/** @p n bytes of the flash from @p offset on, as they shall be. @return ERR_OK, ERR_IO */
enum err content_read(const struct content *c, uint32_t offset, uint8_t *out, size_t n);
/** The part that lies at @p offset, for messages; "" = none. */
const char *content_name_at(const struct content *c, uint32_t offset);
#endif
