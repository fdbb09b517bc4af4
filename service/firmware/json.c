#include <stdio.h>
#include <string.h>

#include "service/firmware/firmware.h"
#include "service/pki/layout.h"

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *count_or_null(uint32_t n)
{
    return n ? json_integer(n) : json_null();
}

static json_t *parts_to_json(const struct firmware_info *f)
{
    json_t *list = json_array();
    for (size_t i = 0; i < f->part_count; i++) {
        const struct firmware_part *p = &f->parts[i];
        json_t *offset = f->kind == FIRMWARE_BINARY ? json_null() : json_integer(p->offset);
        json_array_append_new(list, json_pack("{s:s, s:o, s:I}", "name", p->name, "offset", offset,
                                              "size", (json_int_t)p->size));
    }
    return list;
}

static json_t *table_to_json(const struct partition_table *t)
{
    if (!t->count) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < t->count; i++) {
        const struct partition *p = &t->rows[i];
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:I, s:I, s:I}", "name", p->name,
                                              "type", (int)p->type, "subtype", (int)p->subtype,
                                              "offset", (json_int_t)p->offset, "size",
                                              (json_int_t)p->size, "flags", (json_int_t)p->flags));
    }
    return list;
}

json_t *firmware_to_json(const struct firmware_info *f)
{
    struct layout layout;
    layout_from_table(&f->user, "", &layout);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "kind",
                     firmware_kind_name(f->kind), "chip", text_or_null(f->chip), "flash_bytes",
                     count_or_null(f->flash_bytes), "project", text_or_null(f->project), "version",
                     text_or_null(f->version), "idf", text_or_null(f->idf), "built",
                     text_or_null(f->built), "layout", layout_kind_name(layout.kind), "parts",
                     parts_to_json(f), "table_offset", count_or_null(f->table_offset), "partitions",
                     table_to_json(&f->table), "user_partitions", table_to_json(&f->user));
}

/* --- the way back --- */

/* @return false when it is neither null nor a string that fits */
static bool text_get(const json_t *object, const char *key, char *out, size_t cap)
{
    const json_t *value = json_object_get(object, key);
    *out = '\0';
    if (json_is_null(value)) return true;
    return json_is_string(value) && snprintf(out, cap, "%s", json_string_value(value)) < (int)cap;
}

static bool count_get(const json_t *object, const char *key, uint32_t max, uint32_t *out)
{
    const json_t *value = json_object_get(object, key);
    json_int_t n = json_integer_value(value); /* 0 for null */
    *out = (uint32_t)n;
    return (json_is_integer(value) || json_is_null(value)) && n >= 0 && n <= max;
}

static bool kind_get(const json_t *object, enum firmware_kind *out)
{
    const char *name = json_string_value(json_object_get(object, "kind"));
    for (int k = FIRMWARE_FACTORY; name && k <= FIRMWARE_BINARY; k++) {
        *out = (enum firmware_kind)k;
        if (!strcmp(name, firmware_kind_name(*out))) return true;
    }
    return false;
}

/* Where a part begins in the content file is not kept: they lie one behind the other. */
static bool parts_get(const json_t *list, struct firmware_info *out)
{
    uint64_t at = 0;
    size_t n = json_array_size(list);
    if (!n || n > FIRMWARE_PARTS) return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(list, i);
        struct firmware_part *p = &out->parts[i];
        if (!text_get(row, "name", p->name, sizeof p->name) ||
            !count_get(row, "offset", UINT32_MAX, &p->offset) ||
            !count_get(row, "size", UINT32_MAX, &p->size))
            return false;
        p->at = at;
        at += p->size;
    }
    out->part_count = n;
    return true;
}

static bool row_get(const json_t *row, struct partition *out)
{
    uint32_t type, subtype;
    bool ok = text_get(row, "name", out->name, sizeof out->name) &&
              count_get(row, "type", UINT8_MAX, &type) &&
              count_get(row, "subtype", UINT8_MAX, &subtype) &&
              count_get(row, "offset", UINT32_MAX, &out->offset) &&
              count_get(row, "size", UINT32_MAX, &out->size) &&
              count_get(row, "flags", UINT32_MAX, &out->flags);
    if (!ok) return false;
    out->type = (uint8_t)type;
    out->subtype = (uint8_t)subtype;
    return true;
}

static bool table_get(const json_t *list, struct partition_table *out)
{
    if (json_is_null(list)) return true;
    size_t n = json_array_size(list);
    if (!n || n > PARTITION_TABLE_MAX) return false;
    for (size_t i = 0; i < n; i++)
        if (!row_get(json_array_get(list, i), &out->rows[i])) return false;
    out->count = n;
    return true;
}

enum err firmware_from_json(const json_t *value, struct firmware_info *out)
{
    memset(out, 0, sizeof *out);
    if (kind_get(value, &out->kind) && text_get(value, "chip", out->chip, sizeof out->chip) &&
        count_get(value, "flash_bytes", UINT32_MAX, &out->flash_bytes) &&
        text_get(value, "project", out->project, sizeof out->project) &&
        text_get(value, "version", out->version, sizeof out->version) &&
        text_get(value, "idf", out->idf, sizeof out->idf) &&
        text_get(value, "built", out->built, sizeof out->built) &&
        parts_get(json_object_get(value, "parts"), out) &&
        count_get(value, "table_offset", UINT32_MAX, &out->table_offset) &&
        table_get(json_object_get(value, "partitions"), &out->table) &&
        table_get(json_object_get(value, "user_partitions"), &out->user))
        return ERR_OK;
    memset(out, 0, sizeof *out);
    return err_set(ERR_INTERNAL, "what is known of the firmware cannot be read back");
}
