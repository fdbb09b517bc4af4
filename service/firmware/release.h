/* release: an ESP-AT release zip, unpacked. Nothing in a zip is believed: not its sizes, not its
 * names (they are compared and shown, never opened). */
#ifndef SERVICE_FIRMWARE_RELEASE_H
#define SERVICE_FIRMWARE_RELEASE_H

#include <stdbool.h>

#include "service/base/err.h"
#include "service/firmware/firmware.h"

/** Unpack the parts that the zip's listing names one behind the other into @p content_fd.
 *  @param[out] out  zeroed; gets parts and part_count, and flash_bytes when the listing tells it
 *  @param[out] alone_out  true: the zip has no listing, but one factory image, which is the only
 * part
 *  @return ERR_OK; ERR_ARG with codes zip_damaged, zip_unsupported, firmware_too_large,
 * release_no_parts, release_bad_parts; ERR_IO, ERR_MEM */
enum err release_unpack(const char *zip_path, int content_fd, struct firmware_info *out,
                        bool *alone_out);
#endif
