/* enumerate: which serial ports the host has now, and who they are. Opens none. */
#ifndef SERVICE_PORT_ENUMERATE_H
#define SERVICE_PORT_ENUMERATE_H

#include <stddef.h>

#include "service/base/err.h"

struct port_info {
    char name[64];    /* name of its implicit slot: last part of the path, e.g. "ttyUSB0" */
    char path[256];   /* what to open: the by-id link where there is one that a serial number makes
                         unique, else the device or the name that --ports gave */
    char device[256]; /* resolved device, e.g. /dev/ttyUSB0 */
    char id[256];     /* stable identity: the by-id link's name (as above), the USB socket as
                         "usb-1-1.4:if00", or the path itself */
    int usb_vid, usb_pid;                                          /* -1 when it is not USB */
    char usb_serial[128], usb_manufacturer[128], usb_product[128]; /* "" when unknown */
    char bridge[32]; /* "CP210x", "CH340", "USB-Serial/JTAG" … from VID and PID; "" when unknown */
};

/** List ports that libserialport finds, and those that the @p globs add (/dev/ttyAMA0, links of
 * simulated boards). Each device once. @param[out] list_out  release with free() @return ERR_OK,
 * ERR_MEM, ERR_IO */
enum err enumerate_ports(const char *const *globs, size_t glob_count, struct port_info **list_out,
                         size_t *n_out);
/** By name, path, device or id. @return ERR_OK, ERR_NOT_FOUND, ERR_MEM, ERR_IO */
enum err enumerate_find(const char *const *globs, size_t glob_count, const char *wanted,
                        struct port_info *out);
#endif
