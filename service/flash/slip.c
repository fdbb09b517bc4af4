/* A delimiter ends one frame and starts the next. So a lost delimiter costs one frame and not every
 * frame after it, and empty frames (two delimiters in a row) mean nothing. */
#include "service/flash/slip.h"

enum { END = 0xc0, ESC = 0xdb, ESC_END = 0xdc, ESC_ESC = 0xdd };

enum err slip_encode(const uint8_t *data, size_t n, struct buf *out)
{
    static const uint8_t end = END, escaped_end[] = {ESC, ESC_END}, escaped_esc[] = {ESC, ESC_ESC};
    buf_append(out, &end, 1);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < n; i++) {
        if (data[i] != END && data[i] != ESC) continue;
        if (i > plain) buf_append(out, data + plain, i - plain);
        buf_append(out, data[i] == END ? escaped_end : escaped_esc, 2);
        plain = i + 1;
    }
    if (n > plain) buf_append(out, data + plain, n - plain);
    buf_append(out, &end, 1);
    return buf_ok(out);
}

void slip_decoder_init(struct slip_decoder *d, uint8_t *storage, size_t cap)
{
    *d = (struct slip_decoder){.state = SLIP_OUTSIDE, .frame = storage, .cap = cap};
}

/* Give up the present frame: nothing counts until the next delimiter. */
static enum err drop(struct slip_decoder *d, const char *why)
{
    d->state = SLIP_OUTSIDE;
    d->len = 0;
    return err_set(ERR_PROTOCOL, "%s", why);
}

static enum err put(struct slip_decoder *d, uint8_t byte)
{
    if (d->len == d->cap) return drop(d, "SLIP frame too long");
    d->frame[d->len++] = byte;
    d->state = SLIP_INSIDE;
    return ERR_OK;
}

static enum err unescape(struct slip_decoder *d, uint8_t byte)
{
    if (byte == ESC_END) return put(d, END);
    if (byte == ESC_ESC) return put(d, ESC);
    drop(d, "bad SLIP escape");
    if (byte == END) d->state = SLIP_INSIDE; /* it is a delimiter all the same */
    return ERR_PROTOCOL;
}

enum err slip_decode(struct slip_decoder *d, const uint8_t *in, size_t n, size_t *used_out,
                     bool *done_out)
{
    enum err e = ERR_OK;
    size_t i = 0;
    *done_out = false;
    if (d->complete) d->len = 0;
    d->complete = false;
    while (i < n && !e && !d->complete) {
        uint8_t byte = in[i++];
        if (d->state == SLIP_ESCAPE) {
            e = unescape(d, byte);
        } else if (byte == END) {
            d->complete = d->state == SLIP_INSIDE && d->len > 0;
            d->state = SLIP_INSIDE;
        } else if (d->state == SLIP_INSIDE) {
            if (byte == ESC)
                d->state = SLIP_ESCAPE;
            else
                e = put(d, byte);
        }
    }
    *used_out = i;
    *done_out = d->complete;
    return e;
}
