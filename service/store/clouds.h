/* clouds: accounts at clouds as they were set up, in the store. Their settings hold keys: sealed.
 */
#ifndef SERVICE_STORE_CLOUDS_H
#define SERVICE_STORE_CLOUDS_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/store/store.h"

struct cloud_record {
    char name[64];
    int64_t changed_ms;  /* also its version: it grows with each change */
    char *settings_json; /* heap, secret: an object as register/settings.h has it; wiped */
};
void cloud_record_dispose(struct cloud_record *r);
/** Over a former one of this name. @return ERR_OK, ERR_IO, ERR_MEM */
enum err store_cloud_put(struct store *s, const struct cloud_record *r);
/** @return ERR_OK; ERR_NOT_FOUND with code cloud_not_found */
enum err store_cloud_get(struct store *s, const char *name, struct cloud_record *out);
/** @return as store_cloud_get(); ERR_CONFLICT with code cloud_in_use: a registration lives in it,
 * which could not be undone any more */
enum err store_cloud_delete(struct store *s, const char *name);
/** By name, which is the cursor. Release each with cloud_record_dispose() and the list with
 * free(). */
enum err store_cloud_list(struct store *s, struct store_page *page, struct cloud_record **list_out,
                          size_t *n_out);
#endif
