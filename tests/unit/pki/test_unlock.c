/* PKCS#12 and PKCS#7 files, and what passwords protect. */
#include "tests/unit/pki/authority.h"

#include "service/pki/unlock.h"

#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

static struct {
    EVP_PKEY *root_key, *mid_key, *key, *rsa;
    X509 *root, *mid, *leaf;
    struct text key_pem;
} dev;

static int setup(void **state)
{
    (void)state;
    dev.root_key = make_ec("P-256");
    dev.mid_key = make_ec("P-256");
    dev.key = make_ec("P-256");
    dev.rsa = make_rsa(2048);
    dev.root = make_cert(&(struct cert_spec){.cn = "Root", .key = dev.root_key, .ca = true});
    dev.mid = make_cert(&(struct cert_spec){.cn = "Mid",
                                            .key = dev.mid_key,
                                            .issuer = dev.root,
                                            .issuer_key = dev.root_key,
                                            .ca = true});
    dev.leaf = make_cert(&(struct cert_spec){
        .cn = "dev-1", .key = dev.key, .issuer = dev.mid, .issuer_key = dev.mid_key});
    dev.key_pem = key_pkcs8(dev.key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_dispose();
    return 0;
}

static void expect_device(struct throw *t)
{
    expect_accepted(t);
    expect_pem(t, CREDENTIAL_CERTIFICATE, join(cert_pem(dev.leaf), cert_pem(dev.mid)));
    expect_pem(t, CREDENTIAL_KEY, dev.key_pem);
    expect_pem(t, CREDENTIAL_ROOT_CA, cert_pem(dev.root));
}

/* ---- PKCS#12 ---- */

struct p12_spec {
    const char *password;
    int key_nid, cert_nid; /* 0 = as the library likes it, -1 = not encrypted */
    int rounds;            /* 0 = 1 */
    bool unsealed;
    OSSL_LIB_CTX *library;
};

static struct text pkcs12_of(const struct p12_spec *s)
{
    BIO *b = BIO_new(BIO_s_mem());
    STACK_OF(X509) *ca = sk_X509_new_null();
    sk_X509_push(ca, dev.root);
    sk_X509_push(ca, dev.mid);
    PKCS12 *p =
        PKCS12_create_ex(s->password, "dev", dev.key, dev.leaf, ca, s->key_nid, s->cert_nid,
                         s->rounds ? s->rounds : 1, s->unsealed ? -1 : 1, 0, s->library, NULL);
    assert_non_null(p);
    assert_int_equal(i2d_PKCS12_bio(b, p), 1);
    PKCS12_free(p);
    sk_X509_free(ca);
    return keep_text(b);
}

#define P12(...) pkcs12_of(&(struct p12_spec){__VA_ARGS__})

static void a_pkcs12_file_opens_with_its_password(void **state)
{
    (void)state;
    const int old = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
    const struct {
        const char *password, *told;
        struct text file;
    } cases[] = {
        {"secret", "PKCS#12", P12(.password = "secret", .rounds = 2048)},
        {"secret", "PKCS#12", P12(.password = "secret", .key_nid = old, .cert_nid = old)},
        {"p\xC3\xA4ss", "PKCS#12", P12(.password = "p\xC3\xA4ss")},
        {"secret", "PKCS#12", P12(.password = "secret", .cert_nid = -1)},
        {"secret", "PKCS#12", P12(.password = "secret", .unsealed = true)},
        {"secret", "PKCS#12, base64 without BEGIN and END", base64(P12(.password = "secret"))},
        {NULL, "PKCS#12", P12(.password = "")},
        {NULL, "PKCS#12", P12(.password = NULL, .key_nid = -1, .cert_nid = -1)},
        {"not needed", "PKCS#12",
         P12(.password = NULL, .key_nid = -1, .cert_nid = -1, .unsealed = true)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {.rules.password = cases[i].password};
        add(&t, "dev.p12", cases[i].file);
        expect_device(&t);
        assert_string_equal(changes_told(&t), cases[i].told);
        throw_dispose(&t);
    }
}

/* As Windows and Java did until lately: the certificates under RC2 with 40 bits. */
static void a_pkcs12_file_of_an_old_program_opens_too(void **state)
{
    (void)state;
    struct unlock u;
    struct throw t = {.rules.password = "secret"};
    unlock_init(&u, NULL);
    assert_int_equal(unlock_library(&u), ERR_OK);
    add(&t, "old.pfx",
        P12(.password = "secret", .key_nid = NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
            .cert_nid = NID_pbe_WithSHA1And40BitRC2_CBC, .library = u.library));
    expect_device(&t);
    throw_dispose(&t);
    unlock_dispose(&u);
}

static X509_ALGOR *scrypt(uint64_t n, uint64_t lanes)
{
    return PKCS5_pbe2_set_scrypt(EVP_aes_128_cbc(), NULL, 0, NULL, n, 8, lanes);
}

static X509_ALGOR *pbkdf2(int rounds)
{
    return PKCS5_pbe2_set_iv(EVP_aes_128_cbc(), rounds, NULL, 0, NULL, -1);
}

/* An encrypted key whose content is of no interest. @param a  taken */
static struct text sealed_with(X509_ALGOR *a)
{
    BIO *b = BIO_new(BIO_s_mem());
    X509_SIG *sig = X509_SIG_new();
    X509_ALGOR *algorithm;
    ASN1_OCTET_STRING *content;
    X509_SIG_getm(sig, &algorithm, &content);
    assert_int_equal(X509_ALGOR_copy(algorithm, a), 1);
    assert_int_equal(ASN1_OCTET_STRING_set(content, (const uint8_t *)"0123456789abcdef", 16), 1);
    assert_int_equal(i2d_PKCS8_bio(b, sig), 1);
    X509_ALGOR_free(a);
    X509_SIG_free(sig);
    return keep_text(b);
}

static void what_a_password_does_not_open_is_told(void **state)
{
    (void)state;
    const struct {
        const char *password, *code, *says;
        struct text file;
    } cases[] = {
        {NULL, "encrypted_key", "send the password along", P12(.password = "secret")},
        {NULL, "encrypted_key", "send the password along",
         P12(.password = "secret", .unsealed = true)},
        {"", "wrong_password", "does not open", P12(.password = "secret")},
        {"Secret", "wrong_password", "does not open", P12(.password = "secret")},
        {"Secret", "wrong_password", "does not open", P12(.password = "secret", .unsealed = true)},
        {"secret", "password_too_slow", "2000000", sealed_with(pbkdf2(UNLOCK_ROUNDS + 1))},
        {NULL, "encrypted_key", "send the password along", key_pkcs8_encrypted(dev.key)},
        {"Secret", "wrong_password", "does not open", key_pkcs8_encrypted(dev.key)},
        {"Secret", "wrong_password", "does not open", key_old(dev.key, "secret")},
        {"secret", "password_method", "not known",
         replace(key_old(dev.key, "secret"), "AES-128-CBC", "AES-128-XYZ")},
        {"secret", "password_method", "not known",
         replace(key_old(dev.key, "secret"), "DEK-Info", "KED-Info")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {.rules.password = cases[i].password};
        add(&t, "locked.p12", cases[i].file);
        throw_read(&t);
        verdict_is(&t, "encrypted_key", CHECK_FAIL, cases[i].code);
        expect_pass(&t, "syntax");
        assert_string_equal(err_last()->code, cases[i].code);
        assert_true(err_last()->hint[0]);
        if (!strstr(err_last()->detail, cases[i].says) || !strstr(err_last()->detail, "locked.p12"))
            fail_msg("%zu: %s does not say %s", i, err_last()->detail, cases[i].says);
        assert_null(strstr(err_last()->detail, "ecret"));
        throw_dispose(&t);
    }
}

static void a_damaged_pkcs12_file_is_told(void **state)
{
    (void)state;
    /* the certificate's bag of a file without seal and password, bent */
    struct text p12 = P12(.password = NULL, .key_nid = -1, .cert_nid = -1, .unsealed = true);
    struct text cert = cert_der(dev.mid);
    uint8_t *at = memmem(p12.data, p12.len, cert.data, cert.len);
    assert_non_null(at);
    at[0] = 0x31; /* no longer a sequence */
    struct throw t = {0};
    add(&t, "bent.p12", p12);
    expect_refused(&t, "syntax", "pkcs12");
    assert_non_null(strstr(err_last()->detail, "bent.p12: the PKCS#12 file is damaged"));
    throw_dispose(&t);
}

/* ---- keys ---- */

static struct text scrypt_of(EVP_PKEY *k)
{
    BIO *b = BIO_new(BIO_s_mem());
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k);
    X509_SIG *sealed = PKCS8_set0_pbe("secret", 6, info, scrypt(1024, 1));
    assert_non_null(sealed);
    assert_int_equal(PEM_write_bio_PKCS8(b, sealed), 1);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    return keep_text(b);
}

static struct text der_of(struct text pem)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len), *out = BIO_new(BIO_s_mem());
    X509_SIG *sealed = PEM_read_bio_PKCS8(in, NULL, NULL, NULL);
    assert_int_equal(i2d_PKCS8_bio(out, sealed), 1);
    X509_SIG_free(sealed);
    BIO_free(in);
    return keep_text(out);
}

