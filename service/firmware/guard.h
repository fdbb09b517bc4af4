/* guard: what must not be written by accident. Pure; asked before the first byte is sent. */
#ifndef SERVICE_FIRMWARE_GUARD_H
#define SERVICE_FIRMWARE_GUARD_H

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

struct guard {
    const char *chip;
    uint32_t flash_bytes;
    uint32_t bootloader_offset, table_offset;
    const struct partition_table *table; /* of the board; NULL = blank or not known */
    unsigned allowed;                    /* sum of enum guard_area */
};

/** @return ERR_OK; ERR_ARG with code flash_past_end, or would_overwrite (the detail names the area,
 * the range and the word for "overwrite") */
enum err guard_range(const struct guard *g, uint32_t offset, uint32_t size);
/** All pieces; and what lies at the bootloader's place must be an image for this chip.
 *  @return as above; ERR_ARG with code wrong_chip (image for another chip, or for another
 * revision), not_a_bootloader */
enum err guard_content(const struct guard *g, struct content *c);
#endif
