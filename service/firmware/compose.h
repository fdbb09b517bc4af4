/* compose: a firmware and what is put over it, as the content of a flash. */
#ifndef SERVICE_FIRMWARE_COMPOSE_H
#define SERVICE_FIRMWARE_COMPOSE_H

#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/firmware/content.h"
#include "service/firmware/firmware.h"
#include "service/firmware/header.h"
#include "service/pki/image.h"
#include "service/pki/layout.h"

/** Where a firmware keeps credentials, by its own second table.
 *  @return ERR_OK; ERR_ARG with code firmware_no_credential_partitions (it has none) */
enum err firmware_layout(const struct firmware_info *f, struct layout *out);
/** What a firmware itself has in a partition, for image_set_build(); 0xFF where it has nothing.
 *  @param c  firmware_content() without images, borrowed */
struct image_source firmware_source(struct content *c);
/** The firmware's parts and, over them, a credential's images (their partitions whole).
 *  @param fd  of its content file, borrowed until content_free()
 *  @param images  made for firmware_layout(); copied; NULL = none
 *  @param[out] out  pieces of the file have key 0; content_free() it
 *  @return ERR_OK; ERR_ARG with code firmware_no_place (a binary), or
 * firmware_no_credential_partitions; ERR_MEM */
enum err firmware_content(const struct firmware_info *f, int fd, const struct image_set *images,
                          struct content **out);
/** Change the header of the image at @p offset, which the chip boots from. The image is read into
 * memory and lies over its file from then on; without a change nothing happens.
 *  @param room  bytes up to whatever follows the bootloader
 *  @return ERR_OK; ERR_ARG with code bad_image (no image there, or cut short); ERR_IO, ERR_MEM */
enum err content_patch_header(struct content *c, uint32_t offset, uint32_t room,
                              const struct esp_header_wish *wish);
/** Append the flash from 0 to @p flash_bytes, 0xFF where the content says nothing.
 *  @param out  secret when @p c has a key
 *  @return ERR_OK; ERR_ARG with code flash_past_end; ERR_TOO_LARGE, ERR_IO, ERR_MEM */
enum err content_compose(struct content *c, uint32_t flash_bytes, struct buf *out);
#endif
