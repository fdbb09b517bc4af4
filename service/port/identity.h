/* identity: who a serial port is, however often it is plugged in anew. */
#ifndef SERVICE_PORT_IDENTITY_H
#define SERVICE_PORT_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

/** The first name (in order) in folder @p dir that is a link to @p device.
 *  @return false when there is none; @p out is "" then */
bool identity_link(const char *dir, const char *device, char *out, size_t cap);
/** Where a USB port is plugged in, from its path in sysfs: ".../1-1.4/1-1.4:1.0/ttyUSB0" gives
 * "usb-1-1.4:if00". Pure. @return false when it is not USB; @p out is "" then */
bool identity_usb_path(const char *sysfs_path, char *out, size_t cap);
/** What kind of adapter, by USB vendor and product; "" when unknown. */
const char *identity_bridge(int vid, int pid);
#endif
