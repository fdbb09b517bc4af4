/* boot: the second-stage bootloader. It looks at the primary table as ESP-IDF does (stock ESP-AT
 * has no MD5 entry in it, and does not ask for one), then at the applications, one after the other,
 * and says what is wrong with each. Otadata is taken for erased: OTA slots in their order, then the
 * factory application. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/firmware/firmware.h"
#include "tests/board/firmware/stock.h"
#include "tests/board/image.h"

enum { TABLE_BYTES = 0xC00, MD5_BYTES = 16, OTA_0 = 0x10, OTA_SLOTS = 16, TOO_LONG = 0x1000000 };

static const char *usage_of(const struct partition *p)
{
    if (p->type == PARTITION_APP) {
        if (p->subtype == 0) return "factory app";
        return p->subtype >= OTA_0 && p->subtype < OTA_0 + OTA_SLOTS ? "OTA app" : "Unknown app";
    }
    if (p->type != PARTITION_DATA) return "unknown";
    switch (p->subtype) {
    case PARTITION_DATA_OTA:
        return "OTA data";
    case 0x01:
        return "RF data";
    case PARTITION_DATA_NVS:
        return "WiFi data";
    default:
        return "Unknown data";
    }
}

static void print_bootloader(struct firmware *fw)
{
    if (fw->version->rom_load) console_print(fw, "%s", fw->version->rom_load);
    console_log(fw, 'I', "boot", "ESP-IDF %s 2nd stage bootloader", fw->version->idf);
    console_log(fw, 'I', "boot", "compile time %s", fw->version->compiled);
    console_log(fw, 'I', "boot", "Enabling RNG early entropy source...");
    char of_chip[32];
    snprintf(of_chip, sizeof of_chip, fw->version->rom_load ? "boot" : "boot.%s",
             fw->env.options->chip);
    console_log(fw, 'I', of_chip, "SPI Speed      : 40MHz");
    console_log(fw, 'I', of_chip, "SPI Mode       : DIO");
    console_log(fw, 'I', of_chip, "SPI Flash Size : %uMB",
                (unsigned)(flash_size(fw->env.flash) >> 20));
}

static void print_table(struct firmware *fw)
{
    console_log(fw, 'I', "boot", "Partition Table:");
    console_log(fw, 'I', "boot", "## Label            Usage          Type ST Offset   Length");
    for (size_t i = 0; i < fw->primary.count; i++) {
        const struct partition *p = &fw->primary.v[i];
        console_log(fw, 'I', "boot", "%2zu %-16s %-16s %02x %02x %08x %08x", i, p->name,
                    usage_of(p), p->type, p->subtype, (unsigned)p->at, (unsigned)p->size);
    }
    console_log(fw, 'I', "boot", "End of partition table");
}

/* ---- the table ---- */

static bool entry_fits(struct firmware *fw, size_t i, const uint8_t *e)
{
    uint32_t at = le32_get(e + 4), size = le32_get(e + 8), chip = flash_size(fw->env.flash);
    if (at <= chip && size <= chip - at) return true;
    console_log(fw, 'E', "flash_parts",
                "partition %zu invalid - offset 0x%x size 0x%x exceeds flash chip size 0x%x", i,
                (unsigned)at, (unsigned)size, (unsigned)chip);
    return false;
}

static bool md5_fits(struct firmware *fw, const uint8_t *table, const uint8_t *e)
{
    uint8_t md5[MD5_BYTES];
    EVP_Digest(table, (size_t)(e - table), md5, NULL, EVP_md5(), NULL);
    if (memcmp(md5, e + PARTITION_ENTRY_BYTES - MD5_BYTES, MD5_BYTES) == 0) return true;
    console_log(fw, 'E', "flash_parts", "Incorrect MD5 checksum");
    return false;
}

static bool table_is_good(struct firmware *fw)
{
    const uint8_t *table =
        flash_bytes(fw->env.flash) + stock_build(fw->env.options->chip)->table_at;
    for (size_t i = 0; i < TABLE_BYTES / PARTITION_ENTRY_BYTES; i++) {
        const uint8_t *e = table + i * PARTITION_ENTRY_BYTES;
        unsigned magic = (unsigned)e[0] | (unsigned)e[1] << 8;
        bool good = true;
        if (magic == 0xffff && e[2] == 0xff && e[3] == 0xff) return true;
        if (magic == 0x50aa)
            good = entry_fits(fw, i, e);
        else if (magic == 0xebeb)
            good = md5_fits(fw, table, e);
        else
            console_log(fw, 'E', "flash_parts", "partition %zu invalid magic number 0x%x", i,
                        magic);
        if (!good || (magic != 0x50aa && magic != 0xebeb)) return false;
    }
    console_log(fw, 'E', "flash_parts", "partition table has no terminating entry, not valid");
    return false;
}

