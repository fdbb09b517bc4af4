/* Keys made here, requests for them, and the local authority that signs them: all is judged by
 * OpenSSL's own reader and verifier. */
#include "tests/unit/pki/authority.h"

#include "service/base/limits.h"
#include "service/pki/authority.h"
#include "service/pki/csr.h"

enum { NOW = 1800000000, HOUR = 3600 };

static const struct subject device = {.parts = {[SUBJECT_CN] = "240ac4123456",
                                                [SUBJECT_O] = "K\xc3\xbc"
                                                              "che, Inc.",
                                                [SUBJECT_C] = "DE"}};
static const struct subject lab = {.parts = {[SUBJECT_CN] = "Lab CA"}};

/* A key, the request for it, and what was told of them. */
struct asked {
    struct buf key, request;
    struct csr_info info;
};

static void ask(struct asked *a, enum key_kind kind, const struct subject *subject)
{
    buf_init_secret(&a->key, LIMIT_PEM_BYTES);
    buf_init(&a->request, LIMIT_PEM_BYTES);
    assert_int_equal(key_make(kind, &a->key), ERR_OK);
    assert_int_equal(csr_make(buf_str(&a->key), a->key.len, subject, &a->request, &a->info),
                     ERR_OK);
}

static void asked_dispose(struct asked *a)
{
    buf_dispose(&a->key);
    buf_dispose(&a->request);
}

struct lab {
    struct buf key, cert;
    struct certificate_info info;
};

static void found(struct lab *l, enum key_kind kind, int64_t now, unsigned days)
{
    const struct authority_spec spec = {kind, &lab, now, days};
    buf_init_secret(&l->key, LIMIT_PEM_BYTES);
    buf_init(&l->cert, LIMIT_PEM_BYTES);
    assert_int_equal(authority_make(&spec, &l->key, &l->cert, &l->info), ERR_OK);
}

static void lab_dispose(struct lab *l)
{
    buf_dispose(&l->key);
    buf_dispose(&l->cert);
}

static enum err sign(const struct lab *l, const struct certificate_order *o, struct buf *out,
                     struct certificate_info *info)
{
    buf_init(out, LIMIT_PEM_BYTES);
    return authority_sign(buf_str(&l->cert), buf_str(&l->key), l->key.len, o, out, info);
}

static struct certificate_order order_of(const char *request)
{
    return (struct certificate_order){
        .request_pem = request, .request_len = strlen(request), .now_unix_s = NOW};
}

static X509 *read_cert(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(x);
    return x;
}

/* Would a peer accept it, for this purpose and at this moment? @return X509_V_OK or why not */
static int judge(const char *pem, const char *root, int purpose, const char *host, time_t when)
{
    X509 *x = read_cert(pem), *ca = read_cert(root);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX_init(ctx, store, x, NULL);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_VERIFY_PARAM_set_time(param, when);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    if (host) X509_VERIFY_PARAM_set1_host(param, host, 0);
    int why = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(x);
    X509_free(ca);
    return why;
}

static void a_key_is_of_the_kind_that_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        enum key_kind kind;
        const char *label, *type;
        int bits;
    } kinds[] = {{KEY_RSA_2048, "-----BEGIN RSA PRIVATE KEY-----\n", "RSA", 2048},
                 {KEY_P256, "-----BEGIN EC PRIVATE KEY-----\n", "EC", 256}};
    for (size_t i = 0; i < 2; i++) {
        struct buf a, b;
        buf_init_secret(&a, LIMIT_PEM_BYTES);
        buf_init_secret(&b, LIMIT_PEM_BYTES);
        assert_int_equal(key_make(kinds[i].kind, &a), ERR_OK);
        assert_int_equal(key_make(kinds[i].kind, &b), ERR_OK);
        assert_string_not_equal(buf_str(&a), buf_str(&b));
        assert_memory_equal(buf_str(&a), kinds[i].label, strlen(kinds[i].label));
        BIO *bio = BIO_new_mem_buf(a.data, (int)a.len);
        EVP_PKEY *key = keep_key(PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL));
        BIO_free(bio);
        assert_true(EVP_PKEY_is_a(key, kinds[i].type));
        assert_int_equal(EVP_PKEY_get_bits(key), kinds[i].bits);
        buf_dispose(&a);
        buf_dispose(&b);
    }
    authority_dispose();
}

