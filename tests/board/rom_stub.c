/* rom_stub: the flasher stub that public tools upload. Its answers carry value 0 and two status
 * bytes, the first being the error itself; data blocks are answered before they are written, so an
 * error of a write is told with the next answer. Sectors, and whole blocks where
 * they fit, are erased as writing reaches them. */
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/flash.h"
#include "tests/board/rom_core.h"
#include "tests/board/uart.h"

enum {
    STUB_OK = 0,
    STUB_BAD_LENGTH = 0xc0,
    STUB_BAD_CHECKSUM = 0xc1,
    STUB_NOT_IN_FLASH_MODE = 0xc6,
    STUB_INFLATE = 0xc7,
    STUB_NOT_ENOUGH_DATA = 0xc8,
    STUB_TOO_MUCH_DATA = 0xc9,
    STUB_MAX_BLOCK = 0x4000,
    STUB_MAX_PACKET = 4096,
    STUB_ERASE_BLOCK = 65536,
    STUB_SYNC_ANSWERS = 8,
    OP_SYNC = 0x08,
};

static void cmd_sync(struct rom *r, struct rom_answer *a)
{
    (void)r;
    (void)a;
}

static void cmd_spi_attach(struct rom *r, struct rom_answer *a)
{
    a->stub_code = rom_size_field(r) == 4 ? STUB_OK : STUB_BAD_LENGTH;
}

static void cmd_spi_set_params(struct rom *r, struct rom_answer *a)
{
    a->stub_code = rom_size_field(r) == 24 ? STUB_OK : STUB_BAD_LENGTH;
}

static void cmd_change_baud(struct rom *r, struct rom_answer *a)
{
    r->new_baud = rom_word(r, 0);
    a->then = r->new_baud ? THEN_BAUD : THEN_DIE;
}

static void begin(struct rom *r, struct rom_answer *a, struct rom_download *s)
{
    uint32_t field = rom_size_field(r);
    if (field != 16 && field != 20) { /* the fifth word asks for encryption: not on this board */
        a->stub_code = STUB_BAD_LENGTH;
        return;
    }
    rom_sessions_end(r);
    r->stub_error = STUB_OK;
    *s = (struct rom_download){
        .open = true, .left = rom_word(r, 0), .count = rom_word(r, 1), .at = rom_word(r, 3)};
    s->erased = s->at / FLASH_SECTOR_BYTES * FLASH_SECTOR_BYTES;
}

static void cmd_flash_begin(struct rom *r, struct rom_answer *a)
{
    begin(r, a, &r->raw);
}

static void cmd_defl_begin(struct rom *r, struct rom_answer *a)
{
    begin(r, a, &r->defl);
    if (r->defl.open) rom_inflate_start(r);
}

static void write_ahead(struct rom *r, struct rom_answer *a, struct rom_download *s,
                        const uint8_t *data, uint32_t n)
{
    if (n > s->left) n = s->left; /* the padding of a last block */
    while (s->erased < s->at + n) {
        uint32_t end = s->at + s->left;
        bool block = s->erased % STUB_ERASE_BLOCK == 0 && end - s->erased >= STUB_ERASE_BLOCK;
        uint32_t step = block ? (uint32_t)STUB_ERASE_BLOCK : (uint32_t)FLASH_SECTOR_BYTES;
        rom_erase(r, s->erased, step);
        a->after_ns += flash_erase_ns(r->env.flash, s->erased, step);
        s->erased += step;
    }
    rom_program(r, s->at, data, n);
    a->after_ns += flash_program_ns(r->env.flash, n);
    s->at += n;
    s->left -= n;
}

/* Common checks of a data block. @return its length, 0 when it is refused or empty */
static uint32_t take_block(struct rom *r, struct rom_answer *a, const struct rom_download *s)
{
    uint32_t n = rom_word(r, 0);
    a->stub_code = r->stub_error;
    if (!s->open)
        a->stub_code = STUB_NOT_IN_FLASH_MODE;
    else if (n > STUB_MAX_BLOCK || rom_size_field(r) != n + ROM_DATA_HEAD)
        a->stub_code = STUB_BAD_LENGTH;
    else if (!rom_checksum_is_right(r, n))
        a->stub_code = STUB_BAD_CHECKSUM;
    if (a->stub_code == STUB_OK && flash_is_dead(r->env.flash)) rom_hang(r, a);
    return a->stub_code == STUB_OK ? n : 0;
}

static void cmd_flash_data(struct rom *r, struct rom_answer *a)
{
    uint32_t n = take_block(r, a, &r->raw);
    if (n > 0) write_ahead(r, a, &r->raw, r->rx + ROM_HEAD + ROM_DATA_HEAD, n);
}

static void cmd_defl_data(struct rom *r, struct rom_answer *a)
{
    struct rom_inflate *inf = &r->inf;
    z_stream *z = &inf->z;
    z->avail_in = take_block(r, a, &r->defl);
    z->next_in = r->rx + ROM_HEAD + ROM_DATA_HEAD;
    int rc = Z_OK;
    while (z->avail_in > 0 && rc == Z_OK && !inf->ended) {
        z->next_out = r->window;
        z->avail_out = ROM_WINDOW;
        rc = inflate(z, Z_NO_FLUSH);
        write_ahead(r, a, &r->defl, r->window, ROM_WINDOW - z->avail_out);
        inf->ended = rc == Z_STREAM_END;
    }
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        r->stub_error = STUB_INFLATE;
    else if (inf->ended && r->defl.left > 0)
        r->stub_error = STUB_NOT_ENOUGH_DATA;
    else if (!inf->ended && r->defl.left == 0 && r->defl.open && z->avail_in > 0)
        r->stub_error = STUB_TOO_MUCH_DATA;
}

