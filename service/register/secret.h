/* secret: what only a registration knows of its device until that is a credential: sealed in its
 * row. */
#ifndef SERVICE_REGISTER_SECRET_H
#define SERVICE_REGISTER_SECRET_H

#include "service/base/buf.h"
#include "service/base/limits.h"

enum { DEVICE_SECRET_TEXT = 4 * LIMIT_PEM_BYTES };

struct device_secret {
    struct buf key;         /* PEM; empty = there is none */
    struct buf certificate; /* PEM, where it was signed here; empty = the cloud has it */
    struct buf token;       /* what a certificate is claimed with; empty = none */
};
void device_secret_init(struct device_secret *s);
void device_secret_dispose(struct device_secret *s);
/** @param out  init it with buf_init_secret @return ERR_OK, ERR_MEM */
enum err device_secret_to_text(const struct device_secret *s, struct buf *out);
/** @param text  empty = nothing is known any more @return ERR_OK; ERR_IO with code store_corrupt */
enum err device_secret_from_text(const struct buf *text, struct device_secret *out);
#endif
