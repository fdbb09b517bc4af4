/* stock: what a new module's flash holds as the release zip or the factory wrote it: bootloader and
 * application stand-ins with valid image headers, the two partition tables, factory parameters and
 * the dummy credentials. Blank (0xFF) everywhere else. */
#include "tests/board/firmware/stock.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/board.h"
#include "tests/board/firmware/partition.h"
#include "tests/board/firmware/version.h"
#include "tests/board/flash.h"

enum { BOOTLOADER_AT = 0x1000, USER_TABLE_AT = 0x20000, TABLE_BYTES = 0xC00 };
enum { IMAGE_HEADER_BYTES = 24, SEGMENT_HEADER_BYTES = 8, DESCRIPTION_BYTES = 256 };
enum { PKI_CA = 1, PKI_CERTIFICATE = 2, PKI_KEY = 3, PKI_MAX = 8192 };

struct entry {
    const char *name;
    uint8_t type, subtype;
    uint32_t at, size;
};

/* esp-at.md 2.2: every ESP32 module of 4 MB, all releases. */
static const struct entry primary[] = {
    {"phy_init", 0x01, 0x01, 0xF000, 0x1000},  {"otadata", 0x01, 0x00, 0x10000, 0x2000},
    {"nvs", 0x01, 0x02, 0x12000, 0xE000},      {"at_customize", 0x40, 0x00, 0x20000, 0xE0000},
    {"ota_0", 0x00, 0x10, 0x100000, 0x180000}, {"ota_1", 0x00, 0x11, 0x280000, 0x180000},
};

/* esp-at.md 2.3: ESP32, v2.0 to v2.4. */
static const struct entry user[] = {
    {"ble_data", 0x40, 1, 0x21000, 0x3000},    {"server_cert", 0x40, 2, 0x24000, 0x2000},
    {"server_key", 0x40, 3, 0x26000, 0x2000},  {"server_ca", 0x40, 4, 0x28000, 0x2000},
    {"client_cert", 0x40, 5, 0x2A000, 0x2000}, {"client_key", 0x40, 6, 0x2C000, 0x2000},
    {"client_ca", 0x40, 7, 0x2E000, 0x2000},   {"factory_param", 0x40, 8, 0x30000, 0x1000},
    {"wpa2_cert", 0x40, 9, 0x31000, 0x2000},   {"wpa2_key", 0x40, 10, 0x33000, 0x2000},
    {"wpa2_ca", 0x40, 11, 0x35000, 0x2000},    {"mqtt_cert", 0x40, 12, 0x37000, 0x2000},
    {"mqtt_key", 0x40, 13, 0x39000, 0x2000},   {"mqtt_ca", 0x40, 14, 0x3B000, 0x2000},
    {"fatfs", 0x01, 0x81, 0x70000, 0x90000},
};

static void le_put(uint8_t *p, uint32_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put_table(struct flash *f, uint32_t at, const struct entry *e, size_t count, bool md5)
{
    uint8_t table[TABLE_BYTES];
    memset(table, 0xFF, sizeof table);
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = table + i * PARTITION_ENTRY_BYTES;
        memset(p, 0, PARTITION_ENTRY_BYTES);
        p[0] = 0xAA;
        p[1] = 0x50;
        p[2] = e[i].type;
        p[3] = e[i].subtype;
        le_put(p + 4, e[i].at, 4);
        le_put(p + 8, e[i].size, 4);
        memcpy(p + 12, e[i].name, strlen(e[i].name));
    }
    size_t n = count * PARTITION_ENTRY_BYTES;
    if (md5) {
        memset(table + n, 0xEB, 2);
        EVP_Digest(table, n, table + n + 16, NULL, EVP_md5(), NULL);
    }
    flash_program(f, at, table, sizeof table);
}

/* An image as the ROM and the bootloader accept it: header, one segment, checksum. The segment
 * starts with the description that tells the release. */
