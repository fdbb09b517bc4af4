/* image: a credential as the images that a layout wants, each with its place in flash. */
#ifndef SERVICE_PKI_IMAGE_H
#define SERVICE_PKI_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/pki/credential.h"
#include "service/pki/layout.h"
#include "service/pki/nvs.h"
#include "service/pki/secret.h"
#include "service/pki/target.h"

struct image {
    char file[32];      /* "mqtt_key.bin" */
    char partition[17]; /* "mqtt_key" */
    uint32_t offset;    /* of the partition in flash, bytes */
    uint32_t partition_size;
    struct secret bytes;  /* holds a key, or not: wiped all the same */
    struct secret before; /* the whole partition as it was, when it had to be read; else empty. What
                             it has in common with bytes need not be written */
    char sha256[SHA256_HEX];
    bool holds_key;
};

enum { IMAGES_MAX = 8 };

struct image_set {
    struct image items[IMAGES_MAX];
    size_t count;
};

/** Where the present content of a partition comes from: the board through its loader or through AT,
 * a firmware's own file. */
struct image_source {
    /** @param out  not yet made; the callee fills it with p->size bytes. @return ERR_OK, or why not
     */
    enum err (*read)(const struct partition *p, struct secret *out, void *arg);
    void *arg;
};

/** Build the images that put @p c in the place of @p target, in order of offset.
 *
 * In partitions: three AtPKI images; of kinds that have an index, the other items of the partition
 * stay. In mfg_nvs: one image, the present partition with three values exchanged and all else kept
 * (factory_param has the pins of the AT UART).
 *  @param now  read only where something must stay; NULL = nothing is there to be read
 *  @return ERR_OK; ERR_UNSUPPORTED with code layout_not_writable (no such partitions),
 * layout_damaged, kind_not_on_board, or image_needs_board (something must stay, and @p now is
 * NULL); ERR_ARG with code index_gap (an item 1 without an item 0); ERR_TOO_LARGE with code
 * too_large_for_partition; errors of @p now and of nvs_edit(); no_factory_param; ERR_MEM. *out is
 * empty on error; image_set_dispose() it */
enum err image_set_build(const struct credential *c, const struct layout *layout,
                         const struct target *target, const struct image_source *now,
                         struct image_set *out);
void image_set_dispose(struct image_set *s);
/** Is there what the firmware needs of its mfg_nvs besides credentials: factory_param? */
bool image_has_factory_param(const struct nvs *mfg_nvs);
/** Was it in its partition before, with 0xFF behind it? false where nothing was read. */
bool image_was_there(const struct image *i);
#endif
