/* The commands that work on the flash. */
#include <string.h>

#include "service/flash/rom_call.h"

enum {
    OP_FLASH_BEGIN = 0x02,
    OP_FLASH_DATA = 0x03,
    OP_READ_FLASH_SLOW = 0x0e,
    OP_DEFL_BEGIN = 0x10,
    OP_DEFL_DATA = 0x11,
    OP_SPI_FLASH_MD5 = 0x13,
};

/* Of the slowest flash: 400 ms to erase a sector, 3 ms to program a page of 256 bytes. */
enum { ERASE_MS_PER_MB = 100000, PROGRAM_MS_PER_MB = 12000, MD5_MS_PER_MB = 8000 };

/* Time for n bytes of flash at ms_per_mb, and for the frame on the wire. */
static struct deadline within_work(const struct rom *r, uint64_t n, int64_t ms_per_mb, size_t sent)
{
    int64_t ms = (int64_t)(n * (uint64_t)ms_per_mb / 1000000);
    if (ms < ROM_COMMAND_MS) ms = ROM_COMMAND_MS;
    return rom_within(r, ms + (int64_t)sent * 10 * 1000 / r->port->baud);
}

static enum err begin(struct rom *r, const char *name, uint8_t op, const uint32_t words[4])
{
    const uint32_t all[] = {words[0], words[1], words[2], words[3], 0}; /* 0: not encrypted */
    const struct rom_call c = {
        .name = name, .op = op, .until = within_work(r, words[0], ERASE_MS_PER_MB, 0)};
    return rom_words(r, &c, all, r->begin_words);
}

enum err rom_flash_begin(struct rom *r, uint32_t erase_bytes, uint32_t blocks, uint32_t block_bytes,
                         uint32_t offset)
{
    const uint32_t words[] = {erase_bytes, blocks, block_bytes, offset};
    return begin(r, "FLASH_BEGIN", OP_FLASH_BEGIN, words);
}

enum err rom_defl_begin(struct rom *r, uint32_t erase_bytes, uint32_t blocks, uint32_t block_bytes,
                        uint32_t offset)
{
    const uint32_t words[] = {erase_bytes, blocks, block_bytes, offset};
    return begin(r, "DEFL_BEGIN", OP_DEFL_BEGIN, words);
}

/* The data of c, under their number and checksum. */
static enum err send_block(struct rom *r, struct rom_call *c, uint32_t seq)
{
    uint8_t head[16] = {0};
    le32_put(head, (uint32_t)c->n);
    le32_put(head + 4, seq);
    c->head = head;
    c->head_n = sizeof head;
    c->checksum = 0xef;
    for (size_t i = 0; i < c->n; i++)
        c->checksum ^= c->data[i];
    return rom_transact(r, c);
}

enum err rom_flash_data(struct rom *r, uint32_t seq, const uint8_t *data, size_t n)
{
    struct rom_call c = {.name = "FLASH_DATA",
                         .op = OP_FLASH_DATA,
                         .data = data,
                         .n = n,
                         .until = within_work(r, n, PROGRAM_MS_PER_MB, n)};
    return send_block(r, &c, seq);
}

enum err rom_defl_data(struct rom *r, uint32_t seq, const uint8_t *data, size_t n,
                       uint32_t unpacked_bytes)
{
    struct rom_call c = {.name = "DEFL_DATA",
                         .op = OP_DEFL_DATA,
                         .data = data,
                         .n = n,
                         .until = within_work(r, unpacked_bytes, PROGRAM_MS_PER_MB, n)};
    return send_block(r, &c, seq);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

enum err rom_flash_md5(struct rom *r, uint32_t offset, uint32_t n, uint8_t out[MD5_BYTES])
{
    uint8_t hex[2 * MD5_BYTES];
    const uint32_t words[] = {offset, n, 0, 0};
    const struct rom_call c = {.name = "SPI_FLASH_MD5",
                               .op = OP_SPI_FLASH_MD5,
                               .payload = hex,
                               .payload_n = sizeof hex,
                               .until = within_work(r, n, MD5_MS_PER_MB, 0)};
    enum err e = rom_words(r, &c, words, 4);
    if (e) return e;
    for (size_t i = 0; i < MD5_BYTES; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return err_set(ERR_PROTOCOL, "the loader's MD5 is not a number");
        out[i] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}

struct read {
    struct rom_call call;
    uint8_t head[8], bytes[ROM_READ_MAX]; /* so many come back, whatever was asked for */
};

static enum err ask(struct rom *r, struct read *q, uint32_t offset, uint32_t n)
{
    le32_put(q->head, offset);
    le32_put(q->head + 4, n);
    q->call = (struct rom_call){.name = "READ_FLASH_SLOW",
                                .op = OP_READ_FLASH_SLOW,
                                .head = q->head,
                                .head_n = sizeof q->head,
                                .payload = q->bytes,
                                .payload_n = sizeof q->bytes,
                                .until = rom_within(r, ROM_COMMAND_MS)};
    return rom_send(r, &q->call);
}

static uint32_t part_from(size_t at, size_t n)
{
    return (uint32_t)(n - at < ROM_READ_MAX ? n - at : ROM_READ_MAX);
}

enum err rom_read_flash(struct rom *r, uint32_t offset, uint8_t *out, size_t n, unsigned ahead)
{
    struct read reads[ROM_READ_AHEAD] = {0}; /* a ring */
    size_t asked = 0, done = 0;
    enum err e = ERR_OK;
    if (!ahead || ahead > ROM_READ_AHEAD) return err_set(ERR_ARG, "%u reads ahead", ahead);
    while (done < n && !e) {
        bool room = asked < done + (size_t)ahead * ROM_READ_MAX;
        if (room && asked < n) {
            uint32_t part = part_from(asked, n);
            e = ask(r, &reads[asked / ROM_READ_MAX % ahead], offset + (uint32_t)asked, part);
            asked += part;
        } else {
            const struct read *q = &reads[done / ROM_READ_MAX % ahead];
            uint32_t part = part_from(done, n);
            e = rom_await(r, &q->call);
            if (!e) memcpy(out + done, q->bytes, part);
            done += part;
        }
    }
    explicit_bzero(reads, sizeof reads);
    return e;
}
