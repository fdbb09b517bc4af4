/* Every chip of the family has a row, so that a board is always told by its name. Those without
 * `supported` are refused before anything is sent that they might take for something else: an ESP32
 * takes four words in FLASH_BEGIN and the later chips five. */
#include "service/flash/chip.h"

#include <string.h>

static const struct chip_spi spi_esp32 = {.usr = 0x1c, .usr2 = 0x24, .miso_dlen = 0x2c, .w0 = 0x80};
static const struct chip_spi spi_later = {.usr = 0x18, .usr2 = 0x20, .miso_dlen = 0x28, .w0 = 0x58};

/* In the order of struct chip_watchdogs. */
static const struct chip_watchdogs watchdogs_s3 = {0x60008098, 0x600080b0, 0x600080b4,
                                                   0x600080b8, 0x8f1d312a, 1U << 31};
static const struct chip_watchdogs watchdogs_c3 = {0x60008090, 0x600080a8, 0x600080ac,
                                                   0x600080b0, 0x8f1d312a, 1U << 31};
static const struct chip_watchdogs watchdogs_c6 = {0x600b1c00, 0x600b1c18, 0x600b1c1c,
                                                   0x600b1c20, 0x50d83aa1, 1U << 18};
static const struct chip_watchdogs watchdogs_h2 = {0x600b1c00, 0x600b1c1c, 0x600b1c20,
                                                   0x600b1c24, 0x50d83aa1, 1U << 18};

