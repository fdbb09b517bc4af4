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
