/* guard: what must not be written by accident. Sends nothing; asked before the first byte is sent.
 */
#ifndef SERVICE_FIRMWARE_GUARD_H
#define SERVICE_FIRMWARE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/firmware/content.h"
#include "service/pki/partition.h"

/** Areas that are written only when they were named: by a factory image or a release that has them,
 * by partition name, or in the job's "overwrite". */
enum guard_area {
    GUARD_BOOTLOADER = 1,
    GUARD_TABLE = 2,
    GUARD_NVS = 4 /* data/nvs partitions and otadata of the board's own table */
};

/** The word for "overwrite": "bootloader", "partition_table", "nvs". */
const char *guard_area_name(enum guard_area a);
/** @return false when no area has this name */
bool guard_area_parse(const char *name, enum guard_area *out);

struct guard {
    const char *chip;
    unsigned revision;    /* major × 100 + minor */
    bool revision_known;  /* false: only the chip is compared */
    uint32_t flash_bytes; /* 0 = not known */
    uint32_t bootloader_offset, table_offset;
    const struct partition_table *table; /* of the board; NULL = blank or not known */
    unsigned allowed;                    /* sum of enum guard_area */
};

/** @return ERR_OK; ERR_ARG with code flash_past_end, or would_overwrite (the detail names the area,
 * the range and the word for "overwrite") */
enum err guard_range(const struct guard *g, uint32_t offset, uint32_t size);
/** All pieces; and what lies where the chip boots from, and in the app partitions (of the table
 * that the content brings, or else of the board's), must be for this chip.
 *  @return as above; ERR_ARG with code wrong_chip (image for another chip, or for another
 * revision), not_a_bootloader, not_a_partition_table, flash_past_partition (an app that is larger
 * than its partition); ERR_ARG with code no_factory_param (what lies in mfg_nvs then is no NVS, or
 * has certificates alone); ERR_IO, ERR_MEM */
enum err guard_content(const struct guard *g, struct content *c);
#endif
