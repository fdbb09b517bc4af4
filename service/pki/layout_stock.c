/* The tables that Espressif ships, one CSV text each; a blank offset means "right after the row
 * above", so that a text shows what a layout is made of: one run of partitions and a file system.
 * The same table is used by several chips, hence the second list: where a chip's at_customize is,
 * and which tables were shipped there.
 * Design: everything is worked out at the first call; the texts are constants of this program, so a
 * text that cannot be read is a bug. */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "service/pki/layout.h"

/* clang-format off */
#define PKI_8K(name, st_cert, st_key, st_ca) \
    name "_cert,0x40," st_cert ",,8K\n" name "_key,0x40," st_key ",,8K\n" name "_ca,0x40," st_ca ",,8K\n"
#define PKI_4K(name, st_cert, st_key, st_ca) \
    name "_cert,0x40," st_cert ",,4K\n" name "_key,0x40," st_key ",,4K\n" name "_ca,0x40," st_ca ",,4K\n"
#define FAT_ESP32 "fatfs,data,fat,0x70000,576K\n"
#define FAT_C3    "fatfs,data,fat,0x47000,100K\n"

/* Since v2.0 a board of the ESP32 family has this run, at an address of its own. */
#define RUN_WITH_BLE(offset, size) \
    "ble_data,0x40,1," offset "," size "\n" \
    PKI_8K("server", "2", "3", "4") PKI_8K("client", "5", "6", "7") \
    "factory_param,0x40,8,,4K\n" \
    PKI_8K("wpa2", "9", "10", "11") PKI_8K("mqtt", "12", "13", "14")

static const char esp32_v1_0[] =
    "ble_data,0x40,1,0x21000,12K\n"
    PKI_8K("server", "2", "3", "4") PKI_8K("client", "5", "6", "7") FAT_ESP32;
static const char esp32_v1_1_3[] =
    "ble_data,0x40,1,0x21000,12K\n"
    PKI_8K("server", "2", "3", "4") PKI_8K("client", "5", "6", "7")
    "factory_param,0x40,8,,4K\n" FAT_ESP32;
static const char esp32_v2[] = RUN_WITH_BLE("0x21000", "12K") FAT_ESP32;
static const char d2wd_v2[]  = RUN_WITH_BLE("0x21000", "12K");
static const char s2_v2[] =
    "server_cert,0x40,2,0x21000,8K\nserver_key,0x40,3,,8K\nserver_ca,0x40,4,,8K\n"
    PKI_8K("client", "5", "6", "7") "factory_param,0x40,8,,4K\n"
    PKI_8K("wpa2", "9", "10", "11") PKI_8K("mqtt", "12", "13", "14") FAT_ESP32;
static const char c3_v2[] = RUN_WITH_BLE("0x1f000", "24K") FAT_C3;
static const char c3_rainmaker_v3_0[] =
    RUN_WITH_BLE("0x1f000", "24K") "rmaker_mfg,data,nvs,,24K\n" FAT_C3;
static const char c2_4mb_v3_0[] =
    "server_cert,0x40,1,0x1f000,8K\nserver_key,0x40,2,,8K\nserver_ca,0x40,3,,8K\n"
    PKI_8K("client", "4", "5", "6") "factory_param,0x40,7,,4K\n"
    PKI_8K("wpa2", "8", "9", "10") PKI_8K("mqtt", "11", "12", "13")
    "ble_data,0x40,14,,24K\n" FAT_C3;
static const char c2_2mb_v3_0[] =
    "factory_param,0x40,1,0x1b000,4K\n"
    PKI_4K("server", "2", "3", "4") PKI_4K("client", "5", "6", "7")
    PKI_4K("wpa2", "8", "9", "10") PKI_4K("mqtt", "11", "12", "13") "ble_data,0x40,14,,8K\n";

