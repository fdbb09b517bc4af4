/* port_serial: a real serial port by libserialport, opened exclusively, 8N1, no flow control. */
#ifndef SERVICE_PORT_PORT_SERIAL_H
#define SERVICE_PORT_PORT_SERIAL_H

#include <stdint.h>

#include "service/base/err.h"
#include "service/port/port.h"

/** Open @p path (a device, a /dev/serial/by-id link, any symbolic link to a terminal).
 *  @return ERR_OK; ERR_NOT_FOUND with code port_not_found; ERR_BUSY with code port_busy (the detail
 * names the holder when /proc tells it); ERR_IO with code port_denied (hint: dialout) or port_open;
 * ERR_MEM */
enum err port_serial_open(const char *path, uint32_t baud, struct port **p_out);
#endif
