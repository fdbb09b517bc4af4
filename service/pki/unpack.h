/* unpack: files that hold other files, taken apart. Pure. Each piece is handed on as it is; what it
 * is good for is found from its content, like that of any other file. */
#ifndef SERVICE_PKI_UNPACK_H
#define SERVICE_PKI_UNPACK_H

#include <stdbool.h>

#include "service/base/err.h"
#include "service/pki/credential.h"
#include "service/pki/unlock.h"

/** @param piece  borrowed for the call; its name is for messages */
typedef enum err (*unpack_fn)(const struct credential_input *piece, void *arg);

/* Each returns what @p fn returned, ERR_MEM, or an error of its own, whose detail is a sentence
 * without the file's name. */

/* What zips may still unpack to. */
struct unpack_room {
    size_t files, bytes;
    size_t all_bytes; /* that there were at the beginning, for a message */
};
/** The files of a zip, in all its folders, under their paths. What is larger than LIMIT_PEM_BYTES
 * is cut behind that and one byte more.
 *  @param room  what is unpacked is taken off it
 *  @return also ERR_ARG with codes zip_damaged, zip_unsupported; ERR_TOO_LARGE with codes
 *          zip_too_large, zip_too_many_files */
enum err unpack_zip(const struct credential_input *in, struct unpack_room *room, unpack_fn fn,
                    void *arg);
/** The texts anywhere in a JSON object that hold PEM, or DER as base64.
 *  @return also ERR_ARG with code bad_json */
enum err unpack_json(const struct credential_input *in, unpack_fn fn, void *arg);
/** The certificates and private keys of a PKCS#12 file, as DER.
 *  @return also ERR_CRYPTO as unlock.h says, or with code pkcs12 */
enum err unpack_pkcs12(const struct credential_input *in, struct unlock *u, unpack_fn fn,
                       void *arg);
/** The certificates of a PKCS#7 file, as DER. @return also ERR_CRYPTO with code pkcs7 */
enum err unpack_pkcs7(const struct credential_input *in, unpack_fn fn, void *arg);

/** Base64 and nothing else, and enough of it to be meant so? */
bool unpack_is_base64(const uint8_t *data, size_t len);
#endif
