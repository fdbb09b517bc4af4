/* slip: frames between 0xC0 bytes. Pure. */
#ifndef SERVICE_FLASH_SLIP_H
#define SERVICE_FLASH_SLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

/** Append one frame with @p n bytes of payload. */
enum err slip_encode(const uint8_t *data, size_t n, struct buf *out);

enum slip_state { SLIP_OUTSIDE, SLIP_INSIDE, SLIP_ESCAPE };

struct slip_decoder {
    enum slip_state state;
    uint8_t *frame; /* the caller's storage */
    size_t cap, len;
    bool complete; /* the frame was handed out: the next byte starts a new one */
};

void slip_decoder_init(struct slip_decoder *d, uint8_t *storage, size_t cap);
/** Feed bytes up to the end of the next frame. @param[out] used_out  bytes taken @param[out]
 * done_out  a frame of d->len bytes is complete (empty ones are skipped). @return ERR_OK;
 * ERR_PROTOCOL for a bad escape or an overlong frame: the decoder goes on at the next delimiter */
enum err slip_decode(struct slip_decoder *d, const uint8_t *in, size_t n, size_t *used_out,
                     bool *done_out);
#endif
