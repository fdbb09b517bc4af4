#include "tests/board/firmware/version.h"

#include <string.h>

#include "tests/board/board.h"
#include "tests/board/firmware/stock.h"

#define ROM_LINES                                                                                  \
    "configsip: 0, SPIWP:0xee\r\n"                                                                 \
    "clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r\n"                  \
    "mode:DIO, clock div:2\r\n"

static const char *const segments_20[] = {
    "segment 0: paddr=0x00100020 vaddr=0x3f400020 size=0x247c4 (149444) map",
    "segment 1: paddr=0x001247ec vaddr=0x3ffbdb60 size=0x03028 ( 12328) load",
    "segment 2: paddr=0x0012781c vaddr=0x40080000 size=0x00400 (  1024) load",
    "segment 3: paddr=0x00127c24 vaddr=0x40080400 size=0x083ec ( 33772) load",
    "segment 4: paddr=0x00130018 vaddr=0x400d0018 size=0xee128 (975144) map",
    "segment 5: paddr=0x0021e148 vaddr=0x400887ec size=0x0f108 ( 61704) load",
    "segment 6: paddr=0x0022d258 vaddr=0x400c0000 size=0x00064 (   100) load",
    NULL};

static const char *const start_20[] = {"%v\r\r\n", "max tx power=%p,ret=0\r\r\n", NULL};

static const char *const segments_24[] = {
    "segment 0: paddr=00100020 vaddr=3f400020 size=2c1d0h (180688) map",
    "segment 1: paddr=0012c1f8 vaddr=3ffbdb60 size=03e20h ( 15904) load",
    "segment 2: paddr=00130020 vaddr=400d0020 size=f3a3ch (997948) map",
    "segment 3: paddr=00223a64 vaddr=3ffc1980 size=00b58h (  2904) load",
    "segment 4: paddr=002245c4 vaddr=40080000 size=16da4h ( 93604) load",
    "segment 5: paddr=0023b370 vaddr=50000000 size=00010h (    16) load",
    NULL};

static const char *const start_24[] = {
    "at param mode: %d\r\r\n",
    "AT cmd port:uart%u tx:%t rx:%r cts:%c rts:%s baudrate:%b\r\r\n",
    "module_name: %m\r\r\n",
    "max tx power=%p, ret=0\r\r\n",
    "%v\r\r\n",
    NULL};

static const char *const start_34[] = {
    "at param mode: %d\r\r\n",
    "-open factory_param namespace failed\r\r\n",
    "AT cmd port:uart%u tx:%t rx:%r cts:%c rts:%s baudrate:%b\r\r\n",
    "+module_name: %m\r\r\n",
    "+max tx power=%p, ret=0\r\r\n",
    "%v\r\r\n",
    NULL};

static const char *const start_41[] = {
    "I (%i) at-init: at param mode: %d\r\n",
    "-open factory_param namespace failed\r\r\n",
    "I (%i) at-uart: AT cmd port:uart%u tx:%t rx:%r cts:%c rts:%s baudrate:%b\r\n",
    "+I (%i) at-init: module_name: %m\r\n",
    "-E (%i) at-init: open factory_param failed\r\n",
    "+I (%i) at-init: max tx power=%p, ret=0\r\n",
    "I (%i) at-init: %v (%o)\r\n",
    NULL};

