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
/** The key in a PKCS#8 structure. Of DSA and DH keys the library works out the public half, which
 * takes hours where the numbers are long enough: such are not read.
 *  @return NULL: not read, or none; EVP_PKEY_free() it */
EVP_PKEY *sniff_pkcs8(const PKCS8_PRIV_KEY_INFO *info);
#endif
