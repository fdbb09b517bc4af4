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

/* UTF-8 that may be cut, but not inside a character, and without control characters. */
static void text_copy(const uint8_t *text, size_t n, char *out, size_t cap)
{
    if (n >= cap) {
        n = cap - 1;
        while (n && (text[n] & 0xC0) == 0x80)
            n--;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] < 0x20 || text[i] == 0x7F ? '?' : (char)text[i];
    out[n] = '\0';
}

void describe_common_name(const X509 *x, char *out, size_t cap)
{
    const X509_NAME *name = X509_get_subject_name(x);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    const X509_NAME_ENTRY *entry = at < 0 ? NULL : X509_NAME_get_entry(name, at);
    uint8_t *utf8 = NULL;
    int n = entry ? ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry)) : 0;
    out[0] = '\0';
    if (n > 0) text_copy(utf8, (size_t)n, out, cap);
    OPENSSL_free(utf8);
}
