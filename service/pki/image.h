/* image: a credential as the images that a layout wants, each with its place in flash. */
#ifndef SERVICE_PKI_IMAGE_H
#define SERVICE_PKI_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/pki/credential.h"
#include "service/pki/layout.h"
#include "service/pki/secret.h"

struct image {
    char file[32];      /* "mqtt_key.bin" */
    char partition[17]; /* "mqtt_key" */
    uint32_t offset;    /* of the partition in flash, bytes */
    uint32_t partition_size;
    struct secret bytes; /* holds a key, or not: wiped all the same */
    char sha256[SHA256_HEX];
    uint8_t md5[MD5_BYTES];
    bool holds_key;
};

enum { IMAGES_MAX = 8 };

struct image_set {
    struct image items[IMAGES_MAX];
    size_t count;
};

/** Build mqtt_cert, mqtt_key and mqtt_ca for @p layout, in order of offset.
 *  @return ERR_OK; ERR_UNSUPPORTED with code layout_not_writable (no such partitions; for mfg_nvs
 * the hint says what to do) or layout_damaged; ERR_TOO_LARGE with code too_large_for_partition;
 * ERR_MEM. *out is empty on error; image_set_dispose() it */
enum err image_set_build(const struct credential *c, const struct layout *layout,
                         struct image_set *out);
void image_set_dispose(struct image_set *s);
#endif
