/* partition: the two partition tables of an ESP-AT flash chip, read from the chip and from nothing
 * else. The primary table (0x8000, 0xC000 on later chips) is the bootloader's; the second one,
 * at_customize, lists what the AT firmware calls its own: credentials, factory parameters, a file
 * system. */
#ifndef TESTS_BOARD_FIRMWARE_PARTITION_H
#define TESTS_BOARD_FIRMWARE_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PARTITION_ENTRY_BYTES = 32,
    PARTITION_MAX = 95, /* entries that fit before the MD5 entry */
    PARTITION_APP = 0x00,
    PARTITION_DATA = 0x01,
    PARTITION_AT_USER = 0x40,
    PARTITION_DATA_OTA = 0x00,
    PARTITION_DATA_NVS = 0x02,
};

struct partition {
    uint8_t type;
    uint8_t subtype;
    uint32_t at;
    uint32_t size;
    char name[17];
};

struct partition_table {
    size_t count;
    struct partition v[PARTITION_MAX];
};

/** Read entries from @p table until one does not start with AA 50: an MD5 entry (not checked, as
 * the AT core does not) or erased flash. @p n bytes are there to be read. */
void partition_read(const uint8_t *table, size_t n, struct partition_table *out);

/** Borrowed, NULL when no entry has that name. */
const struct partition *partition_named(const struct partition_table *t, const char *name);
/** The first entry of a type and subtype; NULL when there is none. */
const struct partition *partition_typed(const struct partition_table *t, uint8_t type,
                                        uint8_t subtype);
#endif
