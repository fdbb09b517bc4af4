/* authority: certificates and keys made at the start of a test, with dates around now, and a way to
 * throw files at credential_read(). What is made lives until authority_dispose(). */
#ifndef TESTS_UNIT_PKI_AUTHORITY_H
#define TESTS_UNIT_PKI_AUTHORITY_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/pki/changes.h"
#include "service/pki/credential.h"

enum { DAY = 86400, KEPT_MAX = 2048, FILES_MAX = 40 };

static struct {
    BIO *texts[KEPT_MAX];
    EVP_PKEY *keys[KEPT_MAX];
    X509 *certs[KEPT_MAX];
    size_t text_count, key_count, cert_count;
    long serial;
} kept;

static inline void authority_dispose(void)
{
    for (size_t i = 0; i < kept.text_count; i++)
        BIO_free(kept.texts[i]);
    for (size_t i = 0; i < kept.key_count; i++)
        EVP_PKEY_free(kept.keys[i]);
    for (size_t i = 0; i < kept.cert_count; i++)
        X509_free(kept.certs[i]);
    memset(&kept, 0, sizeof kept);
}

static inline EVP_PKEY *keep_key(EVP_PKEY *k)
{
    assert_non_null(k);
    assert_true(kept.key_count < KEPT_MAX);
    return kept.keys[kept.key_count++] = k;
}

static inline EVP_PKEY *make_ec(const char *curve)
{
    return keep_key(EVP_EC_gen(curve));
}

static inline EVP_PKEY *make_rsa(unsigned bits)
{
    return keep_key(EVP_RSA_gen(bits));
}

struct text {
    const uint8_t *data;
    size_t len;
};

static inline struct text keep_text(BIO *b)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    assert_true(kept.text_count < KEPT_MAX);
    kept.texts[kept.text_count++] = b;
    return (struct text){(const uint8_t *)p, (size_t)n};
}

static inline struct text text_of(const void *data, size_t len)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(BIO_write(b, data, (int)len), (int)len);
    return keep_text(b);
}

static inline struct text text_of_string(const char *s)
{
    return text_of(s, strlen(s));
}

static inline struct text join(struct text a, struct text b)
{
    BIO *bio = BIO_new(BIO_s_mem());
    BIO_write(bio, a.data, (int)a.len);
    BIO_write(bio, b.data, (int)b.len);
    return keep_text(bio);
}

/* Every @p from becomes @p to. */
static inline struct text replace(struct text t, const char *from, const char *to)
{
    BIO *bio = BIO_new(BIO_s_mem());
    size_t n = strlen(from);
    for (size_t i = 0; i < t.len;) {
        bool hit = i + n <= t.len && !memcmp(t.data + i, from, n);
        BIO_write(bio, hit ? (const void *)to : t.data + i, hit ? (int)strlen(to) : 1);
        i += hit ? n : 1;
    }
    return keep_text(bio);
}

static inline struct text crlf(struct text t)
{
    return replace(t, "\n", "\r\n");
}

static inline struct text between(const char *before, struct text t, const char *after)
{
    return join(join(text_of_string(before), t), text_of_string(after));
}

static inline struct text bytes_of(int c, size_t n)
{
    BIO *b = BIO_new(BIO_s_mem());
    for (size_t i = 0; i < n; i++)
        BIO_write(b, &(char){(char)c}, 1);
    return keep_text(b);
}

static inline struct text indented(struct text t)
{
    return between("    ", replace(t, "\n", "\n    "), "\n");
}

/* {"NAME": "TEXT"} */
static inline struct text json_of(const char *name, struct text t)
{
    struct text value = replace(replace(replace(t, "\\", "\\\\"), "\n", "\\n"), "/", "\\/");
    return join(between("{\"", text_of_string(name), "\":\""), between("", value, "\"}"));
}

static inline struct text base64(struct text t)
{
    BIO *b = BIO_new(BIO_s_mem());
    BIO *filter = BIO_push(BIO_new(BIO_f_base64()), b);
    BIO_write(filter, t.data, (int)t.len);
    (void)BIO_flush(filter);
    BIO_pop(filter);
    BIO_free(filter);
    return keep_text(b);
}

struct cert_spec {
    const char *cn;
    EVP_PKEY *key;
    X509 *issuer; /* NULL: signs itself */
    EVP_PKEY *issuer_key;
    bool ca;
    long from_days, to_days; /* from now; 0, 0: −1 to +365 */
    const char *ou, *o;      /* NULL: none */
};

static inline void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static inline void add_name(X509_NAME *name, const char *field, const char *value)
{
    /* Not MBSTRING_UTF8: it would refuse the 66 characters that AWS has in one field. */
    if (value)
        X509_NAME_add_entry_by_txt(name, field, V_ASN1_UTF8STRING, (const uint8_t *)value, -1, -1,
                                   0);
}

