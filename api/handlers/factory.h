/* factory: a whole flash for one device: a stored firmware with a credential in its partitions. */
#ifndef API_HANDLERS_FACTORY_H
#define API_HANDLERS_FACTORY_H

#include "api/server.h"
#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/firmware/firmware.h"
#include "service/pki/image.h"

#define FACTORY_FILE "factory.bin"

struct factory {
    struct buf bytes;   /* from address 0, the whole flash; holds the key */
    struct image image; /* the same bytes, borrowed; of no partition */
};
/** @param images  made for the firmware's own layout
 *  @return ERR_OK; as firmware_content() and content_compose(); factory_dispose() it in any case */
enum err factory_build(const struct service *svc, const char *id, const struct firmware_info *info,
                       const struct image_set *images, struct factory *out);
void factory_dispose(struct factory *f);
#endif
