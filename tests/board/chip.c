/* chip: the rows. Addresses and ids are those that public tools and the chips' register tables
 * name; of the texts, README.md says which were seen. */
#include "tests/board/chip.h"

#include <stddef.h>
#include <string.h>

#include "tests/board/chip_map.h"

#define WAITING "waiting for download\r\n"

static const struct chip_resets esp32_resets = {
    .power_on = "0x1 (POWERON_RESET)",
    .software = "0x3 (SW_RESET)",
    .cpu = "0xc (SW_CPU_RESET)",
    .watchdog = "0x10 (RTCWDT_RTC_RESET)",
};
static const struct chip_resets rtc_resets = {
    .power_on = "0x1 (POWERON)",
    .software = "0x3 (RTC_SW_SYS_RST)",
    .cpu = "0xc (RTC_SW_CPU_RST)",
    .watchdog = "0x10 (RTCWDT_RTC_RST)",
    .super_watchdog = "0x12 (SUPER_WDT_RST)",
    .usb = "0x15 (USB_UART_CHIP_RESET)",
};
static const struct chip_resets lp_resets = {
    .power_on = "0x1 (POWERON)",
    .software = "0x3 (LP_SW_HPSYS)",
    .cpu = "0xc (SW_CPU)",
    .watchdog = "0x10 (LP_WDT_SYS)",
    .super_watchdog = "0x12 (LP_SWDT_SYS)",
    .usb = "0x15 (USB_UART_HPSYS)",
};

#define OLD_SWD .swd_key = 0x8f1d312a, .swd_bit = 31
#define NEW_SWD .swd_key = 0x50d83aa1, .swd_bit = 18
static const struct chip_watchdog s3_watchdog = {.config0 = 0x60008098,
                                                 .config1 = 0x6000809c,
                                                 .protect = 0x600080b0,
                                                 .swd_config = 0x600080b4,
                                                 .swd_protect = 0x600080b8,
                                                 OLD_SWD};
static const struct chip_watchdog c3_watchdog = {.config0 = 0x60008090,
                                                 .config1 = 0x60008094,
                                                 .protect = 0x600080a8,
                                                 .swd_config = 0x600080ac,
                                                 .swd_protect = 0x600080b0,
                                                 OLD_SWD};
static const struct chip_watchdog c6_watchdog = {.config0 = 0x600b1c00,
                                                 .config1 = 0x600b1c04,
                                                 .protect = 0x600b1c18,
                                                 .swd_config = 0x600b1c1c,
                                                 .swd_protect = 0x600b1c20,
                                                 NEW_SWD};
static const struct chip_watchdog h2_watchdog = {.config0 = 0x600b1c00,
                                                 .config1 = 0x600b1c04,
                                                 .protect = 0x600b1c1c,
                                                 .swd_config = 0x600b1c20,
                                                 .swd_protect = 0x600b1c24,
                                                 NEW_SWD};

static const struct chip_rom esp32_rom = {
    .begin_bytes = 16,
    .deflate_block = 0x1000,
    .overruns = true,
    .writes_past_end = true,
    .divides_by_zero = true,
    .end_runs_flash = true,
    .main_line = 384,
};
/* What is known of the later ones was seen on the ESP32-C3. The Xtensa chips among them have no
 * RISC-V registers to dump. */
#define LATER                                                                                      \
    .begin_bytes = 20, .deflate_block = 0x1800, .separate_sessions = true,                         \
    .runs_long_frames = true, .hashes = true, .disabled = "Download boot modes disabled\r\n"
static const struct chip_rom s2_rom = {LATER, .security_bytes = 12, .main_line = 329};
static const struct chip_rom s3_rom = {LATER, .security_bytes = 20, .main_line = 329};
static const struct chip_rom riscv_rom = {LATER, .security_bytes = 20, .main_line = 333,
                                          .panics = true};

