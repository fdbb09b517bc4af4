/* layout: where a board's firmware keeps credentials. Learned from the board's own tables, never
 * guessed from a version number; the stock tables here only save reading a table that one MD5
 * already identifies. */
#ifndef SERVICE_PKI_LAYOUT_H
#define SERVICE_PKI_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/pki/partition.h"

enum layout_kind { LAYOUT_NONE, LAYOUT_PARTITIONS, LAYOUT_MFG_NVS };

struct layout {
    enum layout_kind kind;
    char source[64]; /* "at_customize at 0x20000, stock esp32 v2.x", "AT+SYSFLASH?" … */
    struct partition_table user; /* table 2: the AT user partitions, absolute flash addresses */
};

/** "partitions", "mfg_nvs" or "none". */
const char *layout_kind_name(enum layout_kind k);

/** Judge table 2 by the firmware's own rule: mfg_nvs there → LAYOUT_MFG_NVS; else mqtt_cert,
 * mqtt_key and mqtt_ca there → LAYOUT_PARTITIONS; else LAYOUT_NONE. @p user is copied. */
void layout_from_table(const struct partition_table *user, const char *source, struct layout *out);

/** A stock at_customize table, as it lies in flash: PARTITION_TABLE_BYTES with MD5 entry, then
 * erased. */
struct layout_stock {
    const char *name;       /* e.g. "esp32-v2" */
    const char *chip;       /* "esp32", … */
    uint32_t offset;        /* of at_customize on that chip, e.g. 0x20000 */
    uint8_t md5[MD5_BYTES]; /* over PARTITION_TABLE_BYTES */
    struct layout layout;
};
/** All stock tables that are known for @p chip; built once, borrowed for the life of the process.
 */
const struct layout_stock *layout_stock_list(const char *chip, size_t *n_out);
/** The one among them that lies at @p offset with this MD5; NULL when it is none. */
const struct layout_stock *layout_stock_find(const char *chip, uint32_t offset,
                                             const uint8_t md5[MD5_BYTES]);
/** The stock primary table whose PARTITION_TABLE_BYTES in flash have this MD5, with or without an
 * MD5 entry of its own. NULL when it is none. Borrowed for the life of the process. */
const struct partition_table *layout_primary_find(const char *chip, const uint8_t md5[MD5_BYTES]);
#endif
