/* The flash chip's id is read by hand through the SPI controller's registers, since the ROM has no
 * command for it (rom-protocol.md 8.1): program a transfer of eight command bits and 24 bits in,
 * start it, wait, take the word, put the controller back. */
#include "service/flash/identify.h"

#include <string.h>

#include "service/flash/fields.h"

enum {
    SPI_CMD = 0x00, /* offset of the register that starts a transfer */
    SPI_POLLS = 10,
    RDID_BITS = 24,
    CRYSTAL_PERCENT = 15, /* a divider is a rough measure */
};

static const uint32_t spi_usr_command_miso = 0x90000000, /* phases: command, data in */
    spi_usr2_rdid = 0x7000009f,                          /* eight bits, opcode 9F */
    spi_cmd_usr = 0x00040000;

static void put_mac(uint8_t mac[6], const uint32_t w[2])
{
    const uint8_t bytes[] = {(uint8_t)(w[1] >> 8),  (uint8_t)w[1],        (uint8_t)(w[0] >> 24),
                             (uint8_t)(w[0] >> 16), (uint8_t)(w[0] >> 8), (uint8_t)w[0]};
    memcpy(mac, bytes, sizeof bytes);
}

/* CRC-8 of the MAC as the fuses hold it: polynomial 31 hex, lowest bit first. */
static uint8_t mac_crc(const uint8_t mac[6])
{
    uint8_t crc = 0;
    for (size_t i = 0; i < 6; i++) {
        crc ^= mac[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 1 ? crc >> 1 ^ 0x8c : crc >> 1);
    }
    return crc;
}

static enum err read_mac_words(struct rom *r, const struct chip *chip, uint32_t w[2])
{
    enum err e = rom_read_reg(r, chip->mac_word, &w[0]);
    return e ? e : rom_read_reg(r, chip->mac_word + 4, &w[1]);
}

/* Records are kept by MAC, and a read has no checksum of its own: one that does not fit the fuses'
 * CRC counts only when it comes twice. */
enum err identify_mac(struct rom *r, struct flasher_board *b)
{
    uint32_t w[2], again[2];
    enum err e = read_mac_words(r, b->chip, w);
    if (e) return err_wrap(e, "read MAC");
    put_mac(b->mac, w);
    if (b->chip->mac_crc && mac_crc(b->mac) == (uint8_t)(w[1] >> 16)) return ERR_OK;
    e = read_mac_words(r, b->chip, again);
    if (e) return err_wrap(e, "read MAC");
    if (!memcmp(w, again, sizeof w)) return ERR_OK;
    return err_set(ERR_PROTOCOL, "two reads of the MAC differ");
}

static unsigned revision(struct fields *f, const struct chip *c)
{
    uint32_t major = 0, low = fields_get(f, c->minor[0]);
    uint32_t minor = low | fields_get(f, c->minor[1]) << c->minor[0].bits;
    for (size_t i = 0; i < sizeof c->major / sizeof c->major[0]; i++)
        major += fields_get(f, c->major[i]);
    if (!low && fields_get(f, c->block[0]) == 1 && fields_get(f, c->block[1]) == 1) return 0;
    return major * 100 + minor;
}

static uint32_t flash_pins(struct fields *f, const struct chip *c)
{
    uint32_t pins = 0;
    for (size_t i = 0; i < sizeof c->flash_pins / sizeof c->flash_pins[0]; i++)
        pins |= fields_get(f, c->flash_pins[i]) << 6 * i;
    return pins;
}

enum err identify_fuses(struct rom *r, struct flasher_board *b, uint32_t *pins_out)
{
    struct fields f = {.rom = r};
    *pins_out = 0;
    enum err e = identify_mac(r, b);
    if (e) return e;
    b->revision = revision(&f, b->chip);
    uint32_t pins = flash_pins(&f, b->chip);
    if (f.error) return err_wrap(f.error, "read eFuses");
    *pins_out = pins;
    b->mac_known = true;
    return ERR_OK;
}

uint32_t identify_flash_bytes(uint32_t flash_id)
{
    uint32_t manufacturer = flash_id & 0xff, type = flash_id >> 8 & 0xff;
    uint32_t capacity = flash_id >> 16 & 0xff;
    if (manufacturer == 0x1f) { /* Adesto keeps it elsewhere */
        type &= 0x1f;
        return type >= 4 && type <= 9 ? 1U << (15 + type) : 0;
    }
    if (capacity >= 0x12 && capacity <= 0x1c) return 1U << capacity;
    if (capacity >= 0x20 && capacity <= 0x22) return 1U << (capacity - 6);
    if (capacity >= 0x32 && capacity <= 0x3a) return 1U << (capacity - 0x20);
    return 0;
}