static inline X509 *make_cert(const struct cert_spec *s)
{
    X509 *x = X509_new();
    assert_non_null(x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 0x1000 + ++kept.serial);
    X509_NAME *name = X509_get_subject_name(x);
    add_name(name, "O", s->o);
    add_name(name, "OU", s->ou);
    add_name(name, "CN", s->cn);
    X509_set_issuer_name(x, s->issuer ? X509_get_subject_name(s->issuer) : name);
    bool usual = !s->from_days && !s->to_days;
    X509_gmtime_adj(X509_getm_notBefore(x), (usual ? -1 : s->from_days) * DAY);
    X509_gmtime_adj(X509_getm_notAfter(x), (usual ? 365 : s->to_days) * DAY);
    X509_set_pubkey(x, s->key);
    add_extension(x, NID_basic_constraints, s->ca ? "critical,CA:TRUE" : "CA:FALSE");
    assert_true(X509_sign(x, s->issuer_key ? s->issuer_key : s->key, EVP_sha256()) > 0);
    assert_true(kept.cert_count < KEPT_MAX);
    return kept.certs[kept.cert_count++] = x;
}

static inline struct text cert_pem(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(b, x), 1);
    return keep_text(b);
}

static inline struct text cert_der(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(i2d_X509_bio(b, x), 1);
    return keep_text(b);
}

static inline struct text key_pkcs8(EVP_PKEY *k)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0, NULL, NULL), 1);
    return keep_text(b);
}

static inline struct text key_pkcs8_encrypted(EVP_PKEY *k)
{
    BIO *b = BIO_new(BIO_s_mem());
    const EVP_CIPHER *aes = EVP_aes_128_cbc();
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(b, k, aes, "secret", 6, NULL, NULL), 1);
    return keep_text(b);
}

/* "RSA PRIVATE KEY" or "EC PRIVATE KEY"; with a password when there is one. */
static inline struct text key_old(EVP_PKEY *k, const char *password)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey_traditional(
                         b, k, password ? EVP_aes_128_cbc() : NULL, (const uint8_t *)password,
                         password ? (int)strlen(password) : 0, NULL, NULL),
                     1);
    return keep_text(b);
}

static inline struct text key_der(EVP_PKEY *k, bool pkcs8)
{
    BIO *b = BIO_new(BIO_s_mem());
    int ok =
        pkcs8 ? i2d_PKCS8PrivateKey_bio(b, k, NULL, NULL, 0, NULL, NULL) : i2d_PrivateKey_bio(b, k);
    assert_int_equal(ok, 1);
    return keep_text(b);
}

static inline struct text public_key(EVP_PKEY *k)
{
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(b, k), 1);
    return keep_text(b);
}

/* One throw of files, and what came of it. */
struct throw
{
    struct credential_input in[FILES_MAX];
    size_t n;
    struct credential_rules rules;
    struct check_list checks;
    struct credential *c;
    enum err e;
};

static inline void add(struct throw *t, const char *name, struct text file)
{
    assert_true(t->n < FILES_MAX);
    t->in[t->n++] = (struct credential_input){name, file.data, file.len};
}

static inline void throw_read(struct throw *t)
{
    if (!t->rules.now_unix_s) t->rules.now_unix_s = time(NULL);
    t->e = credential_read(t->in, t->n, &t->rules, &t->checks, &t->c);
    if (!t->c != !!t->e) fail_msg("a credential must come exactly when there is no error");
}

static inline const struct check *check_named(const struct throw *t, const char *name)
{
    for (size_t i = 0; i < t->checks.count; i++)
        if (!strcmp(t->checks.items[i].name, name)) return &t->checks.items[i];
    return NULL;
}

static inline void verdict_is(const struct throw *t, const char *name, enum check_verdict v,
                              const char *code)
{
    const struct check *c = check_named(t, name);
    if (!c) fail_msg("there is no check %s", name);
    if (c->verdict != v || strcmp(c->code, code) != 0)
        fail_msg("%s is %s %s, not %s %s: %s", name, check_verdict_name(c->verdict), c->code,
                 check_verdict_name(v), code, c->detail);
    assert_true(strlen(c->detail) > 10);
}

static inline void expect_pass(const struct throw *t, const char *name)
{
    verdict_is(t, name, CHECK_PASS, "");
}

static inline void expect_refused(struct throw *t, const char *name, const char *code)
{
    throw_read(t);
    verdict_is(t, name, CHECK_FAIL, code);
    assert_int_equal(t->e, ERR_CRYPTO);
    assert_string_equal(err_last()->code, code);
}

static inline void expect_accepted(struct throw *t)
{
    throw_read(t);
    if (t->e) fail_msg("refused: %s: %s", err_last()->code, err_last()->detail);
}

/* The words of what was rewritten, separated by commas. */
static inline const char *changes_told(const struct throw *t)
{
    static char text[256];
    struct change list[CHANGES_MAX];
    size_t n = changes_list(credential_info(t->c)->changes, list), len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        assert_true(*list[i].code &&
                    strspn(list[i].code, "abcdefghijklmnopqrstuvwxyz0123456789_") ==
                        strlen(list[i].code));
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? ", " : "", list[i].text);
    }
    return text;
}

static inline void throw_dispose(struct throw *t)
{
    credential_free(t->c);
    memset(t, 0, sizeof *t);
}

static inline void expect_pem(const struct throw *t, enum credential_part part, struct text want)
{
    size_t len = 0;
    const char *pem = credential_pem(t->c, part, &len);
    assert_int_equal(len, want.len);
    assert_memory_equal(pem, want.data, len);
    assert_int_equal(pem[len], '\0');
}
#endif
