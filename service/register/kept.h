/* kept: a credential that was judged becomes one of espgate's own, whether it was uploaded or came
 * of a registration. */
#ifndef SERVICE_REGISTER_KEPT_H
#define SERVICE_REGISTER_KEPT_H

#include <jansson.h>

#include "service/pki/credential.h"
#include "service/store/store.h"

/** @return new reference; NULL = no memory, as below */
json_t *kept_checks_json(const struct check_list *checks);
/** The metadata of a credential, without id and creation. */
json_t *kept_info_json(const struct credential_info *info);

struct kept_input {
    const char *id; /* NULL = a new one */
    const struct credential *credential;
    const struct check_list *checks;
};
/** Put it into the store, with what GET answers.
 *  @param out  credential_record_dispose() it, also after an error
 *  @return as store_credential_add() */
enum err credential_keep(struct store *s, const struct kept_input *in,
                         struct credential_duplicate *duplicate, struct credential_record *out);
#endif
