/* Tables, pins and addresses of the stock releases that the board runs (esp-at.md 2.2 to 2.4, 4).
 */
#include <stddef.h>
#include <string.h>

#include "tests/board/firmware/stock.h"

/* Every ESP32 and ESP32-S2 module of 4 MB, all releases. */
static const struct stock_entry esp32_primary[] = {
    {"phy_init", 0x01, 0x01, 0xF000, 0x1000},  {"otadata", 0x01, 0x00, 0x10000, 0x2000},
    {"nvs", 0x01, 0x02, 0x12000, 0xE000},      {"at_customize", 0x40, 0x00, 0x20000, 0xE0000},
    {"ota_0", 0x00, 0x10, 0x100000, 0x180000}, {"ota_1", 0x00, 0x11, 0x280000, 0x180000},
};
/* ESP32-C3, and ESP32-C2 with 4 MB. */
static const struct stock_entry c3_primary[] = {
    {"otadata", 0x01, 0x00, 0xD000, 0x2000},  {"phy_init", 0x01, 0x01, 0xF000, 0x1000},
    {"nvs", 0x01, 0x02, 0x10000, 0xE000},     {"at_customize", 0x40, 0x00, 0x1E000, 0x42000},
    {"ota_0", 0x00, 0x10, 0x60000, 0x1D0000}, {"ota_1", 0x00, 0x11, 0x230000, 0x1D0000},
};

/* v2.0 to v2.4. */
static const struct stock_entry esp32_user[] = {
    {"ble_data", 0x40, 0x01, 0x21000, 0x3000},    {"server_cert", 0x40, 0x02, 0x24000, 0x2000},
    {"server_key", 0x40, 0x03, 0x26000, 0x2000},  {"server_ca", 0x40, 0x04, 0x28000, 0x2000},
    {"client_cert", 0x40, 0x05, 0x2A000, 0x2000}, {"client_key", 0x40, 0x06, 0x2C000, 0x2000},
    {"client_ca", 0x40, 0x07, 0x2E000, 0x2000},   {"factory_param", 0x40, 0x08, 0x30000, 0x1000},
    {"wpa2_cert", 0x40, 0x09, 0x31000, 0x2000},   {"wpa2_key", 0x40, 0x0A, 0x33000, 0x2000},
    {"wpa2_ca", 0x40, 0x0B, 0x35000, 0x2000},     {"mqtt_cert", 0x40, 0x0C, 0x37000, 0x2000},
    {"mqtt_key", 0x40, 0x0D, 0x39000, 0x2000},    {"mqtt_ca", 0x40, 0x0E, 0x3B000, 0x2000},
    {"fatfs", 0x01, 0x81, 0x70000, 0x90000},
};
/* v2.1 and v2.2; no Bluetooth. */
static const struct stock_entry s2_user[] = {
    {"server_cert", 0x40, 0x02, 0x21000, 0x2000},   {"server_key", 0x40, 0x03, 0x23000, 0x2000},
    {"server_ca", 0x40, 0x04, 0x25000, 0x2000},     {"client_cert", 0x40, 0x05, 0x27000, 0x2000},
    {"client_key", 0x40, 0x06, 0x29000, 0x2000},    {"client_ca", 0x40, 0x07, 0x2B000, 0x2000},
    {"factory_param", 0x40, 0x08, 0x2D000, 0x1000}, {"wpa2_cert", 0x40, 0x09, 0x2E000, 0x2000},
    {"wpa2_key", 0x40, 0x0A, 0x30000, 0x2000},      {"wpa2_ca", 0x40, 0x0B, 0x32000, 0x2000},
    {"mqtt_cert", 0x40, 0x0C, 0x34000, 0x2000},     {"mqtt_key", 0x40, 0x0D, 0x36000, 0x2000},
    {"mqtt_ca", 0x40, 0x0E, 0x38000, 0x2000},       {"fatfs", 0x01, 0x81, 0x70000, 0x90000},
};
/* v2.2 to v2.4. */
static const struct stock_entry c3_user[] = {
    {"ble_data", 0x40, 0x01, 0x1F000, 0x6000},    {"server_cert", 0x40, 0x02, 0x25000, 0x2000},
    {"server_key", 0x40, 0x03, 0x27000, 0x2000},  {"server_ca", 0x40, 0x04, 0x29000, 0x2000},
    {"client_cert", 0x40, 0x05, 0x2B000, 0x2000}, {"client_key", 0x40, 0x06, 0x2D000, 0x2000},
    {"client_ca", 0x40, 0x07, 0x2F000, 0x2000},   {"factory_param", 0x40, 0x08, 0x31000, 0x1000},
    {"wpa2_cert", 0x40, 0x09, 0x32000, 0x2000},   {"wpa2_key", 0x40, 0x0A, 0x34000, 0x2000},
    {"wpa2_ca", 0x40, 0x0B, 0x36000, 0x2000},     {"mqtt_cert", 0x40, 0x0C, 0x38000, 0x2000},
    {"mqtt_key", 0x40, 0x0D, 0x3A000, 0x2000},    {"mqtt_ca", 0x40, 0x0E, 0x3C000, 0x2000},
    {"fatfs", 0x01, 0x81, 0x47000, 0x19000},
};
/* v3.0. */
static const struct stock_entry c2_user[] = {
    {"server_cert", 0x40, 0x01, 0x1F000, 0x2000},   {"server_key", 0x40, 0x02, 0x21000, 0x2000},
    {"server_ca", 0x40, 0x03, 0x23000, 0x2000},     {"client_cert", 0x40, 0x04, 0x25000, 0x2000},
    {"client_key", 0x40, 0x05, 0x27000, 0x2000},    {"client_ca", 0x40, 0x06, 0x29000, 0x2000},
    {"factory_param", 0x40, 0x07, 0x2B000, 0x1000}, {"wpa2_cert", 0x40, 0x08, 0x2C000, 0x2000},
    {"wpa2_key", 0x40, 0x09, 0x2E000, 0x2000},      {"wpa2_ca", 0x40, 0x0A, 0x30000, 0x2000},
    {"mqtt_cert", 0x40, 0x0B, 0x32000, 0x2000},     {"mqtt_key", 0x40, 0x0C, 0x34000, 0x2000},
    {"mqtt_ca", 0x40, 0x0D, 0x36000, 0x2000},       {"ble_data", 0x40, 0x0E, 0x38000, 0x6000},
    {"fatfs", 0x01, 0x81, 0x47000, 0x19000},
};

