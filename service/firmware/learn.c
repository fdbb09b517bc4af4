#include "service/firmware/learn.h"

#include <stdio.h>
#include <string.h>

#include "service/base/buf.h"

enum {
    DESCRIPTION_BYTES = 144,
    AT_VERSION = 16,
    AT_PROJECT = 48,
    AT_TIME = 80,
    AT_DATE = 96,
    AT_IDF = 112,
    FIELD = 32,
    SHORT_FIELD = 16
};
static const uint32_t DESCRIPTION_MAGIC = 0xABCD5432;

void learn_text(const void *bytes, size_t n, char instead, char *out, size_t cap)
{
    const char *text = bytes;
    size_t len = 0;
    for (size_t i = 0; i < n && text[i] && len + 1 < cap; i++) {
        bool good = text[i] >= 0x20 && text[i] <= 0x7e;
        if (!good && !instead) break;
        out[len++] = good ? text[i] : instead;
    }
    out[len] = '\0';
}

enum err learn_head(const struct content *c, uint32_t offset, struct esp_header *out,
                    bool *found_out)
{
    uint8_t head[HEADER_BYTES];
    *found_out = false;
    if (!*content_name_at(c, offset)) return ERR_OK;
    enum err e = content_read(c, offset, head, sizeof head);
    *found_out = !e && esp_header_read(head, sizeof head, out);
    return e;
}

struct image_at {
    const struct content *c;
    uint32_t offset;
};

static enum err read_image(uint32_t at, uint8_t *out, size_t n, void *arg)
{
    const struct image_at *i = arg;
    return content_read(i->c, i->offset + at, out, n);
}

enum err learn_image_bytes(const struct content *c, uint32_t offset, uint32_t max,
                           uint32_t *bytes_out)
{
    struct image_at image = {c, offset};
    return esp_image_bytes(read_image, &image, max, bytes_out);
}

enum err learn_bootloader(const struct content *c, struct learnt_bootloader *out)
{
    size_t n;
    bool found = false;
    enum err e = ERR_OK;
    const struct chip *chip = chip_list(&n);
    for (; !e && !found && n; n--, chip++) {
        if (!chip->supported) continue; /* its row does not say where */
        out->chip = chip;
        e = learn_head(c, chip->bootloader_offset, &out->header, &found);
        found = found && out->header.chip_id == chip->image_id;
    }
    if (!found) out->chip = NULL;
    return e;
}

enum err learn_table(const struct content *c, uint32_t offset, struct partition_table *out,
                     bool *found_out)
{
    uint8_t bytes[PARTITION_TABLE_BYTES];
    *found_out = false;
    if (!*content_name_at(c, offset)) return ERR_OK;
    enum err e = content_read(c, offset, bytes, sizeof bytes);
    if (!e && !partition_table_parse(bytes, sizeof bytes, out)) *found_out = true;
    return e;
}

bool learn_version(const uint8_t description[LEARN_VERSION_BYTES], char out[LEARN_VERSION])
{
    if (le32_get(description) != DESCRIPTION_MAGIC) return false;
    learn_text(description + AT_VERSION, FIELD, '\0', out, LEARN_VERSION);
    return true;
}

/* @param[out] found_out  an app with a description lies there */
static enum err learn_app(const struct content *c, uint32_t offset, struct firmware_info *f,
                          bool *found_out)
{
    uint8_t d[DESCRIPTION_BYTES];
    char date[SHORT_FIELD + 1], time[SHORT_FIELD + 1];
    struct esp_header h;
    enum err e = learn_head(c, offset, &h, found_out);
    if (e || !*found_out) return e;
    const struct chip *chip = chip_by_image_id(h.chip_id);
    if (!*f->chip && chip) snprintf(f->chip, sizeof f->chip, "%s", chip->name);
    e = content_read(c, offset + LEARN_DESCRIPTION_AT, d, sizeof d);
    *found_out = !e && learn_version(d, f->version);
    if (!*found_out) return e;
    learn_text(d + AT_PROJECT, FIELD, '\0', f->project, sizeof f->project);
    learn_text(d + AT_IDF, FIELD, '\0', f->idf, sizeof f->idf);
    learn_text(d + AT_DATE, SHORT_FIELD, '\0', date, sizeof date);
    learn_text(d + AT_TIME, SHORT_FIELD, '\0', time, sizeof time);
    snprintf(f->built, sizeof f->built, "%s%s%s", date, *date && *time ? " " : "", time);
    return ERR_OK;
}

/* The first app that tells what it is: where the table has apps, or else where any part begins. */
static enum err learn_apps(const struct content *c, struct firmware_info *f)
{
    bool found = false;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && !found && i < f->table.count; i++)
        if (f->table.rows[i].type == PARTITION_TYPE_APP)
            e = learn_app(c, f->table.rows[i].offset, f, &found);
    for (size_t i = 0; !e && !found && !f->table.count && i < f->part_count; i++)
        e = learn_app(c, f->parts[i].offset, f, &found);
    return e;
}

/* @param chip  the table is where this one wants it; NULL: where any chip does */
static enum err learn_primary(const struct content *c, const struct chip *chip,
                              struct firmware_info *f)
{
    size_t n = 1;
    bool found = false;
    enum err e = ERR_OK;
    if (!chip) chip = chip_list(&n);
    for (; !e && !found && n; n--, chip++) {
        if (!chip->supported) continue;
        f->table_offset = chip->table_offset;
        e = learn_table(c, chip->table_offset, &f->table, &found);
    }
    if (!found) f->table_offset = 0;
    return e;
}

static enum err learn_user(const struct content *c, struct firmware_info *f)
{
    bool found;
    const struct partition *at = partition_find_type(&f->table, PARTITION_TYPE_AT, 0);
    return at ? learn_table(c, at->offset, &f->user, &found) : ERR_OK;
}

enum err learn_firmware(const struct content *c, struct firmware_info *f, bool *boots_out)
{
    struct learnt_bootloader b;
    *boots_out = false;
    enum err e = learn_bootloader(c, &b);
    if (e) return e;
    if (b.chip) snprintf(f->chip, sizeof f->chip, "%s", b.chip->name);
    if (b.chip && !f->flash_bytes) f->flash_bytes = esp_header_flash_bytes(&b.header);
    e = learn_primary(c, b.chip, f);
    *boots_out = b.chip && f->table.count;
    if (!e) e = learn_user(c, f);
    return e ? e : learn_apps(c, f);
}
