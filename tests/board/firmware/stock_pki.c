/* The credentials that a stock release carries are for show: valid, but of nobody. Made fresh for
 * each new board, with P-256 keys, so that nothing here is a secret or runs out. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/firmware/stock.h"

static X509 *sign_certificate(const char *subject, const char *issuer, EVP_PKEY *key, EVP_PKEY *by)
{
    X509 *x = X509_new();
    if (!x) return NULL;
    X509_NAME *name = X509_get_subject_name(x), *from = X509_get_issuer_name(x);
    X509_EXTENSION *ca = NULL;
    if (key == by) ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    bool good = X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
                ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z") &&
                ASN1_TIME_set_string(X509_getm_notAfter(x), "20491231235959Z") &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject,
                                           -1, -1, 0) &&
                X509_NAME_add_entry_by_txt(from, "CN", MBSTRING_ASC, (const unsigned char *)issuer,
                                           -1, -1, 0) &&
                X509_set_pubkey(x, key) && (!ca || X509_add_ext(x, ca, -1)) &&
                X509_sign(x, by, EVP_sha256());
    X509_EXTENSION_free(ca);
    if (good) return x;
    X509_free(x);
    return NULL;
}

static char *text_of(BIO *b)
{
    char *data = NULL, *text = NULL;
    long n = BIO_get_mem_data(b, &data);
    if (n > 0) text = calloc(1, (size_t)n + 1);
    if (text) memcpy(text, data, (size_t)n);
    BIO_free(b);
    return text;
}

static char *certificate_text(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    if (b && x) PEM_write_bio_X509(b, x);
    return b ? text_of(b) : NULL;
}

static char *key_text(EVP_PKEY *key)
{
    BIO *b = BIO_new(BIO_s_mem());
    if (b) PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
    return b ? text_of(b) : NULL;
}

int stock_credentials_make(struct stock_credentials *out)
{
    memset(out, 0, sizeof *out);
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = NULL, *certificate = NULL;
    if (ca_key && key) {
        ca = sign_certificate("stock CA", "stock CA", ca_key, ca_key);
        certificate = sign_certificate("stock device", "stock CA", key, ca_key);
        out->ca = certificate_text(ca);
        out->certificate = certificate_text(certificate);
        out->key = key_text(key);
    }
    X509_free(ca);
    X509_free(certificate);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    if (out->ca && out->certificate && out->key) return 0;
    stock_credentials_dispose(out);
    return -1;
}

void stock_credentials_dispose(struct stock_credentials *c)
{
    free(c->ca);
    free(c->certificate);
    free(c->key);
    memset(c, 0, sizeof *c);
}