/* NVS mode, from v3.1 on. */
static const struct stock_entry esp32_nvs[] = {
    {"mfg_nvs", 0x01, 0x02, 0x21000, 0x1C000},
    {"fatfs", 0x01, 0x81, 0x70000, 0x90000},
};
static const struct stock_entry c3_nvs[] = {
    {"mfg_nvs", 0x01, 0x02, 0x1F000, 0x1F000},
    {"fatfs", 0x01, 0x81, 0x47000, 0x19000},
};
/* An ESP32-C2 with 2 MB. */
static const struct stock_entry c2_2mb_primary[] = {
    {"otadata", 0x01, 0x00, 0x9000, 0x2000},   {"phy_init", 0x01, 0x01, 0xB000, 0x1000},
    {"nvs", 0x01, 0x02, 0xC000, 0xE000},       {"at_customize", 0x40, 0x00, 0x1A000, 0x10000},
    {"storage", 0x01, 0x22, 0x2A000, 0xA6000}, {"ota_0", 0x00, 0x10, 0xD0000, 0x130000},
};
/* v3.0. */
static const struct stock_entry c2_2mb_user[] = {
    {"factory_param", 0x40, 0x01, 0x1B000, 0x1000}, {"server_cert", 0x40, 0x02, 0x1C000, 0x1000},
    {"server_key", 0x40, 0x03, 0x1D000, 0x1000},    {"server_ca", 0x40, 0x04, 0x1E000, 0x1000},
    {"client_cert", 0x40, 0x05, 0x1F000, 0x1000},   {"client_key", 0x40, 0x06, 0x20000, 0x1000},
    {"client_ca", 0x40, 0x07, 0x21000, 0x1000},     {"wpa2_cert", 0x40, 0x08, 0x22000, 0x1000},
    {"wpa2_key", 0x40, 0x09, 0x23000, 0x1000},      {"wpa2_ca", 0x40, 0x0A, 0x24000, 0x1000},
    {"mqtt_cert", 0x40, 0x0B, 0x25000, 0x1000},     {"mqtt_key", 0x40, 0x0C, 0x26000, 0x1000},
    {"mqtt_ca", 0x40, 0x0D, 0x27000, 0x1000},       {"ble_data", 0x40, 0x0E, 0x28000, 0x2000},
};
static const struct stock_entry c2_2mb_nvs[] = {
    {"mfg_nvs", 0x01, 0x02, 0x1B000, 0xF000},
};
/* ESP32-C5 and ESP32-C61, from v5.0 on. */
static const struct stock_entry c5_primary[] = {
    {"otadata", 0x01, 0x00, 0xD000, 0x2000},  {"phy_init", 0x01, 0x01, 0xF000, 0x1000},
    {"nvs", 0x01, 0x02, 0x10000, 0x20000},    {"at_customize", 0x40, 0x00, 0x30000, 0x70000},
    {"ota_0", 0x00, 0x10, 0xA0000, 0x220000}, {"ota_1", 0x00, 0x11, 0x2C0000, 0x140000},
};
static const struct stock_entry c5_nvs[] = {
    {"mfg_nvs", 0x01, 0x02, 0x31000, 0x1F000},
    {"fatfs", 0x01, 0x81, 0x50000, 0x19000},
};

