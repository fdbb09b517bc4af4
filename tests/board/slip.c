/* slip: what the recordings of the real ROM show and a textbook decoder does not do: bytes outside
 * a frame are skipped, empty frames are not frames, and of an unknown escape only the escape byte
 * is lost. A delimiter inside a frame ends it, so the rest of a frame that was cut short is
 * executed with what the buffer still holds. */
#include "tests/board/slip.h"

enum { END = 0xc0, ESC = 0xdb, ESC_END = 0xdc, ESC_ESC = 0xdd };

static void append(struct slip *s, uint8_t byte)
{
    if (s->len < s->cap)
        s->buf[s->len++] = byte;
    else
        s->overflow = true;
}

bool slip_feed(struct slip *s, uint8_t byte)
{
    if (byte == END) {
        bool done = s->in_frame && s->len > 0;
        s->in_frame = !done;
        s->escaped = false;
        if (!done) {
            s->len = 0;
            s->overflow = false;
        }
        return done;
    }
    if (!s->in_frame) return false;
    if (s->escaped) {
        s->escaped = false;
        if (byte == ESC_END)
            byte = END;
        else if (byte == ESC_ESC)
            byte = ESC;
        append(s, byte);
    } else if (byte == ESC) {
        s->escaped = true;
    } else {
        append(s, byte);
    }
    return false;
}

size_t slip_frame(uint8_t *out, const uint8_t *data, size_t n)
{
    size_t len = 0;
    out[len++] = END;
    for (size_t i = 0; i < n; i++) {
        if (data[i] == END || data[i] == ESC) {
            out[len++] = ESC;
            out[len++] = data[i] == END ? ESC_END : ESC_ESC;
        } else {
            out[len++] = data[i];
        }
    }
    out[len++] = END;
    return len;
}
