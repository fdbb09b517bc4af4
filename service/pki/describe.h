/* describe: what is told of a certificate or a key, as text. Private to service/pki. */
#ifndef SERVICE_PKI_DESCRIBE_H
#define SERVICE_PKI_DESCRIBE_H

#include <openssl/x509.h>
#include <stddef.h>

#include "service/base/digest.h"

/** SHA-256 of the certificate's DER, lower-case hex; "" when it cannot be made. */
void describe_fingerprint(const X509 *x, char out[SHA256_HEX]);
/** The same of a SubjectPublicKeyInfo: equal for every certificate and request of one key. */
void describe_key_digest(X509_PUBKEY *key, char out[SHA256_HEX]);
/** The serial number as hex, cut to fit. */
void describe_serial(const X509 *x, char *out, size_t cap);
#endif