static void put_image(struct flash *f, uint32_t at, const struct version *v, const char *project)
{
    uint8_t image[IMAGE_HEADER_BYTES + SEGMENT_HEADER_BYTES + DESCRIPTION_BYTES + 16] = {0};
    image[0] = 0xE9;
    image[1] = 1;    /* segments */
    image[2] = 2;    /* DIO */
    image[3] = 0x20; /* 4 MB, 40 MHz */
    le_put(image + 4, 0x40080000, 4);
    uint8_t *segment = image + IMAGE_HEADER_BYTES;
    le_put(segment, 0x3F400020, 4);
    le_put(segment + 4, DESCRIPTION_BYTES, 4);
    uint8_t *description = segment + SEGMENT_HEADER_BYTES;
    le_put(description, 0xABCD5432, 4);
    snprintf((char *)description + 16, 32, "%s", v->project);
    snprintf((char *)description + 48, 32, "%s", project);
    uint8_t sum = 0xEF;
    for (size_t i = 0; i < DESCRIPTION_BYTES; i++)
        sum ^= description[i];
    image[sizeof image - 1] = sum;
    flash_program(f, at, image, sizeof image);
}

/* Where a partition of the second table is; the names are this file's own. */
static uint32_t address_of(const char *name)
{
    size_t i = 0;
    while (strcmp(user[i].name, name) != 0)
        i++;
    return user[i].at;
}

static void put_factory_param(struct flash *f, const struct version *v)
{
    uint8_t p[FLASH_SECTOR_BYTES];
    memset(p, 0xFF, sizeof p);
    le_put(p, 0xFCFC, 2);
    p[2] = v->at_level >= 210 ? 3 : 1;
    p[3] = 1;  /* WROOM-32 */
    p[4] = 78; /* 19.5 dBm */
    p[5] = 1;  /* UART1 */
    p[6] = 1;
    p[7] = 13;
    memcpy(p + 8, "CN\0", 4);
    le_put(p + 12, 115200, 4);
    p[16] = 17; /* TX, RX, CTS, RTS */
    p[17] = 16;
    p[18] = 15;
    p[19] = 14;
    memset(p + 24, 0, 64);
    snprintf((char *)p + 24, 32, "PLATFORM_ESP32");
    snprintf((char *)p + 56, 32, "WROOM-32");
    flash_program(f, address_of("factory_param"), p, sizeof p);
}

/* @p copies of the same item: stock client_* partitions hold two. */
static void put_pki(struct flash *f, const char *name, uint8_t type, const char *pem, size_t copies)
{
    uint8_t image[PKI_MAX];
    memset(image, 0xFF, sizeof image);
    size_t n = strlen(pem), padded = (n + 3) & ~(size_t)3, at = 8;
    for (size_t i = 0; i < copies && at + 4 + padded <= sizeof image; i++) {
        image[at] = type;
        image[at + 1] = (uint8_t)i;
        le_put(image + at + 2, (uint32_t)n, 2);
        memcpy(image + at + 4, pem, n); // NOLINT(bugprone-not-null-terminated-result): counted
        at += 4 + padded;
    }
    le_put(image, 0xF1F1, 2);
    le_put(image + 2, (uint32_t)copies, 2);
    le_put(image + 4, (uint32_t)(at - 8), 4);
    flash_program(f, address_of(name), image, at);
}

static void put_credentials(struct flash *f)
{
    static const char *const users[] = {"server", "client", "wpa2", "mqtt"};
    struct stock_credentials c;
    if (stock_credentials_make(&c) != 0) {
        fprintf(stderr, "espboard: cannot make the dummy credentials\n");
        return;
    }
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        const struct {
            const char *suffix, *pem;
            uint8_t type;
        } parts[] = {{"ca", c.ca, PKI_CA},
                     {"cert", c.certificate, PKI_CERTIFICATE},
                     {"key", c.key, PKI_KEY}};
        for (size_t k = 0; k < 3; k++) {
            char name[17];
            snprintf(name, sizeof name, "%s_%s", users[i], parts[k].suffix);
            put_pki(f, name, parts[k].type, parts[k].pem, strcmp(users[i], "client") == 0 ? 2 : 1);
        }
    }
    stock_credentials_dispose(&c);
}

void stock_fill(struct flash *f, const struct board_options *options)
{
    const struct version *v = version_named(options->firmware);
    if (!v) return;
    put_image(f, BOOTLOADER_AT, v, "bootloader");
    put_table(f, PARTITION_TABLE_AT, primary, sizeof primary / sizeof *primary, false);
    put_table(f, USER_TABLE_AT, user, sizeof user / sizeof *user, true);
    put_factory_param(f, v);
    put_credentials(f);
    put_image(f, primary[4].at, v, "esp-at");
}
