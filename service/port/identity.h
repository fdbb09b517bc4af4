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
enum bridge_kind {
    BRIDGE_PLAIN,
    BRIDGE_NATIVE,    /* no adapter: the chip itself, which may vanish when it is reset */
    BRIDGE_HOLDS_DTR, /* its flow control cannot be switched off and pulls RTS whenever it receives,
                         which resets the board unless DTR is asserted, too */
};

struct bridge {
    int vid, pid;
    const char *name; /* "" when unknown */
    enum bridge_kind kind;
};
/** By USB vendor and product. @return never NULL */
const struct bridge *identity_bridge(int vid, int pid);
#endif
