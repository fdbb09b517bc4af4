/* model_chips: the chips of the family as their fact sheet has them, for rom_model.h, and a flasher
 * in front of one. */
#ifndef TESTS_UNIT_FLASH_MODEL_CHIPS_H
#define TESTS_UNIT_FLASH_MODEL_CHIPS_H

#include "service/flash/flasher.h"
#include "tests/unit/flash/rom_model.h"

#define SET_A .usr = 0x1c, .usr2 = 0x24, .miso_dlen = 0x2c, .w0 = 0x80
#define SET_B .usr = 0x18, .usr2 = 0x20, .miso_dlen = 0x28, .w0 = 0x58
/* name, magic, id, bytes of BEGIN and of GET_SECURITY_INFO, MAC, SPI, clkdiv */
static const struct model_chip model_chips[] = {
    {"esp32", 0x00f01d83, 0, 16, 0, 0x3ff5a004, 0x3ff42000, 0x3ff40014, SET_A},
    {"esp32s2", 0x000007c6, 2, 20, 12, 0x3f41a044, 0x3f402000, 0x3f400014, SET_B},
    {"esp32s3", 0x00000009, 9, 20, 20, 0x60007044, 0x60002000, 0x60000014, SET_B},
    {"esp32c2", 0x6f51306f, 12, 20, 20, 0x60008840, 0x60002000, 0x60000014, SET_B},
    {"esp32c3", 0x1b31506f, 5, 20, 20, 0x60008844, 0x60002000, 0x60000014, SET_B},
    {"esp32c5", 0x1101406f, 23, 20, 20, 0x600b4844, 0x60003000, 0x60000014, SET_B},
    {"esp32c6", 0x2ce0806f, 13, 20, 20, 0x600b0844, 0x60003000, 0x60000014, SET_B},
    {"esp32c61", 0x33f0206f, 20, 20, 20, 0x600b4844, 0x60003000, 0x60000014, SET_B},
    {"esp32h2", 0xd7b73e80, 16, 20, 20, 0x600b0844, 0x60003000, 0x60000014, SET_B},
};
enum { MODEL_CHIPS = sizeof model_chips / sizeof model_chips[0] };

static struct model *m;
static struct flasher *f;

static inline const struct model_chip *model_chip_named(const char *name)
{
    for (size_t i = 0; i < MODEL_CHIPS; i++)
        if (!strcmp(model_chips[i].name, name)) return &model_chips[i];
    abort();
}

static inline void begin_with(const char *chip, const struct flasher_options *o)
{
    m = model_new();
    model_become(m, model_chip_named(chip));
    if (flasher_new(&m->port, o, &f)) abort();
}

static inline void begin(const char *chip)
{
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    begin_with(chip, &o);
}

static inline void end(void)
{
    flasher_free(f);
    port_close(&m->port);
    f = NULL;
    m = NULL;
}
#endif
