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
/** CN of the subject, UTF-8, cut to fit; "" for none. */
void describe_common_name(const X509 *x, char *out, size_t cap);
/** The serial number as hex, cut to fit. */
void describe_serial(const X509 *x, char *out, size_t cap);
#endif