static void a_request_says_who_asks_and_is_signed_with_the_key(void **state)
{
    (void)state;
    for (int kind = KEY_RSA_2048; kind <= KEY_P256; kind++) {
        struct asked a;
        ask(&a, (enum key_kind)kind, &device);
        assert_string_equal(a.info.subject, "CN=240ac4123456,O=K\\C3\\BCche\\, Inc.,C=DE");
        assert_string_equal(a.info.key_type, key_kind_names[kind]);
        BIO *bio = BIO_new_mem_buf(a.request.data, (int)a.request.len);
        X509_REQ *request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
        assert_non_null(request);
        EVP_PKEY *key = X509_REQ_get0_pubkey(request);
        assert_int_equal(X509_REQ_verify(request, key), 1);
        assert_true(a.request.len < 4096); /* the most that AWS takes */
        STACK_OF(X509_EXTENSION) *wishes = X509_REQ_get_extensions(request);
        EXTENDED_KEY_USAGE *use = X509V3_get_d2i(wishes, NID_ext_key_usage, NULL, NULL);
        assert_int_equal(sk_ASN1_OBJECT_num(use), 1);
        assert_int_equal(OBJ_obj2nid(sk_ASN1_OBJECT_value(use, 0)), NID_client_auth);
        EXTENDED_KEY_USAGE_free(use);
        sk_X509_EXTENSION_pop_free(wishes, X509_EXTENSION_free);
        X509_REQ_free(request);
        BIO_free(bio);
        asked_dispose(&a);
    }
}

static void a_subject_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct subject bad[] = {
        {.parts = {[SUBJECT_O] = "no CN"}},
        {.parts = {[SUBJECT_CN] = "a", [SUBJECT_C] = "D"}},
        {.parts = {[SUBJECT_CN] = "a", [SUBJECT_C] = "DEU"}},
        {.parts = {[SUBJECT_CN] = "a", [SUBJECT_SERIAL] = "a*b"}},
        {.parts = {[SUBJECT_CN] =
                       "12345678901234567890123456789012345678901234567890123456789012345"}},
        {.parts = {[SUBJECT_CN] = "\xff"}},
        {.parts = {[SUBJECT_CN] = "a\nb"}},
    };
    struct buf key, request;
    struct csr_info info;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    buf_init(&request, LIMIT_PEM_BYTES);
    assert_int_equal(key_make(KEY_P256, &key), ERR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(csr_make(buf_str(&key), key.len, &bad[i], &request, &info), ERR_ARG);
        assert_string_equal(err_last()->code, "bad_subject");
        assert_int_equal(request.len, 0);
    }
    buf_dispose(&key);
    buf_dispose(&request);
}

static void a_signed_certificate_makes_a_credential(void **state)
{
    (void)state;
    for (int kind = KEY_RSA_2048; kind <= KEY_P256; kind++) {
        struct asked a;
        struct lab l;
        struct buf cert;
        struct certificate_info info;
        ask(&a, (enum key_kind)kind, &device);
        found(&l, (enum key_kind)(1 - kind), NOW, 3650);
        struct certificate_order o = order_of(buf_str(&a.request));
        assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
        assert_string_equal(info.subject, a.info.subject);
        assert_string_equal(info.issuer, "CN=Lab CA");
        assert_string_equal(info.key_sha256, a.info.key_sha256);
        assert_int_equal(strlen(info.serial_hex), 40);
        assert_int_equal(
            judge(buf_str(&cert), buf_str(&l.cert), X509_PURPOSE_SSL_CLIENT, NULL, NOW), X509_V_OK);
        assert_int_equal(
            judge(buf_str(&cert), buf_str(&l.cert), X509_PURPOSE_SSL_SERVER, NULL, NOW),
            X509_V_ERR_INVALID_PURPOSE);
        struct throw t = {.n = 0, .rules.now_unix_s = NOW};
        add(&t, "cert", (struct text){cert.data, cert.len});
        add(&t, "key", (struct text){a.key.data, a.key.len});
        add(&t, "ca", (struct text){l.cert.data, l.cert.len});
        expect_accepted(&t);
        expect_pass(&t, "key_matches");
        expect_pass(&t, "chain_to_root");
        expect_pass(&t, "validity");
        assert_string_equal(credential_info(t.c)->fingerprint_sha256, info.fingerprint_sha256);
        assert_string_equal(credential_info(t.c)->serial_hex, info.serial_hex);
        throw_dispose(&t);
        buf_dispose(&cert);
        lab_dispose(&l);
        asked_dispose(&a);
    }
}

