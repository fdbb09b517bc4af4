/* regs: memory is kept by pages of 4 KiB that exist once something was written to them, so a board
 * costs what its host touches and not the chip's whole address space. */
#include "tests/board/regs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/board/board.h"
#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/flash.h"

enum { PAGE_BYTES = 4096, ROM_BAUD = 115200 };
#define SPI_CMD_USR (1u << 18)

struct page {
    uint32_t base;
    struct page *next;
    uint8_t bytes[PAGE_BYTES];
};

struct regs {
    const struct chip *chip;
    const struct board_options *options;
    const struct flash *flash;
    struct page *pages;
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

struct regs *regs_new(const struct chip *chip, const struct board_options *options,
                      const struct flash *flash)
{
    struct regs *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->chip = chip;
    r->options = options;
    r->flash = flash;
    if (!regs_reset(r)) {
        regs_free(r);
        return NULL;
    }
    return r;
}

static void drop_pages(struct regs *r)
{
    while (r->pages) {
        struct page *p = r->pages;
        r->pages = p->next;
        free(p);
    }
}

void regs_free(struct regs *r)
{
    if (!r) return;
    drop_pages(r);
    free(r);
}

/* What @p n bytes at @p address lie in; NULL when nothing is there. */
static const struct chip_region *region_of(const struct regs *r, uint32_t address, uint32_t n)
{
    for (const struct chip_region *c = r->chip->map->regions; c->size; c++) {
        if (address < c->base) continue;
        uint32_t at = address - c->base;
        if (at < c->size && n <= c->size - at) return c;
    }
    return NULL;
}

static struct page *find_page(const struct regs *r, uint32_t address)
{
    struct page *p = r->pages;
    while (p && p->base != address / PAGE_BYTES * PAGE_BYTES)
        p = p->next;
    return p;
}

static bool store(struct regs *r, uint32_t address, const uint8_t *data, uint32_t n)
{
    while (n > 0) {
        struct page *p = find_page(r, address);
        if (!p) {
            p = calloc(1, sizeof *p);
            if (!p) return false;
            p->base = address / PAGE_BYTES * PAGE_BYTES;
            p->next = r->pages;
            r->pages = p;
        }
        uint32_t at = address % PAGE_BYTES;
        uint32_t part = n < PAGE_BYTES - at ? n : PAGE_BYTES - at;
        memcpy(p->bytes + at, data, part);
        address += part;
        data += part;
        n -= part;
    }
    return true;
}

static bool set_word(struct regs *r, uint32_t address, uint32_t value)
{
    uint8_t word[4];
    le32_put(word, value);
    return store(r, address, word, sizeof word);
}

static uint32_t get_word(const struct regs *r, uint32_t address)
{
    uint8_t word[4];
    for (uint32_t i = 0; i < sizeof word; i++) {
        const struct page *p = find_page(r, address + i);
        word[i] = p ? p->bytes[(address + i) % PAGE_BYTES] : 0;
    }
    return le32_get(word);
}

static bool set_bits(struct regs *r, uint32_t address, uint32_t bits)
{
    return set_word(r, address, get_word(r, address) | bits);
}

static bool burn_fuses(struct regs *r)
{
    bool whole = true;
    for (int state = 0; state < FUSE_STATES; state++) {
        if (!(r->options->secure & 1u << state)) continue;
        for (int i = 0; i < 2; i++) {
            const struct chip_word *w = &r->chip->map->fuses[state][i];
            if (w->address) whole = set_bits(r, w->address, w->value) && whole;
        }
    }
    return whole;
}

static bool set_mac(struct regs *r)
{
    const uint8_t *m = r->options->mac;
    uint32_t reg = r->chip->mac_reg;
    uint32_t low = (uint32_t)m[2] << 24 | (uint32_t)m[3] << 16 | (uint32_t)m[4] << 8 | m[5];
    uint32_t high = (uint32_t)m[0] << 8 | m[1];
    if (r->chip->mac_crc) high |= (uint32_t)mac_crc(m) << 16;
    return set_bits(r, reg, low) && set_bits(r, reg + 4, high);
}

static bool set_crystal(struct regs *r)
{
    const struct chip *c = r->chip;
    uint32_t mhz = r->options->crystal_mhz;
    return set_word(r, c->clkdiv_reg, mhz * 1000000 / ROM_BAUD) &&
           (!c->crystal_reg || set_word(r, c->crystal_reg, mhz << 24));
}

bool regs_reset(struct regs *r)
{
    drop_pages(r);
    bool whole = set_crystal(r);
    for (const struct chip_word *w = r->chip->map->words; w->address; w++)
        whole = set_word(r, w->address, w->value) && whole;
    return burn_fuses(r) && set_mac(r) && whole;
}

bool regs_read(const struct regs *r, uint32_t address, uint32_t *out)
{
    if (!region_of(r, address, 4)) return false;
    *out = get_word(r, address);
    return true;
}

/* One SPI transfer set up by hand. The real chip in the recordings answered 9F with its id and an
 * SFDP read beyond the header with zeros; other commands have no data that a host looks at. */
static void run_spi(struct regs *r)
{
    const struct chip_spi *spi = &r->chip->spi;
    uint8_t command = (uint8_t)get_word(r, spi->base + spi->usr2);
    uint32_t answer = 0;
    if (command == 0x9f)
        answer = flash_id(r->flash);
    else if (command == 0x5a && get_word(r, spi->base + 4) == 0)
        answer = 0x50444653; /* "SFDP" */
    set_word(r, spi->base + spi->w0, answer);
    set_word(r, spi->base, 0);
}

bool regs_write(struct regs *r, uint32_t address, uint32_t value)
{
    const struct chip_region *c = region_of(r, address, 4);
    if (!c) return false;
    if (c->kind != REGION_ROM && !set_word(r, address, value)) return false;
    if (address == r->chip->spi.base && (value & SPI_CMD_USR)) run_spi(r);
    return true;
}

bool regs_load(struct regs *r, uint32_t address, const uint8_t *data, uint32_t n)
{
    const struct chip_region *c = region_of(r, address, n);
    return c && c->kind == REGION_RAM && store(r, address, data, n);
}
