/* Design: each decoder of the library is tried in turn and must take all the bytes. The first
 * elements decide most cases, so a wrong decoder gives up early. */
#include "service/pki/sniff.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdbool.h>

enum { OTHER_MAX = 1024 }; /* bytes of a DSA key of 3072 bits, the longest in use */

struct span {
    const uint8_t *der;
    long n;
};

static bool took_all(const struct span *s, const uint8_t *p)
{
    return p == s->der + s->n;
}

static X509 *read_certificate(const struct span *s)
{
    const uint8_t *p = s->der;
    X509 *x = d2i_X509(NULL, &p, s->n);
    if (x && took_all(s, p)) return x;
    X509_free(x);
    return NULL;
}

static X509 *read_trusted(const struct span *s)
{
    const uint8_t *p = s->der;
    X509 *x = d2i_X509_AUX(NULL, &p, s->n);
    /* The copy has no trust settings: they would decide what the chain may be used for. */
    X509 *plain = x && took_all(s, p) ? X509_dup(x) : NULL;
    X509_free(x);
    return plain;
}

EVP_PKEY *sniff_pkcs8(const PKCS8_PRIV_KEY_INFO *info)
{
    const ASN1_OBJECT *algorithm = NULL;
    PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info);
    int kind = OBJ_obj2nid(algorithm);
    bool usual = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS || kind == EVP_PKEY_EC;
    if (!usual && i2d_PKCS8_PRIV_KEY_INFO(info, NULL) > OTHER_MAX) return NULL;
    return EVP_PKCS82PKEY(info);
}

/* @param[out] is_it  it is PKCS#8, and nothing else need be tried: the library would read it again
 */
static EVP_PKEY *read_pkcs8(const struct span *s, bool *is_it)
{
    const uint8_t *p = s->der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, s->n);
    EVP_PKEY *key = info && took_all(s, p) ? sniff_pkcs8(info) : NULL;
    *is_it = info != NULL;
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

static EVP_PKEY *read_old_form(const struct span *s, int type)
{
    const uint8_t *p = s->der;
    EVP_PKEY *key = d2i_PrivateKey(type, NULL, &p, s->n);
    if (key && took_all(s, p)) return key;
    EVP_PKEY_free(key);
    return NULL;
}

static bool sniff_key(const struct span *s, struct sniff *out)
{
    static const struct {
        int type;
        const char *label;
    } forms[] = {
        {EVP_PKEY_RSA, "RSA PRIVATE KEY"},
        {EVP_PKEY_EC, "EC PRIVATE KEY"},
        {EVP_PKEY_DSA, "DSA PRIVATE KEY"},
    };
    bool pkcs8;
    out->pkey = read_pkcs8(s, &pkcs8);
    out->label = "PRIVATE KEY";
    for (size_t i = 0; !pkcs8 && !out->pkey && i < sizeof forms / sizeof *forms; i++) {
        out->pkey = read_old_form(s, forms[i].type);
        out->label = forms[i].label;
    }
    return out->pkey != NULL;
}

static enum sniff_kind sniff_other(const struct span *s)
{
    enum sniff_kind kind = SNIFF_NOTHING;
    const uint8_t *p = s->der;
    X509_SIG *encrypted = d2i_X509_SIG(NULL, &p, s->n);
    if (encrypted && took_all(s, p)) kind = SNIFF_ENCRYPTED_KEY;
    X509_SIG_free(encrypted);
    if (kind) return kind;
    p = s->der;
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &p, s->n);
    if (public_key && took_all(s, p)) kind = SNIFF_PUBLIC_KEY;
    EVP_PKEY_free(public_key);
    if (kind) return kind;
    p = s->der;
    X509_REQ *request = d2i_X509_REQ(NULL, &p, s->n);
    if (request && took_all(s, p)) kind = SNIFF_REQUEST;
    X509_REQ_free(request);
    if (kind) return kind;
    p = s->der;
    PKCS12 *p12 = d2i_PKCS12(NULL, &p, s->n);
    if (p12 && took_all(s, p)) kind = SNIFF_PKCS12;
    PKCS12_free(p12);
    if (kind) return kind;
    p = s->der;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, s->n);
    if (p7 && took_all(s, p)) kind = SNIFF_PKCS7;
    PKCS7_free(p7);
    return kind;
}

struct sniff sniff_der(const uint8_t *der, size_t n)
{
    struct sniff out = {SNIFF_NOTHING, NULL, NULL, NULL};
    if (n < 2 || n > INT_MAX || der[0] != 0x30) return out; /* all of these are sequences */
    struct span s = {der, (long)n};
    if ((out.x = read_certificate(&s)))
        out.kind = SNIFF_CERTIFICATE;
    else if (sniff_key(&s, &out))
        out.kind = SNIFF_KEY;
    else if ((out.x = read_trusted(&s)))
        out.kind = SNIFF_TRUSTED_CERTIFICATE;
    else
        out.kind = sniff_other(&s);
    ERR_clear_error();
    return out;
}