static const struct version versions[] = {
    {.chip = "esp32",
     .name = "2.0",
     .at_level = 200,
     .release = "2.0.0",
     .gmr = "AT version:2.0.0.0(e44648c - Nov  4 2019 02:18:57)\r\n"
            "SDK version:v3.3\r\n"
            "compile time(7cac7ad):Nov  4 2019 06:11:40\r\n",
     .bin = "2.0.0",
     .rom_load = ROM_LINES "load:0x3fff0018,len:4\r\nload:0x3fff001c,len:6352\r\n"
                           "ho 0 tail 12 room 4\r\n"
                           "load:0x40078000,len:11332\r\nload:0x40080400,len:6564\r\n"
                           "entry 0x40080760\r\n",
     .idf = "v3.3",
     .compiled = "06:11:15",
     .colour = true,
     .ap_stop = "system_event_ap_stop_handle_default 223 esp_wifi_internal_reg_rxcb ret=0x3014",
     .segments = segments_20,
     .start = start_20},
    {.chip = "esp32",
     .name = "2.4",
     .at_level = 240,
     .release = "2.4.0",
     .gmr = "AT version:2.4.0.0(4c6eb5e - ESP32 - May 20 2022 03:12:58)\r\n"
            "SDK version:qa-test-v4.3.3-20220423\r\n"
            "compile time(5a8fd2e):May 20 2022 03:41:17\r\n",
     .bin = "2.4.0",
     .rom_load = ROM_LINES "load:0x3fff0030,len:4\r\nload:0x3fff0034,len:6996\r\n"
                           "load:0x40078000,len:14292\r\n"
                           "ho 0 tail 12 room 4\r\n"
                           "load:0x40080400,len:3688\r\n"
                           "entry 0x40080678\r\n",
     .idf = "qa-test-v4.3.3-20220423",
     .compiled = "03:40:52",
     .colour = false,
     .segments = segments_24,
     .start = start_24},
    {.chip = "esp32",
     .name = "3.4",
     .at_level = 340,
     .release = "3.4.0",
     .gmr = "AT version:3.4.0.0(s-9f5b0e4 - ESP32 - Jun  4 2024 02:25:24)\r\n"
            "SDK version:v5.0.6-dirty\r\n"
            "compile time(2c9a1c1):Jun  5 2024 03:12:48\r\n",
     .bin = "v3.4.0.0",
     .idf = "v5.0.6-dirty",
     .compiled = "03:12:20",
     .start = start_34},
    /* As recorded: a build of somebody else, the bootloader of which is silent. */
    {.chip = "esp32",
     .name = "4.1",
     .at_level = 410,
     .release = "4.1.0",
     .gmr = "AT version:3.5.0.0-dev(s-33af283 - ESP32 - Mar 13 2025 10:44:34)\r\n"
            "SDK version:v5.4-dirty\r\n"
            "compile time(4dac09c4):May 30 2025 12:05:59\r\n",
     .bin = "v4.1.0.0-dev",
     .rom_load = ROM_LINES "load:0x3fff0030,len:268\r\n"
                           "ho 0 tail 12 room 4\r\n"
                           "load:0x40078000,len:13756\r\nload:0x40080400,len:4\r\n"
                           "ho 8 tail 4 room 4\r\n"
                           "load:0x40080404,len:2692\r\n"
                           "entry 0x40080530\r\n",
     .idf = "v5.4-dirty",
     .compiled = "12:05:32",
     .quiet = true,
     .start = start_41,
     .origin = "unknown",
     .ready = "RMW: Hello World!"},
    {.chip = "esp32c3",
     .name = "2.4",
     .at_level = 240,
     .release = "2.4.0",
     .gmr = "AT version:2.4.0.0(4c6eb5e - ESP32C3 - May 20 2022 03:12:58)\r\n"
            "SDK version:qa-test-v4.3.3-20220423\r\n"
            "compile time(5a8fd2e):May 20 2022 03:53:43\r\n",
     .bin = "2.4.0",
     .idf = "qa-test-v4.3.3-20220423",
     .compiled = "03:53:18",
     .start = start_24},
    {.chip = "esp32c3",
     .name = "3.2",
     .at_level = 320,
     .release = "3.2.0",
     .gmr = "AT version:3.2.0.0(s-ec85904 - ESP32C3 - Sep  8 2023 05:43:06)\r\n"
            "SDK version:v5.0.3-dirty\r\n"
            "compile time(7b1a3ad):Sep 11 2023 08:10:24\r\n",
     .bin = "v3.2.0.0",
     .no_ec_key = true,
     .idf = "v5.0.3-dirty",
     .compiled = "08:09:51",
     .start = start_34},
    {.chip = "esp32c3",
     .name = "4.1",
     .at_level = 410,
     .release = "4.1.0",
     .gmr = "AT version:4.1.0.0(s-33af283 - ESP32C3 - Mar 13 2025 10:45:02)\r\n"
            "SDK version:v5.4.1-dirty\r\n"
            "compile time(9d1c2b0):Apr  8 2025 07:31:15\r\n",
     .bin = "v4.1.0.0",
     .idf = "v5.4.1-dirty",
     .compiled = "Apr  8 2025 07:30:40",
     .start = start_41,
     .origin = "gitlab"},
    {.chip = "esp32s2",
     .name = "2.1",
     .at_level = 210,
     .release = "2.1.0",
     .gmr = "AT version:2.1.0.0(883f7f2 - ESP32S2 - Jul 24 2020 11:49:58)\r\n"
            "SDK version:v4.2-dev-2044-gdd3c032\r\n"
            "compile time(0ad6331):Jul 28 2020 09:36:21\r\n",
     .bin = "2.1.0",
     .idf = "v4.2-dev-2044-gdd3c032",
     .compiled = "09:36:02",
     .start = start_24},
    {.chip = "esp32s2",
     .name = "2.2",
     .at_level = 220,
     .release = "2.2.0",
     .gmr = "AT version:2.2.0.0(c6fa6bf - ESP32S2 - Jul  2 2021 06:44:05)\r\n"
            "SDK version:v4.2.2-76-gefa6eca\r\n"
            "compile time(3a696ba):Jul  2 2021 11:57:11\r\n",
     .bin = "2.2.0",
     .idf = "v4.2.2-76-gefa6eca",
     .compiled = "11:56:49",
     .start = start_24},
    {.chip = "esp32s2",
     .name = "3.4",
     .at_level = 340,
     .release = "3.4.0",
     .gmr = "AT version:3.4.0.0(s-9f5b0e4 - ESP32S2 - Jun  4 2024 02:25:31)\r\n"
            "SDK version:v5.0.6-dirty\r\n"
            "compile time(2c9a1c1):Jun  5 2024 03:20:10\r\n",
     .bin = "v3.4.0.0",
     .idf = "v5.0.6-dirty",
     .compiled = "03:19:42",
     .start = start_34},
    {.chip = "esp32c2",
     .name = "3.0",
     .at_level = 300,
     .release = "3.0.0",
     .gmr = "AT version:3.0.0.0(9f5a7c1 - ESP32C2 - Dec 14 2022 08:14:33)\r\n"
            "SDK version:v5.0-541-g885e501\r\n"
            "compile time(f0ad5f9):Dec 14 2022 08:47:02\r\n",
     .bin = "v3.0.0.0",
     .no_ec_key = true,
     .idf = "v5.0-541-g885e501",
     .compiled = "08:46:40",
     .start = start_24},
    {.chip = "esp32c2",
     .name = "3.4",
     .at_level = 340,
     .release = "3.4.0",
     .gmr = "AT version:3.4.0.0(s-9f5b0e4 - ESP32C2 - Jun  4 2024 02:25:28)\r\n"
            "SDK version:v5.0.6-dirty\r\n"
            "compile time(2c9a1c1):Jun  5 2024 03:26:33\r\n",
     .bin = "v3.4.0.0",
     .idf = "v5.0.6-dirty",
     .compiled = "03:26:02",
     .start = start_34},
    {.chip = "esp32c2",
     .name = "4.1",
     .at_level = 410,
     .release = "4.1.0",
     .gmr = "AT version:4.1.0.0(s-33af283 - ESP32C2 - Mar 13 2025 10:44:50)\r\n"
            "SDK version:v5.4.1-dirty\r\n"
            "compile time(9d1c2b0):Apr  8 2025 07:38:20\r\n",
     .bin = "v4.1.0.0",
     .idf = "v5.4.1-dirty",
     .compiled = "Apr  8 2025 07:37:44",
     .start = start_41,
     .origin = "gitlab"},
    {.chip = "esp32c6",
     .name = "4.1",
     .at_level = 410,
     .release = "4.1.1",
     .gmr = "AT version:4.1.1.0(s-2a1b03c - ESP32C6 - Jul 24 2025 08:16:42)\r\n"
            "SDK version:v5.4.1-dirty\r\n"
            "compile time(5ed2f4c):Aug  1 2025 06:22:09\r\n",
     .bin = "v4.1.1.0",
     .idf = "v5.4.1-dirty",
     .compiled = "Aug  1 2025 06:21:30",
     .start = start_41,
     .origin = "gitlab"},
    {.chip = "esp32c5",
     .name = "5.0",
     .at_level = 500,
     .release = "5.0.0",
     .gmr = "AT version:5.0.0.0(s-c1e2f77 - ESP32C5 - Dec 10 2025 03:30:17)\r\n"
            "SDK version:v5.5.1-dirty\r\n"
            "compile time(8a7be21):Dec 17 2025 09:02:51\r\n",
     .bin = "v5.0.0.0",
     .idf = "v5.5.1-dirty",
     .compiled = "Dec 17 2025 09:02:10",
     .start = start_41,
     .origin = "gitlab"},
    {.chip = "esp32c61",
     .name = "5.0",
     .at_level = 500,
     .release = "5.0.0",
     .gmr = "AT version:5.0.0.0(s-c1e2f77 - ESP32C61 - Dec 10 2025 03:30:25)\r\n"
            "SDK version:v5.5.1-dirty\r\n"
            "compile time(8a7be21):Dec 17 2025 09:10:36\r\n",
     .bin = "v5.0.0.0",
     .idf = "v5.5.1-dirty",
     .compiled = "Dec 17 2025 09:09:58",
     .start = start_41,
     .origin = "gitlab"},
};
enum { VERSIONS = sizeof versions / sizeof versions[0] };

const struct version *version_named(const char *chip, const char *name)
{
    for (size_t i = 0; i < VERSIONS; i++)
        if (strcmp(versions[i].chip, chip) == 0 && strcmp(versions[i].name, name) == 0)
            return &versions[i];
    return NULL;
}

const struct version *version_of_image(const char *chip, const char *text)
{
    if (*text == 'v') text++;
    for (size_t i = 0; i < VERSIONS; i++) {
        size_t n = strlen(versions[i].name);
        if (strcmp(versions[i].chip, chip) == 0 && strncmp(versions[i].name, text, n) == 0 &&
            text[n] == '.')
            return &versions[i];
    }
    return NULL;
}

const char *firmware_module(const char *chip, const char *name)
{
    const struct stock_module *m = stock_module(chip, name);
    return m ? m->name : NULL;
}

const char *firmware_release(const char *chip, unsigned i)
{
    for (size_t k = VERSIONS; k > 0; k--) /* the rows go from old to new */
        if (strcmp(versions[k - 1].chip, chip) == 0 && i-- == 0) return versions[k - 1].name;
    return NULL;
}
