/* rom_deflate: compressed writing, as the real ROMs were seen to do it, faults included.
 *
 * - The ROM inflates into a window of 32 KiB and programs it whenever it is full. At the end of the
 *   stream the ESP32 programs the whole window once more, whatever is in it (so a stream of just
 *   32 KiB is programmed twice, one behind the other); the later chips program what is in it,
 *   rounded up to words, if the stream ends in the block announced as the last. The window is never
 *   cleared.
 * - On the last announced block the inflater is told that no more input will come. It then reads
 *   zeros, except inside a stored block, which is an error at once. Zeros behind a flushed stream
 *   are a broken block, so the window is not programmed; in the middle of a text they may decode to
 *   anything, and once that has filled the window it is programmed, and the answer is good. The
 *   later chips were seen to do this; it is inferred for the ESP32, whose inflater is the same.
 * - A block after the end of the stream hangs the loader, and so do bytes behind the end in the
 *   same block. */
#include <string.h>

#include "tests/board/chip.h"
#include "tests/board/flash.h"
#include "tests/board/rom_core.h"

/* What zlib says in data_type about the place where it stopped. */
enum { UNUSED_BITS = 7, IN_LAST_BLOCK = 64, AT_BOUNDARY = 128 };

void rom_inflate_end(struct rom *r)
{
    if (r->inf.live) inflateEnd(&r->inf.z);
    memset(&r->inf, 0, sizeof r->inf);
}

void rom_inflate_start(struct rom *r)
{
    rom_inflate_end(r);
    r->inf.live = inflateInit(&r->inf.z) == Z_OK;
}

void rom_cmd_defl_begin(struct rom *r, struct rom_answer *a)
{
    rom_begin(r, a, &r->defl, r->env.chip->rom->deflate_block);
}

static void flush_window(struct rom *r, struct rom_answer *a, size_t n)
{
    rom_session_program(r, &r->defl, r->window, n); /* what it reads back is not looked at */
    r->defl.at += (uint32_t)n;
    r->inf.window_len = 0;
    a->before_ns += flash_program_ns(r->env.flash, n);
}

static void end_stream(struct rom *r, struct rom_answer *a, bool is_last)
{
    r->inf.ended = true;
    if (r->inf.window_len == ROM_WINDOW) flush_window(r, a, ROM_WINDOW);
    if (r->env.chip->rom->overruns)
        flush_window(r, a, ROM_WINDOW);
    else if (is_last)
        flush_window(r, a, (r->inf.window_len + 3) / 4 * 4);
}

/* The header of a deflate block is its first 3 bits: last one or not, and the kind. */
static void look_at_header(struct rom_inflate *inf)
{
    unsigned have = (unsigned)inf->z.data_type & UNUSED_BITS;
    if (!inf->at_block || (have < 3 && inf->z.avail_in == 0)) return;
    unsigned bits = (unsigned)inf->last_in >> (8 - have);
    if (have < 3) bits |= (unsigned)inf->z.next_in[0] << have;
    inf->stored = (bits >> 1 & 3) == 0;
    inf->at_block = false;
}

/* Inflates until it needs input or room, or stands between two deflate blocks. */
static int inflate_some(struct rom *r)
{
    struct rom_inflate *inf = &r->inf;
    const uint8_t *before = inf->z.next_in;
    look_at_header(inf);
    inf->z.next_out = r->window + inf->window_len;
    inf->z.avail_out = (uInt)(ROM_WINDOW - inf->window_len);
    int rc = inflate(&inf->z, Z_BLOCK);
    inf->window_len = ROM_WINDOW - inf->z.avail_out;
    if (inf->z.next_in > before) inf->last_in = inf->z.next_in[-1];
    if (inf->z.data_type & AT_BOUNDARY) {
        inf->at_block = !(inf->z.data_type & IN_LAST_BLOCK);
        inf->stored = false;
    }
    return rc;
}

static uint8_t zlib_error(const z_stream *z)
{
    bool adler = z->msg && strcmp(z->msg, "incorrect data check") == 0;
    return adler ? ROM_ERR_ADLER : ROM_ERR_INFLATE;
}

static void inflate_block(struct rom *r, struct rom_answer *a, uint32_t n, bool is_last)
{
    static uint8_t zeros[256];
    struct rom_inflate *inf = &r->inf;
    z_stream *z = &inf->z;
    bool dry = false;
    z->next_in = r->rx + ROM_HEAD + ROM_DATA_HEAD;
    z->avail_in = n;
    for (;;) {
        int rc = inflate_some(r);
        bool full = inf->window_len == ROM_WINDOW;
        if (rc == Z_STREAM_END) {
            end_stream(r, a, is_last);
            if (z->avail_in > 0 && !dry) rom_hang(r, a);
            return;
        }
        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            rom_fail(r, a, zlib_error(z));
            return;
        }
        if (z->avail_in > 0) {
            if (!full || (z->data_type & AT_BOUNDARY)) continue;
            flush_window(r, a, ROM_WINDOW);
            if (dry) return;
        } else if (!is_last) {
            if (full) flush_window(r, a, ROM_WINDOW);
            return;
        } else if (inf->stored) {
            rom_fail(r, a, ROM_ERR_INFLATE);
            return;
        } else {
            dry = true;
            z->next_in = zeros;
            z->avail_in = sizeof zeros;
        }
    }
}

void rom_cmd_defl_data(struct rom *r, struct rom_answer *a)
{
    if (!rom_take_block(r, a, &r->defl)) return;
    if (!r->inf.live || r->inf.ended)
        rom_hang(r, a);
    else
        inflate_block(r, a, rom_word(r, 0), r->defl.next == r->defl.count);
}

void rom_cmd_defl_end(struct rom *r, struct rom_answer *a)
{
    bool separate = r->env.chip->rom->separate_sessions;
    if (rom_word(r, 0) == 0) {
        a->then = THEN_RESTART;
        a->empty_frame = true;
    } else if (r->defl.open ? !r->inf.ended : !separate) {
        rom_fail(r, a, ROM_ERR_FAILED);
    }
}
