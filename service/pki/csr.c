#include "service/pki/csr.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/describe.h"
#include "service/pki/judge.h"
#include "service/pki/made.h"
#include "service/pki/pem.h"

static enum err pem_of(X509_REQ *request, struct buf *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509_REQ(request, &der);
    if (n < 0) return made_failed("the text of a request");
    enum err e = pem_encode("CERTIFICATE REQUEST", der, (size_t)n, out);
    OPENSSL_free(der);
    return e;
}

static bool add_use(X509_REQ *request)
{
    static const struct {
        int nid;
        const char *value;
    } uses[] = {{NID_key_usage, "critical,digitalSignature"}, {NID_ext_key_usage, "clientAuth"}};
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < sizeof uses / sizeof *uses; i++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, NULL, uses[i].nid, uses[i].value);
        ok = one && sk_X509_EXTENSION_push(list, one) > 0;
        if (!ok) X509_EXTENSION_free(one);
    }
    ok = ok && X509_REQ_add_extensions(request, list) == 1;
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return ok;
}

static enum err fill(X509_REQ *request, EVP_PKEY *key, const struct subject *subject)
{
    enum err e = made_name(subject, X509_REQ_get_subject_name(request));
    if (e) return e;
    if (X509_REQ_set_version(request, 0) == 1 && X509_REQ_set_pubkey(request, key) == 1 &&
        add_use(request) && X509_REQ_sign(request, key, EVP_sha256()) > 0)
        return ERR_OK;
    return made_failed("a certificate request");
}

static void describe(X509_REQ *request, EVP_PKEY *key, struct csr_info *out)
{
    upload_subject(X509_REQ_get_subject_name(request), out->subject, sizeof out->subject);
    judge_key_name(key, out->key_type);
    describe_key_digest(X509_REQ_get_X509_PUBKEY(request), out->key_sha256);
}

enum err csr_make(const char *key_pem, size_t key_len, const struct subject *subject,
                  struct buf *pem_out, struct csr_info *info_out)
{
    EVP_PKEY *key = NULL;
    X509_REQ *request = X509_REQ_new();
    enum err e = request ? made_key(key_pem, key_len, &key) : made_failed("a certificate request");
    if (!e) e = fill(request, key, subject);
    if (!e) e = pem_of(request, pem_out);
    if (!e) describe(request, key, info_out);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return e;
}

/* ---- those of others ---- */

static enum err find_request(const char *text, size_t n, struct buf *der)
{
    struct pem_reader reader;
    struct pem_block block;
    unsigned untidy = 0;
    bool found = true;
    enum err e = ERR_OK;
    pem_reader_init(&reader, (const uint8_t *)text, n);
    while (!(e = pem_next(&reader, &block, &found)) && found)
        if (strcmp(block.label, "CERTIFICATE REQUEST") == 0 ||
            strcmp(block.label, "NEW CERTIFICATE REQUEST") == 0)
            return pem_decode(&block, der, &untidy);
    if (e) return e;
    return err_fail(ERR_CRYPTO, "not_a_request",
                    "Send the PEM that openssl req -new makes: -----BEGIN CERTIFICATE REQUEST-----",
                    "there is no certificate request in the text");
}

/* Who asks for a certificate must have the key: the request is signed with it. */
static enum err judge_request(X509_REQ *request)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    char name[16];
    const char *code = key ? judge_key_refusal(key, judge_key_name(key, name)) : "key_type";
    if (*code)
        return err_fail(ERR_CRYPTO, code, "Use RSA of 2048 to 4096 bits, P-256 or P-384.",
                        "the key of the request is of no kind that a board can use");
    if (X509_REQ_verify(request, key) == 1) return ERR_OK;
    ERR_clear_error();
    return err_fail(ERR_CRYPTO, "request_signature", "Make the request anew with its private key.",
                    "the request is not signed with the key that it names");
}

enum err csr_read(const char *text, size_t n, X509_REQ **out)
{
    struct buf der;
    *out = NULL;
    buf_init(&der, LIMIT_PEM_BYTES);
    enum err e = find_request(text, n, &der);
    if (!e) {
        const uint8_t *at = der.data;
        *out = d2i_X509_REQ(NULL, &at, (long)der.len);
        ERR_clear_error();
        e = *out ? judge_request(*out)
                 : err_fail(ERR_CRYPTO, "not_a_request", NULL,
                            "the certificate request cannot be read: its content is damaged");
    }
    buf_dispose(&der);
    if (!e) return ERR_OK;
    X509_REQ_free(*out);
    *out = NULL;
    return e;
}
