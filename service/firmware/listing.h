/* listing: the file inside a release zip that says which part goes where (esp-at.md 7). Pure. */
#ifndef SERVICE_FIRMWARE_LISTING_H
#define SERVICE_FIRMWARE_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/firmware/firmware.h"

struct listing_row {
    uint32_t offset; /* in flash, multiple of 4096 */
    char path[160];  /* relative to the listing's folder; printable ASCII */
};

struct listing {
    struct listing_row rows[FIRMWARE_PARTS]; /* ascending, no offset twice */
    size_t count;
    uint32_t flash_bytes; /* 0 = not told */
};

/** download.config: "--flash_size 4MB" and its like, then pairs of offset and path, in one line or
 * in many.
 *  @return ERR_OK; ERR_ARG with code release_bad_parts */
enum err listing_from_config(const char *text, size_t n, struct listing *out);
/** flasher_args.json: "flash_files" maps offsets to paths, "flash_settings" has "flash_size".
 *  @return as above */
enum err listing_from_json(const char *text, size_t n, struct listing *out);
#endif
