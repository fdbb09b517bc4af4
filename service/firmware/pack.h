/* pack: pieces made ready for the wire. Compressing is done once a firmware: what is pure is kept
 * in a file beside it, so that 32 boards that get the same firmware cost no more than one.
 * Thread-safe: jobs of several boards share one pack. */
#ifndef SERVICE_FIRMWARE_PACK_H
#define SERVICE_FIRMWARE_PACK_H

#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/firmware/content.h"
#include "service/flash/flasher.h"

/** One piece, loaded. */
struct pack_piece {
    struct flasher_region region; /* points into the buffers; verify_later is false */
    struct buf data, packed;
};

/** Load and, where it is worth it, compress a piece.
 *  @param pack_path  the pack of its file (made when it is not there), or NULL: compress anew
 *  @return ERR_OK, ERR_IO, ERR_MEM */
enum err pack_load(const struct content *c, const struct piece *p, const char *pack_path,
                   struct pack_piece *out);
/** See that the pack has the piece, so that pack_load() takes no time: some 5 to 25 ms of work when
 * it has not, which flasher_write()'s progress callback has time for. No errors: it is a cache. */
void pack_warm(const struct content *c, const struct piece *p, const char *pack_path);
/** Wipes what was secret. */
void pack_piece_dispose(struct pack_piece *p);
#endif
