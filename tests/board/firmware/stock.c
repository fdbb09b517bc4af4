/* stock: what a new module's flash holds as the release zip or the factory wrote it: bootloader and
 * application stand-ins with valid image headers, the two partition tables, factory parameters and
 * the dummy credentials. Blank (0xFF) everywhere else. */
#include "tests/board/firmware/stock.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/board.h"
#include "tests/board/chip.h"
#include "tests/board/firmware/partition.h"
#include "tests/board/firmware/version.h"
#include "tests/board/flash.h"
#include "tests/board/image.h"

enum { TABLE_BYTES = 0xC00, DESCRIPTION_BYTES = 256 };
enum { PKI_CA = 1, PKI_CERTIFICATE = 2, PKI_KEY = 3, PKI_MAX = 8192 };

static void le_put(uint8_t *p, uint32_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put_table(struct flash *f, uint32_t at, const struct stock_table *t, bool md5)
{
    uint8_t table[TABLE_BYTES];
    const struct stock_entry *e = t->v;
    memset(table, 0xFF, sizeof table);
    for (size_t i = 0; i < t->count; i++) {
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
    size_t n = t->count * PARTITION_ENTRY_BYTES;
    if (md5) {
        memset(table + n, 0xEB, 2);
        EVP_Digest(table, n, table + n + 16, NULL, EVP_md5(), NULL);
    }
    flash_program(f, at, table, sizeof table);
}

/* An image as the ROM and the bootloader accept it: head, one segment, checksum, SHA-256. */
static void put_image(struct flash *f, uint32_t at, const struct stock_build *b, uint32_t address,
                      const uint8_t content[DESCRIPTION_BYTES])
{
    enum { SUMMED = IMAGE_HEAD_BYTES + IMAGE_SEGMENT_HEAD_BYTES + DESCRIPTION_BYTES + 16 };
    uint8_t image[SUMMED + IMAGE_HASH_BYTES] = {0};
    image[0] = IMAGE_MAGIC;
    image[1] = 1;                              /* segments */
    image[2] = 2;                              /* DIO */
    image[3] = (uint8_t)(0x20 | b->frequency); /* 4 MB */
    le_put(image + 4, b->entry, 4);
    image[8] = 0xEE; /* WP has no pin of its own */
    image[12] = chip_find(b->chip)->id;
    image[23] = 1; /* a SHA-256 follows */
    uint8_t *segment = image + IMAGE_HEAD_BYTES;
    le_put(segment, address, 4);
    le_put(segment + 4, DESCRIPTION_BYTES, 4);
    memcpy(segment + IMAGE_SEGMENT_HEAD_BYTES, content, DESCRIPTION_BYTES);
    uint8_t sum = IMAGE_SUM_SEED;
    for (size_t i = 0; i < DESCRIPTION_BYTES; i++)
        sum ^= content[i];
    image[SUMMED - 1] = sum;
    EVP_Digest(image, SUMMED, image + SUMMED, NULL, EVP_sha256(), NULL);
    flash_program(f, at, image, sizeof image);
}

static void put_bootloader(struct flash *f, const struct stock_build *b, const struct version *v)
{
    uint8_t content[DESCRIPTION_BYTES] = {0};
    snprintf((char *)content, sizeof content, "bootloader of ESP-IDF %s", v->idf);
    put_image(f, chip_find(b->chip)->bootloader_at, b, b->boot_address, content);
}

/* Its segment starts with the description that tells the release. */
static void put_application(struct flash *f, const struct stock_build *b,
                            const struct stock_layout *l, const struct version *v)
{
    uint8_t content[DESCRIPTION_BYTES] = {0};
    const struct stock_entry *e = l->primary.v;
    while (e->type != PARTITION_APP)
        e++;
    le_put(content, 0xABCD5432, 4);
    snprintf((char *)content + 16, 32, "v%s.0", v->release);
    snprintf((char *)content + 48, 32, "esp-at");
    snprintf((char *)content + 80, 16, "%s", v->compiled);
    snprintf((char *)content + 112, 32, "%s", v->idf);
    put_image(f, e->at, b, b->app_address, content);
}

static const struct stock_entry *entry_of(const struct stock_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->v[i].name, name) == 0) return &t->v[i];
    return NULL;
}

static void put_factory_param(struct flash *f, uint32_t at, const struct stock_module *m,
                              const struct version *v)
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
    memcpy(p + 16, m->pins, sizeof m->pins);
    memset(p + 24, 0, 64);
    snprintf((char *)p + 24, 32, "%s", stock_build(m->chip)->platform);
    snprintf((char *)p + 56, 32, "%s", m->name);
    flash_program(f, at, p, sizeof p);
}

/* @p copies of the same item: stock client_* partitions hold two. */
static void put_pki(struct flash *f, uint32_t where, uint8_t type, const char *pem, size_t copies)
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
    flash_program(f, where, image, at);
}

static void put_credentials(struct flash *f, const struct stock_table *user)
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
            put_pki(f, entry_of(user, name)->at, parts[k].type, parts[k].pem,
                    strcmp(users[i], "client") == 0 ? 2 : 1);
        }
    }
    stock_credentials_dispose(&c);
}

void stock_fill(struct flash *f, const struct board_options *options)
{
    const struct version *v = version_named(options->chip, options->firmware);
    const struct stock_build *b = stock_build(options->chip);
    const struct stock_module *m = stock_module(options->chip, options->module);
    const struct stock_layout *l = v && m ? stock_layout(m, v->at_level) : NULL;
    if (!l) return;
    put_bootloader(f, b, v);
    put_table(f, b->table_at, &l->primary, false);
    put_table(f, entry_of(&l->primary, "at_customize")->at, &l->user, true);
    const struct stock_entry *nvs = entry_of(&l->user, "mfg_nvs");
    if (nvs) {
        stock_put_mfg_nvs(f, nvs, m, v);
    } else {
        put_factory_param(f, entry_of(&l->user, "factory_param")->at, m, v);
        put_credentials(f, &l->user);
    }
    put_application(f, b, l, v);
}
