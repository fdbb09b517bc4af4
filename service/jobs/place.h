/* place: where in the flash something lies that was named by partition, by offset, or as the whole.
 * Pure. */
#ifndef SERVICE_JOBS_PLACE_H
#define SERVICE_JOBS_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/jobs/command.h"
#include "service/pki/partition.h"

/** The tables that names are looked up in, and how large the flash is. */
struct place_map {
    const struct partition_table *primary, *user; /* count 0 = not known */
    uint32_t flash_bytes;
};

struct place {
    char name[17]; /* of the partition; "" = by offset, or the whole */
    uint32_t offset, size;
};

/** @param whole  the whole flash, whatever @p wanted says
 *  @return ERR_OK; ERR_ARG with code partition_not_found (the detail names those that are there),
 * flash_past_end */
enum err place_find(const struct place_map *map, const struct command_place *wanted, bool whole,
                    struct place *out);
/** Do two ranges have a byte in common? */
bool place_overlaps(const struct place *a, uint32_t offset, uint32_t size);
#endif
