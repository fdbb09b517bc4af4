/* rom_model: a chip with its serial ROM loader, written from the fact sheets alone and shared with
 * nothing, behind a struct port in virtual time: an ESP32, unless model_become() makes it another.
 * It has the faults that a bench has. */
#ifndef TESTS_UNIT_FLASH_ROM_MODEL_H
#define TESTS_UNIT_FLASH_ROM_MODEL_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "service/port/port.h"
#include "tests/unit/flash/virtual_time.h"

enum {
    MODEL_FLASH = 4 * 1024 * 1024,
    MODEL_OUT = 1 << 13,
    MODEL_FRAME = 0x4020,
    MODEL_WINDOW = 32768
};
enum model_mode { MODEL_IN_RESET, MODEL_LOADER, MODEL_HUNG, MODEL_FIRMWARE };

/* What a chip of the family is to its host. */
struct model_chip {
    const char *name;
    uint32_t magic, id;
    unsigned begin_bytes, info_bytes;
    uint32_t mac_word, spi_base, uart_clkdiv;
    uint8_t usr, usr2, miso_dlen, w0;
};

struct model_reg {
    uint32_t at, value;
};

enum { MODEL_REGS = 64 };

struct model {
    struct port port; /* first */
    enum model_mode mode;
    struct model_chip chip;
    struct model_reg regs[MODEL_REGS], written[MODEL_REGS]; /* what they hold; in their order */
    size_t reg_count, written_count;
    uint32_t flags; /* of GET_SECURITY_INFO */
    uint8_t crypt_count;
    bool secure_download, no_info; /* takes a few commands only; does not know 0x14 */
    unsigned crystal_mhz, rom_crystal_mhz;
    bool dtr, rts, rising;
    int resets;
    uint32_t chip_baud;
    uint8_t *flash;
    uint32_t known_size;
    uint32_t spi[0x40];
    bool attached;
    /* a write under way */
    bool open, deflating, ended;
    uint32_t seq, blocks, block_bytes, write_at;
    z_stream z;
    uint8_t window[MODEL_WINDOW]; /* never cleared */
    uint32_t window_len;
    /* answers */
    uint8_t last_op, error;
    uint32_t value;
    uint8_t out[MODEL_OUT];
    int64_t out_at[MODEL_OUT];
    size_t out_head, out_tail;
    /* frames */
    uint8_t frame[MODEL_FRAME];
    size_t frame_len;
    bool inside, escaped;
    uint64_t host_bytes; /* since the last reset */
    unsigned begins, datas, ends, syncs, deflates, infos, unknowns;
    /* the bad day */
    uint64_t drop_at, flip_at, reset_at, gone_at, cancel_at, mute_answer;
    uint64_t drop_every, flip_answer; /* each so manieth from the host, the so manieth to it */
    uint64_t lost_count;
    uint32_t drop_above; /* baud; drop_every strikes above it only */
    bool once;           /* the counted ones above happen once */
    unsigned answers;
    int bad_md5;
    int64_t late_ns;
    bool no_fence, no_inflate, no_lines, no_text, no_flash, strap_broken, deaf, silent, noisy,
        bridged, talks, gone, weak_flash;
    int64_t en_delay_ns, rising_at;
    uint32_t max_baud, adapter_baud, attach_pins;
    uint32_t rom_baud; /* of the ROM's text, 0 = as the port */
    /* USB-Serial/JTAG instead of an adapter: a reset takes the port away for a while */
    bool usb_jtag, usb_download, never_back, odd_baud_refused;
    int64_t usb_back_at;
    unsigned reopens;
    bool hit, begin_hit; /* this frame was damaged; a BEGIN was, and was believed */
};

static inline void model_put(struct model *m, const void *data, size_t n, int64_t delay_ns)
{
    const uint8_t *p = data;
    if (m->silent) return;
    for (size_t i = 0; i < n && m->out_tail < MODEL_OUT; i++) {
        m->out[m->out_tail] = m->noisy ? (uint8_t)(0x81 + 37 * m->out_tail) : p[i];
        if (m->flip_answer && !--m->flip_answer) m->out[m->out_tail] ^= 0x04;
        m->out_at[m->out_tail++] = virtual_ns + delay_ns;
    }
}

