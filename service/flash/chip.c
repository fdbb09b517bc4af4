/* Every chip of the family has a row, so that a board is always told by its name. Those without
 * `supported` are refused before anything is sent that they might take for something else: an ESP32
 * takes four words in FLASH_BEGIN and the later chips five. */
#include "service/flash/chip.h"

#include <string.h>

/* What all that came after the ESP32 have in common: the words of FLASH_BEGIN, and the offsets of
 * the SPI flash controller's USR, USR2, MISO_DLEN and W0. */
#define LATER                                                                                      \
    .begin_words = 5, .spi_usr = 0x18, .spi_usr2 = 0x20, .spi_miso_dlen = 0x28, .spi_w0 = 0x58

static const struct chip chips[] = {
    {.name = "esp32",
     .title = "ESP32",
     .magics = {0x00f01d83},
     .mac_word = 0x3ff5a004,
     .spi_base = 0x3ff42000,
     .spi_usr = 0x1c,
     .spi_usr2 = 0x24,
     .spi_miso_dlen = 0x2c,
     .spi_w0 = 0x80,
     .begin_words = 4,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x3ff40014,
     .fuse_base = 0x3ff5a000,
     .apb_ctl = 0x3ff6607c,
     .supported = true},
    {.name = "esp32s2",
     .title = "ESP32-S2",
     .magics = {0x000007c6},
     .mac_word = 0x3f41a044,
     .spi_base = 0x3f402000,
     LATER,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x3f400014},
    {.name = "esp32s3",
     .title = "ESP32-S3",
     .magics = {0x00000009},
     .mac_word = 0x60007044,
     .spi_base = 0x60002000,
     LATER,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32c2",
     .title = "ESP32-C2",
     .magics = {0x6f51306f, 0x7c41a06f, 0x0c21e06f},
     .mac_word = 0x60008840,
     .spi_base = 0x60002000,
     LATER,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32c3",
     .title = "ESP32-C3",
     .magics = {0x6921506f, 0x1b31506f, 0x4881606f, 0x4361606f},
     .mac_word = 0x60008844,
     .spi_base = 0x60002000,
     LATER,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32c5",
     .title = "ESP32-C5",
     .magics = {0x1101406f, 0x63e1406f, 0x5fd1406f, 0x30e1706f},
     .mac_word = 0x600b4844,
     .spi_base = 0x60003000,
     LATER,
     .table_offset = 0xc000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32c6",
     .title = "ESP32-C6",
     .magics = {0x2ce0806f},
     .mac_word = 0x600b0844,
     .spi_base = 0x60003000,
     LATER,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32c61",
     .title = "ESP32-C61",
     .magics = {0x33f0206f, 0x2421606f, 0x7211606f, 0x4f81606f},
     .mac_word = 0x600b4844,
     .spi_base = 0x60003000,
     LATER,
     .table_offset = 0xc000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32h2",
     .title = "ESP32-H2",
     .magics = {0xd7b73e80, 0x97e30068},
     .mac_word = 0x600b0844,
     .spi_base = 0x60003000,
     LATER,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x60000014},
    {.name = "esp32p4",
     .title = "ESP32-P4",
     .magics = {0x0addbad0, 0x07039ad9},
     .mac_word = 0x5012d044,
     .spi_base = 0x5008d000,
     LATER,
     .table_offset = 0x8000},
    {.name = "esp8266",
     .title = "ESP8266",
     .magics = {0xfff0c101},
     .mac_word = 0x3ff00050,
     .spi_base = 0x60000200,
     .spi_usr = 0x1c,
     .spi_usr2 = 0x24,
     .spi_w0 = 0x40,
     .begin_words = 4,
     .table_offset = 0x8000,
     .uart_clkdiv = 0x60000014},
};

enum { CHIP_COUNT = sizeof chips / sizeof chips[0] };

const struct chip *chip_by_magic(uint32_t magic)
{
    for (size_t i = 0; i < CHIP_COUNT; i++)
        for (size_t k = 0; magic && chips[i].magics[k]; k++)
            if (chips[i].magics[k] == magic) return &chips[i];
    return NULL;
}

const struct chip *chip_by_name(const char *name)
{
    for (size_t i = 0; i < CHIP_COUNT; i++)
        if (!strcmp(chips[i].name, name)) return &chips[i];
    return NULL;
}