static const char esp32_nvs[]        = "mfg_nvs,data,nvs,0x21000,112K\n" FAT_ESP32;
static const char esp32_nvs_fs[]     = "mfg_nvs,data,nvs,0x21000,112K\nfs_storage,data,0xff,0x70000,576K\n";
static const char d2wd_nvs[]         = "mfg_nvs,data,nvs,0x21000,112K\n";
static const char c3_nvs[]           = "mfg_nvs,data,nvs,0x1f000,124K\n" FAT_C3;
static const char c3_nvs_fs[]        = "mfg_nvs,data,nvs,0x1f000,124K\nfs_storage,data,0xff,0x47000,100K\n";
static const char rainmaker_nvs[]    = "mfg_nvs,data,nvs,0x1f000,148K\n" FAT_C3;
static const char rainmaker_nvs_fs[] = "mfg_nvs,data,nvs,0x1f000,148K\nfs_storage,data,0xff,0x47000,100K\n";
static const char c2_2mb_nvs[]       = "mfg_nvs,data,nvs,0x1b000,60K\n";
static const char c5_nvs[]           = "mfg_nvs,data,nvs,0x31000,124K\nfatfs,data,fat,0x50000,100K\n";
static const char c5_nvs_fs[]        = "mfg_nvs,data,nvs,0x31000,124K\nfs_storage,data,0xff,0x50000,100K\n";

/* The rows of one chip stand together: a list is a slice of this. The commonest table comes first.
 */
static const struct shipped {
    const char *chip, *name, *releases;
    uint32_t offset;
    const char *csv;
} shipped[] = {
    {"esp32", "esp32-v2", "v2.x", 0x20000, esp32_v2},
    {"esp32", "esp32-nvs", "v3.1 to v5.0", 0x20000, esp32_nvs},
    {"esp32", "esp32-nvs-fs", "after v5.0", 0x20000, esp32_nvs_fs},
    {"esp32", "esp32-v1.1.3", "v1.1.3 to v1.2", 0x20000, esp32_v1_1_3},
    {"esp32", "esp32-v1.0", "v1.0 to v1.1.2", 0x20000, esp32_v1_0},
    {"esp32", "esp32-d2wd-v2", "D2WD v2.2 to v3.0", 0x20000, d2wd_v2},
    {"esp32", "esp32-d2wd-nvs", "D2WD since v3.1", 0x20000, d2wd_nvs},
    {"esp32s2", "esp32s2-v2", "v2.1 to v2.2", 0x20000, s2_v2},
    {"esp32s2", "esp32s2-nvs", "v3.4 to v5.0", 0x20000, esp32_nvs},
    {"esp32s2", "esp32s2-nvs-fs", "after v5.0", 0x20000, esp32_nvs_fs},
    {"esp32c3", "esp32c3-v2", "v2.2 to v3.0", 0x1E000, c3_v2},
    {"esp32c3", "esp32c3-nvs", "v3.1 to v5.0", 0x1E000, c3_nvs},
    {"esp32c3", "esp32c3-nvs-fs", "after v5.0", 0x1E000, c3_nvs_fs},
    {"esp32c3", "esp32c3-rainmaker-v3.0", "RainMaker v3.0", 0x1E000, c3_rainmaker_v3_0},
    {"esp32c3", "esp32c3-rainmaker-nvs", "RainMaker since v3.1", 0x1E000, rainmaker_nvs},
    {"esp32c3", "esp32c3-rainmaker-nvs-fs", "RainMaker after v5.0", 0x1E000, rainmaker_nvs_fs},
    {"esp32c2", "esp32c2-nvs", "4 MB v3.1 to v5.0", 0x1E000, c3_nvs},
    {"esp32c2", "esp32c2-nvs-fs", "4 MB after v5.0", 0x1E000, c3_nvs_fs},
    {"esp32c2", "esp32c2-2mb-nvs", "2 MB since v3.1", 0x1A000, c2_2mb_nvs},
    {"esp32c2", "esp32c2-4mb-v3.0", "4 MB v3.0", 0x1E000, c2_4mb_v3_0},
    {"esp32c2", "esp32c2-2mb-v3.0", "2 MB v3.0", 0x1A000, c2_2mb_v3_0},
    {"esp32c6", "esp32c6-nvs", "v3.2 to v5.0", 0x1E000, c3_nvs},
    {"esp32c6", "esp32c6-nvs-fs", "after v5.0", 0x1E000, c3_nvs_fs},
    {"esp32c5", "esp32c5-nvs", "v5.0", 0x30000, c5_nvs},
    {"esp32c5", "esp32c5-nvs-fs", "after v5.0", 0x30000, c5_nvs_fs},
    {"esp32c5", "esp32c5-v4-nvs", "v4.1", 0x1E000, c3_nvs},
    {"esp32c61", "esp32c61-nvs", "v5.0", 0x30000, c5_nvs},
    {"esp32c61", "esp32c61-nvs-fs", "after v5.0", 0x30000, c5_nvs_fs},
};

