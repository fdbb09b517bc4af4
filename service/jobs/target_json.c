#include "service/jobs/target_json.h"

#include <stdio.h>

enum err target_from_json(const json_t *value, const char *at, struct target *out,
                          struct field_errors *errors)
{
    int kind = TARGET_MQTT;
    int64_t index = 0;
    const struct json_field fields[] = {
        JSON_CHOICE("kind", &kind, JSON_REQUIRED, target_kind_names),
        JSON_INT("index", &index, JSON_OPTIONAL, 0, TARGET_INDEXES - 1),
        JSON_FIELDS_END,
    };
    json_in(value, at, fields, errors);
    *out = (struct target){.kind = (enum target_kind)kind, .index = (unsigned)index};
    if (index > 0 && !target_is_indexed(out->kind)) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "%s/index", at);
        field_errors_add(errors, pointer, "must be 0: there is one credential of kind %s",
                         target_kind_name(out->kind));
    }
    return field_errors_result(errors);
}

json_t *target_to_json(const struct target *t)
{
    return json_pack("{s:s, s:i}", "kind", target_kind_name(t->kind), "index", (int)t->index);
}

static bool has_partitions(const struct layout *l, const struct target *t)
{
    bool all = true;
    for (int part = 0; part < TARGET_PARTS; part++) {
        char name[TARGET_NAME];
        target_partition(t, (enum credential_part)part, name);
        all = all && partition_find(&l->user, name);
    }
    return all;
}

json_t *target_kinds_to_json(const struct layout *l, const char *const *spaces, size_t space_count)
{
    json_t *list = json_array();
    for (int kind = 0; kind < TARGET_KINDS; kind++) {
        const struct target t = {.kind = (enum target_kind)kind};
        struct target_place ignored;
        bool nvs = l->kind == LAYOUT_MFG_NVS;
        if (nvs ? !target_nvs_place(&t, CREDENTIAL_KEY, spaces, space_count, &ignored)
                : has_partitions(l, &t))
            json_array_append_new(list, json_string(target_kind_name(t.kind)));
    }
    return list;
}
