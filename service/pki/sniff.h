/* sniff: what a run of DER bytes is. */
#ifndef SERVICE_PKI_SNIFF_H
#define SERVICE_PKI_SNIFF_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

enum sniff_kind {
    SNIFF_NOTHING,
    SNIFF_CERTIFICATE,
    SNIFF_TRUSTED_CERTIFICATE, /* with openssl's trust settings behind it */
    SNIFF_KEY,
    SNIFF_ENCRYPTED_KEY,
    SNIFF_PUBLIC_KEY,
    SNIFF_REQUEST,
    SNIFF_PKCS12,
    SNIFF_PKCS7,
};

struct sniff {
    enum sniff_kind kind;
    X509 *x;           /* a certificate's; the caller's to free */
    EVP_PKEY *pkey;    /* a private key's; the caller's to free */
    const char *label; /* of the PEM block that such a key belongs in */
};

/** Judge @p n bytes, which must be one whole DER value. */
struct sniff sniff_der(const uint8_t *der, size_t n);
#endif
