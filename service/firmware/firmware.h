/* firmware: what an uploaded file is, found from its content: a factory image (a whole flash from
 * address 0), an ESP-AT release zip, or any other binary. */
#ifndef SERVICE_FIRMWARE_FIRMWARE_H
#define SERVICE_FIRMWARE_FIRMWARE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/pki/partition.h"

enum firmware_kind {
    FIRMWARE_FACTORY, /* one part, from address 0, with a partition table inside */
    FIRMWARE_RELEASE, /* several parts with their addresses, from a zip */
    FIRMWARE_BINARY   /* bytes; whoever flashes them says where */
};

enum { FIRMWARE_PARTS = 48 };

/** Bytes with a place in flash. */
struct firmware_part {
    char name[96];   /* "bootloader/bootloader.bin"; of a factory image its upload's name */
    uint32_t offset; /* in flash; 0 for FIRMWARE_BINARY, which has none */
    uint32_t size;   /* bytes */
    uint64_t at;     /* where they begin in the content file */
};

struct firmware_info {
    enum firmware_kind kind;
    char chip[16];        /* from the bootloader's or app's header, "esp32"; "" = not told */
    uint32_t flash_bytes; /* that it was made for; 0 = not told */
    char project[33], version[33], idf[33];     /* from the app's description; "" = none */
    char built[34];                             /* the same: "Jan 26 2021 06:52:36" */
    struct firmware_part parts[FIRMWARE_PARTS]; /* ascending by offset, no two overlap */
    size_t part_count;
    struct partition_table table; /* primary; count 0 = none inside */
    uint32_t table_offset;
    struct partition_table user; /* at_customize's; count 0 = none inside */
};

/** "factory", "release" or "binary". */
const char *firmware_kind_name(enum firmware_kind k);

/** Judge an upload and make its content file, which must not be there yet: the parts' bytes, one
 * behind the other (for a zip: unpacked and on the disk; else @p content_path becomes a hard link
 * to the upload). It is removed again on error.
 *  @param name  what the user calls it: the name of the part when it is the only one
 *  @return ERR_OK; ERR_ARG with codes firmware_empty, firmware_too_large (also a zip that unpacks
 * to more than LIMIT_FIRMWARE, or has too many files), zip_damaged, zip_unsupported (encrypted, or
 * packed by another method than deflate), release_no_parts (no download.config, no
 * flasher_args.json and no factory image), release_bad_parts (a part that is missing, misplaced,
 * overlapping another, larger than its partition); ERR_IO, ERR_MEM */
enum err firmware_read(const char *upload_path, const char *content_path, const char *name,
                       struct firmware_info *out);
/** As GET /v1/firmware/{id} shows it, and as it is stored. The caller owns it. */
json_t *firmware_to_json(const struct firmware_info *f);
/** The way back. @return ERR_OK, ERR_INTERNAL */
enum err firmware_from_json(const json_t *value, struct firmware_info *out);
#endif