static void an_authority_is_one_and_nothing_else(void **state)
{
    (void)state;
    struct lab l;
    found(&l, KEY_P256, NOW, 30);
    X509 *x = read_cert(buf_str(&l.cert));
    assert_true(X509_check_ca(x) == 1);
    assert_int_equal(X509_get_pathlen(x), 0);
    assert_int_equal(X509_get_key_usage(x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_string_equal(l.info.subject, "CN=Lab CA");
    assert_string_equal(l.info.key_type, "P-256");
    assert_int_equal(l.info.not_before_unix_s, NOW - HOUR);
    assert_int_equal(l.info.not_after_unix_s, NOW + 30 * DAY);
    X509_free(x);
    lab_dispose(&l);
}

static void each_certificate_has_a_serial_number_of_its_own(void **state)
{
    (void)state;
    struct asked a;
    struct lab l;
    char serials[3][64];
    ask(&a, KEY_P256, &device);
    found(&l, KEY_P256, NOW, 30);
    struct certificate_order o = order_of(buf_str(&a.request));
    for (size_t i = 0; i < 3; i++) {
        struct buf cert;
        struct certificate_info info;
        assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
        memcpy(serials[i], info.serial_hex, sizeof serials[i]);
        assert_string_not_equal(serials[i], l.info.serial_hex);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(serials[i], serials[k]);
        buf_dispose(&cert);
    }
    lab_dispose(&l);
    asked_dispose(&a);
}

static void a_server_is_found_by_its_names(void **state)
{
    (void)state;
    struct asked a;
    struct lab l;
    struct buf cert;
    struct certificate_info info;
    ask(&a, KEY_RSA_2048, &device);
    found(&l, KEY_RSA_2048, NOW, 30);
    struct certificate_order o = order_of(buf_str(&a.request));
    o.use = USE_SERVER;
    o.name_count = 3;
    snprintf(o.names[0], CERTIFICATE_NAME, "broker.lab");
    snprintf(o.names[1], CERTIFICATE_NAME, "10.0.0.2");
    snprintf(o.names[2], CERTIFICATE_NAME, "fd00::2");
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
    const char *root = buf_str(&l.cert);
    assert_int_equal(judge(buf_str(&cert), root, X509_PURPOSE_SSL_SERVER, "broker.lab", NOW),
                     X509_V_OK);
    assert_int_equal(judge(buf_str(&cert), root, X509_PURPOSE_SSL_SERVER, "other.lab", NOW),
                     X509_V_ERR_HOSTNAME_MISMATCH);
    X509 *x = read_cert(buf_str(&cert));
    assert_int_equal(X509_check_ip_asc(x, "10.0.0.2", 0), 1);
    assert_int_equal(X509_check_ip_asc(x, "fd00::2", 0), 1);
    assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
    X509_free(x);
    buf_dispose(&cert);
    static const char *const bad[] = {"", "a b", "a,DNS:b", "URI:http://a", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(o.names[1], CERTIFICATE_NAME, "%s", bad[i]);
        assert_int_equal(sign(&l, &o, &cert, &info), ERR_ARG);
        assert_string_equal(err_last()->code, "bad_name");
        buf_dispose(&cert);
    }
    lab_dispose(&l);
    asked_dispose(&a);
}

static void no_certificate_outlives_its_authority(void **state)
{
    (void)state;
    struct asked a;
    struct lab l;
    struct buf cert;
    struct certificate_info info;
    ask(&a, KEY_P256, &device);
    found(&l, KEY_P256, NOW, 30);
    struct certificate_order o = order_of(buf_str(&a.request));
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
    assert_int_equal(info.not_before_unix_s, NOW - HOUR);
    assert_int_equal(info.not_after_unix_s, NOW + 30 * DAY);
    buf_dispose(&cert);
    o.days = 30;
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
    buf_dispose(&cert);
    o.days = 31;
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_ARG);
    assert_string_equal(err_last()->code, "outlives_authority");
    buf_dispose(&cert);
    o.days = 0;
    o.now_unix_s = NOW + 30 * DAY;
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_CRYPTO);
    assert_string_equal(err_last()->code, "authority_expired");
    buf_dispose(&cert);
    lab_dispose(&l);
    found(&l, KEY_P256, NOW, 36500);
    o = order_of(buf_str(&a.request));
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
    assert_int_equal(info.not_after_unix_s, NOW + 3650LL * DAY);
    assert_int_equal(l.info.not_after_unix_s, NOW + 36500LL * DAY); /* beyond 2050: another form */
    buf_dispose(&cert);
    lab_dispose(&l);
    asked_dispose(&a);
}

