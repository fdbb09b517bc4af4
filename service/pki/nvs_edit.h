/* nvs_edit: exchange values in an NVS partition that a board uses, in as few of its sectors as
 * possible. Pure: bytes in, bytes out. */
#ifndef SERVICE_PKI_NVS_EDIT_H
#define SERVICE_PKI_NVS_EDIT_H

#include "service/pki/nvs.h"

/** A blob that is to be there, whatever was in its place. */
struct nvs_change {
    const char *space, *key; /* 1 to 15 bytes each */
    const void *data;        /* borrowed */
    size_t len;
};

/** Append the partition as it is after the changes. Pages that hold an old value are laid out
 * anew; where their room does not do, others take part, and one page is always left free, as the
 * firmware needs it. All other pages keep every byte. A partition with a write that was cut off,
 * or too crowded for this, is packed anew as a whole.
 *  @param now  the whole partition, @p size bytes
 *  @param out  may hold keys: made with buf_init_secret()
 *  @return ERR_OK; ERR_PROTOCOL with code nvs_damaged (something does not check, and would be lost
 * or come back) or as nvs_read(); ERR_ARG with code nvs_bad_name; ERR_TOO_LARGE with code nvs_full;
 * ERR_MEM */
enum err nvs_edit(const uint8_t *now, size_t size, const struct nvs_change *changes, size_t n,
                  struct buf *out);
#endif
