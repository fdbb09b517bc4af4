#include "service/pki/authority.h"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "service/pki/describe.h"
#include "service/pki/judge.h"
#include "service/pki/made.h"
#include "service/pki/upload.h"

enum {
    SERIAL_BITS = 159, /* 20 bytes whose first bit is not set: RFC 5280, 4.1.2.2 */
    HOUR = 3600,       /* clocks of boards and brokers differ: it is valid a little earlier */
    DAY = 86400,
    USUAL_DAYS = 3650,
};

/* ---- pieces of a certificate ---- */

struct extension {
    int nid;
    const char *value;
};

static bool add_extensions(X509 *x, X509 *issuer, const struct extension *list, size_t n)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, &context, list[i].nid, list[i].value);
        bool ok = one && X509_add_ext(x, one, -1) == 1;
        X509_EXTENSION_free(one);
        if (!ok) return false;
    }
    return true;
}

static bool set_serial(X509 *x)
{
    BIGNUM *serial = BN_new();
    bool ok = serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x));
    BN_free(serial);
    return ok;
}

static bool set_dates(X509 *x, int64_t from, int64_t to)
{
    return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from) &&
           ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to);
}

/* What every certificate has. */
static bool begin(X509 *x, const X509_NAME *subject, EVP_PKEY *key)
{
    return X509_set_version(x, 2) == 1 && set_serial(x) && X509_set_subject_name(x, subject) == 1 &&
           X509_set_pubkey(x, key) == 1;
}

static void describe(const X509 *x, struct certificate_info *out)
{
    const EVP_PKEY *key = X509_get0_pubkey(x);
    upload_subject(X509_get_subject_name(x), out->subject, sizeof out->subject);
    upload_subject(X509_get_issuer_name(x), out->issuer, sizeof out->issuer);
    describe_serial(x, out->serial_hex, sizeof out->serial_hex);
    describe_fingerprint(x, out->fingerprint_sha256);
    describe_key_digest(X509_get_X509_PUBKEY(x), out->key_sha256);
    if (key) judge_key_name(key, out->key_type);
    out->not_before_unix_s = judge_unix_s(X509_get0_notBefore(x));
    out->not_after_unix_s = judge_unix_s(X509_get0_notAfter(x));
}

/* ---- the authority itself ---- */

static enum err sign_itself(X509 *x, EVP_PKEY *key, const struct authority_spec *spec)
{
    static const struct extension uses[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
    };
    X509_NAME *name = X509_NAME_new();
    enum err e = name ? made_name(spec->subject, name) : made_failed("a name");
    bool ok = !e && begin(x, name, key) && X509_set_issuer_name(x, name) == 1 &&
              set_dates(x, spec->now_unix_s - HOUR, spec->now_unix_s + (int64_t)spec->days * DAY) &&
              add_extensions(x, x, uses, sizeof uses / sizeof *uses) &&
              X509_sign(x, key, EVP_sha256()) > 0;
    X509_NAME_free(name);
    return e ? e : ok ? ERR_OK : made_failed("a certificate");
}

enum err authority_make(const struct authority_spec *spec, struct buf *key_out,
                        struct buf *certificate_out, struct certificate_info *info_out)
{
    EVP_PKEY *key = NULL;
    X509 *x = X509_new();
    memset(info_out, 0, sizeof *info_out);
    enum err e = x ? key_make(spec->key, key_out) : made_failed("a certificate");
    if (!e) e = made_key(buf_str(key_out), key_out->len, &key);
    if (!e) e = sign_itself(x, key, spec);
    if (!e) e = upload_cert_pem(x, certificate_out);
    if (!e) describe(x, info_out);
    EVP_PKEY_free(key);
    X509_free(x);
    return e;
}

/* ---- what it signs ---- */

struct signer {
    X509 *x;
    EVP_PKEY *key;
};

static enum err signer_open(const char *certificate_pem, const char *key_pem, size_t key_len,
                            struct signer *out)
{
    BIO *bio = BIO_new_mem_buf(certificate_pem, -1);
    out->x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return out->x ? made_key(key_pem, key_len, &out->key)
                  : made_failed("a certificate of its text");
}

static void signer_close(struct signer *s)
{
    X509_free(s->x);
    EVP_PKEY_free(s->key);
}