static void an_encrypted_key_is_kept_without_its_password(void **state)
{
    (void)state;
    const struct {
        struct text file, kept;
        const char *told;
    } cases[] = {
        {key_pkcs8_encrypted(dev.key), dev.key_pem, "a private key with a password"},
        {der_of(key_pkcs8_encrypted(dev.key)), dev.key_pem, "a private key with a password"},
        {scrypt_of(dev.key), dev.key_pem, "a private key with a password"},
        {key_old(dev.key, "secret"), key_old(dev.key, NULL), "a private key with a password"},
        {indented(crlf(key_old(dev.key, "secret"))), key_old(dev.key, NULL),
         "a private key with a password, CRLF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {.rules.password = "secret"};
        add(&t, "k", cases[i].file);
        add(&t, "c", cert_pem(dev.leaf));
        add(&t, "m", cert_pem(dev.mid));
        add(&t, "r", cert_pem(dev.root));
        expect_accepted(&t);
        expect_pem(&t, CREDENTIAL_KEY, cases[i].kept);
        assert_string_equal(changes_told(&t), cases[i].told);
        throw_dispose(&t);
    }
}

/* @return the error of counting it; @p a is taken */
static enum err charge(struct unlock *u, X509_ALGOR *a)
{
    assert_non_null(a);
    enum err e = unlock_charge(u, a);
    X509_ALGOR_free(a);
    return e;
}

static X509_ALGOR *older(int rounds)
{
    return PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, rounds, NULL, 0);
}

