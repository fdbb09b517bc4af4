/* A call is one frame out and one frame back. What comes between is passed over: left-over SYNC
 * answers, boot text, our own bytes when TX and RX are bridged. An answer with a foreign opcode and
 * status 01 05 is how this ROM says that it does not know a command, or that the frame reached it
 * damaged. */
#include "service/flash/rom_call.h"

#include <stdlib.h>
#include <string.h>

enum {
    OP_SYNC = 0x08,
    OP_WRITE_REG = 0x09,
    OP_READ_REG = 0x0a,
    OP_SPI_SET_PARAMS = 0x0b,
    OP_SPI_ATTACH = 0x0d,
    OP_CHANGE_BAUDRATE = 0x0f,
    OP_GET_SECURITY_INFO = 0x14,
};

enum { ERROR_FORMAT = 0x05 }; /* also of a command that is not known, or not allowed */

enum {
    HEADER = 8, /* of both packets: direction, opcode, size, checksum or value */
    SYNC_ANSWERS = 8,
    SYNC_WAIT_MS = 100,
    CHANGE_MS = 1000, /* of the speed: a short answer, and not worth a long wait */
    QUIET_MS = 30,    /* longer than an adapter holds bytes back */
};

static const char *const hint_bytes_lost =
    "Bytes were lost or changed on the way. Use a shorter cable, no hub, or a lower speed.";

void rom_init(struct rom *r, struct port *port)
{
    *r = (struct rom){.port = port, .until = deadline_never(), .begin_words = 4};
    rom_forget(r);
}

void rom_dispose(struct rom *r)
{
    /* What was read from the flash may have been a key. */
    explicit_bzero(r->frame, sizeof r->frame);
    explicit_bzero(r->rx, sizeof r->rx);
}

void rom_forget(struct rom *r)
{
    r->rx_len = r->rx_used = 0;
    slip_decoder_init(&r->slip, r->frame, sizeof r->frame);
}

bool rom_is_wire_error(uint8_t code)
{
    return code == ERROR_FORMAT || code == 0x07 || code == 0x0b || code == 0x0c;
}

static const char *refusal_text(uint8_t code)
{
    switch (code) {
    case ERROR_FORMAT:
        return "bad format, length or sequence";
    case 0x06:
        return "address or size refused";
    case 0x07:
        return "bad checksum";
    case 0x08:
        return "what was written reads back differently";
    case 0x09:
        return "flash could not be read";
    case 0x0a:
        return "too long a read";
    case 0x0b:
        return "compressed data that cannot be unpacked";
    case 0x0c:
        return "compressed data with a wrong checksum";
    default:
        return "unknown reason";
    }
}

static const char *refusal_hint(uint8_t code)
{
    if (rom_is_wire_error(code)) return hint_bytes_lost;
    if (code == 0x06) return "The address is not in this board's flash. Check the flash size.";
    if (code == 0x08)
        return "The flash does not keep what is written: check the power supply, and whether the "
               "flash is write-protected.";
    return NULL;
}

struct deadline rom_within(const struct rom *r, int64_t ms)
{
    return deadline_within_ms(r->until, ms);
}

static enum err receive(struct rom *r, struct deadline until)
{
    r->rx_len = r->rx_used = 0;
    /* A board that never stops talking must not keep us here. */
    if (deadline_passed(until)) return err_set(ERR_TIMEOUT, "nothing in time");
    enum err e = port_read(r->port, r->rx, sizeof r->rx, until, &r->rx_len);
    if (!e && r->heard && r->heard->max - r->heard->len >= r->rx_len)
        e = buf_append(r->heard, r->rx, r->rx_len);
    return e;
}

/* Next frame, in r->frame with r->slip.len. Broken ones are passed over. */
static enum err next_frame(struct rom *r, struct deadline until)
{
    for (;;) {
        if (r->rx_used == r->rx_len) {
            enum err e = receive(r, until);
            if (e) return e;
        }
        size_t used;
        bool done;
        enum err e =
            slip_decode(&r->slip, r->rx + r->rx_used, r->rx_len - r->rx_used, &used, &done);
        r->rx_used += used;
        if (!e && done) return ERR_OK;
    }
}

enum err rom_send(struct rom *r, const struct rom_call *c)
{
    bool secret = r->secret && c->n;
    struct buf packet, wire;
    size_t max = HEADER + c->head_n + c->n;
    buf_init_secret(&packet, max);
    buf_init_secret(&wire, 2 * max + 2);
    packet.secret = wire.secret = secret;
    const uint8_t start[] = {0x00, c->op};
    buf_append(&packet, start, sizeof start);
    buf_le16(&packet, (uint16_t)(c->head_n + c->n));
    buf_le32(&packet, c->checksum);
    buf_append(&packet, c->head, c->head_n);
    buf_append(&packet, c->data, c->n);
    enum err e = buf_ok(&packet);
    if (!e) e = slip_encode(packet.data, packet.len, &wire);
    if (e) goto out;
    r->commands++;
    e = secret ? port_write_secret(r->port, wire.data, wire.len, c->until)
               : port_write(r->port, wire.data, wire.len, c->until);
out:
    buf_dispose(&packet);
    buf_dispose(&wire);
    return e;
}

