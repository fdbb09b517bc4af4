/* kept_images: a credential as the images of a layout or of a firmware. Only which credential and
 * which layout or firmware is kept: the images are built anew from the sealed credential each time,
 * so that no second copy of a key lies anywhere. */
#ifndef SERVICE_JOBS_KEPT_IMAGES_H
#define SERVICE_JOBS_KEPT_IMAGES_H

#include "service/base/err.h"
#include "service/base/json_in.h"
#include "service/firmware/content.h"
#include "service/jobs/source.h"
#include "service/pki/credential.h"
#include "service/pki/image.h"
#include "service/store/store.h"

/** A stored credential with its key. @param[out] out  credential_free() it
 *  @return ERR_OK; ERR_NOT_FOUND with code credential_not_found; ERR_IO, ERR_CRYPTO, ERR_MEM */
enum err credential_load(struct store *s, const char *id, struct credential **out);

struct kept_images {
    struct layout layout;
    struct target target;
    struct image_set set;
    struct source *source;   /* the firmware; NULL: none */
    struct content *content; /* the firmware with the images in it; NULL: none */
    const char *trouble;     /* why it will not work, constant; NULL: nothing is known */
};

/** Build what a record says. @param[out] out  NULL on error; kept_images_free() it
 *  @param errors  fields below /layout that are wrong
 *  @return as kept_images_load(), layout_from_json() */
enum err kept_images_build(struct store *s, const char *data_dir, const struct image_record *r,
                           struct field_errors *errors, struct kept_images **out);
/** A set that was made before. @param[out] out  NULL on error; kept_images_free() it
 *  @return ERR_OK; ERR_NOT_FOUND with codes image_not_found, credential_not_found,
 * firmware_not_found; as image_set_build(), source_open(), firmware_content() */
enum err kept_images_load(struct store *s, const char *data_dir, const char *id,
                          struct kept_images **out);
void kept_images_free(struct kept_images *k); /* NULL allowed */
#endif