/* A request for @p named, signed with @p signer. */
static struct text request_of(EVP_PKEY *named, EVP_PKEY *signer, const char *cn)
{
    X509_REQ *r = X509_REQ_new();
    add_name(X509_REQ_get_subject_name(r), "CN", cn);
    X509_REQ_set_pubkey(r, named);
    assert_true(X509_REQ_sign(r, signer, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(bio, r);
    X509_REQ_free(r);
    return keep_text(bio);
}

/* One that asks to be an authority itself, and a server. */
static struct text greedy_request(EVP_PKEY *key)
{
    static const struct {
        int nid;
        const char *value;
    } wishes[] = {{NID_basic_constraints, "critical,CA:TRUE"},
                  {NID_key_usage, "critical,keyCertSign,cRLSign"},
                  {NID_ext_key_usage, "serverAuth,codeSigning"},
                  {NID_subject_alt_name, "DNS:broker.lab"}};
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    X509_REQ *r = X509_REQ_new();
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        sk_X509_EXTENSION_push(list,
                               X509V3_EXT_conf_nid(NULL, NULL, wishes[i].nid, wishes[i].value));
    add_name(X509_REQ_get_subject_name(r), "CN", "a");
    X509_REQ_set_pubkey(r, key);
    assert_int_equal(X509_REQ_add_extensions(r, list), 1);
    assert_true(X509_REQ_sign(r, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(bio, r);
    X509_REQ_free(r);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return keep_text(bio);
}

static void what_a_request_wants_to_be_beyond_its_use_is_not_granted(void **state)
{
    (void)state;
    struct lab l;
    struct buf cert;
    struct certificate_info info;
    found(&l, KEY_P256, NOW, 30);
    struct text request = greedy_request(make_ec("P-256"));
    const struct certificate_order o = {
        .request_pem = (const char *)request.data, .request_len = request.len, .now_unix_s = NOW};
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
    X509 *x = read_cert(buf_str(&cert));
    assert_int_equal(X509_check_ca(x), 0);
    assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_CLIENT);
    assert_int_equal(X509_get_ext_by_NID(x, NID_subject_alt_name, -1), -1);
    X509_free(x);
    buf_dispose(&cert);
    lab_dispose(&l);
    authority_dispose();
}

static void expect_unsigned(const struct lab *l, struct text request, const char *code)
{
    struct buf cert;
    struct certificate_info info;
    const struct certificate_order o = {
        .request_pem = (const char *)request.data, .request_len = request.len, .now_unix_s = NOW};
    enum err e = sign(l, &o, &cert, &info);
    if (e != ERR_CRYPTO || strcmp(err_last()->code, code) != 0)
        fail_msg("%s, not %s", e ? err_last()->code : "signed", code);
    assert_int_equal(cert.len, 0);
    buf_dispose(&cert);
}

static void what_has_no_proof_of_its_key_is_not_signed(void **state)
{
    (void)state;
    struct lab l;
    struct buf cert;
    struct certificate_info info;
    EVP_PKEY *key = make_ec("P-256"), *other = make_ec("P-256");
    found(&l, KEY_P256, NOW, 30);
    struct text good = request_of(key, key, "a");
    struct text noise = join(text_of_string("Certificate Request:\r\n  Data: \xff\r\n"),
                             replace(good, "\n", "\r\n"));
    const struct certificate_order o = {
        .request_pem = (const char *)noise.data, .request_len = noise.len, .now_unix_s = NOW};
    assert_int_equal(sign(&l, &o, &cert, &info), ERR_OK);
    buf_dispose(&cert);
    expect_unsigned(&l, request_of(key, other, "a"), "request_signature");
    expect_unsigned(&l, request_of(key, key, NULL), "bad_subject");
    expect_unsigned(&l, request_of(key, key, "Lab CA"), "bad_subject");
    EVP_PKEY *weak = make_rsa(1024), *large = make_ec("P-521");
    expect_unsigned(&l, request_of(weak, weak, "a"), "weak_key");
    expect_unsigned(&l, request_of(large, large, "a"), "key_type");
    expect_unsigned(&l, text_of_string("x"), "not_a_request");
    expect_unsigned(&l, (struct text){(const uint8_t *)"", 0}, "not_a_request");
    expect_unsigned(&l, text_of(l.cert.data, l.cert.len), "not_a_request");
    expect_unsigned(&l,
                    text_of_string("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
                                   "-----END CERTIFICATE REQUEST-----\n"),
                    "not_a_request");
    expect_unsigned(&l, text_of_string("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"), "bad_pem");
    lab_dispose(&l);
    authority_dispose();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_of_the_kind_that_was_asked_for),
        cmocka_unit_test(a_request_says_who_asks_and_is_signed_with_the_key),
        cmocka_unit_test(a_subject_that_cannot_be_is_refused),
        cmocka_unit_test(a_signed_certificate_makes_a_credential),
        cmocka_unit_test(an_authority_is_one_and_nothing_else),
        cmocka_unit_test(each_certificate_has_a_serial_number_of_its_own),
        cmocka_unit_test(a_server_is_found_by_its_names),
        cmocka_unit_test(no_certificate_outlives_its_authority),
        cmocka_unit_test(what_a_request_wants_to_be_beyond_its_use_is_not_granted),
        cmocka_unit_test(what_has_no_proof_of_its_key_is_not_signed),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
