/* clouds: accounts at clouds as they were set up, in the store: register/settings.h has what is in
 * them. */
#ifndef SERVICE_STORE_CLOUDS_H
#define SERVICE_STORE_CLOUDS_H

#include "service/store/store.h"

/** Over a former one of this name.
 *  @param moved  its calls go elsewhere than those of the former one did
 *  @return ERR_OK; ERR_CONFLICT with code cloud_in_use when it moved and a registration lives in
 * it, which could not be undone any more; ERR_IO, ERR_MEM */
enum err store_cloud_put(struct store *s, const struct named_settings *r, bool moved);
/** @return ERR_OK; ERR_NOT_FOUND with code cloud_not_found */
enum err store_cloud_get(struct store *s, const char *name, struct named_settings *out);
/** @return as store_cloud_get(); ERR_CONFLICT with code cloud_in_use */
enum err store_cloud_delete(struct store *s, const char *name);
/** By name, which is the cursor. Release each with named_settings_dispose() and the list with
 * free(). */
enum err store_cloud_list(struct store *s, struct store_page *page,
                          struct named_settings **list_out, size_t *n_out);
#endif