static inline void model_frame(struct model *m, const uint8_t *p, size_t n, int64_t delay_ns)
{
    uint8_t wire[256];
    size_t len = 0;
    wire[len++] = 0xc0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == 0xc0 || p[i] == 0xdb) wire[len++] = 0xdb;
        wire[len++] = p[i] == 0xc0 ? 0xdc : p[i] == 0xdb ? 0xdd : p[i];
    }
    wire[len++] = 0xc0;
    if (++m->answers == m->mute_answer) {
        if (m->once) m->mute_answer = 0;
        return;
    }
    model_put(m, wire, len, delay_ns + m->late_ns);
}

/* One answer; error 0 = success. The second status byte keeps the last error, 3 and 4 are rubbish.
 */
static inline void model_answer(struct model *m, uint8_t op, uint8_t error, const void *payload,
                                size_t n, int64_t delay_ns)
{
    uint8_t f[8 + 64 + 4] = {0x01, op, (uint8_t)(n + 4), 0};
    for (int i = 0; i < 4; i++)
        f[4 + i] = (uint8_t)(m->value >> 8 * i);
    if (n) memcpy(f + 8, payload, n);
    if (error) m->error = error;
    f[8 + n] = error != 0;
    f[9 + n] = m->error;
    f[10 + n] = 0x35;
    f[11 + n] = 0xc0;
    model_frame(m, f, n + 12, delay_ns);
    m->last_op = op;
}

static inline void model_end_deflate(struct model *m)
{
    if (m->deflating) inflateEnd(&m->z);
    m->deflating = false;
}

static inline void model_say(struct model *m, const char *text)
{
    bool was = m->noisy;
    m->noisy = was || (m->rom_baud && m->port.baud != m->rom_baud);
    model_put(m, text, strlen(text), 10000000);
    m->noisy = was;
}

static inline void model_boot(struct model *m)
{
    static const char loader[] = "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x3 "
                                 "(DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\nwaiting for "
                                 "download\r\n";
    static const char firmware[] = "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:"
                                   "0x13 (SPI_FAST_FLASH_BOOT)\r\nI (30) boot: ESP-IDF\r\n";
    bool boot_pin_low = m->usb_jtag ? m->usb_download : m->dtr && !m->rts && !m->strap_broken;
    m->mode = boot_pin_low ? MODEL_LOADER : MODEL_FIRMWARE;
    m->resets++;
    m->chip_baud = 115200;
    m->known_size = 2 * 1024 * 1024;
    m->attached = m->open = m->inside = m->escaped = false;
    model_end_deflate(m);
    m->frame_len = m->out_head = m->out_tail = 0;
    m->host_bytes = 0;
    m->error = m->last_op = 0;
    if (!m->no_text && !m->usb_jtag) model_say(m, boot_pin_low ? loader : firmware);
}

static inline void model_set_reg(struct model *m, uint32_t at, uint32_t value)
{
    size_t i = 0;
    while (i < m->reg_count && m->regs[i].at != at)
        i++;
    if (i == MODEL_REGS) abort();
    m->regs[i] = (struct model_reg){at, value};
    if (i == m->reg_count) m->reg_count++;
}

static inline uint32_t model_get_reg(const struct model *m, uint32_t at)
{
    for (size_t i = 0; i < m->reg_count; i++)
        if (m->regs[i].at == at) return m->regs[i].value;
    return 0;
}

/* EN rises slowly: what the boot pin says counts a moment later. */
static inline void model_time_moved(void *arg)
{
    struct model *m = arg;
    if (!m->rising || virtual_ns < m->rising_at + m->en_delay_ns) return;
    m->rising = false;
    if (m->rts && !m->dtr) return;
    model_boot(m);
}

