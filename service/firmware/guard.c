#include "service/firmware/guard.h"

#include <stdio.h>
#include <string.h>

#include "service/firmware/header.h"
#include "service/firmware/learn.h"
#include "service/pki/image.h"

enum { SUBTYPE_OTA = 0, SUBTYPE_NVS = 2 };

static const struct {
    enum guard_area area;
    const char *name;
} areas[] = {
    {GUARD_BOOTLOADER, "bootloader"},
    {GUARD_TABLE, "partition_table"},
    {GUARD_NVS, "nvs"},
};

enum { AREAS = sizeof areas / sizeof *areas };

const char *guard_area_name(enum guard_area a)
{
    for (size_t i = 0; i < AREAS; i++)
        if (areas[i].area == a) return areas[i].name;
    return "";
}

bool guard_area_parse(const char *name, enum guard_area *out)
{
    for (size_t i = 0; i < AREAS; i++) {
        if (strcmp(areas[i].name, name) != 0) continue;
        *out = areas[i].area;
        return true;
    }
    return false;
}

/* --- ranges --- */

/* Flash from start up to, not with, end. */
struct range {
    uint64_t start, end;
};

static enum err would_overwrite(enum guard_area area, const char *name, const struct range *lies,
                                const struct range *written)
{
    return err_fail(
        ERR_ARG, "would_overwrite",
        "If it is meant so, name it in \"overwrite\"; else choose another place.",
        "0x%llx to 0x%llx is to be written, and %s lies at 0x%llx to 0x%llx (\"overwrite\": "
        "[\"%s\"])",
        (unsigned long long)written->start, (unsigned long long)written->end, name,
        (unsigned long long)lies->start, (unsigned long long)lies->end, guard_area_name(area));
}

static enum err keep_clear(const struct guard *g, enum guard_area area, const char *name,
                           struct range lies, const struct range *written)
{
    if (g->allowed & area || lies.start >= written->end || written->start >= lies.end)
        return ERR_OK;
    return would_overwrite(area, name, &lies, written);
}

static bool is_settings(const struct partition *p)
{
    return p->type == PARTITION_TYPE_DATA &&
           (p->subtype == SUBTYPE_NVS || p->subtype == SUBTYPE_OTA);
}

static enum err keep_partitions(const struct guard *g, const struct range *written)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && g->table && i < g->table->count; i++) {
        const struct partition *p = &g->table->rows[i];
        struct range lies = {p->offset, (uint64_t)p->offset + p->size};
        char name[48];
        snprintf(name, sizeof name, "the partition %s", p->name);
        if (is_settings(p)) e = keep_clear(g, GUARD_NVS, name, lies, written);
    }
    return e;
}

enum err guard_range(const struct guard *g, uint32_t offset, uint32_t size)
{
    uint64_t end = (uint64_t)offset + size;
    if (g->flash_bytes && end > g->flash_bytes)
        return err_fail(ERR_ARG, "flash_past_end", "Take what was made for a flash of this size.",
                        "0x%x to 0x%llx does not fit into the board's flash of %u KB",
                        (unsigned)offset, (unsigned long long)end,
                        (unsigned)(g->flash_bytes / 1024));
    if (!size) return ERR_OK;
    /* Erasing takes whole sectors. */
    struct range written = {(uint64_t)offset / CONTENT_SECTOR * CONTENT_SECTOR,
                            content_sectors(end)};
    struct range bootloader = {g->bootloader_offset, g->table_offset};
    struct range table = {g->table_offset, (uint64_t)g->table_offset + CONTENT_SECTOR};
    enum err e = keep_clear(g, GUARD_BOOTLOADER, "the bootloader", bootloader, &written);
    if (!e) e = keep_clear(g, GUARD_TABLE, "the partition table", table, &written);
    return e ? e : keep_partitions(g, &written);
}

/* --- images --- */

static const char *title_of(const struct chip *chip)
{
    return chip ? chip->title : "unknown chip";
}

static enum err wrong_chip(const struct guard *g, const char *name, const struct chip *chip)
{
    return err_fail(ERR_ARG, "wrong_chip", "Take the firmware for the chip that is on the board.",
                    "%s is for an %s, the board has an %s", name, title_of(chip),
                    title_of(chip_by_name(g->chip)));
}

static enum err check_revision(const struct guard *g, const char *name, const struct esp_header *h)
{
    bool limited = h->max_revision && h->max_revision != UINT16_MAX;
    if (!g->revision_known ||
        (g->revision >= h->min_revision && (!limited || g->revision <= h->max_revision)))
        return ERR_OK;
    unsigned wanted = g->revision < h->min_revision ? h->min_revision : h->max_revision;
    return err_fail(ERR_ARG, "wrong_chip", "Take a firmware that was built for this revision.",
                    "%s is for an %s of revision v%u.%u or %s, the board has v%u.%u", name,
                    title_of(chip_by_name(g->chip)), wanted / 100, wanted % 100,
                    g->revision < wanted ? "newer" : "older", g->revision / 100, g->revision % 100);
}