#define TABLE(t)                                                                                   \
    {                                                                                              \
        t, sizeof(t) / sizeof(t)[0]                                                                \
    }
#define F_40_MHZ 0x0
#define F_60_MHZ 0xF /* the fastest of the C2 */
#define F_80_MHZ 0xF
enum { NVS_MODE = 310, TABLE_AT = 0x8000, TABLE_AT_C5 = 0xC000 };

/* The more particular row first, the newer one first. */
static const struct stock_layout layouts[] = {
    {"esp32", NULL, NVS_MODE, TABLE(esp32_primary), TABLE(esp32_nvs)},
    {"esp32", NULL, 0, TABLE(esp32_primary), TABLE(esp32_user)},
    {"esp32s2", NULL, NVS_MODE, TABLE(esp32_primary), TABLE(esp32_nvs)},
    {"esp32s2", NULL, 0, TABLE(esp32_primary), TABLE(s2_user)},
    {"esp32c3", NULL, NVS_MODE, TABLE(c3_primary), TABLE(c3_nvs)},
    {"esp32c3", NULL, 0, TABLE(c3_primary), TABLE(c3_user)},
    {"esp32c2", "ESP32C2-2MB", NVS_MODE, TABLE(c2_2mb_primary), TABLE(c2_2mb_nvs)},
    {"esp32c2", "ESP32C2-2MB", 0, TABLE(c2_2mb_primary), TABLE(c2_2mb_user)},
    {"esp32c2", "ESP32C2-4MB", NVS_MODE, TABLE(c3_primary), TABLE(c3_nvs)},
    {"esp32c2", "ESP32C2-4MB", 0, TABLE(c3_primary), TABLE(c2_user)},
    {"esp32c6", NULL, NVS_MODE, TABLE(c3_primary), TABLE(c3_nvs)},
    {"esp32c5", NULL, NVS_MODE, TABLE(c5_primary), TABLE(c5_nvs)},
    {"esp32c61", NULL, NVS_MODE, TABLE(c5_primary), TABLE(c5_nvs)},
};

