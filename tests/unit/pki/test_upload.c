/* What people really send: every form of file, and every file that is none. */
#include "tests/unit/pki/authority.h"

#include "service/base/limits.h"

static struct {
    EVP_PKEY *root_key, *key, *rsa;
    X509 *root, *leaf, *rsa_leaf;
    struct text root_pem, leaf_pem, key_pem;
} dev;

static int setup(void **state)
{
    (void)state;
    dev.root_key = make_ec("P-256");
    dev.key = make_ec("P-256");
    dev.rsa = make_rsa(2048);
    dev.root = make_cert(&(struct cert_spec){.cn = "Root", .key = dev.root_key, .ca = true});
    dev.leaf = make_cert(&(struct cert_spec){
        .cn = "dev-1", .key = dev.key, .issuer = dev.root, .issuer_key = dev.root_key});
    dev.rsa_leaf = make_cert(&(struct cert_spec){
        .cn = "dev-2", .key = dev.rsa, .issuer = dev.root, .issuer_key = dev.root_key});
    dev.root_pem = cert_pem(dev.root);
    dev.leaf_pem = cert_pem(dev.leaf);
    dev.key_pem = key_old(dev.key, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_dispose();
    return 0;
}

static struct text without_last_byte(struct text t)
{
    return text_of(t.data, t.len - 1);
}

static const char bag[] = "Bag Attributes\n    localKeyID: 01 02 03\nsubject=/CN=x\n";

static void every_untidy_form_gives_the_same_clean_text_and_is_told(void **state)
{
    (void)state;
    const struct {
        const char *told;
        struct text cert, key;
    } cases[] = {
        {"CRLF", crlf(dev.leaf_pem), crlf(dev.key_pem)},
        {"no final newline", without_last_byte(dev.leaf_pem), dev.key_pem},
        {"no final newline", dev.leaf_pem, without_last_byte(dev.key_pem)},
        {"byte order mark", between("\xEF\xBB\xBF", dev.leaf_pem, ""), dev.key_pem},
        {"bag attributes", between(bag, dev.leaf_pem, ""), between(bag, dev.key_pem, "")},
        {"text around the PEM blocks", between("my certificate:\n", dev.leaf_pem, ""), dev.key_pem},
        {"text around the PEM blocks", dev.leaf_pem, between("", dev.key_pem, "\nthe end\n")},
        {"NUL bytes", join(dev.leaf_pem, text_of("\0\0\0", 3)), dev.key_pem},
        {"line lengths", indented(dev.leaf_pem), indented(dev.key_pem)},
        {"line lengths", replace(dev.leaf_pem, "\n", " "), dev.key_pem},
        {"line ends written as \\n", replace(dev.leaf_pem, "\n", "\\n"),
         replace(dev.key_pem, "\n", "\\n")},
        {"line lengths", replace(dev.leaf_pem, "MII", "MI\nI"), dev.key_pem},
        {"line lengths", replace(dev.leaf_pem, "-----\nMII", "-----\n\nMII"), dev.key_pem},
        {"DER", cert_der(dev.leaf), dev.key_pem},
        {"DER", dev.leaf_pem, key_der(dev.key, false)},
        {"DER, NUL bytes", join(cert_der(dev.leaf), text_of("\0\0", 2)), dev.key_pem},
        {"wrong label", dev.leaf_pem, replace(dev.key_pem, "EC PRIVATE", "PRIVATE")},
        {"EC PARAMETERS", dev.leaf_pem,
         between("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
                 dev.key_pem, "")},
        {"duplicates", join(dev.leaf_pem, dev.leaf_pem), dev.key_pem},
        {"duplicates", dev.leaf_pem, join(dev.key_pem, key_pkcs8(dev.key))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {0};
        add(&t, "x", cases[i].cert);
        add(&t, "y", cases[i].key);
        add(&t, "z", dev.root_pem);
        expect_accepted(&t);
        assert_string_equal(changes_told(&t), cases[i].told);
        assert_non_null(strstr(check_named(&t, "normalised")->detail, cases[i].told));
        expect_pem(&t, CREDENTIAL_CERTIFICATE, dev.leaf_pem);
        expect_pem(&t, CREDENTIAL_KEY, dev.key_pem);
        throw_dispose(&t);
    }
}

static void a_key_keeps_the_form_that_it_came_in(void **state)
{
    (void)state;
    const struct {
        X509 *cert;
        struct text sent, kept;
    } cases[] = {
        {dev.leaf, key_pkcs8(dev.key), key_pkcs8(dev.key)},
        {dev.leaf, key_der(dev.key, true), key_pkcs8(dev.key)},
        {dev.leaf, key_der(dev.key, false), key_old(dev.key, NULL)},
        {dev.rsa_leaf, key_old(dev.rsa, NULL), key_old(dev.rsa, NULL)},
        {dev.rsa_leaf, key_pkcs8(dev.rsa), key_pkcs8(dev.rsa)},
        {dev.rsa_leaf, key_der(dev.rsa, false), key_old(dev.rsa, NULL)},
        {dev.rsa_leaf, key_der(dev.rsa, true), key_pkcs8(dev.rsa)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {0};
        add(&t, "x", cert_pem(cases[i].cert));
        add(&t, "y", cases[i].sent);
        add(&t, "z", dev.root_pem);
        expect_accepted(&t);
        expect_pem(&t, CREDENTIAL_KEY, cases[i].kept);
        throw_dispose(&t);
    }
}

static void one_file_may_hold_everything_in_any_order(void **state)
{
    (void)state;
    const struct text orders[] = {
        join(join(dev.leaf_pem, dev.key_pem), dev.root_pem),
        join(join(dev.root_pem, dev.key_pem), dev.leaf_pem),
        join(join(dev.key_pem, dev.root_pem), crlf(dev.leaf_pem)),
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct throw t = {0};
        add(&t, "all.pem", orders[i]);
        expect_accepted(&t);
        expect_pem(&t, CREDENTIAL_CERTIFICATE, dev.leaf_pem);
        expect_pem(&t, CREDENTIAL_KEY, dev.key_pem);
        expect_pem(&t, CREDENTIAL_ROOT_CA, dev.root_pem);
        throw_dispose(&t);
    }
}

static void trust_settings_of_openssl_are_dropped(void **state)
{
    (void)state;
    X509 *trusted = X509_dup(dev.root);
    X509_add1_trust_object(trusted, OBJ_nid2obj(NID_server_auth));
    BIO *b = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_AUX(b, trusted);
    X509_free(trusted);
    struct throw t = {0};
    add(&t, "root", keep_text(b));
    add(&t, "leaf", dev.leaf_pem);
    add(&t, "key", dev.key_pem);
    expect_accepted(&t);
    assert_string_equal(changes_told(&t), "trust settings");
    expect_pem(&t, CREDENTIAL_ROOT_CA, dev.root_pem);
    throw_dispose(&t);
}

static void a_key_with_a_password_is_refused_in_every_form(void **state)
{
    (void)state;
    BIO *der = BIO_new(BIO_s_mem());
    i2d_PKCS8PrivateKey_bio(der, dev.key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
    const struct text forms[] = {key_pkcs8_encrypted(dev.key), key_old(dev.key, "secret"),
                                 crlf(key_old(dev.rsa, "secret")), keep_text(der)};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct throw t = {0};
        add(&t, "locked.key", forms[i]);
        add(&t, "leaf", dev.leaf_pem);
        add(&t, "root", dev.root_pem);
        expect_refused(&t, "encrypted_key", "encrypted_key");
        assert_non_null(strstr(err_last()->detail, "locked.key"));
        assert_non_null(strstr(err_last()->hint, "openssl pkey"));
        expect_pass(&t, "syntax");
        expect_pass(&t, "kinds");
        expect_pass(&t, "chain_to_root");
        throw_dispose(&t);
    }
}

static struct text request_of(EVP_PKEY *k)
{
    X509_REQ *r = X509_REQ_new();
    BIO *b = BIO_new(BIO_s_mem());
    X509_REQ_set_pubkey(r, k);
    X509_REQ_sign(r, k, EVP_sha256());
    PEM_write_bio_X509_REQ(b, r);
    X509_REQ_free(r);
    return keep_text(b);
}

/* A DSA key of numbers so long that working out its public half would take an hour. */
static struct text endless_key(void)
{
    enum { BYTES = 30000 };
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_STRING *parameters = ASN1_STRING_new();
    PKCS8_PRIV_KEY_INFO *info = PKCS8_PRIV_KEY_INFO_new();
    BIO *b = BIO_new(BIO_s_mem());
    uint8_t *der = NULL, *at;
    ASN1_STRING_set(number, bytes_of(0x7F, BYTES).data, BYTES);
    int n = i2d_ASN1_INTEGER(number, &der), all = ASN1_object_size(1, 3 * n, V_ASN1_SEQUENCE);
    uint8_t *list = at = OPENSSL_malloc((size_t)all);
    ASN1_put_object(&at, 1, 3 * n, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    for (int i = 0; i < 3; i++, at += n)
        memcpy(at, der, (size_t)n);
    ASN1_STRING_set0(parameters, list, all);
    PKCS8_pkey_set0(info, OBJ_nid2obj(NID_dsa), 0, V_ASN1_SEQUENCE, parameters, der, n);
    i2d_PKCS8_PRIV_KEY_INFO_bio(b, info);
    PKCS8_PRIV_KEY_INFO_free(info);
    ASN1_INTEGER_free(number);
    return keep_text(b);
}

static void what_is_no_certificate_and_no_key_is_named_for_what_it_is(void **state)
{
    (void)state;
    const struct {
        const char *code, *says;
        struct text file;
    } cases[] = {
        {"empty_file", "is empty", {(const uint8_t *)"", 0}},
        {"empty_file", "is empty", text_of_string(" \r\n")},
        {"not_pki", "neither a certificate nor a private key", text_of_string("hello")},
        {"not_pki", "neither a certificate nor a private key", bytes_of(0x30, 4)},
        {"not_pki", "neither a certificate nor a private key", bytes_of('!', 70000)},
        {"not_pki", "neither a certificate nor a private key", endless_key()},
        {"file_too_large", "131073 bytes", bytes_of('!', LIMIT_PEM_BYTES + 1)},
        {"certificate_request", "signing request", request_of(dev.key)},
        {"bad_pem", "does not decode",
         text_of_string("-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n")},
        {"openssh_key", "ssh-keygen",
         text_of_string("-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE "
                        "KEY-----\n")},
        {"not_pki", "leave it out",
         text_of_string("-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n")},
        {"zip_damaged", "the zip", text_of("PK\x03\x04....", 8)},
        {"not_pki", "key store", text_of("\xFE\xED\xFE\xED....", 8)},
        {"bad_pem", "UTF-16", text_of("\xFF\xFE-\0-\0", 6)},
        {"bad_pem", "without its BEGIN and END lines", bytes_of('A', 100)},
        {"bad_pem", "no END line", replace(dev.leaf_pem, "-----END CERTIFICATE-----", "")},
        {"bad_pem", "END line", replace(dev.leaf_pem, "END CERTIFICATE", "END KEY")},
        {"bad_pem", "BEGIN line is damaged",
         replace(dev.leaf_pem, "BEGIN CERTIFICATE--", "BEGIN ce")},
        {"bad_pem", "not base64", replace(dev.leaf_pem, "M", "*")},
        {"bad_pem", "damaged", replace(dev.leaf_pem, "MII", "=II")},
        {"bad_pem", "cut off",
         text_of_string("-----BEGIN CERTIFICATE-----\nMIIBA\n-----END CERTIFICATE-----\n")},
        {"bad_pem", "does not decode", replace(dev.leaf_pem, "MII", "AII")},
        {"bad_pem", "is empty",
         text_of_string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")},
        {"bad_pem", "empty line",
         text_of_string("-----BEGIN CERTIFICATE-----\nA: b\n-----END CERTIFICATE-----\n")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {0};
        add(&t, "odd.file", cases[i].file);
        expect_refused(&t, "syntax", cases[i].code);
        if (!strstr(err_last()->detail, cases[i].says))
            fail_msg("%s does not say \"%s\"", err_last()->detail, cases[i].says);
        assert_non_null(strstr(err_last()->detail, "odd.file"));
        throw_dispose(&t);
    }
}

static void good_pieces_behind_a_bad_one_are_still_read(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "all",
        join(join(replace(dev.leaf_pem, "-----END CERTIFICATE-----", ""), dev.leaf_pem),
             dev.key_pem));
    add(&t, "junk", text_of_string("junk"));
    add(&t, "root", dev.root_pem);
    expect_refused(&t, "syntax", "bad_pem");
    assert_non_null(strstr(check_named(&t, "syntax")->detail, "and 1 more"));
    expect_pass(&t, "kinds");
    expect_pass(&t, "key_matches");
    throw_dispose(&t);
}

static void nothing_at_all_is_an_empty_upload(void **state)
{
    (void)state;
    struct throw t = {0};
    expect_refused(&t, "syntax", "empty_file");
    verdict_is(&t, "kinds", CHECK_FAIL, "missing_key");
    assert_null(check_named(&t, "key_matches"));
    assert_null(check_named(&t, "normalised"));
    throw_dispose(&t);
}

/* AWS hands out four files; who sends them all should not be turned away. */
static void a_public_key_beside_the_private_one_is_left_out(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "public.pem.key", public_key(dev.key));
    add(&t, "private.pem.key", dev.key_pem);
    add(&t, "certificate.pem.crt", dev.leaf_pem);
    add(&t, "root", dev.root_pem);
    expect_accepted(&t);
    verdict_is(&t, "syntax", CHECK_WARN, "public_key");
    throw_dispose(&t);
}

static void a_public_key_is_no_substitute_for_the_private_one(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "public.pem.key", public_key(dev.rsa));
    add(&t, "certificate.pem.crt", dev.leaf_pem);
    add(&t, "root", dev.root_pem);
    expect_refused(&t, "kinds", "missing_key");
    assert_non_null(strstr(err_last()->detail, "public.pem.key is only the public half"));
    throw_dispose(&t);
}

static void names_from_outside_are_made_printable(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "a\n\x1b[31m\xff.pem", text_of_string("junk"));
    expect_refused(&t, "syntax", "not_pki");
    assert_non_null(strstr(err_last()->detail, "a??[31m?.pem is neither"));
    throw_dispose(&t);
}

static void more_certificates_than_anyone_needs_are_refused(void **state)
{
    (void)state;
    struct throw t = {0};
    struct text bundle = text_of_string("");
    for (size_t i = 0; i < 33; i++)
        bundle = join(bundle, cert_pem(make_cert(&(struct cert_spec){
                                  .cn = "Root", .key = dev.root_key, .ca = true})));
    add(&t, "bundle", bundle);
    expect_refused(&t, "syntax", "too_many_certificates");
    throw_dispose(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_untidy_form_gives_the_same_clean_text_and_is_told),
        cmocka_unit_test(a_key_keeps_the_form_that_it_came_in),
        cmocka_unit_test(one_file_may_hold_everything_in_any_order),
        cmocka_unit_test(trust_settings_of_openssl_are_dropped),
        cmocka_unit_test(a_key_with_a_password_is_refused_in_every_form),
        cmocka_unit_test(what_is_no_certificate_and_no_key_is_named_for_what_it_is),
        cmocka_unit_test(good_pieces_behind_a_bad_one_are_still_read),
        cmocka_unit_test(nothing_at_all_is_an_empty_upload),
        cmocka_unit_test(a_public_key_beside_the_private_one_is_left_out),
        cmocka_unit_test(a_public_key_is_no_substitute_for_the_private_one),
        cmocka_unit_test(names_from_outside_are_made_printable),
        cmocka_unit_test(more_certificates_than_anyone_needs_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
