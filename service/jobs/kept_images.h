/* kept_images: an image set that was made before, built anew: only which credential and which
 * layout or firmware is kept, so that no second copy of a key lies anywhere. */
#ifndef SERVICE_JOBS_KEPT_IMAGES_H
#define SERVICE_JOBS_KEPT_IMAGES_H

#include "service/base/err.h"
#include "service/pki/credential.h"
#include "service/pki/image.h"
#include "service/store/store.h"

/** A stored credential with its key. @param[out] out  credential_free() it
 *  @return ERR_OK; ERR_NOT_FOUND with code credential_not_found; ERR_IO, ERR_CRYPTO, ERR_MEM */
enum err credential_load(struct store *s, const char *id, struct credential **out);
/** @param[out] out  image_set_dispose() it; empty on error
 *  @return ERR_OK; ERR_NOT_FOUND with codes image_not_found, credential_not_found,
 * firmware_not_found; as image_set_build() */
enum err image_set_load(struct store *s, const char *id, struct image_set *out);
#endif