static bool is_echo(const struct rom *r, const struct rom_call *c)
{
    const uint8_t *f = r->frame;
    return f[0] == 0x00 && f[1] == c->op && le16_get(f + 2) == (uint16_t)(c->head_n + c->n) &&
           r->slip.len >= HEADER + c->head_n && !memcmp(f + HEADER, c->head, c->head_n);
}

static bool is_unknown_command(const struct rom *r, const struct rom_call *c)
{
    const uint8_t *f = r->frame;
    return f[1] != c->op && r->slip.len == HEADER + 4 && f[HEADER] == 1 &&
           f[HEADER + 1] == ERROR_FORMAT;
}

/* Where the status of an answer stands, NULL when the frame is none. Success is told by its first
 * byte alone: the second keeps the last error, the others are left-overs. An error may come without
 * the payload. */
static const uint8_t *find_status(const struct rom *r, const struct rom_call *c)
{
    size_t n = r->slip.len - HEADER;
    if (le16_get(r->frame + 2) != n) return NULL;
    if (n == c->payload_n + 4 || n == c->payload_n + 2) return r->frame + HEADER + c->payload_n;
    if (n == c->short_n + 4 || n == c->short_n + 2) return r->frame + HEADER + c->short_n;
    return n == 4 || n == 2 ? r->frame + HEADER : NULL;
}

static enum err take_answer(struct rom *r, const struct rom_call *c, const uint8_t *status)
{
    if (status[0]) {
        r->last_error = status[1];
        err_fail(ERR_DEVICE, "rom_refused", refusal_hint(status[1]),
                 "the loader refused %s: status %02x %02x, %s", c->name, status[0], status[1],
                 refusal_text(status[1]));
        return err_device(ERR_DEVICE, status, 2);
    }
    size_t n = (size_t)(status - r->frame) - HEADER;
    if (n < (c->short_n ? c->short_n : c->payload_n))
        return err_set(ERR_PROTOCOL, "the answer to %s is too short", c->name);
    if (n) memcpy(c->payload, r->frame + HEADER, n);
    if (c->payload_n_out) *c->payload_n_out = n;
    if (c->value_out) *c->value_out = le32_get(r->frame + 4);
    return ERR_OK;
}

static enum err no_answer(const struct rom_call *c, bool echoed)
{
    if (echoed)
        return err_fail(ERR_PROTOCOL, "rom_echo",
                        "TX and RX of the adapter are bridged, or the board echoes.",
                        "%s came back as it was sent, and no answer", c->name);
    return err_fail(ERR_TIMEOUT, "rom_timeout", hint_bytes_lost, "no answer to %s", c->name);
}

enum err rom_await(struct rom *r, const struct rom_call *c)
{
    bool echoed = false;
    for (;;) {
        enum err e = next_frame(r, c->until);
        if (e == ERR_TIMEOUT) return no_answer(c, echoed);
        if (e) return e;
        if (r->slip.len < HEADER + 2) continue;
        if (is_echo(r, c)) echoed = true;
        if (r->frame[0] != 0x01) continue;
        if (is_unknown_command(r, c)) break;
        if (r->frame[1] != c->op) continue;
        const uint8_t *status = find_status(r, c);
        if (status) return take_answer(r, c, status);
    }
    /* After a SYNC it says so eight times. */
    rom_forget(r);
    enum err e = port_discard(r->port, QUIET_MS, rom_within(r, SYNC_WAIT_MS));
    if (e) return e;
    return err_fail(ERR_UNSUPPORTED, "rom_unsupported", NULL, "the loader does not know %s",
                    c->name);
}

bool rom_is_unsupported(const struct rom *r, enum err e)
{
    return e == ERR_UNSUPPORTED || (e == ERR_DEVICE && r->last_error == ERROR_FORMAT);
}

enum err rom_transact(struct rom *r, const struct rom_call *c)
{
    enum err e = rom_send(r, c);
    if (!e && c->n && r->meanwhile) r->meanwhile(r->meanwhile_arg);
    return e ? e : rom_await(r, c);
}