/* Both released: run; DTR alone: download next time; RTS alone: reset. */
static inline void model_usb_lines(struct model *m, bool dtr, bool rts)
{
    if (dtr == rts) {
        m->usb_download &= dtr;
    } else if (dtr) {
        m->usb_download = true;
    } else {
        model_boot(m);
        m->gone = true;
        m->usb_back_at = virtual_ns + 700000000;
    }
}

static inline enum err model_reopen(struct port *p)
{
    struct model *m = (struct model *)p;
    m->reopens++;
    if (m->never_back || virtual_ns < m->usb_back_at) return err_set(ERR_NOT_FOUND, "not there");
    m->gone = m->dtr = m->rts = m->usb_download = false;
    return ERR_OK;
}

static inline enum err model_set_lines(struct port *p, bool dtr, bool rts)
{
    struct model *m = (struct model *)p;
    if (m->gone) return err_set(ERR_PORT_GONE, "gone");
    if (m->no_lines)
        return err_fail(ERR_UNSUPPORTED, "port_no_lines", "by hand", "%s has no lines", p->name);
    bool was_low = m->rts && !m->dtr, is_low = rts && !dtr;
    m->dtr = dtr;
    m->rts = rts;
    if (m->usb_jtag) {
        model_usb_lines(m, dtr, rts);
        return ERR_OK;
    }
    if (was_low && !is_low) {
        m->rising = true;
        m->rising_at = virtual_ns;
    }
    if (is_low) {
        m->mode = MODEL_IN_RESET;
        m->rising = false;
    }
    return ERR_OK;
}