static const struct stock_module modules[] = {
    {"esp32", "WROOM-32", {17, 16, 15, 14}},    {"esp32", "WROVER-32", {22, 19, 15, 14}},
    {"esp32", "PICO-D4", {22, 19, 15, 14}},     {"esp32", "MINI-1", {22, 19, 15, 14}},
    {"esp32s2", "MINI", {17, 21, 20, 19}},      {"esp32c3", "MINI-1", {7, 6, 5, 4}},
    {"esp32c2", "ESP32C2-4MB", {7, 6, 5, 4}},   {"esp32c2", "ESP32C2-2MB", {7, 6, 19, 20}},
    {"esp32c6", "ESP32C6-4MB", {7, 6, 5, 4}},   {"esp32c5", "ESP32C5-4MB", {23, 24, 25, 26}},
    {"esp32c61", "ESP32C61-4MB", {7, 6, 5, 4}},
};

static const struct stock_build builds[] = {
    {.chip = "esp32",
     .platform = "PLATFORM_ESP32",
     .module = "WROOM-32",
     .pins = {17, 16, 15, 14},
     .frequency = F_40_MHZ,
     .boot_address = 0x3FFF0030,
     .app_address = 0x3F400020,
     .entry = 0x40080678,
     .table_at = TABLE_AT},
    {.chip = "esp32s2",
     .platform = "PLATFORM_ESP32S2",
     .module = "MINI",
     .pins = {17, 18, 20, 19},
     .frequency = F_40_MHZ,
     .boot_address = 0x3FFE6100,
     .app_address = 0x3F000020,
     .entry = 0x4004C000,
     .table_at = TABLE_AT},
    {.chip = "esp32c3",
     .platform = "PLATFORM_ESP32C3",
     .module = "MINI-1",
     .pins = {7, 6, 5, 4},
     .frequency = F_40_MHZ,
     .boot_address = 0x3FCD6100,
     .app_address = 0x3C000020,
     .entry = 0x403CE000,
     .table_at = TABLE_AT},
    {.chip = "esp32c2",
     .platform = "PLATFORM_ESP32C2",
     .module = "ESP32C2-4MB",
     .pins = {7, 6, 5, 4},
     .frequency = F_60_MHZ,
     .boot_address = 0x3FCD6108,
     .app_address = 0x3C000020,
     .entry = 0x403AE000,
     .table_at = TABLE_AT},
    {.chip = "esp32c6",
     .platform = "PLATFORM_ESP32C6",
     .module = "ESP32C6-4MB",
     .pins = {7, 6, 5, 4},
     .frequency = F_80_MHZ,
     .boot_address = 0x4086C410,
     .app_address = 0x42000020,
     .entry = 0x4086C410,
     .table_at = TABLE_AT},
    {.chip = "esp32c5",
     .platform = "PLATFORM_ESP32C5",
     .module = "ESP32C5-4MB",
     .pins = {23, 24, 25, 26},
     .frequency = F_80_MHZ,
     .boot_address = 0x4084E5A0,
     .app_address = 0x42000020,
     .entry = 0x4084E5A0,
     .table_at = TABLE_AT_C5},
    {.chip = "esp32c61",
     .platform = "PLATFORM_ESP32C61",
     .module = "ESP32C61-4MB",
     .pins = {7, 6, 5, 4},
     .frequency = F_80_MHZ,
     .boot_address = 0x4083EA70,
     .app_address = 0x42000020,
     .entry = 0x4083EA70,
     .table_at = TABLE_AT_C5},
};

#define COUNT(t) (sizeof(t) / sizeof(t)[0])

const struct stock_build *stock_build(const char *chip)
{
    for (size_t i = 0; i < COUNT(builds); i++)
        if (strcmp(builds[i].chip, chip) == 0) return &builds[i];
    return NULL;
}

const struct stock_module *stock_module(const char *chip, const char *name)
{
    for (size_t i = 0; i < COUNT(modules); i++)
        if (strcmp(modules[i].chip, chip) == 0 && (!*name || strcmp(modules[i].name, name) == 0))
            return &modules[i];
    return NULL;
}

const struct stock_layout *stock_layout(const struct stock_module *m, unsigned at_level)
{
    for (size_t i = 0; i < COUNT(layouts); i++) {
        const struct stock_layout *l = &layouts[i];
        if (strcmp(l->chip, m->chip) == 0 && l->since <= at_level &&
            (!l->module || strcmp(l->module, m->name) == 0))
            return l;
    }
    return NULL;
}