static const struct chip chips[] = {
    {.name = "esp32",
     .title = "ESP32",
     .supported = true,
     .image_id = 0,
     .magics = {0x00f01d83},
     .begin_words = 4,
     .bootloader_offset = 0x1000,
     .table_offset = 0x8000,
     .spi_base = 0x3ff42000,
     .spi = &spi_esp32,
     .mac_word = 0x3ff5a004,
     .mac_crc = true,
     /* One more of them is set with each revision. */
     .major = {{0x3ff5a00c, 15, 1}, {0x3ff5a014, 20, 1}, {0x3ff6607c, 31, 1}},
     .minor = {{0x3ff5a014, 24, 2}},
     .crypt_count = {0x3ff5a000, 20, 7},
     .secure_boot = {0x3ff5a018, 4, 2},
     .flash_pins = {{0x3ff5a014, 0, 5},
                    {0x3ff5a014, 5, 5},
                    {0x3ff5a014, 10, 5},
                    {0x3ff5a014, 15, 5},
                    {0x3ff5a00c, 4, 5}},
     .uart_clkdiv = 0x3ff40014,
     .crystals = {40, 26}},
    {.name = "esp32s2",
     .title = "ESP32-S2",
     .supported = true,
     .image_id = 2,
     .magics = {0x000007c6},
     .begin_words = 5,
     .info_bytes = 12,
     .bootloader_offset = 0x1000,
     .table_offset = 0x8000,
     .spi_base = 0x3f402000,
     .spi = &spi_later,
     .mac_word = 0x3f41a044,
     .major = {{0x3f41a050, 18, 2}},
     .minor = {{0x3f41a054, 4, 3}, {0x3f41a050, 20, 1}},
     .crypt_count = {0x3f41a034, 18, 3},
     .secure_boot = {0x3f41a038, 20, 1},
     .uart_clkdiv = 0x3f400014,
     .crystals = {40}},
    {.name = "esp32s3",
     .title = "ESP32-S3",
     .supported = true,
     .image_id = 9,
     .magics = {0x00000009},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0,
     .table_offset = 0x8000,
     .spi_base = 0x60002000,
     .spi = &spi_later,
     .mac_word = 0x60007044,
     .major = {{0x60007058, 24, 2}},
     .minor = {{0x60007050, 18, 3}, {0x60007058, 23, 1}},
     .block = {{0x6000706c, 0, 2}, {0x60007050, 24, 3}},
     .crypt_count = {0x60007034, 18, 3},
     .secure_boot = {0x60007038, 20, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {40},
     .watchdogs = &watchdogs_s3},
    {.name = "esp32c2",
     .title = "ESP32-C2",
     .supported = true,
     .image_id = 12,
     .magics = {0x6f51306f, 0x7c41a06f, 0x0c21e06f},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0,
     .table_offset = 0x8000,
     .spi_base = 0x60002000,
     .spi = &spi_later,
     .mac_word = 0x60008840,
     .major = {{0x60008844, 20, 2}},
     .minor = {{0x60008844, 16, 4}},
     .crypt_count = {0x60008830, 7, 3},
     .secure_boot = {0x60008830, 21, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {40, 26},
     .rom_crystal_mhz = 40},
    {.name = "esp32c3",
     .title = "ESP32-C3",
     .supported = true,
     .image_id = 5,
     .magics = {0x6921506f, 0x1b31506f, 0x4881606f, 0x4361606f},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0,
     .table_offset = 0x8000,
     .spi_base = 0x60002000,
     .spi = &spi_later,
     .mac_word = 0x60008844,
     .major = {{0x60008858, 24, 2}},
     .minor = {{0x60008850, 18, 3}, {0x60008858, 23, 1}},
     .crypt_count = {0x60008834, 18, 3},
     .secure_boot = {0x60008838, 20, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {40},
     .watchdogs = &watchdogs_c3},
    {.name = "esp32c5",
     .title = "ESP32-C5",
     .supported = true,
     .image_id = 23,
     .magics = {0x1101406f, 0x63e1406f, 0x5fd1406f, 0x30e1706f},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0x2000,
     .table_offset = 0xc000,
     .spi_base = 0x60003000,
     .spi = &spi_later,
     .mac_word = 0x600b4844,
     .major = {{0x600b484c, 4, 2}},
     .minor = {{0x600b484c, 0, 4}},
     .crypt_count = {0x600b4834, 16, 3},
     .secure_boot = {0x600b4838, 25, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {48, 40},
     .rom_crystal = {0x60096110, 24, 7},
     .watchdogs = &watchdogs_c6},
    {.name = "esp32c6",
     .title = "ESP32-C6",
     .supported = true,
     .image_id = 13,
     .magics = {0x2ce0806f},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0,
     .table_offset = 0x8000,
     .spi_base = 0x60003000,
     .spi = &spi_later,
     .mac_word = 0x600b0844,
     .major = {{0x600b0850, 22, 2}},
     .minor = {{0x600b0850, 18, 4}},
     .crypt_count = {0x600b0834, 18, 3},
     .secure_boot = {0x600b0838, 20, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {40},
     .watchdogs = &watchdogs_c6},
    {.name = "esp32c61",
     .title = "ESP32-C61",
     .supported = true,
     .image_id = 20,
     .magics = {0x33f0206f, 0x2421606f, 0x7211606f, 0x4f81606f},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0,
     .table_offset = 0xc000,
     .spi_base = 0x60003000,
     .spi = &spi_later,
     .mac_word = 0x600b4844,
     .major = {{0x600b484c, 4, 2}},
     .minor = {{0x600b484c, 0, 4}},
     .crypt_count = {0x600b4830, 23, 3},
     .secure_boot = {0x600b4834, 26, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {40},
     .watchdogs = &watchdogs_c6},
    {.name = "esp32h2",
     .title = "ESP32-H2",
     .supported = true,
     .image_id = 16,
     .magics = {0xd7b73e80, 0x97e30068},
     .begin_words = 5,
     .info_bytes = 20,
     .bootloader_offset = 0,
     .table_offset = 0x8000,
     .spi_base = 0x60003000,
     .spi = &spi_later,
     .mac_word = 0x600b0844,
     .major = {{0x600b0850, 21, 2}},
     .minor = {{0x600b0850, 18, 3}},
     .crypt_count = {0x600b0834, 18, 3},
     .secure_boot = {0x600b0838, 20, 1},
     .uart_clkdiv = 0x60000014,
     .crystals = {32},
     .watchdogs = &watchdogs_h2},
    {.name = "esp32p4",
     .title = "ESP32-P4",
     .image_id = 18,
     .magics = {0x0addbad0, 0x07039ad9},
     .info_bytes = 20},
    {.name = "esp8266", .title = "ESP8266", .image_id = CHIP_NO_IMAGE_ID, .magics = {0xfff0c101}},
};

enum { CHIP_COUNT = sizeof chips / sizeof chips[0] };

const struct chip *chip_list(size_t *n_out)
{
    *n_out = CHIP_COUNT;
    return chips;
}

const struct chip *chip_by_magic(uint32_t magic)
{
    for (size_t i = 0; i < CHIP_COUNT; i++)
        for (size_t k = 0; magic && chips[i].magics[k]; k++)
            if (chips[i].magics[k] == magic) return &chips[i];
    return NULL;
}

const struct chip *chip_by_image_id(uint16_t id)
{
    for (size_t i = 0; i < CHIP_COUNT && id != CHIP_NO_IMAGE_ID; i++)
        if (chips[i].image_id == id) return &chips[i];
    return NULL;
}

const struct chip *chip_by_info(size_t n, uint32_t id)
{
    enum { WITHOUT_ID = 12 };
    for (size_t i = 0; i < CHIP_COUNT; i++)
        if (chips[i].info_bytes == n && (n == WITHOUT_ID || chips[i].image_id == id))
            return &chips[i];
    return NULL;
}

const struct chip *chip_by_name(const char *name)
{
    for (size_t i = 0; i < CHIP_COUNT; i++)
        if (!strcmp(chips[i].name, name)) return &chips[i];
    return NULL;
}