static enum err wait_transfer(struct rom *r, uint32_t base)
{
    for (int i = 0; i < SPI_POLLS; i++) {
        uint32_t cmd;
        enum err e = rom_read_reg(r, base + SPI_CMD, &cmd);
        if (e) return e;
        if (!(cmd & spi_cmd_usr)) return ERR_OK;
    }
    return err_set(ERR_DEVICE, "the SPI controller does not finish");
}

static enum err read_id(struct rom *r, const struct chip *c, uint32_t *id_out)
{
    const struct {
        uint32_t offset, value;
    } setup[] = {
        {c->spi->miso_dlen, RDID_BITS - 1},
        {c->spi->usr, spi_usr_command_miso},
        {c->spi->usr2, spi_usr2_rdid},
        {c->spi->w0, 0},
        {SPI_CMD, spi_cmd_usr},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof setup / sizeof setup[0] && !e; i++)
        e = rom_write_reg(r, c->spi_base + setup[i].offset, setup[i].value);
    if (!e) e = wait_transfer(r, c->spi_base);
    return e ? e : rom_read_reg(r, c->spi_base + c->spi->w0, id_out);
}

enum err identify_flash(struct rom *r, struct flasher_board *b)
{
    const struct chip *c = b->chip;
    uint32_t usr, usr2, id;
    enum err e = rom_read_reg(r, c->spi_base + c->spi->usr, &usr);
    if (!e) e = rom_read_reg(r, c->spi_base + c->spi->usr2, &usr2);
    if (!e) e = read_id(r, c, &id);
    if (!e) e = rom_write_reg(r, c->spi_base + c->spi->usr, usr);
    if (!e) e = rom_write_reg(r, c->spi_base + c->spi->usr2, usr2);
    if (e) return err_wrap(e, "read flash id");
    id &= 0xffffff;
    if (id == 0 || id == 0xffffff)
        return err_fail(ERR_DEVICE, "flash_silent",
                        "The module's flash has no power or no contact. On an ESP32, GPIO12 must "
                        "not be high at reset.",
                        "the flash chip does not answer (id %06x)", (unsigned)id);
    b->flash_id = id;
    b->flash_bytes = identify_flash_bytes(id);
    return ERR_OK;
}

/* The one that the estimate fits, of those that boards with this chip have. */
static uint32_t nearest_crystal(const struct chip *c, uint64_t khz)
{
    uint64_t best_off = UINT64_MAX;
    uint32_t best = 0;
    for (size_t i = 0; i < sizeof c->crystals && c->crystals[i]; i++) {
        uint64_t has = UINT64_C(1000) * c->crystals[i], off = khz > has ? khz - has : has - khz;
        if (off >= best_off || off * 100 > has * CRYSTAL_PERCENT) continue;
        best_off = off;
        best = c->crystals[i];
    }
    return best;
}

enum err identify_crystal(struct rom *r, struct flasher_board *b)
{
    const struct chip *c = b->chip;
    uint32_t divider;
    if (!c->crystals[1]) {
        b->crystal_mhz = c->crystals[0];
        return ERR_OK;
    }
    if (r->port->native_usb || b->security.secure_download) return ERR_OK;
    enum err e = rom_read_reg(r, c->uart_clkdiv, &divider);
    if (e) return err_wrap(e, "read crystal");
    b->crystal_mhz = nearest_crystal(c, (uint64_t)r->port->baud * (divider & 0xfffff) / 1000);
    return ERR_OK;
}

enum err identify_told_baud(struct rom *r, struct flasher_board *b, uint32_t baud,
                            uint32_t *told_out)
{
    const struct chip *c = b->chip;
    struct fields f = {.rom = r};
    *told_out = 0;
    if (r->port->native_usb) return ERR_OK;
    if (!c->rom_crystal_mhz && !c->rom_crystal.reg) {
        *told_out = baud;
        return ERR_OK;
    }
    enum err e = identify_crystal(r, b);
    if (e || !b->crystal_mhz) return e;
    uint64_t believed = c->rom_crystal_mhz + fields_get(&f, c->rom_crystal);
    *told_out = (uint32_t)(baud * believed / b->crystal_mhz);
    return f.error;
}
