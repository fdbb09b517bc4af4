/* files: the files of a request, from JSON or from multipart. */
#ifndef API_HANDLERS_FILES_H
#define API_HANDLERS_FILES_H

#include <stddef.h>

#include "api/multipart.h"
#include "api/request.h"
#include "service/base/json_in.h"
#include "service/base/limits.h"
#include "service/pki/credential.h"

/** The parts of a multipart body; they borrow from it. Release *parts_out with free().
 *  @return ERR_OK; ERR_ARG with code bad_multipart, empty_upload; ERR_TOO_LARGE with code
 *          too_many_parts, file_too_large; ERR_MEM */
enum err files_read_parts(const struct request *rq, struct multipart_part **parts_out,
                          size_t *n_out);

struct files {
    struct credential_input *inputs; /* what to judge */
    size_t count;
    struct buf password;          /* secret; empty = none */
    struct multipart_part *parts; /* multipart only */
};

/** The files of a credential: the JSON body as one, or any number of parts; and the password among
 * them. They borrow from the body.
 *  @return as files_read_parts(); ERR_ARG with code bad_json, bad_body (then @p errors tells more)
 */
enum err files_read_credential(const struct request *rq, struct files *out,
                               struct field_errors *errors);
/** The same for the files of many boards: LIMIT_DROP_FILES, of any size. */
enum err files_read_drop(const struct request *rq, struct files *out, struct field_errors *errors);
void files_dispose(struct files *u);
#endif