static enum err check_image(const struct guard *g, const char *name, const struct esp_header *h)
{
    const struct chip *chip = chip_by_image_id(h->chip_id);
    if (!chip || strcmp(chip->name, g->chip) != 0) return wrong_chip(g, name, chip);
    return check_revision(g, name, h);
}

static enum err check_bootloader(const struct guard *g, const struct content *c)
{
    struct learnt_bootloader b;
    struct esp_header h;
    bool found;
    enum err e = learn_head(c, g->bootloader_offset, &h, &found);
    if (!e && found) return check_image(g, content_name_at(c, g->bootloader_offset), &h);
    /* What is for another chip has its bootloader elsewhere: that tells more than its absence. */
    if (!e) e = learn_bootloader(c, &b);
    if (e) return e;
    if (b.chip && strcmp(b.chip->name, g->chip) != 0)
        return wrong_chip(g, content_name_at(c, b.chip->bootloader_offset), b.chip);
    if (!*content_name_at(c, g->bootloader_offset)) return ERR_OK;
    return err_fail(ERR_ARG, "not_a_bootloader", "Check the file and its offset.",
                    "%s puts something at 0x%x that is no bootloader: the board would not start",
                    content_name_at(c, g->bootloader_offset), (unsigned)g->bootloader_offset);
}

/* --- apps --- */

static enum err check_app(const struct guard *g, const struct content *c, const struct partition *p)
{
    struct esp_header h;
    uint32_t bytes;
    bool found;
    enum err e = learn_head(c, p->offset, &h, &found);
    if (e || !found) return e;
    e = check_image(g, content_name_at(c, p->offset), &h);
    if (!e) e = learn_image_bytes(c, p->offset, p->size, &bytes);
    if (!err_is(e, "bad_image")) return e;
    return err_fail(ERR_ARG, "flash_past_partition",
                    "Take the firmware that belongs to this partition table.",
                    "%s is cut short, or runs past its partition %s of %u bytes",
                    content_name_at(c, p->offset), p->name, (unsigned)p->size);
}

static enum err check_apps(const struct guard *g, const struct content *c)
{
    struct partition_table brought;
    bool found;
    enum err e = learn_table(c, g->table_offset, &brought, &found);
    if (e) return e;
    if (!found && *content_name_at(c, g->table_offset))
        return err_fail(ERR_ARG, "not_a_partition_table", "Check the file and its offset.",
                        "%s puts something at 0x%x that is no partition table: the board would "
                        "not start",
                        content_name_at(c, g->table_offset), (unsigned)g->table_offset);
    const struct partition_table *t = found ? &brought : g->table;
    for (size_t i = 0; !e && t && i < t->count; i++)
        if (t->rows[i].type == PARTITION_TYPE_APP) e = check_app(g, c, &t->rows[i]);
    return e;
}

/* --- manufacturing data --- */

static bool writes_into(const struct piece *pieces, size_t n, const struct partition *p)
{
    uint64_t end = (uint64_t)p->offset + p->size;
    for (size_t i = 0; i < n; i++)
        if (pieces[i].offset < end && p->offset < (uint64_t)pieces[i].offset + pieces[i].size)
            return true;
    return false;
}

static enum err has_factory_param(const uint8_t *bytes, size_t n, bool *out)
{
    struct nvs list;
    struct nvs_findings ignored;
    nvs_init(&list);
    enum err e = nvs_read(bytes, n, &list, &ignored);
    *out = !e && image_has_factory_param(&list);
    nvs_dispose(&list);
    return e == ERR_MEM ? e : ERR_OK; /* else it is no NVS */
}

/* A firmware that finds no factory_param there does not know the pins of its AT port. */
static enum err check_mfg_nvs(const struct content *c, const struct partition *p)
{
    struct buf bytes;
    bool whole = false;
    buf_init_secret(&bytes, p->size);
    enum err e = buf_fill(&bytes, 0, p->size);
    if (!e) e = content_read(c, p->offset, bytes.data, p->size);
    if (!e) e = has_factory_param(bytes.data, p->size, &whole);
    if (!e && !whole)
        e = err_fail(ERR_ARG, "no_factory_param",
                     "Put a credential into it by a job of kind write, which keeps the rest; or "
                     "flash the mfg_nvs.bin of a release.",
                     "what is to be written into mfg_nvs has no factory_param: the board would "
                     "not know the pins of its AT port");
    buf_dispose(&bytes);
    return e;
}

enum err guard_content(const struct guard *g, struct content *c)
{
    const struct piece *pieces;
    size_t n;
    enum err e = content_pieces(c, &pieces, &n);
    for (size_t i = 0; !e && i < n; i++)
        e = guard_range(g, pieces[i].offset, pieces[i].size);
    if (!e) e = check_bootloader(g, c);
    if (!e) e = check_apps(g, c);
    const struct partition *mfg = g->table ? partition_find(g->table, "mfg_nvs") : NULL;
    return !e && mfg && writes_into(pieces, n, mfg) ? check_mfg_nvs(c, mfg) : e;
}
