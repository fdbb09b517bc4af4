/* rom_flash: the loader's raw flash sessions, MD5 and slow read, as the real ROMs were seen to do
 * them, faults included.
 *
 * - A data block with a bad checksum uses up its sequence number, but the write pointer stays: what
 *   follows is written in the wrong place. After a BEGIN that was refused for its address, data is
 *   still taken, without an erase.
 * - The ESP32 has one session at a time, raw or deflate. The later chips keep the two apart and
 * take raw data even without a BEGIN; it goes wherever their memory happens to say, and encrypted.
 */
#include <openssl/evp.h>
#include <string.h>

#include "tests/board/chip.h"
#include "tests/board/cipher.h"
#include "tests/board/fault.h"
#include "tests/board/flash.h"
#include "tests/board/rom_core.h"

enum { MD5_BYTES = 16, MD5_HEX = 32, SLOW_MAX = 64 };
enum { STRAY_AT = 0x31b900 }; /* where an ESP32-C3 programmed data that came without a BEGIN */

void rom_sessions_end(struct rom *r)
{
    rom_inflate_end(r);
    memset(&r->raw, 0, sizeof r->raw);
    memset(&r->defl, 0, sizeof r->defl);
}

void rom_sessions_start(struct rom *r)
{
    rom_sessions_end(r);
    if (!r->env.chip->rom->separate_sessions) return;
    r->raw = (struct rom_download){
        .open = true, .encrypt = true, .at = STRAY_AT, .block = ROM_MAX_BLOCK};
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

static bool program_encrypted(struct rom *r, uint32_t at, const uint8_t *data, size_t n)
{
    uint8_t page[FLASH_PAGE_BYTES];
    for (size_t done = 0; done < n; done += sizeof page) {
        size_t part = n - done < sizeof page ? n - done : sizeof page;
        memcpy(page, data + done, part);
        cipher_apply(at + (uint32_t)done, page, part);
        rom_program(r, at + (uint32_t)done, page, part);
    }
    return true; /* it cannot be compared */
}

bool rom_session_program(struct rom *r, const struct rom_download *s, const uint8_t *data, size_t n)
{
    if (!r->env.chip->rom->writes_past_end && !is_inside(r, s->at, (uint32_t)n)) return true;
    return s->encrypt ? program_encrypted(r, s->at, data, n) : rom_program(r, s->at, data, n);
}

void rom_begin(struct rom *r, struct rom_answer *a, struct rom_download *s, uint32_t max_block)
{
    const struct chip_rom *rom = r->env.chip->rom;
    uint32_t size = rom_word(r, 0);
    uint32_t at = rom_word(r, 3);
    if (rom_size_field(r) != rom->begin_bytes || rom_word(r, 2) > max_block) {
        rom_fail(r, a, ROM_ERR_FORMAT);
        return;
    }
    if (!rom->separate_sessions) rom_sessions_end(r);
    if (s == &r->defl) rom_inflate_start(r);
    *s = (struct rom_download){.open = true,
                               .begun = true,
                               .encrypt = rom->begin_bytes > 16 && rom_word(r, 4) != 0,
                               .at = at,
                               .count = rom_word(r, 1),
                               .block = rom->separate_sessions ? rom_word(r, 2) : ROM_MAX_BLOCK};
    if (at % FLASH_SECTOR_BYTES != 0 || !is_inside(r, at, size)) {
        rom_fail(r, a, ROM_ERR_FAILED); /* the session stands all the same */
        return;
    }
    if (size > 0 && flash_is_dead(r->env.flash)) rom_hang(r, a);
    rom_erase(r, at, size);
    a->before_ns = flash_erase_ns(r->env.flash, at % flash_size(r->env.flash), size);
}

void rom_cmd_flash_begin(struct rom *r, struct rom_answer *a)
{
    rom_begin(r, a, &r->raw, ROM_MAX_BLOCK);
}

/* The sequence number counts as used once it was right, before the checksum is looked at. */
bool rom_take_block(struct rom *r, struct rom_answer *a, struct rom_download *s)
{
    uint32_t n = rom_word(r, 0);
    bool odd = s == &r->raw && n % 4 != 0;
    if (!s->open || n > s->block || odd || rom_word(r, 1) != s->next) {
        rom_fail(r, a, ROM_ERR_FORMAT);
        return false;
    }
    s->next++;
    if (!rom_checksum_is_right(r, n)) {
        rom_fail(r, a, ROM_ERR_CHECKSUM);
        return false;
    }
    if (!flash_is_dead(r->env.flash)) return true;
    rom_hang(r, a);
    return false;
}

void rom_cmd_flash_data(struct rom *r, struct rom_answer *a)
{
    if (!rom_take_block(r, a, &r->raw)) return;
    uint32_t n = rom_word(r, 0);
    a->before_ns = flash_program_ns(r->env.flash, n);
    if (rom_session_program(r, &r->raw, r->rx + ROM_HEAD + ROM_DATA_HEAD, n))
        r->raw.at += n;
    else
        rom_fail(r, a, ROM_ERR_WRITE);
}

/* END with 1 leaves the loader, even when it answers an error. */
void rom_cmd_flash_end(struct rom *r, struct rom_answer *a)
{
    bool reboot = rom_word(r, 0) == 0;
    a->then = reboot ? THEN_RESTART : THEN_RUN_FLASH;
    a->empty_frame = reboot;
    if (!reboot && (!r->raw.begun || r->raw.next < r->raw.count)) rom_fail(r, a, ROM_ERR_FAILED);
    rom_sessions_end(r);
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
