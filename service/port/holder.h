/* holder: which program has a serial port, as far as /proc tells. For messages only. */
#ifndef SERVICE_PORT_HOLDER_H
#define SERVICE_PORT_HOLDER_H

#include <stddef.h>

/** Find who locked, or else who has open, the device @p path (its kernel name, no link).
 *  @param[out] out  "minicom (pid 4242)", or "another program" when nothing is known
 *  @return @p out */
const char *holder_name(const char *path, char *out, size_t cap);
#endif
