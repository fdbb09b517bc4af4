/* csr: requests for certificates (PKCS#10): made for keys of ours, and read when they come from
 * elsewhere. */
#ifndef SERVICE_PKI_CSR_H
#define SERVICE_PKI_CSR_H

#include <stddef.h>

#include "service/base/buf.h"
#include "service/pki/keys.h"

struct csr_info {
    char subject[256];   /* RFC 2253 */
    char key_type[16];   /* "RSA-2048", "P-256" … */
    char key_sha256[65]; /* of the SubjectPublicKeyInfo, as credential_info has it */
};

/** Make a request for a device: for the use as a TLS client, signed with the key.
 *  @param key_pem  as key_make() wrote it
 *  @param pem_out  "CERTIFICATE REQUEST" is appended
 *  @return ERR_OK; ERR_ARG with code bad_subject; ERR_MEM, ERR_INTERNAL */
enum err csr_make(const char *key_pem, size_t key_len, const struct subject *subject,
                  struct buf *pem_out, struct csr_info *info_out);
#endif
