/* partition: the partition table of ESP-IDF and of ESP-AT's second table "at_customize"
 * (esp-at.md 2.5). Pure: bytes in, bytes out; byte for byte as gen_esp32part.py makes it. */
#ifndef SERVICE_PKI_PARTITION_H
#define SERVICE_PKI_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

enum {
    PARTITION_TABLE_BYTES = 0xC00,
    PARTITION_TABLE_MAX = 95,
    PARTITION_TYPE_APP = 0,
    PARTITION_TYPE_DATA = 1,
    PARTITION_TYPE_AT = 0x40, /* at_customize in table 1; the AT user partitions in table 2 */
};

struct partition {
    char name[17];
    uint8_t type, subtype;
    uint32_t offset, size; /* bytes of flash */
    uint32_t flags;
};

struct partition_table {
    struct partition rows[PARTITION_TABLE_MAX];
    size_t count;
    bool had_md5;
};

/** Read a binary table; the MD5 entry is checked when there is one. Ends at the MD5 entry or erased
 * flash.
 *  @return ERR_OK; ERR_PROTOCOL with code no_partition_table (erased or other bytes),
 * bad_table_md5, bad_table_entry */
enum err partition_table_parse(const uint8_t *bytes, size_t n, struct partition_table *out);
/** Append the binary table, PARTITION_TABLE_BYTES long. @return ERR_OK, ERR_TOO_LARGE, ERR_MEM */
enum err partition_table_build(const struct partition_table *t, bool with_md5, struct buf *out);
/** Read the CSV form (comments, blank offsets, K and M sizes, names of types and subtypes as
 * gen_esp32part.py).
 *  @return ERR_OK; ERR_ARG with code bad_csv and the line number in the detail */
enum err partition_table_from_csv(const char *csv, size_t n, struct partition_table *out);
/** No overlaps, alignment, inside @p flash_size (0: not checked). @return ERR_OK; ERR_ARG with code
 * bad_table */
enum err partition_table_check(const struct partition_table *t, uint32_t flash_size);
bool partition_overlaps(const struct partition *a, const struct partition *b);
/** Row by name, or by type and subtype; NULL when it is not there. Borrowed. */
const struct partition *partition_find(const struct partition_table *t, const char *name);
const struct partition *partition_find_type(const struct partition_table *t, uint8_t type,
                                            uint8_t subtype);
/** For messages: add the names of the rows, "nvs, otadata", to a text, as many as there is room
 * for.
 *  @param n  bytes of @p names that are there already @return how many there are now */
size_t partition_names(const struct partition_table *t, char *names, size_t n, size_t cap);
#endif