enum err rom_words(struct rom *r, const struct rom_call *call, const uint32_t *words, size_t n)
{
    uint8_t head[24];
    for (size_t i = 0; i < n; i++)
        le32_put(head + 4 * i, words[i]);
    struct rom_call c = *call;
    c.head = head;
    c.head_n = 4 * n;
    return rom_transact(r, &c);
}

/* Answers that are too many: eight for each SYNC that was heard. How many were, nobody knows, so
 * after the first eight only silence tells, except when one alone was sent. */
static enum err drain_sync(struct rom *r, unsigned sent)
{
    for (unsigned left = sent * SYNC_ANSWERS - 1; left;) {
        enum err e = next_frame(r, rom_within(r, QUIET_MS));
        if (e == ERR_TIMEOUT) return ERR_OK;
        if (e) return e;
        if (r->slip.len >= HEADER && r->frame[0] == 0x01 && r->frame[1] == OP_SYNC) left--;
    }
    return ERR_OK;
}

enum err rom_sync(struct rom *r, struct deadline until)
{
    uint8_t pattern[36] = {0x07, 0x07, 0x12, 0x20};
    memset(pattern + 4, 0x55, sizeof pattern - 4);
    struct rom_call c = {.name = "SYNC", .op = OP_SYNC, .head = pattern, .head_n = sizeof pattern};
    until = deadline_min(until, r->until);
    unsigned sent = 0;
    enum err e;
    do {
        rom_forget(r);
        c.until = deadline_within_ms(until, SYNC_WAIT_MS);
        e = rom_transact(r, &c);
        sent++;
        if (!e) return drain_sync(r, sent);
    } while ((e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_UNSUPPORTED || e == ERR_DEVICE) &&
             !deadline_passed(until));
    return e;
}

enum err rom_read_reg(struct rom *r, uint32_t addr, uint32_t *value_out)
{
    const struct rom_call c = {.name = "READ_REG",
                               .op = OP_READ_REG,
                               .value_out = value_out,
                               .until = rom_within(r, ROM_COMMAND_MS)};
    *value_out = 0;
    return rom_words(r, &c, &addr, 1);
}

enum err rom_write_reg(struct rom *r, uint32_t addr, uint32_t value)
{
    const uint32_t words[] = {addr, value, 0xffffffff, 0}; /* all bits, no delay */
    const struct rom_call c = {
        .name = "WRITE_REG", .op = OP_WRITE_REG, .until = rom_within(r, ROM_COMMAND_MS)};
    return rom_words(r, &c, words, 4);
}

enum err rom_spi_attach(struct rom *r, uint32_t pins)
{
    const uint32_t words[] = {pins, 0};
    const struct rom_call c = {
        .name = "SPI_ATTACH", .op = OP_SPI_ATTACH, .until = rom_within(r, ROM_COMMAND_MS)};
    return rom_words(r, &c, words, 2);
}

enum err rom_spi_set_params(struct rom *r, uint32_t flash_bytes)
{
    /* id, size, block, sector, page, status mask */
    const uint32_t words[] = {0, flash_bytes, 0x10000, 0x1000, 0x100, 0xffff};
    const struct rom_call c = {
        .name = "SPI_SET_PARAMS", .op = OP_SPI_SET_PARAMS, .until = rom_within(r, ROM_COMMAND_MS)};
    return rom_words(r, &c, words, 6);
}

enum err rom_security_info(struct rom *r, struct rom_security_info *out)
{
    uint8_t bytes[20] = {0}; /* flags, crypt count, seven key purposes, chip id, version */
    *out = (struct rom_security_info){0};
    const struct rom_call c = {.name = "GET_SECURITY_INFO",
                               .op = OP_GET_SECURITY_INFO,
                               .payload = bytes,
                               .payload_n = sizeof bytes,
                               .short_n = 12,
                               .payload_n_out = &out->bytes,
                               .until = rom_within(r, ROM_COMMAND_MS)};
    enum err e = rom_words(r, &c, NULL, 0);
    if (e) return e;
    out->flags = le32_get(bytes);
    out->crypt_count = bytes[4];
    out->chip_id = le32_get(bytes + 12);
    return ERR_OK;
}

enum err rom_change_baud(struct rom *r, uint32_t baud, uint32_t told)
{
    const uint32_t words[] = {told, 0};
    const struct rom_call c = {
        .name = "CHANGE_BAUDRATE", .op = OP_CHANGE_BAUDRATE, .until = rom_within(r, CHANGE_MS)};
    enum err e = rom_words(r, &c, words, 2);
    if (!e) e = port_set_baud(r->port, baud);
    if (e) return e;
    /* Two stray delimiters follow, and the chip takes a moment to change over. */
    rom_forget(r);
    return port_discard(r->port, QUIET_MS, rom_within(r, SYNC_WAIT_MS));
}