/* ---- the applications ---- */

static void print_segments(struct firmware *fw, const struct image *i)
{
    struct image_segment s;
    if (fw->version->segments) {
        for (const char *const *line = fw->version->segments; *line; line++)
            console_log(fw, 'I', "esp_image", "%s", *line);
        return;
    }
    for (unsigned n = 0; image_segment(fw->env.flash, i, n, &s); n++)
        console_log(fw, 'I', "esp_image", "segment %u: paddr=%08x vaddr=%08x size=%05xh (%6u)%s", n,
                    (unsigned)s.at, (unsigned)s.address, (unsigned)s.bytes, (unsigned)s.bytes,
                    n == 0 ? " map" : " load");
}

/* What the head says, as far as it matters here. */
static bool head_is_good(struct firmware *fw, const struct partition *p, bool is_image,
                         const struct image *i)
{
    const unsigned expected = chip_find(fw->env.options->chip)->id;
    if (!is_image)
        console_log(fw, 'E', "esp_image", "image at 0x%x has invalid magic byte", (unsigned)p->at);
    if (i->chip_id != expected)
        console_log(fw, 'E', "boot_comm", "mismatch chip ID, expected %u, found %u", expected,
                    i->chip_id);
    if (is_image && i->segments > IMAGE_SEGMENTS_MAX)
        console_log(fw, 'E', "esp_image", "image at 0x%x segment count %u exceeds max %d",
                    (unsigned)p->at, i->segments, IMAGE_SEGMENTS_MAX);
    return is_image && i->chip_id == expected && i->segments <= IMAGE_SEGMENTS_MAX;
}

static bool length_is_good(struct firmware *fw, const struct partition *p, const struct image *i)
{
    struct image_segment s;
    uint32_t bytes = i->bytes;
    for (unsigned n = 0; bytes == 0 && n < i->segments; n++) {
        if (image_segment(fw->env.flash, i, n, &s)) continue;
        if (s.bytes >= TOO_LONG) {
            console_log(fw, 'E', "esp_image", "invalid segment length 0x%x", (unsigned)s.bytes);
            return false;
        }
        bytes = s.at + s.bytes - p->at;
    }
    if (bytes <= p->size) return true;
    console_log(fw, 'E', "esp_image", "Image length %u doesn't fit in partition length %u",
                (unsigned)bytes, (unsigned)p->size);
    return false;
}

static bool content_is_good(struct firmware *fw, const struct image *i)
{
    if (!image_sum_is_right(i))
        console_log(fw, 'E', "esp_image", "Checksum failed. Calculated 0x%x read 0x%x", i->sum,
                    i->stored_sum);
    else if (!image_hash_is_right(i))
        console_log(fw, 'E', "esp_image", "Image hash failed - image is corrupt");
    else
        return true;
    return false;
}

static bool loads(struct firmware *fw, const struct partition *p)
{
    struct image i;
    bool is_image = image_read(fw->env.flash, p->at, &i);
    if (!head_is_good(fw, p, is_image, &i) || !length_is_good(fw, p, &i)) return false;
    print_segments(fw, &i);
    return content_is_good(fw, &i);
}

const struct partition *boot_run(struct firmware *fw)
{
    print_bootloader(fw);
    if (!table_is_good(fw)) {
        console_log(fw, 'E', "boot", "Failed to verify partition table");
        console_log(fw, 'E', "boot", "load partition table error!");
        return NULL;
    }
    print_table(fw);
    for (unsigned slot = 0; slot <= OTA_SLOTS; slot++) {
        const bool ota = slot < OTA_SLOTS;
        const struct partition *p =
            partition_typed(&fw->primary, PARTITION_APP, ota ? (uint8_t)(OTA_0 + slot) : 0);
        if (!p) continue;
        if (loads(fw, p)) {
            console_log(fw, 'I', "boot", "Loaded app from partition at offset 0x%x",
                        (unsigned)p->at);
            console_log(fw, 'I', "boot", "Disabling RNG early entropy source...");
            return p;
        }
        if (ota)
            console_log(fw, 'E', "boot", "OTA app partition slot %u is not bootable", slot);
        else
            console_log(fw, 'E', "boot", "Factory app partition is not bootable");
    }
    console_log(fw, 'E', "boot", "No bootable app partitions in the partition table");
    return NULL;
}
