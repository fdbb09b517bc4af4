/* learn: what the bytes of a firmware say of it: chip, versions, flash size, partition tables. What
 * they say is not believed to be text. */
#ifndef SERVICE_FIRMWARE_LEARN_H
#define SERVICE_FIRMWARE_LEARN_H

#include <stdbool.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/firmware/content.h"
#include "service/firmware/firmware.h"
#include "service/firmware/header.h"
#include "service/flash/chip.h"
#include "service/pki/partition.h"

/** The head of an image that lies at @p offset.
 *  @param[out] found_out  false: the content has nothing there, or no image */
enum err learn_head(const struct content *c, uint32_t offset, struct esp_header *out,
                    bool *found_out);

/** How long the image at @p offset is, by its own segments.
 *  @return ERR_OK; ERR_ARG with code bad_image (no image, or one that runs past @p max bytes);
 * ERR_IO */
enum err learn_image_bytes(const struct content *c, uint32_t offset, uint32_t max,
                           uint32_t *bytes_out);

/** A bootloader at the place that its own chip boots from. */
struct learnt_bootloader {
    const struct chip *chip; /* NULL = none; else the header is good */
    struct esp_header header;
};
enum err learn_bootloader(const struct content *c, struct learnt_bootloader *out);

/** The partition table at @p offset.
 *  @param[out] found_out  false: the content has nothing there, or no readable table */
enum err learn_table(const struct content *c, uint32_t offset, struct partition_table *out,
                     bool *found_out);

enum {
    LEARN_DESCRIPTION_AT = 32, /* of an app: behind its head and the head of its first segment */
    LEARN_VERSION_BYTES = 48,  /* of the description, up to the end of its version */
    LEARN_VERSION = 33
};
/** The version in an app's description. @return false: it is none */
bool learn_version(const uint8_t description[LEARN_VERSION_BYTES], char out[LEARN_VERSION]);

/** What a firmware's parts say, each at its place: chip, flash_bytes (when it is 0), project,
 * version, idf, built, table and table_offset, user.
 *  @param[out] boots_out  it has a bootloader that its chip boots, and a partition table */
enum err learn_firmware(const struct content *c, struct firmware_info *f, bool *boots_out);

/** Text from a file: printable ASCII up to a NUL or @p n bytes, cut to @p cap.
 *  @param instead  stands for other characters; NUL: the text ends before them */
void learn_text(const void *bytes, size_t n, char instead, char *out, size_t cap);
#endif
