/* enumerate: which serial ports the host has now, and who they are. Opens none. */
#ifndef SERVICE_PORT_ENUMERATE_H
#define SERVICE_PORT_ENUMERATE_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"

struct port_info {
    char name[64];    /* name of its implicit slot: last part of the path, e.g. "ttyUSB0" */
    char path[256];   /* what to open, the same however often it is plugged in: the by-id link that
                         a serial number makes unique, else the by-path link of its USB socket, else
                         the device or the name that --ports gave */
    char device[256]; /* resolved device, e.g. /dev/ttyUSB0 */
    char id[256];     /* stable identity: the by-id link's name (as above), the USB socket, or the
                         path itself. No two ports have the same */
    char socket[64];  /* where it is plugged in: "usb-1-1.4:if00"; "" when it is not USB */
    int usb_vid, usb_pid;                                          /* -1 when it is not USB */
    char usb_serial[128], usb_manufacturer[128], usb_product[128]; /* "" when unknown */
    char bridge[32]; /* "CP210x", "CH340", "USB-Serial/JTAG" … from VID and PID; "" when unknown */
};

struct port_list {
    struct port_info *items;
    size_t count;
};

/** List ports that libserialport finds, and those that the @p globs add (/dev/ttyAMA0, links of
 * simulated boards). Each device once. @param[out] out  release with free(out->items); empty on
 * error @return ERR_OK, ERR_MEM, ERR_IO */
enum err enumerate_ports(const char *const *globs, size_t glob_count, struct port_list *out);
/** The port of a list that is meant by a name, path, device or id, or by another link to it. A
 * by-id link that several adapters share means none of them: it leads to the one that was plugged
 * in last. @return NULL when there is none */
const struct port_info *enumerate_match(const struct port_list *list, const char *wanted);
/** Have other adapters the same vendor, product, serial number (or none) and interface as this one?
 * They share one by-id link. Pure. */
bool enumerate_has_twin(const struct port_list *list, const struct port_info *p);
#endif
