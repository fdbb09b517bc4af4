/* rom_flash: the loader's flash sessions, as the real ROM was seen to run them, faults included.
 *
 * - A data block with a bad checksum uses up its sequence number, but the write pointer stays: what
 *   follows is written in the wrong place. After a BEGIN that was refused for its address, data is
 *   still taken, without an erase.
 * - Deflate: the ROM inflates into a window of 32 KiB and programs it only as a whole: when it is
 *   full, and once more when the stream ends, whatever is in it then (so a stream of just 32 KiB is
 *   programmed twice, one behind the other). The window is never cleared.
 * - On the last announced block a stream that has not ended is an error (the inflater is told that
 *   no more input will come), and the window is not programmed.
 * - A block after the end of the stream hangs the loader. So do bytes behind the end of the stream
 *   in one block: that is inferred from the same loop, not seen. */
#include <openssl/evp.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/fault.h"
#include "tests/board/flash.h"
#include "tests/board/rom_core.h"

enum { MD5_BYTES = 16, MD5_HEX = 32, SLOW_MAX = 64, DEFL_MAX_BLOCK = 0x1000 };

void rom_session_end(struct rom *r)
{
    if (r->dl.inflating) inflateEnd(&r->dl.z);
    memset(&r->dl, 0, sizeof r->dl);
}

/* A chip that is smaller than it was said to be ignores the upper address bits. */
static size_t part_at(const struct rom *r, uint32_t at, size_t n, uint32_t *wrapped_out)
{
    uint32_t size = flash_size(r->env.flash);
    *wrapped_out = at % size;
    return n < size - *wrapped_out ? n : size - *wrapped_out;
}

bool rom_program(struct rom *r, uint32_t at, const uint8_t *data, size_t n)
{
    bool same = true;
    while (n > 0) {
        uint32_t where;
        size_t part = part_at(r, at, n, &where);
        same = flash_program(r->env.flash, where, data, part) && same;
        at += (uint32_t)part;
        data += part;
        n -= part;
    }
    return same;
}

void rom_erase(struct rom *r, uint32_t at, uint32_t n)
{
    while (n > 0) {
        uint32_t where;
        uint32_t part = (uint32_t)part_at(r, at, n, &where);
        flash_erase(r->env.flash, where, part);
        at += part;
        n -= part;
    }
}

void rom_read_flash(const struct rom *r, uint32_t at, uint8_t *out, size_t n)
{
    const uint8_t *bytes = flash_bytes(r->env.flash);
    uint32_t size = flash_size(r->env.flash);
    for (size_t i = 0; i < n; i++)
        out[i] = bytes[(at + i) % size];
}

void rom_md5(struct rom *r, uint32_t at, uint32_t n, uint8_t out[16])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    memset(out, 0, MD5_BYTES);
    if (ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1) {
        while (n > 0) {
            uint32_t where;
            uint32_t part = (uint32_t)part_at(r, at, n, &where);
            EVP_DigestUpdate(ctx, flash_bytes(r->env.flash) + where, part);
            at += part;
            n -= part;
        }
        EVP_DigestFinal_ex(ctx, out, NULL);
    }
    EVP_MD_CTX_free(ctx);
    if (faults_hit(r->env.faults, FAULT_BAD_MD5, NULL, ++r->md5_count)) out[0] ^= 0x01;
}

static bool is_inside(const struct rom *r, uint32_t at, uint32_t n)
{
    return (uint64_t)at + n <= r->flash_bytes;
}

/* What FLASH_BEGIN and DEFL_BEGIN have in common. */
static void begin(struct rom *r, struct rom_answer *a, enum rom_session kind, uint32_t max_block)
{
    uint32_t size = rom_word(r, 0);
    uint32_t at = rom_word(r, 3);
    if (rom_size_field(r) != 16 || rom_word(r, 2) > max_block) {
        rom_fail(r, a, ROM_ERR_FORMAT);
        return;
    }
    rom_session_end(r);
    r->dl.kind = kind;
    r->dl.at = at;
    r->dl.count = rom_word(r, 1);
    if (kind == SESSION_DEFLATE) r->dl.inflating = inflateInit(&r->dl.z) == Z_OK;
    if (at % FLASH_SECTOR_BYTES != 0 || !is_inside(r, at, size)) {
        rom_fail(r, a, ROM_ERR_FAILED); /* the session stands all the same */
        return;
    }
    rom_erase(r, at, size);
    a->before_ns = flash_erase_ns(r->env.flash, at % flash_size(r->env.flash), size);
}

void rom_cmd_flash_begin(struct rom *r, struct rom_answer *a)
{
    begin(r, a, SESSION_RAW, ROM_MAX_BLOCK);
}

void rom_cmd_defl_begin(struct rom *r, struct rom_answer *a)
{
    begin(r, a, SESSION_DEFLATE, DEFL_MAX_BLOCK);
}

/* Checks of a data block, in the ROM's order. The sequence number counts as used once it was right,
 * before the checksum is looked at. */
