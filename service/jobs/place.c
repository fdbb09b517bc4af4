#include "service/jobs/place.h"

#include <stdio.h>
#include <string.h>

static enum err no_such_partition(const struct place_map *map, const char *name)
{
    char names[320] = "";
    size_t n = partition_names(map->primary, names, 0, sizeof names);
    n = partition_names(map->user, names, n, sizeof names);
    return err_fail(ERR_ARG, "partition_not_found",
                    "Name one of the board's partitions, or say \"offset\".",
                    n ? "there is no partition \"%s\"; there are: %s"
                      : "there is no partition \"%s\": no partition table is known%s",
                    name, names);
}

static enum err by_name(const struct place_map *map, const char *name, struct place *out)
{
    const struct partition *p = partition_find(map->primary, name);
    if (!p) p = partition_find(map->user, name);
    if (!p) return no_such_partition(map, name);
    *out = (struct place){.offset = p->offset, .size = p->size};
    memcpy(out->name, p->name, sizeof out->name);
    return ERR_OK;
}

enum err place_find(const struct place_map *map, const struct command_place *wanted, bool whole,
                    struct place *out)
{
    enum err e = ERR_OK;
    if (whole)
        *out = (struct place){.size = map->flash_bytes};
    else if (wanted->partition[0])
        e = by_name(map, wanted->partition, out);
    else
        *out = (struct place){.offset = wanted->offset, .size = wanted->size};
    if (e || (uint64_t)out->offset + out->size <= map->flash_bytes) return e;
    return err_fail(ERR_ARG, "flash_past_end", "Check offset and size, or say \"flash_bytes\".",
                    "%u bytes at 0x%x go beyond the flash of 0x%x bytes", (unsigned)out->size,
                    (unsigned)out->offset, (unsigned)map->flash_bytes);
}

bool place_overlaps(const struct place *a, uint32_t offset, uint32_t size)
{
    return a->offset < (uint64_t)offset + size && offset < (uint64_t)a->offset + a->size;
}
