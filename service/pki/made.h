/* made: what the files that make keys, requests and certificates share. Private to service/pki. */
#ifndef SERVICE_PKI_MADE_H
#define SERVICE_PKI_MADE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "service/pki/keys.h"

/** The error of OpenSSL's queue, which is emptied, as one of ours. @return ERR_MEM, ERR_INTERNAL */
enum err made_failed(const char *what);
/** A key that key_make() wrote. EVP_PKEY_free() it. @return ERR_OK, ERR_MEM, ERR_INTERNAL */
enum err made_key(const char *pem, size_t n, EVP_PKEY **out);
/** @return ERR_OK; ERR_ARG with code bad_subject: a part is malformed, or there is no CN */
enum err made_name(const struct subject *subject, X509_NAME *out);
/** The first request in a text of somebody else's, when it may be signed: of a kind of key that
 * boards can use, and signed with it. X509_REQ_free() it.
 *  @return ERR_OK; ERR_CRYPTO with code bad_pem, not_a_request, request_signature, key_type or
 * weak_key; ERR_MEM */
enum err csr_read(const char *text, size_t n, X509_REQ **out);
#endif
