/* authority: a small certificate authority for a lab with a broker of its own. It signs what asks
 * for it with a request; its key is used here and goes nowhere. */
#ifndef SERVICE_PKI_AUTHORITY_H
#define SERVICE_PKI_AUTHORITY_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/pki/keys.h"

struct certificate_info {
    char subject[256], issuer[256]; /* RFC 2253 */
    char serial_hex[64], fingerprint_sha256[65], key_type[16], key_sha256[65];
    int64_t not_before_unix_s, not_after_unix_s;
};

struct authority_spec {
    enum key_kind key;
    const struct subject *subject; /* CN required */
    int64_t now_unix_s;
    unsigned days; /* valid from now on, 1…36500 */
};
/** Make a key and the certificate that it signs itself: a CA without others below it.
 *  @param key_out  init it with buf_init_secret; as key_make()
 *  @return ERR_OK; ERR_ARG with code bad_subject; ERR_MEM, ERR_INTERNAL */
enum err authority_make(const struct authority_spec *spec, struct buf *key_out,
                        struct buf *certificate_out, struct certificate_info *info_out);

enum certificate_use { USE_CLIENT /* of a device */, USE_SERVER /* of a broker */ };
enum { CERTIFICATE_NAMES = 16, CERTIFICATE_NAME = 254 };

struct certificate_order {
    const char *request_pem;
    size_t request_len;
    enum certificate_use use;
    /* host names and addresses of a server: what its clients look for. Those that the request
     * itself asks for are not taken over */
    char names[CERTIFICATE_NAMES][CERTIFICATE_NAME];
    size_t name_count; /* at least one for a server, none for a client */
    int64_t now_unix_s;
    unsigned days; /* 0 = as long as the authority, at most ten years */
};
/** Sign a request: its subject and key, a new random serial number, and the uses of the order.
 *  @param certificate_pem  the authority's, with its key as authority_make() wrote them
 *  @return ERR_OK; ERR_CRYPTO with code bad_pem, not_a_request, request_signature, key_type,
 * weak_key, bad_subject (no name to sign, or the authority's own), authority_expired; ERR_ARG with
 * code bad_name (not a host name or address), outlives_authority; ERR_MEM, ERR_INTERNAL */
enum err authority_sign(const char *certificate_pem, const char *key_pem, size_t key_len,
                        const struct certificate_order *order, struct buf *certificate_out,
                        struct certificate_info *info_out);
#endif
