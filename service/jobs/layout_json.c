#include "service/jobs/layout_json.h"

#include <stdio.h>
#include <string.h>

#include "service/jobs/target_json.h"
#include "service/pki/shipped.h"

enum { CUSTOM_MAX = 32, SUBTYPE_NVS = 2 };

json_t *layout_to_json(const struct layout *l)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < l->user.count; i++) {
        const struct partition *p = &l->user.rows[i];
        json_array_append_new(rows, json_pack("{s:s,s:I,s:I}", "name", p->name, "offset",
                                              (json_int_t)p->offset, "size", (json_int_t)p->size));
    }
    return json_pack("{s:s,s:s,s:o,s:o}", "kind", layout_kind_name(l->kind), "source", l->source,
                     "kinds", target_kinds_to_json(l, NULL, 0), "partitions", rows);
}

static enum err stock_layout(const char *wanted, struct layout *out)
{
    char chip[16];
    size_t n;
    const char *name = !strcmp(wanted, LAYOUT_USUAL) ? "esp32-v2"
                       : !strcmp(wanted, "mfg_nvs")  ? "esp32-nvs"
                                                     : wanted;
    snprintf(chip, sizeof chip, "%.*s", (int)strcspn(name, "-"), name);
    const struct layout_stock *list = layout_stock_list(chip, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, name) != 0) continue;
        *out = list[i].layout;
        return ERR_OK;
    }
    return err_fail(ERR_UNSUPPORTED, "layout_unknown",
                    "Write \"partitions\", \"mfg_nvs\", a stock layout as \"esp32-v2\", module and "
                    "release, or the partitions themselves.",
                    "there is no stock layout of that name");
}

static enum err read_partition(const json_t *row, size_t index, struct partition *out,
                               struct field_errors *errors)
{
    char at[48];
    int64_t offset = 0, size = 0;
    snprintf(at, sizeof at, "/layout/partitions/%zu", index);
    if (!json_is_object(row)) {
        field_errors_add(errors, at, "must be an object");
        return err_fail(ERR_ARG, "bad_body", NULL, "a partition is not an object");
    }
    const struct json_field fields[] = {
        JSON_STR("name", out->name, JSON_REQUIRED, 1, 16),
        JSON_INT("offset", &offset, JSON_REQUIRED, 0, UINT32_MAX),
        JSON_INT("size", &size, JSON_REQUIRED, 1, UINT32_MAX),
        JSON_FIELDS_END,
    };
    enum err e = json_in(row, at, fields, errors);
    bool nvs = strcmp(out->name, "mfg_nvs") == 0;
    out->type = nvs ? PARTITION_TYPE_DATA : PARTITION_TYPE_AT;
    out->subtype = nvs ? SUBTYPE_NVS : (uint8_t)index;
    out->offset = (uint32_t)offset;
    out->size = (uint32_t)size;
    return e;
}

static enum err custom_layout(const json_t *value, struct layout *out, struct field_errors *errors)
{
    json_t *rows = NULL;
    struct partition_table table = {.count = 0};
    const struct json_field fields[] = {
        JSON_ARRAY_AT("partitions", &rows, JSON_REQUIRED, 1, CUSTOM_MAX),
        JSON_FIELDS_END,
    };
    enum err e = json_in(value, "/layout", fields, errors);
    for (size_t i = 0; !e && i < json_array_size(rows); i++)
        e = read_partition(json_array_get(rows, i), i, &table.rows[table.count++], errors);
    if (!e) e = partition_table_check(&table, 0);
    if (!e) layout_from_table(&table, "request", out);
    return e;
}

static enum err release_layout(const json_t *value, struct layout *out, struct field_errors *errors)
{
    char module[48], release[32];
    const struct json_field fields[] = {
        JSON_STR("module", module, JSON_REQUIRED, 1, sizeof module - 1),
        JSON_STR("release", release, JSON_REQUIRED, 1, sizeof release - 1),
        JSON_FIELDS_END,
    };
    enum err e = json_in(value, "/layout", fields, errors);
    return e ? e : shipped_layout(module, release, "", out);
}

enum err layout_from_json(const json_t *value, struct layout *out, struct field_errors *errors)
{
    if (!json_is_object(value)) return stock_layout(json_string_value(value), out);
    return json_object_get(value, "partitions") ? custom_layout(value, out, errors)
                                                : release_layout(value, out, errors);
}