static void one_upload_hashes_only_so_often(void **state)
{
    (void)state;
    struct unlock u;
    unlock_init(&u, NULL);
    assert_int_equal(charge(&u, scrypt(16384, 16)), ERR_CRYPTO);
    assert_int_equal(charge(&u, pbkdf2(1000000)), ERR_OK);
    assert_int_equal(charge(&u, older(868927)), ERR_OK);
    assert_int_equal(charge(&u, scrypt(16384, 1)), ERR_OK);
    assert_int_equal(u.rounds_left, 1);
    assert_int_equal(charge(&u, older(2)), ERR_CRYPTO);
    assert_string_equal(err_last()->code, "password_too_slow");
    assert_int_equal(charge(&u, pbkdf2(2)), ERR_CRYPTO);
    assert_int_equal(charge(&u, scrypt(2, 1)), ERR_CRYPTO);
    assert_int_equal(charge(&u, older(1)), ERR_OK);
    X509_ALGOR *unknown = X509_ALGOR_new();
    X509_ALGOR_set0(unknown, OBJ_nid2obj(NID_sha256), V_ASN1_UNDEF, NULL);
    assert_int_equal(charge(&u, unknown), ERR_CRYPTO);
    assert_string_equal(err_last()->code, "password_method");
    unlock_dispose(&u);
}

static void a_key_loses_the_attributes_that_windows_gives_it(void **state)
{
    (void)state;
    struct text want = key_der(dev.key, true);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(dev.key);
    struct buf out;
    assert_int_equal(PKCS8_add_keyusage(info, KU_DIGITAL_SIGNATURE), 1);
    buf_init_secret(&out, 4096);
    assert_int_equal(unlock_write_key(info, &out), ERR_OK);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data, want.data, want.len);
    buf_dispose(&out);
    PKCS8_PRIV_KEY_INFO_free(info);
}

/* ---- PKCS#7 ---- */

static struct text pkcs7_of(bool pem, bool with_certificates)
{
    BIO *b = BIO_new(BIO_s_mem());
    X509 *const order[] = {dev.mid, dev.leaf, dev.root};
    PKCS7 *p = PKCS7_new();
    PKCS7_set_type(p, NID_pkcs7_signed);
    PKCS7_content_new(p, NID_pkcs7_data);
    PKCS7_set_detached(p, 1);
    for (size_t i = 0; with_certificates && i < 3; i++)
        assert_int_equal(PKCS7_add_certificate(p, order[i]), 1);
    assert_int_equal(pem ? PEM_write_bio_PKCS7(b, p) : i2d_PKCS7_bio(b, p), 1);
    PKCS7_free(p);
    return keep_text(b);
}

static void a_pkcs7_file_gives_its_chain(void **state)
{
    (void)state;
    const struct text forms[] = {pkcs7_of(false, true), pkcs7_of(true, true),
                                 replace(pkcs7_of(true, true), "PKCS7", "CERTIFICATE")};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct throw t = {0};
        add(&t, "chain.p7b", forms[i]);
        add(&t, "k", dev.key_pem);
        expect_device(&t);
        assert_string_equal(changes_told(&t), "PKCS#7, order of the chain");
        throw_dispose(&t);
    }
}

static void a_pkcs7_file_without_certificates_is_refused(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "empty.p7b", pkcs7_of(true, false));
    expect_refused(&t, "syntax", "pkcs7");
    assert_non_null(strstr(err_last()->detail, "empty.p7b: the PKCS#7 file holds no certificates"));
    throw_dispose(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pkcs12_file_opens_with_its_password),
        cmocka_unit_test(a_pkcs12_file_of_an_old_program_opens_too),
        cmocka_unit_test(what_a_password_does_not_open_is_told),
        cmocka_unit_test(a_damaged_pkcs12_file_is_told),
        cmocka_unit_test(an_encrypted_key_is_kept_without_its_password),
        cmocka_unit_test(one_upload_hashes_only_so_often),
        cmocka_unit_test(a_key_loses_the_attributes_that_windows_gives_it),
        cmocka_unit_test(a_pkcs7_file_gives_its_chain),
        cmocka_unit_test(a_pkcs7_file_without_certificates_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