/* From when to when: never beyond the authority's own days. */
static enum err choose_dates(const struct signer *s, const struct certificate_order *o, X509 *x)
{
    int64_t first = judge_unix_s(X509_get0_notBefore(s->x));
    int64_t last = judge_unix_s(X509_get0_notAfter(s->x));
    int64_t from = o->now_unix_s - HOUR;
    int64_t to = o->now_unix_s + (int64_t)(o->days ? o->days : USUAL_DAYS) * DAY;
    if (o->now_unix_s >= last)
        return err_fail(ERR_CRYPTO, "authority_expired", "Make a new authority.",
                        "the authority's own certificate has expired");
    if (o->days && to > last)
        return err_fail(ERR_ARG, "outlives_authority",
                        "Leave \"days\" out to have it last as long as the authority.",
                        "a certificate of %u days would outlive the authority, which has %lld left",
                        o->days, (long long)((last - o->now_unix_s) / DAY));
    if (from < first) from = first;
    if (to > last) to = last;
    return set_dates(x, from, to) ? ERR_OK : made_failed("a date");
}

/* "DNS:broker.lab,IP:10.0.0.2". Each is a host name or an address, so that none can smuggle in
 * another kind of name. */
static enum err name_list(const struct certificate_order *o, struct buf *out)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*";
    for (size_t i = 0; i < o->name_count; i++) {
        const char *name = o->names[i];
        uint8_t address[16];
        bool ip = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
        if (!ip && (!name[0] || name[strspn(name, allowed)]))
            return err_fail(ERR_ARG, "bad_name", NULL,
                            "name %zu of the server is not a host name or an IP address", i + 1);
        buf_printf(out, "%s%s:%s", i ? "," : "", ip ? "IP" : "DNS", name);
    }
    return buf_ok(out);
}

static bool add_uses(const struct signer *s, const struct certificate_order *o, const char *names,
                     X509 *x)
{
    bool server = o->use == USE_SERVER;
    bool rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(x)) == EVP_PKEY_RSA;
    const struct extension uses[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage,
         server && rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature"},
        {NID_ext_key_usage, server ? "serverAuth" : "clientAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, names},
    };
    size_t n = sizeof uses / sizeof *uses - (o->name_count ? 0 : 1);
    return add_extensions(x, s->x, uses, n);
}

static enum err sign_request(const struct signer *s, const struct certificate_order *o,
                             X509_REQ *request, X509 *x)
{
    struct buf names;
    const X509_NAME *subject = X509_REQ_get_subject_name(request);
    if (X509_NAME_entry_count(subject) == 0)
        return err_fail(ERR_CRYPTO, "bad_subject", "Give the request a subject, -subj /CN=NAME.",
                        "the request has an empty subject");
    if (X509_NAME_cmp(subject, X509_get_subject_name(s->x)) == 0)
        return err_fail(ERR_CRYPTO, "bad_subject", "Give the request a name of its own.",
                        "the request has the name of the authority itself: what it signs for that "
                        "name would be taken for a root");
    buf_init(&names, (size_t)CERTIFICATE_NAMES * (CERTIFICATE_NAME + 8));
    enum err e = name_list(o, &names);
    if (!e && !begin(x, subject, X509_REQ_get0_pubkey(request))) e = made_failed("a certificate");
    if (!e) e = choose_dates(s, o, x);
    if (!e && !(X509_set_issuer_name(x, X509_get_subject_name(s->x)) == 1 &&
                add_uses(s, o, buf_str(&names), x) && X509_sign(x, s->key, EVP_sha256()) > 0))
        e = made_failed("a certificate");
    buf_dispose(&names);
    return e;
}

enum err authority_sign(const char *certificate_pem, const char *key_pem, size_t key_len,
                        const struct certificate_order *order, struct buf *certificate_out,
                        struct certificate_info *info_out)
{
    struct signer signer = {NULL, NULL};
    X509_REQ *request = NULL;
    X509 *x = X509_new();
    memset(info_out, 0, sizeof *info_out);
    enum err e = x ? csr_read(order->request_pem, order->request_len, &request)
                   : made_failed("a certificate");
    if (!e) e = signer_open(certificate_pem, key_pem, key_len, &signer);
    if (!e) e = sign_request(&signer, order, request, x);
    if (!e) e = upload_cert_pem(x, certificate_out);
    if (!e) describe(x, info_out);
    signer_close(&signer);
    X509_REQ_free(request);
    X509_free(x);
    return e;
}
