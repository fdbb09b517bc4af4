#include "tests/board/regs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/chip.h"

enum { MAX_REGIONS = 12 };
#define SPI_CMD_USR (1u << 18)

struct regs {
    const struct chip *chip;
    uint8_t mac[6];
    uint32_t jedec;
    uint8_t *memory[MAX_REGIONS];
};

static uint8_t mac_crc(const uint8_t mac[6])
{
    uint8_t crc = 0;
    for (int i = 0; i < 6; i++) {
        crc ^= mac[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 1 ? (crc >> 1) ^ 0x8c : crc >> 1);
    }
    return crc;
}

static uint8_t capacity_code(uint32_t bytes)
{
    uint8_t code = 0;
    while (bytes > 1) {
        bytes >>= 1;
        code++;
    }
    return code;
}

struct regs *regs_new(const struct chip *chip, const uint8_t mac[6], uint32_t flash_bytes)
{
    struct regs *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->chip = chip;
    memcpy(r->mac, mac, 6);
    r->jedec = 0x0040c8 | (uint32_t)capacity_code(flash_bytes) << 16; /* GigaDevice GD25Q */
    if (!regs_reset(r)) {
        regs_free(r);
        return NULL;
    }
    return r;
}

void regs_free(struct regs *r)
{
    if (!r) return;
    for (int i = 0; i < MAX_REGIONS; i++)
        free(r->memory[i]);
    free(r);
}

/* Where @p n bytes at @p address are kept; NULL when nothing is there. */
static uint8_t *locate(const struct regs *r, uint32_t address, uint32_t n, int *kind_out)
{
    const struct chip_region *region = r->chip->regions;
    for (int i = 0; i < MAX_REGIONS && region[i].size; i++) {
        if (address < region[i].base) continue;
        uint32_t at = address - region[i].base;
        if (at < region[i].size && n <= region[i].size - at) {
            *kind_out = (int)region[i].kind;
            return r->memory[i] + at;
        }
    }
    return NULL;
}

static void set_word(struct regs *r, uint32_t address, uint32_t value)
{
    int kind;
    uint8_t *at = locate(r, address, 4, &kind);
    if (at) le32_put(at, value);
}

bool regs_reset(struct regs *r)
{
    const struct chip *c = r->chip;
    for (int i = 0; i < MAX_REGIONS && c->regions[i].size; i++) {
        free(r->memory[i]);
        r->memory[i] = calloc(1, c->regions[i].size);
        if (!r->memory[i]) return false;
    }
    for (const struct chip_word *w = c->words; w->address; w++)
        set_word(r, w->address, w->value);
    const uint8_t *m = r->mac;
    set_word(r, c->mac_reg,
             (uint32_t)m[2] << 24 | (uint32_t)m[3] << 16 | (uint32_t)m[4] << 8 | m[5]);
    set_word(r, c->mac_reg + 4, (uint32_t)mac_crc(m) << 16 | (uint32_t)m[0] << 8 | m[1]);
    return true;
}

bool regs_read(const struct regs *r, uint32_t address, uint32_t *out)
{
    int kind;
    const uint8_t *at = locate(r, address, 4, &kind);
    if (at) *out = le32_get(at);
    return at != NULL;
}

/* One SPI transfer set up by hand. The real chip in the recordings answered 9F with its id and an
 * SFDP read beyond the header with zeros; other commands have no data that a host looks at. */
static void run_spi(struct regs *r)
{
    const struct chip_spi *spi = &r->chip->spi;
    uint32_t command = 0;
    uint32_t address = 0;
    uint32_t answer = 0;
    regs_read(r, spi->base + spi->usr2, &command);
    regs_read(r, spi->base + 4, &address);
    if ((command & 0xff) == 0x9f)
        answer = r->jedec;
    else if ((command & 0xff) == 0x5a && address == 0)
        answer = 0x50444653; /* "SFDP" */
    set_word(r, spi->base + spi->w0, answer);
    set_word(r, spi->base, 0);
}

bool regs_write(struct regs *r, uint32_t address, uint32_t value)
{
    int kind;
    uint8_t *at = locate(r, address, 4, &kind);
    if (!at) return false;
    if (kind != REGION_ROM) le32_put(at, value);
    if (address == r->chip->spi.base && (value & SPI_CMD_USR)) run_spi(r);
    return true;
}

bool regs_load(struct regs *r, uint32_t address, const uint8_t *data, uint32_t n)
{
    int kind;
    uint8_t *at = locate(r, address, n, &kind);
    if (!at || kind != REGION_RAM) return false;
    memcpy(at, data, n);
    return true;
}
