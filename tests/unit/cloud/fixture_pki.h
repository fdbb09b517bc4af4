/* Certificates made at test time, with dates relative to now; P-256, because that is fast. */
#ifndef TESTS_UNIT_CLOUD_FIXTURE_PKI_H
#define TESTS_UNIT_CLOUD_FIXTURE_PKI_H

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { PKI_PEM = 2048, PKI_DAY_S = 24 * 3600 };

struct identity {
    X509 *cert;
    EVP_PKEY *key;
    char cert_pem[PKI_PEM], key_pem[PKI_PEM];
};

struct identity_spec {
    const char *name;
    const char *san;               /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct identity *issuer; /* NULL: signs itself */
    long from_s, to_s;             /* relative to now */
    bool ca;
};

static inline void pki_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert(ext && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static inline void pki_take_pem(BIO *b, char out[PKI_PEM])
{
    int n = BIO_read(b, out, PKI_PEM - 1);
    assert(n > 0 && n < PKI_PEM - 1);
    out[n] = '\0';
    BIO_free(b);
}

/* @param key  taken */
static inline void identity_issue(struct identity *id, const struct identity_spec *spec,
                                  EVP_PKEY *key)
{
    id->key = key;
    X509 *cert = id->cert = X509_new();
    X509 *issuer = spec->issuer ? spec->issuer->cert : cert;
    unsigned char serial[8];
    assert(id->key && cert && RAND_bytes(serial, sizeof serial) == 1);
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    X509_set_version(cert, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(cert), spec->from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), spec->to_s);
    X509_set_pubkey(cert, id->key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               (const unsigned char *)spec->name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    pki_extend(cert, issuer, NID_subject_key_identifier, "hash");
    if (spec->ca) pki_extend(cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
    if (spec->san) pki_extend(cert, issuer, NID_subject_alt_name, spec->san);
    assert(X509_sign(cert, spec->issuer ? spec->issuer->key : id->key, EVP_sha256()) > 0);
    BIO *b = BIO_new(BIO_s_mem());
    assert(b && PEM_write_bio_X509(b, cert) == 1);
    pki_take_pem(b, id->cert_pem);
    b = BIO_new(BIO_s_mem());
    assert(b && PEM_write_bio_PrivateKey(b, id->key, NULL, NULL, 0, NULL, NULL) == 1);
    pki_take_pem(b, id->key_pem);
}

static inline void identity_make(struct identity *id, const struct identity_spec *spec)
{
    identity_issue(id, spec, EVP_EC_gen("P-256"));
}

static inline void identity_drop(struct identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
}

/* What a broker, its clients and their enemies have. */
struct pki {
    struct identity ca, other_ca;
    struct identity broker, expired_broker, early_broker, elsewhere_broker, stranger_broker;
    struct identity device, foreign_device, expired_device, intermediate, chained_device;
};

static inline void pki_make(struct pki *p)
{
    const char here[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    const struct {
        struct identity *id;
        struct identity_spec spec;
    } all[] = {
        {&p->ca, {"test root", NULL, NULL, -PKI_DAY_S, PKI_DAY_S, true}},
        {&p->other_ca, {"another root", NULL, NULL, -PKI_DAY_S, PKI_DAY_S, true}},
        {&p->broker, {"broker", here, &p->ca, -PKI_DAY_S, PKI_DAY_S, false}},
        {&p->expired_broker, {"old broker", here, &p->ca, -2 * PKI_DAY_S, -PKI_DAY_S, false}},
        {&p->early_broker, {"new broker", here, &p->ca, PKI_DAY_S, 2 * PKI_DAY_S, false}},
        {&p->elsewhere_broker,
         {"far broker", "DNS:broker.example", &p->ca, -PKI_DAY_S, PKI_DAY_S, false}},
        {&p->stranger_broker, {"stranger", here, &p->other_ca, -PKI_DAY_S, PKI_DAY_S, false}},
        {&p->device, {"device", NULL, &p->ca, -PKI_DAY_S, PKI_DAY_S, false}},
        {&p->foreign_device, {"foreign", NULL, &p->other_ca, -PKI_DAY_S, PKI_DAY_S, false}},
        {&p->expired_device, {"old device", NULL, &p->ca, -2 * PKI_DAY_S, -PKI_DAY_S, false}},
        {&p->intermediate, {"middle", NULL, &p->ca, -PKI_DAY_S, PKI_DAY_S, true}},
        {&p->chained_device, {"chained", NULL, &p->intermediate, -PKI_DAY_S, PKI_DAY_S, false}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        identity_make(all[i].id, &all[i].spec);
}

static inline void pki_drop(struct pki *p)
{
    struct identity *all[] = {
        &p->ca,
        &p->other_ca,
        &p->broker,
        &p->expired_broker,
        &p->early_broker,
        &p->elsewhere_broker,
        &p->stranger_broker,
        &p->device,
        &p->foreign_device,
        &p->expired_device,
        &p->intermediate,
        &p->chained_device,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        identity_drop(all[i]);
}
#endif
