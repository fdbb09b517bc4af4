#include "tests/board/firmware/tls.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

static X509 *next_certificate(BIO *b)
{
    return PEM_read_bio_X509(b, NULL, NULL, NULL);
}

/* mbedTLS calls a certificate of the future expired as well; the alert tells. */
static int on_verify(int good, X509_STORE_CTX *ctx)
{
    if (X509_STORE_CTX_get_error(ctx) == X509_V_ERR_CERT_NOT_YET_VALID)
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_HAS_EXPIRED);
    return good;
}

/* Each certificate of the text is trusted by itself, also one that is no root: mbedTLS asks for no
 * more. */
static bool trust(SSL_CTX *ctx, const char *pem, int64_t now_s)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *b = BIO_new_mem_buf(pem, -1);
    bool any = false;
    for (X509 *x; b && (x = next_certificate(b)) != NULL; X509_free(x))
        if (X509_STORE_add_cert(store, x)) any = true;
    BIO_free(b);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
    return any;
}

/* The parts of a key as OpenSSL parameters, made into a key. */
static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) > 0)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *splice_rsa(EVP_PKEY *public, EVP_PKEY *private)
{
    BIGNUM *n = NULL, *e = NULL, *d = NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld && EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_N, &n) &&
        EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_E, &e) &&
        EVP_PKEY_get_bn_param(private, OSSL_PKEY_PARAM_RSA_D, &d) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, d))
        key = key_from("RSA", bld);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);
    BN_clear_free(d);
    return key;
}

static EVP_PKEY *splice_ec(EVP_PKEY *public, EVP_PKEY *private)
{
    char group[64];
    unsigned char point[256];
    size_t point_n = 0;
    BIGNUM *d = NULL;
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (bld && EVP_PKEY_get_group_name(public, group, sizeof group, NULL) &&
        EVP_PKEY_get_octet_string_param(public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                        &point_n) &&
        EVP_PKEY_get_bn_param(private, OSSL_PKEY_PARAM_PRIV_KEY, &d) &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, point_n) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d))
        key = key_from("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    BN_clear_free(d);
    return key;
}

/* mbedTLS does not compare the key with the certificate: it signs with what it has, and the server
 * finds the signature bad. OpenSSL refuses such a pair, so it gets a key that looks like the
 * certificate's and signs with the other one. NULL when the kinds differ. */
static EVP_PKEY *splice(X509 *certificate, EVP_PKEY *private)
{
    EVP_PKEY *public = X509_get0_pubkey(certificate);
    if (!public || EVP_PKEY_get_base_id(public) != EVP_PKEY_get_base_id(private)) return NULL;
    if (EVP_PKEY_get_base_id(public) == EVP_PKEY_RSA) return splice_rsa(public, private);
    if (EVP_PKEY_get_base_id(public) == EVP_PKEY_EC) return splice_ec(public, private);
    return NULL;
}

static bool use_key(SSL_CTX *ctx, X509 *certificate, const struct tls_config *config)
{
    /* An empty passphrase instead of a question on the terminal: encrypted keys are refused. */
    char none[] = "";
    BIO *b = BIO_new_mem_buf(config->key, -1);
    EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, none) : NULL;
    BIO_free(b);
    if (key && !X509_check_private_key(certificate, key)) {
        EVP_PKEY *other = splice(certificate, key);
        EVP_PKEY_free(key);
        key = other;
    }
    bool readable = key && !(config->no_ec_key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC);
    bool good = readable && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    return good;
}

static bool identify(SSL_CTX *ctx, const struct tls_config *config)
{
    BIO *b = BIO_new_mem_buf(config->certificate, -1);
    X509 *leaf = b ? next_certificate(b) : NULL;
    bool good = leaf && SSL_CTX_use_certificate(ctx, leaf) == 1;
    for (X509 *x; good && (x = next_certificate(b)) != NULL;)
        if (SSL_CTX_add0_chain_cert(ctx, x) != 1) X509_free(x);
    BIO_free(b);
    good = good && use_key(ctx, leaf, config);
    X509_free(leaf);
    return good;
}

/* libmosquitto names the host it connects to; the firmware sends no name, or the one it was told.
 */
static void on_info(const SSL *ssl, int where, int value)
{
    (void)value;
    if (where != SSL_CB_HANDSHAKE_START) return;
    char *sni = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, sni);
}

static bool set_alpn(SSL_CTX *ctx, const struct tls_config *config)
{
    unsigned char wire[TLS_ALPN_MAX * (TLS_ALPN_NAME_MAX + 1)];
    unsigned n = 0;
    for (size_t i = 0; i < config->alpn_count; i++) {
        size_t len = strlen(config->alpn[i]);
        wire[n++] = (unsigned char)len;
        memcpy(wire + n, config->alpn[i], len);
        n += (unsigned)len;
    }
    return n == 0 || SSL_CTX_set_alpn_protos(ctx, wire, n) == 0;
}

SSL_CTX *tls_context(const struct tls_config *config)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) return NULL;
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_app_data(ctx, (char *)(uintptr_t)config->sni);
    SSL_CTX_set_info_callback(ctx, on_info);
    bool good = (!config->ca || trust(ctx, config->ca, config->now_s)) &&
                (!config->certificate || identify(ctx, config)) && set_alpn(ctx, config);
    /* Reading PEM to its end leaves "no start line" behind, which later calls would report. */
    ERR_clear_error();
    if (good) return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