static void cmd_end(struct rom *r, struct rom_answer *a)
{
    const struct rom_download *s = r->raw.open ? &r->raw : &r->defl;
    if (!s->open)
        a->stub_code = STUB_NOT_IN_FLASH_MODE;
    else if (r->stub_error != STUB_OK)
        a->stub_code = r->stub_error;
    else if (s->left > 0)
        a->stub_code = STUB_BAD_LENGTH;
    if (a->stub_code == STUB_OK && rom_word(r, 0) == 0) a->then = THEN_RESTART;
    rom_sessions_end(r);
}

static void cmd_md5(struct rom *r, struct rom_answer *a)
{
    a->payload = 16;
    rom_md5(r, rom_word(r, 0), rom_word(r, 1), r->reply);
}

static void cmd_erase_flash(struct rom *r, struct rom_answer *a)
{
    uint32_t size = flash_size(r->env.flash);
    rom_erase(r, 0, size);
    a->before_ns = flash_erase_ns(r->env.flash, 0, size);
}

static void cmd_erase_region(struct rom *r, struct rom_answer *a)
{
    uint32_t at = rom_word(r, 0);
    uint32_t n = rom_word(r, 1);
    uint32_t size = flash_size(r->env.flash);
    if (at % FLASH_SECTOR_BYTES || n % FLASH_SECTOR_BYTES || at > size || n > size - at) {
        a->stub_code = STUB_BAD_LENGTH;
        return;
    }
    rom_erase(r, at, n);
    a->before_ns = flash_erase_ns(r->env.flash, at, n);
}

static void cmd_read_flash(struct rom *r, struct rom_answer *a)
{
    if (rom_word(r, 2) == 0 || rom_word(r, 2) > STUB_MAX_PACKET) {
        a->stub_code = STUB_BAD_LENGTH;
        return;
    }
    r->read = (struct rom_read){.active = true,
                                .start = rom_word(r, 0),
                                .length = rom_word(r, 1),
                                .packet = rom_word(r, 2)};
}

/* Leaves for the program in flash, without an answer. */
static void cmd_run_user_code(struct rom *r, struct rom_answer *a)
{
    a->mute = true;
    r->mode = MODE_DEAD;
    r->env.restart(r->env.board);
}

static void cmd_mem_begin(struct rom *r, struct rom_answer *a)
{
    (void)r;
    a->stub_code = STUB_OK;
}

const struct rom_command rom_stub_commands[] = {
    {0x02, cmd_flash_begin},
    {0x03, cmd_flash_data},
    {0x04, cmd_end},
    {0x05, cmd_mem_begin},
    {OP_SYNC, cmd_sync},
    {0x09, rom_cmd_write_reg},
    {0x0a, rom_cmd_read_reg},
    {0x0b, cmd_spi_set_params},
    {0x0d, cmd_spi_attach},
    {0x0f, cmd_change_baud},
    {0x10, cmd_defl_begin},
    {0x11, cmd_defl_data},
    {0x12, cmd_end},
    {0x13, cmd_md5},
    {0x14, rom_cmd_security_info},
    {0xd0, cmd_erase_flash},
    {0xd1, cmd_erase_region},
    {0xd2, cmd_read_flash},
    {0xd3, cmd_run_user_code},
    {0, NULL},
};

/* One packet at a time: the next goes out when the one before is acknowledged. */
static void send_packet(struct rom *r)
{
    uint8_t packet[STUB_MAX_PACKET];
    uint32_t n = r->read.length - r->read.sent;
    if (n > r->read.packet) n = r->read.packet;
    rom_read_flash(r, r->read.start + r->read.sent, packet, n);
    r->read.sent += n;
    rom_send_frame(r, packet, n);
}

bool rom_stub_acknowledge(struct rom *r)
{
    if (!r->read.active) return false;
    if (r->slip.len != 4) return true;
    r->read.acked = le32_get(r->rx);
    if (r->read.acked < r->read.sent) return true;
    if (r->read.sent < r->read.length) {
        send_packet(r);
    } else {
        uint8_t md5[16];
        rom_md5(r, r->read.start, r->read.length, md5);
        rom_send_frame(r, md5, sizeof md5);
        r->read.active = false;
    }
    return true;
}

void rom_stub_reply(struct rom *r, const struct rom_answer *a)
{
    uint8_t frame[ROM_HEAD + ROM_PAYLOAD + 2];
    size_t payload = a->stub_code == STUB_OK ? a->payload : 0;
    size_t n = payload + 2;
    memset(frame, 0, sizeof frame);
    frame[0] = 0x01;
    frame[1] = r->op;
    frame[2] = (uint8_t)n;
    if (r->op == 0x0a) le32_put(frame + 4, r->value);
    memcpy(frame + ROM_HEAD, r->reply, payload);
    frame[ROM_HEAD + payload] = a->stub_code;
    for (int i = r->op == OP_SYNC ? STUB_SYNC_ANSWERS : 1; i > 0; i--)
        rom_send_frame(r, frame, ROM_HEAD + n);
    if (r->read.active && r->read.length > 0) send_packet(r);
}
