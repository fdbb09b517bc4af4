#include "service/jobs/layout_json.h"

json_t *layout_to_json(const struct layout *l)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < l->user.count; i++) {
        const struct partition *p = &l->user.rows[i];
        json_array_append_new(rows, json_pack("{s:s,s:I,s:I}", "name", p->name, "offset",
                                              (json_int_t)p->offset, "size", (json_int_t)p->size));
    }
    return json_pack("{s:s,s:s,s:o}", "kind", layout_kind_name(l->kind), "source", l->source,
                     "partitions", rows);
}
