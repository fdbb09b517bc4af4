#include "service/firmware/learn.h"

#include <stdio.h>
#include <string.h>

#include "service/base/buf.h"
#include "service/firmware/image_chip.h"

enum {
    DESCRIPTION_AT = 32, /* behind the app's head and the head of its first segment */
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

static const uint32_t bootloader_places[] = {0, 0x1000, 0x2000};
static const uint32_t table_places[] = {0x8000, 0xC000};

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
    *out = (struct learnt_bootloader){.chip = NULL};
    for (size_t i = 0; i < sizeof bootloader_places / sizeof *bootloader_places; i++) {
        bool found;
        uint32_t offset = bootloader_places[i];
        enum err e = learn_head(c, offset, &out->header, &found);
        if (e) return e;
        const struct chip *chip = found ? image_chip(out->header.chip_id) : NULL;
        if (!chip || image_chip_bootloader(chip) != offset) continue;
        out->chip = chip;
        out->offset = offset;
        return ERR_OK;
    }
    return ERR_OK;
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

/* @param[out] found_out  an app with a description lies there */
static enum err learn_app(const struct content *c, uint32_t offset, struct firmware_info *f,
                          bool *found_out)
{
    uint8_t d[DESCRIPTION_BYTES];
    char date[SHORT_FIELD + 1], time[SHORT_FIELD + 1];
    struct esp_header h;
    enum err e = learn_head(c, offset, &h, found_out);
    if (e || !*found_out) return e;
    const struct chip *chip = image_chip(h.chip_id);
    if (!*f->chip && chip) snprintf(f->chip, sizeof f->chip, "%s", chip->name);
    e = content_read(c, offset + DESCRIPTION_AT, d, sizeof d);
    *found_out = !e && le32_get(d) == DESCRIPTION_MAGIC;
    if (!*found_out) return e;
    learn_text(d + AT_VERSION, FIELD, '\0', f->version, sizeof f->version);
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

static enum err learn_tables(const struct content *c, uint32_t first_place, struct firmware_info *f)
{
    bool found;
    enum err e = learn_table(c, first_place, &f->table, &found);
    f->table_offset = first_place;
    for (size_t i = 0; !e && !found && i < sizeof table_places / sizeof *table_places; i++) {
        e = learn_table(c, table_places[i], &f->table, &found);
        f->table_offset = table_places[i];
    }
    if (!found) f->table_offset = 0;
    const struct partition *at = partition_find_type(&f->table, PARTITION_TYPE_AT, 0);
    return !e && found && at ? learn_table(c, at->offset, &f->user, &found) : e;
}

enum err learn_firmware(const struct content *c, struct firmware_info *f, bool *boots_out)
{
    struct learnt_bootloader b;
    *boots_out = false;
    enum err e = learn_bootloader(c, &b);
    if (e) return e;
    if (b.chip) snprintf(f->chip, sizeof f->chip, "%s", b.chip->name);
    if (b.chip && !f->flash_bytes) f->flash_bytes = esp_header_flash_bytes(&b.header);
    e = learn_tables(c, b.chip ? b.chip->table_offset : table_places[0], f);
    *boots_out = b.chip && f->table.count;
    return e ? e : learn_apps(c, f);
}