static const struct chip chips[] = {
    {.name = "esp32",
     .banner = "ets Jul 29 2019 12:21:46\r\n\r\n",
     /* GPIO2 high: UART only. GPIO2 low, as on a module with nothing at it: SDIO too. */
     .button = {0x0f, "boot:0xf (UART_BOOT(UART0))", ""},
     .download = {0x03, "boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))", WAITING},
     .flash = {0x12, "boot:0x12 (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x3ff44038,
     .resets = &esp32_resets,
     .rom = &esp32_rom,
     .mac_reg = 0x3ff5a004,
     .mac_crc = true,
     .clkdiv_reg = 0x3ff40014,
     .crystals_mhz = {40},
     .bootloader_at = 0x1000,
     .spi = {.base = 0x3ff42000, .usr2 = 0x24, .w0 = 0x80},
     .map = &esp32_map},
    {.name = "esp32s2",
     .banner = "ESP-ROM:esp32s2-rc4-20191025\r\nBuild:Oct 25 2019\r\n",
     .download = {0x0, "boot:0x0 (DOWNLOAD(USB/UART0/1/SPI))", WAITING},
     .flash = {0x8, "boot:0x8 (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x3f404038,
     .resets = &rtc_resets,
     .rom = &s2_rom,
     .id = 2,
     .mac_reg = 0x3f41a044,
     .clkdiv_reg = 0x3f400014,
     .crystals_mhz = {40},
     .bootloader_at = 0x1000,
     .spi = {.base = 0x3f402000, .usr2 = 0x20, .w0 = 0x58},
     .map = &s2_map},
    {.name = "esp32s3",
     .banner = "ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\n",
     .download = {0x0, "boot:0x0 (DOWNLOAD(USB/UART0))", WAITING},
     .flash = {0x8, "boot:0x8 (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60004038,
     .resets = &rtc_resets,
     .rom = &s3_rom,
     .id = 9,
     .mac_reg = 0x60007044,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {40},
     .spi = {.base = 0x60002000, .usr2 = 0x20, .w0 = 0x58},
     .usb_port = {0x3fcef14c, 4},
     .watchdog = &s3_watchdog,
     .map = &s3_map},
    {.name = "esp32c2",
     .banner = "ESP-ROM:esp8684-api2-20220127\r\nBuild:Jan 27 2022\r\n",
     .download = {0x4, "boot:0x4 (DOWNLOAD(UART0))", WAITING},
     .flash = {0xc, "boot:0xc (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60004038,
     .resets = &rtc_resets,
     .rom = &riscv_rom,
     .id = 12,
     .mac_reg = 0x60008840,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {40, 26},
     .rom_mhz = 40,
     .autobaud_min = 115200,
     .spi = {.base = 0x60002000, .usr2 = 0x20, .w0 = 0x58},
     .map = &c2_map},
    {.name = "esp32c3",
     .banner = "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n",
     .button = {0x2, "boot:0x2 (UART0_BOOT)", "wait uart0 download\r\n"},
     .download = {0x4, "boot:0x4 (DOWNLOAD(USB/UART0/1))", WAITING},
     .flash = {0xc, "boot:0xc (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60004038,
     .resets = &rtc_resets,
     .rom = &riscv_rom,
     .id = 5,
     .api = 3,
     .mac_reg = 0x60008844,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {40},
     .spi = {.base = 0x60002000, .usr2 = 0x20, .w0 = 0x58},
     .usb_port = {0x3fcdf07c, 3},
     .watchdog = &c3_watchdog,
     .map = &c3_map},
    {.name = "esp32c5",
     .banner = "ESP-ROM:esp32c5-eco2-20250121\r\nBuild:Jan 21 2025\r\n",
     .download = {0x10, "boot:0x10 (DOWNLOAD(USB/UART0))", WAITING},
     .flash = {0x18, "boot:0x18 (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60091038,
     .resets = &lp_resets,
     .rom = &riscv_rom,
     .id = 23,
     .mac_reg = 0x600b4844,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {48, 40},
     .crystal_reg = 0x60096110,
     .bootloader_at = 0x2000,
     .spi = {.base = 0x60003000, .usr2 = 0x20, .w0 = 0x58},
     .usb_port = {0x4085f514, 3},
     .watchdog = &c6_watchdog,
     .map = &c5_map},
    {.name = "esp32c6",
     .banner = "ESP-ROM:esp32c6-20220919\r\nBuild:Sep 19 2022\r\n",
     .download = {0x4, "boot:0x4 (DOWNLOAD(USB/UART0/SDIO_FEI_FEO))", WAITING},
     .flash = {0xc, "boot:0xc (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60091038,
     .resets = &lp_resets,
     .rom = &riscv_rom,
     .id = 13,
     .mac_reg = 0x600b0844,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {40},
     .spi = {.base = 0x60003000, .usr2 = 0x20, .w0 = 0x58},
     .usb_port = {0x4087f580, 3},
     .watchdog = &c6_watchdog,
     .map = &c6_map},
    {.name = "esp32c61",
     .banner = "ESP-ROM:esp32c61-eco3-20250228\r\nBuild:Feb 28 2025\r\n",
     .download = {0x4, "boot:0x4 (DOWNLOAD(USB/UART0))", WAITING},
     .flash = {0xc, "boot:0xc (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60091038,
     .resets = &lp_resets,
     .rom = &riscv_rom,
     .id = 20,
     .mac_reg = 0x600b4844,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {40},
     .spi = {.base = 0x60003000, .usr2 = 0x20, .w0 = 0x58},
     .watchdog = &c6_watchdog,
     .map = &c61_map},
    {.name = "esp32h2",
     .banner = "ESP-ROM:esp32h2-20221101\r\nBuild:Nov  1 2022\r\n",
     .download = {0x4, "boot:0x4 (DOWNLOAD(USB/UART0))", WAITING},
     .flash = {0xc, "boot:0xc (SPI_FAST_FLASH_BOOT)", ""},
     .strap_reg = 0x60091038,
     .resets = &lp_resets,
     .rom = &riscv_rom,
     .id = 16,
     .mac_reg = 0x600b0844,
     .clkdiv_reg = 0x60000014,
     .crystals_mhz = {32},
     .spi = {.base = 0x60003000, .usr2 = 0x20, .w0 = 0x58},
     .usb_port = {0x4084fefc, 3},
     .watchdog = &h2_watchdog,
     .map = &h2_map},
};
enum { CHIPS = sizeof chips / sizeof *chips };

const struct chip *chip_find(const char *name)
{
    for (size_t i = 0; i < CHIPS; i++) {
        if (strcmp(chips[i].name, name) == 0) return &chips[i];
    }
    return NULL;
}

const char *chip_name(unsigned i)
{
    return i < CHIPS ? chips[i].name : NULL;
}