/* The primary tables, of all releases. */
static const struct {
    const char *chip, *csv;
} primaries[] = {
    {"esp32",
     "phy_init,data,phy,0xf000,4K\notadata,data,ota,0x10000,8K\nnvs,data,nvs,0x12000,56K\n"
     "at_customize,0x40,0,0x20000,896K\nota_0,app,ota_0,0x100000,1536K\nota_1,app,ota_1,0x280000,1536K\n"},
    {"esp32",
     "phy_init,data,phy,0xf000,4K\notadata,data,ota,0x10000,8K\nnvs,data,nvs,0x12000,56K\n"
     "at_customize,0x40,0,0x20000,384K\nfactory,app,factory,0x80000,1536K\n"},
};
/* clang-format on */

enum { PRIMARIES = sizeof primaries / sizeof *primaries };

static struct primary {
    struct partition_table table;
    uint8_t md5[2][MD5_BYTES]; /* as ESP-AT builds it, without an MD5 entry; and with one */
} primary[PRIMARIES];

enum { SHIPPED = sizeof shipped / sizeof *shipped };

static struct layout_stock stock[SHIPPED];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void stock_make(const struct shipped *s, struct layout_stock *out)
{
    struct partition_table table;
    char source[sizeof out->layout.source];
    struct buf binary;
    buf_init(&binary, PARTITION_TABLE_BYTES);
    enum err e = partition_table_from_csv(s->csv, strlen(s->csv), &table);
    if (!e) e = partition_table_build(&table, true, &binary);
    assert(!e); /* constants of this file, and 3 KB of memory at the first use */
    (void)e;
    table.had_md5 = true;
    snprintf(source, sizeof source, "at_customize at 0x%x, stock %s %s", (unsigned)s->offset,
             s->chip, s->releases);
    layout_from_table(&table, source, &out->layout);
    out->name = s->name;
    out->chip = s->chip;
    out->offset = s->offset;
    if (binary.data) digest_md5(binary.data, PARTITION_TABLE_BYTES, out->md5);
    buf_dispose(&binary);
}

static void primary_make(const char *csv, struct primary *out)
{
    for (size_t with_md5 = 0; with_md5 < 2; with_md5++) {
        struct buf binary;
        buf_init(&binary, PARTITION_TABLE_BYTES);
        enum err e = partition_table_from_csv(csv, strlen(csv), &out->table);
        if (!e) e = partition_table_build(&out->table, with_md5, &binary);
        assert(!e); /* as above */
        (void)e;
        if (binary.data) digest_md5(binary.data, PARTITION_TABLE_BYTES, out->md5[with_md5]);
        buf_dispose(&binary);
    }
}

static void stock_make_all(void)
{
    for (size_t i = 0; i < PRIMARIES; i++)
        primary_make(primaries[i].csv, &primary[i]);
    for (size_t i = 0; i < SHIPPED; i++)
        stock_make(&shipped[i], &stock[i]);
}

const struct layout_stock *layout_stock_list(const char *chip, size_t *n_out)
{
    size_t first = 0, n = 0;
    *n_out = 0;
    pthread_once(&once, stock_make_all);
    while (first < SHIPPED && strcmp(stock[first].chip, chip) != 0)
        first++;
    while (first + n < SHIPPED && !strcmp(stock[first + n].chip, chip))
        n++;
    *n_out = n;
    return n ? &stock[first] : NULL;
}

const struct layout_stock *layout_stock_find(const char *chip, uint32_t offset,
                                             const uint8_t md5[MD5_BYTES])
{
    size_t n;
    const struct layout_stock *list = layout_stock_list(chip, &n);
    for (size_t i = 0; i < n; i++)
        if (list[i].offset == offset && !memcmp(list[i].md5, md5, MD5_BYTES)) return &list[i];
    return NULL;
}

const struct partition_table *layout_primary_find(const char *chip, const uint8_t md5[MD5_BYTES])
{
    pthread_once(&once, stock_make_all);
    for (size_t i = 0; i < PRIMARIES; i++)
        for (size_t k = 0; k < 2; k++)
            if (!strcmp(primaries[i].chip, chip) && !memcmp(primary[i].md5[k], md5, MD5_BYTES))
                return &primary[i].table;
    return NULL;
}
