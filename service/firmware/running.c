/* Design: an update writes its entry of otadata over the older of the two, so the higher sequence
 * number counts, and an entry that was cut off does not. */
#include "service/firmware/running.h"

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "service/base/buf.h"

enum {
    OTADATA_SUBTYPE = 0,
    FACTORY = 0x00,
    OTA_0 = 0x10,
    OTA_SLOTS = 16,
    AT_SEQUENCE = 0,
    AT_STATE = 24,
    AT_CRC = 28,
    STATE_INVALID = 3,
    STATE_ABORTED = 4
};

static unsigned count_slots(const struct partition_table *t)
{
    unsigned n = 0;
    while (n < OTA_SLOTS &&
           partition_find_type(t, PARTITION_TYPE_APP, (uint8_t)(OTA_0 + n)) != NULL)
        n++;
    return n;
}

const struct partition *running_otadata(const struct partition_table *t)
{
    bool factory = partition_find_type(t, PARTITION_TYPE_APP, FACTORY) != NULL;
    if (count_slots(t) + factory < 2) return NULL;
    return partition_find_type(t, PARTITION_TYPE_DATA, OTADATA_SUBTYPE);
}

/* @return the entry's sequence number, 0 when it does not count */
static uint32_t sequence_of(const uint8_t entry[OTADATA_ENTRY])
{
    uint32_t sequence = le32_get(entry + AT_SEQUENCE), state = le32_get(entry + AT_STATE);
    bool counts = sequence != UINT32_MAX && state != STATE_INVALID && state != STATE_ABORTED &&
                  le32_get(entry + AT_CRC) == crc32(UINT32_MAX, entry + AT_SEQUENCE, 4);
    return counts ? sequence : 0;
}

const struct partition *running_app(const struct partition_table *t,
                                    uint8_t otadata[2][OTADATA_ENTRY])
{
    unsigned slots = count_slots(t);
    uint32_t first = otadata ? sequence_of(otadata[0]) : 0;
    uint32_t second = otadata ? sequence_of(otadata[1]) : 0;
    uint32_t sequence = first > second ? first : second;
    const struct partition *factory = partition_find_type(t, PARTITION_TYPE_APP, FACTORY);
    if (!sequence && factory) return factory;
    uint32_t slot = sequence && slots ? (sequence - 1) % slots : 0;
    return partition_find_type(t, PARTITION_TYPE_APP, (uint8_t)(OTA_0 + slot));
}
