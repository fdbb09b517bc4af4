#include "tests/board/chip.h"

#include <stddef.h>
#include <string.h>

static const struct chip_region esp32_regions[] = {
    {0x3ff00000, 0x80000, REGION_REGS},
    {0x3ff80000, 0x2000, REGION_RAM},
    {0x3ffae000, 0x52000, REGION_RAM},
    {0x40000000, 0x70000, REGION_ROM},
    {0x40070000, 0x50000, REGION_RAM},
    {0x400c0000, 0x2000, REGION_RAM},
    {0x50000000, 0x2000, REGION_RAM},
    {0x60000000, 0x80000, REGION_REGS},
    {0, 0, REGION_REGS},
};

/* As read from a revision 3 chip. The ROM words are those that some host has ever asked for. */
static const struct chip_word esp32_words[] = {
    {0x40001000, 0x00f01d83}, /* tells an ESP32 */
    {0x40001010, 0xa0a28800}, /* seen as the unaligned word at 0x40001011 */
    {0x40001014, 0x00000018},
    {0x3ff5a00c, 0x00008200}, /* eFuse: revision, package */
    {0x3ff5a010, 0x00000050}, /* eFuse: clock of the internal RC */
    {0x3ff5a014, 0x00100000}, /* eFuse: revision */
    {0x3ff6607c, 0x96042000}, /* APB_CTRL date: revision */
    {0x3ff40014, 0x0000015a}, /* UART0 divider after autobaud */
    {0x3ff5f06c, 0x00028000}, /* RTC calibration: with the RC clock above, a 40 MHz crystal */
    {0, 0},
};

static const struct chip chips[] = {
    {
        .name = "esp32",
        .rom_banner = "ets Jul 29 2019 12:21:46",
        /* GPIO2 high: UART only. GPIO2 low, as on a module with nothing at it: SDIO too. */
        .boot_download = "boot:0xf (UART_BOOT(UART0))",
        .boot_strap = "boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))",
        .boot_flash = "boot:0x12 (SPI_FAST_FLASH_BOOT)",
        .strap_download = 0x0f,
        .strap_entry = 0x03,
        .strap_reg = 0x3ff44038,
        .mac_reg = 0x3ff5a004,
        .clkdiv_reg = 0x3ff40014,
        .crystal_hz = 40000000,
        .bootloader_at = 0x1000,
        .spi = {.base = 0x3ff42000, .usr2 = 0x24, .w0 = 0x80},
        .regions = esp32_regions,
        .words = esp32_words,
    },
};

const struct chip *chip_find(const char *name)
{
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        if (strcmp(chips[i].name, name) == 0) return &chips[i];
    }
    return NULL;
}