static bool take_block(struct rom *r, struct rom_answer *a, enum rom_session kind)
{
    uint32_t n = rom_word(r, 0);
    if (r->dl.kind != kind || n > ROM_MAX_BLOCK || (kind == SESSION_RAW && n % 4 != 0) ||
        rom_word(r, 1) != r->dl.next) {
        rom_fail(r, a, ROM_ERR_FORMAT);
        return false;
    }
    r->dl.next++;
    if (!rom_checksum_is_right(r, n)) {
        rom_fail(r, a, ROM_ERR_CHECKSUM);
        return false;
    }
    return true;
}

void rom_cmd_flash_data(struct rom *r, struct rom_answer *a)
{
    if (!take_block(r, a, SESSION_RAW)) return;
    uint32_t n = rom_word(r, 0);
    a->before_ns = flash_program_ns(r->env.flash, n);
    if (rom_program(r, r->dl.at, r->rx + ROM_HEAD + ROM_DATA_HEAD, n))
        r->dl.at += n;
    else
        rom_fail(r, a, ROM_ERR_WRITE);
}

/* Programs the whole window; what it reads back is not looked at. */
static void flush_window(struct rom *r, struct rom_answer *a)
{
    rom_program(r, r->dl.at, r->window, ROM_WINDOW);
    r->dl.at += ROM_WINDOW;
    r->dl.window_len = 0;
    a->before_ns += flash_program_ns(r->env.flash, ROM_WINDOW);
}

static void inflate_block(struct rom *r, struct rom_answer *a, uint32_t n, bool is_last)
{
    z_stream *z = &r->dl.z;
    z->next_in = r->rx + ROM_HEAD + ROM_DATA_HEAD;
    z->avail_in = n;
    for (;;) {
        z->next_out = r->window + r->dl.window_len;
        z->avail_out = (uInt)(ROM_WINDOW - r->dl.window_len);
        int rc = inflate(z, Z_NO_FLUSH);
        r->dl.window_len = ROM_WINDOW - z->avail_out;
        if (rc == Z_STREAM_END) {
            r->dl.ended = true;
            if (r->dl.window_len == ROM_WINDOW) flush_window(r, a);
            flush_window(r, a);
            a->mute = z->avail_in > 0;
            r->mode = a->mute ? MODE_DEAD : r->mode;
            return;
        }
        bool full = r->dl.window_len == ROM_WINDOW;
        if (rc != Z_OK && rc != Z_BUF_ERROR) {
            bool adler = z->msg && strcmp(z->msg, "incorrect data check") == 0;
            rom_fail(r, a, adler ? ROM_ERR_ADLER : ROM_ERR_INFLATE);
            return;
        }
        if (is_last && z->avail_in == 0) {
            rom_fail(r, a, ROM_ERR_INFLATE);
            return;
        }
        if (full)
            flush_window(r, a);
        else if (z->avail_in == 0)
            return;
    }
}

void rom_cmd_defl_data(struct rom *r, struct rom_answer *a)
{
    if (!take_block(r, a, SESSION_DEFLATE)) return;
    if (!r->dl.inflating || r->dl.ended) {
        a->mute = true;
        r->mode = MODE_DEAD;
        return;
    }
    inflate_block(r, a, rom_word(r, 0), r->dl.next == r->dl.count);
}

/* END with 1 leaves the raw loader for the program in flash, even when it answers an error. */
void rom_cmd_flash_end(struct rom *r, struct rom_answer *a)
{
    bool reboot = rom_word(r, 0) == 0;
    a->then = reboot ? THEN_RESTART : THEN_RUN_FLASH;
    a->empty_frame = reboot;
    if (!reboot && (r->dl.kind != SESSION_RAW || r->dl.next < r->dl.count))
        rom_fail(r, a, ROM_ERR_FAILED);
    rom_session_end(r);
}

void rom_cmd_defl_end(struct rom *r, struct rom_answer *a)
{
    if (rom_word(r, 0) == 0) {
        a->then = THEN_RESTART;
        a->empty_frame = true;
    } else if (r->dl.kind != SESSION_DEFLATE || !r->dl.ended) {
        rom_fail(r, a, ROM_ERR_FAILED);
    }
}

void rom_cmd_md5(struct rom *r, struct rom_answer *a)
{
    a->payload = MD5_HEX;
    r->error = 0;
    if (!is_inside(r, rom_word(r, 0), rom_word(r, 1))) {
        rom_fail(r, a, ROM_ERR_READ);
        return;
    }
    static const char digit[] = "0123456789abcdef";
    uint8_t md5[MD5_BYTES];
    rom_md5(r, rom_word(r, 0), rom_word(r, 1), md5);
    for (size_t i = 0; i < MD5_BYTES; i++) {
        r->reply[2 * i] = (uint8_t)digit[md5[i] >> 4];
        r->reply[2 * i + 1] = (uint8_t)digit[md5[i] & 15];
    }
}

void rom_cmd_read_slow(struct rom *r, struct rom_answer *a)
{
    uint32_t n = rom_word(r, 1);
    a->payload = SLOW_MAX;
    r->error = 0;
    if (n > SLOW_MAX)
        rom_fail(r, a, ROM_ERR_LENGTH);
    else if (!is_inside(r, rom_word(r, 0), n))
        rom_fail(r, a, ROM_ERR_READ);
    else
        rom_read_flash(r, rom_word(r, 0), r->reply, n);
}
