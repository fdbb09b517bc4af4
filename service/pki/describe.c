#include "service/pki/describe.h"

void describe_fingerprint(const X509 *x, char out[SHA256_HEX])
{
    uint8_t md[SHA256_BYTES];
    unsigned n = 0;
    out[0] = '\0';
    if (X509_digest(x, EVP_sha256(), md, &n)) digest_hex(md, n, out);
}

void describe_key_digest(X509_PUBKEY *key, char out[SHA256_HEX])
{
    uint8_t md[SHA256_BYTES], *der = NULL;
    int n = i2d_X509_PUBKEY(key, &der);
    out[0] = '\0';
    if (n <= 0) return;
    digest_sha256(der, (size_t)n, md);
    digest_hex(md, sizeof md, out);
    OPENSSL_free(der);
}

void describe_serial(const X509 *x, char *out, size_t cap)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    size_t n = (size_t)ASN1_STRING_length(serial);
    if (n > (cap - 1) / 2) n = (cap - 1) / 2;
    digest_hex(ASN1_STRING_get0_data(serial), n, out);
}
