#include "tests/board/firmware/partition.h"

#include <string.h>

#include "tests/board/bytes.h"

void partition_read(const uint8_t *table, size_t n, struct partition_table *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i + PARTITION_ENTRY_BYTES <= n && out->count < PARTITION_MAX;
         i += PARTITION_ENTRY_BYTES) {
        const uint8_t *e = table + i;
        if (e[0] != 0xAA || e[1] != 0x50) return;
        struct partition *p = &out->v[out->count++];
        p->type = e[2];
        p->subtype = e[3];
        p->at = le32_get(e + 4);
        p->size = le32_get(e + 8);
        memcpy(p->name, e + 12, 16);
    }
}

const struct partition *partition_named(const struct partition_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->v[i].name, name) == 0) return &t->v[i];
    return NULL;
}

const struct partition *partition_typed(const struct partition_table *t, uint8_t type,
                                        uint8_t subtype)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->v[i].type == type && t->v[i].subtype == subtype) return &t->v[i];
    return NULL;
}
