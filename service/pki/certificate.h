/* certificate: what a certificate by itself is known by. */
#ifndef SERVICE_PKI_CERTIFICATE_H
#define SERVICE_PKI_CERTIFICATE_H

#include "service/base/digest.h"
#include "service/base/err.h"

/** Of the first certificate in @p pem.
 *  @param fingerprint_out  SHA-256 of its DER: the id that AWS IoT gives it
 *  @param key_out          SHA-256 of its SubjectPublicKeyInfo, as credential_info has it
 *  @return ERR_OK; ERR_CRYPTO with code bad_pem */
enum err certificate_digests(const char *pem, char fingerprint_out[SHA256_HEX],
                             char key_out[SHA256_HEX]);
#endif
