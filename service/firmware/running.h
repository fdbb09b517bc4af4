/* running: which of the apps in a flash its bootloader starts. Pure. */
#ifndef SERVICE_FIRMWARE_RUNNING_H
#define SERVICE_FIRMWARE_RUNNING_H

#include <stdint.h>

#include "service/pki/partition.h"

enum { OTADATA_ENTRY = 32, OTADATA_SECTOR = 0x1000 /* from one entry to the other */ };

/** Does the partition that tells decide anything, and where is it? Borrowed; NULL = it does not. */
const struct partition *running_otadata(const struct partition_table *t);
/** The app that is started, as long as it is whole.
 *  @param otadata  its two entries; NULL where running_otadata() is
 *  @return borrowed from @p t; NULL = there is none */
const struct partition *running_app(const struct partition_table *t,
                                    uint8_t otadata[2][OTADATA_ENTRY]);
#endif