static inline uint32_t model_word(const struct model *m, size_t i)
{
    const uint8_t *p = m->frame + 8 + 4 * i;
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* FLASH_BEGIN and DEFL_BEGIN: a session of one kind replaces any before it. */
static inline void model_begin(struct model *m, size_t n)
{
    uint8_t op = m->frame[1];
    m->begins++;
    if (op == 0x10) m->deflates++;
    if (m->hit && n == m->chip.begin_bytes) m->begin_hit = true;
    if (n != m->chip.begin_bytes || model_word(m, 2) > (op == 0x10 ? 0x1000 : 0x1800) ||
        (n == 20 && model_word(m, 4))) {
        model_answer(m, op, 5, NULL, 0, 0);
        return;
    }
    uint32_t size = model_word(m, 0), offset = model_word(m, 3);
    model_end_deflate(m);
    m->open = true;
    m->ended = false;
    m->seq = m->window_len = 0;
    m->blocks = model_word(m, 1);
    m->block_bytes = model_word(m, 2);
    m->write_at = offset;
    if (op == 0x10) {
        memset(&m->z, 0, sizeof m->z);
        m->deflating = inflateInit(&m->z) == Z_OK;
    }
    if ((m->no_fence && m->known_size % 0x100000) || offset % 0x1000 || offset > m->known_size ||
        size > m->known_size - offset || m->known_size > MODEL_FLASH) {
        model_answer(m, op, 6, NULL, 0, 0);
        return;
    }
    uint32_t sectors = size ? (offset + size - 1) / 0x1000 - offset / 0x1000 + 1 : 0;
    memset(m->flash + offset, 0xff, (size_t)sectors * 0x1000);
    model_answer(m, op, 0, NULL, 0, (int64_t)sectors * 45000000);
}

/* @return false when what can be read back is not what was programmed */
static inline bool model_program(struct model *m, const uint8_t *data, uint32_t n)
{
    bool same = true;
    for (uint32_t i = 0; i < n && m->write_at + i < MODEL_FLASH; i++) {
        uint8_t *cell = m->flash + m->write_at + i;
        *cell &= data[i];
        if (m->weak_flash && i == 7) *cell &= 0xfe;
        if (*cell != data[i] && !m->weak_flash) same = false;
    }
    return same;
}

/* Number and checksum of a data block. @return whether it is taken */
static inline bool model_takes(struct model *m, size_t n, uint32_t multiple, uint32_t *len)
{
    uint8_t op = m->frame[1], sum = 0xef;
    *len = n >= 16 ? model_word(m, 0) : 1;
    m->datas++;
    if (!m->open || m->deflating != (op == 0x11) || n < 16 || *len % multiple ||
        *len > m->block_bytes || model_word(m, 1) != m->seq) {
        model_answer(m, op, 5, NULL, 0, 0);
        return false;
    }
    for (uint32_t i = 0; i < *len; i++) /* the length is believed: beyond the frame, old bytes */
        sum ^= m->frame[24 + i];
    m->seq++;
    if (sum == m->frame[4]) return true;
    model_answer(m, op, 7, NULL, 0, 0);
    return false;
}

static inline void model_data(struct model *m, size_t n)
{
    uint32_t len;
    if (!model_takes(m, n, 4, &len)) return;
    bool same = model_program(m, m->frame + 24, len);
    if (same) m->write_at += len;
    model_answer(m, 3, same ? 0 : 8, NULL, 0, 4000000);
}

static inline void model_flush_window(struct model *m)
{
    model_program(m, m->window, MODEL_WINDOW); /* nobody reads back */
    m->write_at += MODEL_WINDOW;
    m->window_len = 0;
}

/* What the inflater makes of some input, into the window. */
static inline int model_unpack(struct model *m, uint8_t *data, uint32_t n)
{
    m->z.next_in = data;
    m->z.avail_in = n;
    m->z.next_out = m->window + m->window_len;
    m->z.avail_out = MODEL_WINDOW - m->window_len;
    int rc = inflate(&m->z, Z_NO_FLUSH);
    m->window_len = MODEL_WINDOW - m->z.avail_out;
    m->ended = rc == Z_STREAM_END;
    return rc;
}

/* Full windows are programmed. Behind the last block that was announced the inflater goes on with
 * zeros, to the end of the window. @return an error code of the ROM */
static inline uint8_t model_inflate(struct model *m, uint8_t *data, uint32_t n)
{
    static uint8_t zeros[MODEL_WINDOW];
    bool last = m->seq == m->blocks;
    for (bool more = true; more && !m->ended;) {
        int rc = model_unpack(m, data, n);
        data = m->z.next_in;
        n = m->z.avail_in;
        more = n > 0;
        if (!more && last && !m->ended && rc != Z_DATA_ERROR)
            rc = model_unpack(m, zeros, sizeof zeros);
        if (rc == Z_DATA_ERROR) return strstr(m->z.msg, "data check") ? 0x0c : 0x0b;
        if (m->window_len == MODEL_WINDOW) model_flush_window(m);
    }
    return 0;
}

/* The ESP32's: when the stream ends, it programs the whole window once more; and it never comes
 * back from anything behind the end of a stream. */
static inline void model_defl_data(struct model *m, size_t n)
{
    uint32_t len;
    if (!model_takes(m, n, 1, &len)) return;
    if (m->ended) {
        m->mode = MODEL_HUNG;
        return;
    }
    uint32_t before = m->write_at;
    uint8_t error = m->no_inflate ? 0x0b : model_inflate(m, m->frame + 24, len);
    if (m->ended) model_flush_window(m);
    if (m->ended && m->z.avail_in) m->mode = MODEL_HUNG;
    int64_t pages = (m->write_at - before) / 256;
    if (m->mode == MODEL_LOADER) model_answer(m, 0x11, error, NULL, 0, pages * 500000);
}

static inline void model_md5(struct model *m)
{
    uint32_t at = model_word(m, 0), n = model_word(m, 1);
    uint8_t digest[16];
    char hex[33] = "";
    m->error = 0;
    if (at > m->known_size || n > m->known_size - at || m->known_size > MODEL_FLASH) {
        model_answer(m, 0x13, 9, "00000000000000000000000000000000", 32, 0);
        return;
    }
    EVP_Digest(m->flash + at, n, digest, NULL, EVP_md5(), NULL);
    if (m->bad_md5) {
        m->bad_md5--;
        digest[3] ^= 0x10;
    }
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    model_answer(m, 0x13, 0, hex, 32, 1000000);
}

static inline void model_slow_read(struct model *m)
{
    uint32_t at = model_word(m, 0), n = model_word(m, 1);
    uint8_t bytes[64];
    memset(bytes, 0x5a, sizeof bytes);
    if (n > 64 || at > m->known_size || n > m->known_size - at || m->known_size > MODEL_FLASH) {
        model_answer(m, 0x0e, n > 64 ? 0x0a : 9, bytes, 64, 0);
        return;
    }
    memcpy(bytes, m->flash + at, n);
    model_answer(m, 0x0e, 0, bytes, 64, 0);
}

static inline void model_read_reg(struct model *m)
{
    uint32_t at = model_word(m, 0), base = m->chip.spi_base;
    m->error = 0;
    if (at >= base && at < base + 0x100)
        m->value = m->spi[(at - base) / 4];
    else if (at == m->chip.uart_clkdiv)
        m->value = m->crystal_mhz * 1000000 / m->chip_baud;
    else
        m->value = model_get_reg(m, at);
    model_answer(m, 0x0a, 0, NULL, 0, 0);
}

static inline void model_write_reg(struct model *m)
{
    const struct model_chip *c = &m->chip;
    uint32_t at = model_word(m, 0), v = model_word(m, 1);
    m->error = 0;
    if (at >= c->spi_base && at < c->spi_base + 0x100) {
        m->spi[(at - c->spi_base) / 4] = v;
    } else if (m->written_count < MODEL_REGS) {
        m->written[m->written_count++] = (struct model_reg){at, v};
        model_set_reg(m, at, v);
    }
    if (at == c->spi_base && v & 0x40000) { /* a transfer: RDID, once attached */
        bool rdid = (m->spi[c->usr2 / 4] & 0xff) == 0x9f && m->spi[c->usr / 4] == 0x90000000 &&
                    m->spi[c->miso_dlen / 4] == 23;
        m->spi[0] = 0;
        m->spi[c->w0 / 4] = rdid && m->attached && !m->no_flash ? 0x1640c8 : 0xffffff;
    }
    model_answer(m, 9, 0, NULL, 0, 0);
}

static inline void model_security_info(struct model *m)
{
    uint8_t info[20] = {0};
    for (int i = 0; i < 4; i++) {
        info[i] = (uint8_t)(m->flags >> 8 * i);
        info[12 + i] = (uint8_t)(m->chip.id >> 8 * i);
    }
    info[4] = m->crypt_count;
    m->infos++;
    model_answer(m, 0x14, 0, info, m->chip.info_bytes, 0);
}

static inline void model_change_baud(struct model *m)
{
    static const uint8_t stray[] = {0xc0, 0xc0};
    model_answer(m, 0x0f, 0, NULL, 0, 0);
    model_put(m, stray, 2, 0);
    m->chip_baud = (uint32_t)((uint64_t)model_word(m, 0) * m->crystal_mhz / m->rom_crystal_mhz);
}

/* What this loader knows and allows: rom-protocol.md 3 and 13. */
static inline bool model_knows(const struct model *m, uint8_t op)
{
    static const uint8_t allowed[] = {0x02, 0x03, 0x08, 0x0b, 0x0d, 0x0f, 0x14};
    if (op == 0x14 && (!m->chip.info_bytes || m->no_info)) return false;
    return !m->secure_download || memchr(allowed, op, sizeof allowed);
}

static inline void model_command(struct model *m)
{
    uint8_t op = m->frame[1];
    size_t n = m->frame_len > 8 ? m->frame_len - 8 : 0;
    if (m->frame[0] != 0) op = 0;
    switch (model_knows(m, op) ? op : 0) {
    case 0x02:
    case 0x10:
        model_begin(m, n);
        break;
    case 0x03:
        model_data(m, n);
        break;
    case 0x08:
        m->syncs++;
        m->value = 0x20120707;
        for (int i = 0; i < 8; i++)
            model_answer(m, 8, 0, NULL, 0, 0);
        break;
    case 0x09:
        model_write_reg(m);
        break;
    case 0x0a:
        model_read_reg(m);
        break;
    case 0x0b:
        if (n == 24) m->known_size = model_word(m, 1);
        model_answer(m, op, n == 24 ? 0 : 5, NULL, 0, 0);
        break;
    case 0x0d:
        m->attached = true;
        m->attach_pins = model_word(m, 0);
        model_answer(m, op, 0, NULL, 0, 0);
        break;
    case 0x0e:
        model_slow_read(m);
        break;
    case 0x0f:
        model_change_baud(m);
        break;
    case 0x11:
        model_defl_data(m, n);
        break;
    case 0x13:
        model_md5(m);
        break;
    case 0x14:
        model_security_info(m);
        break;
    default:
        m->unknowns++;
        if (op == 0x04 || op == 0x12) m->ends++;
        for (int i = 0; i < (m->last_op == 8 ? 8 : 1); i++)
            model_answer(m, m->last_op, 5, NULL, 0, 0);
    }
}

static inline void model_byte(struct model *m, uint8_t c)
{
    if (c == 0xc0) {
        if (m->inside && m->frame_len) {
            model_command(m);
            m->hit = false;
            m->inside = false;
        } else {
            m->inside = true;
        }
        m->frame_len = 0;
        m->escaped = false;
    } else if (m->inside) {
        if (m->escaped)
            c = c == 0xdc ? 0xc0 : c == 0xdd ? 0xdb : c;
        else if (c == 0xdb) {
            m->escaped = true;
            return;
        }
        m->escaped = false;
        if (m->frame_len < MODEL_FRAME) m->frame[m->frame_len++] = c;
    }
}

/* Whether a fault meant for byte @p at strikes now. */
static inline bool model_strikes(struct model *m, uint64_t *at)
{
    if (!*at || m->host_bytes != *at) return false;
    if (m->once) *at = 0;
    return true;
}

static inline void model_host_byte(struct model *m, uint8_t c)
{
    m->host_bytes++;
    if (model_strikes(m, &m->gone_at)) m->gone = true;
    if (model_strikes(m, &m->cancel_at)) cancel_raise(m->port.cancel);
    bool lossy = m->drop_every && m->port.baud > m->drop_above;
    if (lossy && ++m->lost_count % m->drop_every == 0) {
        m->hit = true;
        return;
    }
    if (model_strikes(m, &m->drop_at)) {
        m->hit = true;
        return;
    }
    if (model_strikes(m, &m->flip_at)) {
        m->hit = true;
        c ^= 0x04;
    }
    if (model_strikes(m, &m->reset_at)) model_boot(m);
    if (m->bridged) model_put(m, &c, 1, 0);
    int64_t off = (int64_t)m->port.baud - m->chip_baud;
    if (llabs(off) * 50 > m->chip_baud || (m->max_baud && m->port.baud > m->max_baud)) c = 0x99;
    if (m->mode == MODEL_LOADER && !m->deaf && !m->silent) model_byte(m, c);
}

static inline enum err model_write(struct port *p, const void *data, size_t n,
                                   struct deadline until)
{
    struct model *m = (struct model *)p;
    const uint8_t *bytes = data;
    (void)until;
    for (size_t i = 0; i < n && !m->gone; i++) {
        virtual_move_to(virtual_ns + 10LL * 1000000000 / p->baud);
        model_host_byte(m, bytes[i]);
    }
    return m->gone ? err_set(ERR_PORT_GONE, "gone") : ERR_OK;
}

/* Hand out what has arrived by now, a few bytes at a time as an adapter does. */
static inline enum err model_read(struct port *p, void *out, size_t cap, struct deadline until,
                                  size_t *n_out)
{
    struct model *m = (struct model *)p;
    uint8_t *bytes = out;
    if (m->gone) return err_set(ERR_PORT_GONE, "gone");
    if (cancel_is_raised(p->cancel)) return err_set(ERR_CANCELLED, "cancelled");
    if (m->talks && m->out_head == m->out_tail)
        model_put(m, "I (812) app: temperature 21.5, humidity 40\r\n", 44, 5000000);
    int64_t next = m->out_head < m->out_tail ? m->out_at[m->out_head] : INT64_MAX;
    if (next > virtual_ns) {
        if (next > until.at_ns) {
            virtual_move_to(until.at_ns);
            return err_set(ERR_TIMEOUT, "nothing");
        }
        virtual_move_to(next);
    }
    size_t n = 0;
    while (n < cap && n < 13 && m->out_head < m->out_tail && m->out_at[m->out_head] <= virtual_ns)
        bytes[n++] = m->out[m->out_head++];
    if (m->out_head == m->out_tail) m->out_head = m->out_tail = 0;
    virtual_move_to(virtual_ns + (int64_t)n * 10 * 1000000000 / p->baud);
    *n_out = n;
    return ERR_OK;
}

static inline enum err model_set_baud(struct port *p, uint32_t baud)
{
    struct model *m = (struct model *)p;
    if (m->odd_baud_refused && baud == 74880) return err_set(ERR_UNSUPPORTED, "not that");
    if (m->adapter_baud && baud > m->adapter_baud) return err_set(ERR_UNSUPPORTED, "too fast");
    return m->gone ? err_set(ERR_PORT_GONE, "gone") : ERR_OK;
}

static inline enum err model_flush(struct port *p)
{
    struct model *m = (struct model *)p;
    m->out_head = m->out_tail = 0;
    return ERR_OK;
}

static inline enum err model_drain(struct port *p, struct deadline until)
{
    (void)p;
    (void)until;
    return ERR_OK;
}

static inline void model_close(struct port *p)
{
    struct model *m = (struct model *)p;
    virtual_moved = NULL;
    model_end_deflate(m);
    free(m->flash);
    free(m);
}

/* Another chip, with a MAC in its fuses: 11:22:33:44:55:66. */
static inline void model_become(struct model *m, const struct model_chip *chip)
{
    m->chip = *chip;
    m->reg_count = 0;
    model_set_reg(m, 0x40001000, chip->magic);
    model_set_reg(m, chip->mac_word, 0x33445566);
    model_set_reg(m, chip->mac_word + 4, 0x00481122); /* on an ESP32 with its CRC */
}

/* A board that runs its firmware; its flash is full of bytes that are not 0xFF. */
static inline struct model *model_new(void)
{
    static const struct port_ops ops = {
        .read = model_read,
        .write_all = model_write,
        .set_baud = model_set_baud,
        .set_lines = model_set_lines,
        .flush_input = model_flush,
        .drain = model_drain,
        .reopen = model_reopen,
        .close = model_close,
    };
    struct model *m = calloc(1, sizeof *m);
    if (!m) abort();
    m->flash = malloc(MODEL_FLASH);
    if (!m->flash) abort();
    static uint8_t used[MODEL_FLASH];
    for (size_t i = 0; i < MODEL_FLASH && !used[MODEL_FLASH - 1]; i++)
        used[i] = (uint8_t)(i * 7 + i / 256);
    memcpy(m->flash, used, MODEL_FLASH);
    m->port.ops = &ops;
    m->port.baud = 115200;
    m->chip_baud = 115200;
    snprintf(m->port.name, sizeof m->port.name, "model");
    m->mode = MODEL_FIRMWARE;
    static const struct model_chip esp32 = {.name = "esp32",
                                            .magic = 0x00f01d83,
                                            .begin_bytes = 16,
                                            .mac_word = 0x3ff5a004,
                                            .spi_base = 0x3ff42000,
                                            .uart_clkdiv = 0x3ff40014,
                                            .usr = 0x1c,
                                            .usr2 = 0x24,
                                            .miso_dlen = 0x2c,
                                            .w0 = 0x80};
    model_become(m, &esp32);
    model_set_reg(m, 0x3ff5a00c, 0x00008200); /* revision 3 */
    model_set_reg(m, 0x3ff5a014, 0x00100000);
    model_set_reg(m, 0x3ff6607c, 0x96200000);
    m->crystal_mhz = m->rom_crystal_mhz = 40;
    m->once = true;
    virtual_moved = model_time_moved;
    virtual_arg = m;
    return m;
}
#endif
