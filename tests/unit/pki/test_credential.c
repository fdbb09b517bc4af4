#include "tests/unit/pki/authority.h"

#include "service/base/digest.h"

/* One device of one CA, P-256, and its files. */
static struct {
    EVP_PKEY *root_key, *mid_key, *key, *rsa;
    X509 *root, *mid, *leaf, *leaf_of_mid, *rsa_leaf;
    struct text root_pem, leaf_pem, key_pem;
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
        .cn = "dev-1", .key = dev.key, .issuer = dev.root, .issuer_key = dev.root_key});
    dev.leaf_of_mid = make_cert(&(struct cert_spec){
        .cn = "dev-2", .key = dev.key, .issuer = dev.mid, .issuer_key = dev.mid_key});
    dev.rsa_leaf = make_cert(&(struct cert_spec){
        .cn = "dev-3", .key = dev.rsa, .issuer = dev.root, .issuer_key = dev.root_key});
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

static struct throw usual(void)
{
    struct throw t = {0};
    add(&t, "a.bin", dev.key_pem);
    add(&t, "b.txt", dev.root_pem);
    add(&t, "c", dev.leaf_pem);
    return t;
}

static void three_clean_files_come_out_with_the_same_bytes(void **state)
{
    (void)state;
    struct throw t = usual();
    expect_accepted(&t);
    expect_pem(&t, CREDENTIAL_CERTIFICATE, dev.leaf_pem);
    expect_pem(&t, CREDENTIAL_KEY, dev.key_pem);
    expect_pem(&t, CREDENTIAL_ROOT_CA, dev.root_pem);
    assert_int_equal(credential_info(t.c)->changes, 0);
    throw_dispose(&t);
}

static void every_check_is_told_in_order_for_a_good_credential(void **state)
{
    (void)state;
    static const char *const order[] = {"syntax",   "encrypted_key",  "kinds",
                                        "key_type", "key_matches",    "chain_to_root",
                                        "validity", "fits_partition", "normalised"};
    struct throw t = {0};
    add(&t, "key", key_pkcs8(dev.rsa));
    add(&t, "root", dev.root_pem);
    add(&t, "cert", cert_pem(dev.rsa_leaf));
    expect_accepted(&t);
    assert_int_equal(t.checks.count, sizeof order / sizeof *order);
    for (size_t i = 0; i < t.checks.count; i++) {
        assert_string_equal(t.checks.items[i].name, order[i]);
        expect_pass(&t, order[i]);
    }
    assert_null(check_first_failure(&t.checks));
    throw_dispose(&t);
}

static void every_check_is_still_made_after_one_failed(void **state)
{
    (void)state;
    struct throw t = {.rules = {.now_unix_s = time(NULL) + 400 * DAY}};
    add(&t, "junk", text_of_string("this is no certificate"));
    add(&t, "key", key_pkcs8(make_ec("secp256k1")));
    add(&t, "cert", dev.leaf_pem);
    add(&t, "root",
        cert_pem(make_cert(&(struct cert_spec){.cn = "Other", .key = dev.mid_key, .ca = true})));
    expect_refused(&t, "syntax", "not_pki");
    verdict_is(&t, "key_type", CHECK_FAIL, "key_type");
    verdict_is(&t, "key_matches", CHECK_FAIL, "key_mismatch");
    verdict_is(&t, "chain_to_root", CHECK_FAIL, "chain_broken");
    verdict_is(&t, "validity", CHECK_FAIL, "cert_expired");
    expect_pass(&t, "kinds");
    expect_pass(&t, "fits_partition");
    throw_dispose(&t);
}

static void an_error_carries_code_sentence_and_hint_of_the_first_failure(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "device.key", key_old(make_ec("P-256"), NULL));
    add(&t, "device.crt", dev.leaf_pem);
    add(&t, "root.pem", dev.root_pem);
    expect_refused(&t, "key_matches", "key_mismatch");
    assert_string_equal(err_last()->detail, check_named(&t, "key_matches")->detail);
    assert_non_null(strstr(err_last()->detail, "device.key"));
    assert_non_null(strstr(err_last()->detail, "device.crt"));
    assert_non_null(strstr(err_last()->detail, "CN=dev-1"));
    assert_non_null(strstr(err_last()->hint, "openssl"));
    throw_dispose(&t);
}

static void the_facts_are_those_of_the_certificate(void **state)
{
    (void)state;
    struct throw t = usual();
    uint8_t md[SHA256_BYTES], *spki = NULL;
    char hex[SHA256_HEX];
    expect_accepted(&t);
    const struct credential_info *i = credential_info(t.c);
    assert_string_equal(i->subject, "CN=dev-1");
    assert_string_equal(i->issuer, "CN=Root");
    assert_string_equal(i->common_name, "dev-1");
    assert_string_equal(i->root_subject, "CN=Root");
    assert_string_equal(i->key_type, "P-256");
    assert_int_equal(i->chain_length, 0);
    assert_true(labs((long)(i->not_after_unix_s - time(NULL) - 365L * DAY)) < DAY);
    assert_true(labs((long)(i->not_before_unix_s - time(NULL) + 1L * DAY)) < DAY);
    struct text der = cert_der(dev.leaf), root_der = cert_der(dev.root);
    digest_sha256(der.data, der.len, md);
    assert_string_equal(i->fingerprint_sha256, digest_hex(md, sizeof md, hex));
    digest_sha256(root_der.data, root_der.len, md);
    assert_string_equal(i->root_fingerprint_sha256, digest_hex(md, sizeof md, hex));
    int n = i2d_PUBKEY(dev.key, &spki);
    digest_sha256(spki, (size_t)n, md);
    OPENSSL_free(spki);
    assert_string_equal(i->key_sha256, digest_hex(md, sizeof md, hex));
    snprintf(hex, sizeof hex, "%lx",
             (unsigned long)ASN1_INTEGER_get(X509_get0_serialNumber(dev.leaf)));
    assert_string_equal(i->serial_hex, hex);
    throw_dispose(&t);
}

static void a_name_in_another_script_stays_whole_utf8_when_it_is_cut(void **state)
{
    (void)state;
    char cn[129] = "", cut[128] = "";
    for (size_t i = 0; i < 64; i++)
        strncat(cn, "\xC3\xA9", sizeof cn - strlen(cn) - 1); /* 64 times é */
    memcpy(cut, cn, 126); /* 63 of them: half of the last one would have fitted */
    struct throw t = {0};
    add(&t, "key", dev.key_pem);
    add(&t, "cert",
        cert_pem(make_cert(&(struct cert_spec){
            .cn = cn, .key = dev.key, .issuer = dev.root, .issuer_key = dev.root_key})));
    add(&t, "root", dev.root_pem);
    expect_accepted(&t);
    assert_string_equal(credential_info(t.c)->common_name, cut);
    for (const char *p = credential_info(t.c)->subject; *p; p++)
        assert_true(*p >= 0x20 && *p < 0x7F);
    throw_dispose(&t);
}

static void rsa_keys_are_told_with_their_size(void **state)
{
    (void)state;
    struct throw t = {0};
    struct text key = key_old(dev.rsa, NULL);
    add(&t, "key", key);
    add(&t, "cert", cert_pem(dev.rsa_leaf));
    add(&t, "root", dev.root_pem);
    expect_accepted(&t);
    assert_string_equal(credential_info(t.c)->key_type, "RSA-2048");
    expect_pem(&t, CREDENTIAL_KEY, key);
    throw_dispose(&t);
}

static void a_credential_comes_back_from_its_three_texts(void **state)
{
    (void)state;
    struct throw t = {0};
    struct credential *back = NULL;
    size_t n[3], len = 0;
    add(&t, "all", join(join(cert_pem(dev.mid), dev.key_pem), cert_pem(dev.leaf_of_mid)));
    add(&t, "root", dev.root_pem);
    expect_accepted(&t);
    const char *cert = credential_pem(t.c, CREDENTIAL_CERTIFICATE, &n[0]);
    const char *key = credential_pem(t.c, CREDENTIAL_KEY, &n[1]);
    const char *root = credential_pem(t.c, CREDENTIAL_ROOT_CA, &n[2]);
    assert_int_equal(credential_restore(cert, root, key, n[1], &back), ERR_OK);
    assert_string_equal(credential_pem(back, CREDENTIAL_CERTIFICATE, &len), cert);
    assert_string_equal(credential_pem(back, CREDENTIAL_KEY, &len), key);
    assert_int_equal(len, n[1]);
    assert_string_equal(credential_pem(back, CREDENTIAL_ROOT_CA, &len), root);
    struct credential_info a = *credential_info(t.c), b = *credential_info(back);
    a.changes = 0;
    assert_memory_equal(&a, &b, sizeof a);
    assert_int_equal(b.chain_length, 1);
    credential_free(back);
    throw_dispose(&t);
}

static void a_damaged_store_is_an_error_not_a_credential(void **state)
{
    (void)state;
    struct credential *c = NULL;
    struct text cert = join(dev.leaf_pem, text_of("", 1)),
                root = join(dev.root_pem, text_of("", 1));
    assert_int_equal(
        credential_restore((const char *)cert.data, (const char *)root.data, "", 0, &c),
        ERR_CRYPTO);
    assert_null(c);
    assert_int_equal(credential_restore((const char *)root.data, "garbage",
                                        (const char *)dev.key_pem.data, dev.key_pem.len, &c),
                     ERR_CRYPTO);
    assert_null(c);
    assert_int_equal(credential_restore((const char *)cert.data, (const char *)root.data,
                                        (const char *)dev.leaf_pem.data, dev.leaf_pem.len, &c),
                     ERR_CRYPTO);
    assert_null(c);
}

static void no_message_holds_bytes_of_the_key(void **state)
{
    (void)state;
    EVP_PKEY *other = make_ec("P-256");
    struct text key = key_old(other, NULL);
    char piece[25] = "";
    memcpy(piece, key.data + sizeof "-----BEGIN EC PRIVATE KEY-----" + 8, sizeof piece - 1);
    struct text forms[] = {key,
                           key_old(other, "pass"),
                           replace(key, "-----END", "-----ENDE"),
                           replace(key, "BEGIN EC", "BEGIN"),
                           replace(key, "\n-----END", "!\n-----END"),
                           key_der(other, false)};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct throw t = {0};
        add(&t, "key", forms[i]);
        add(&t, "cert", dev.leaf_pem);
        throw_read(&t);
        assert_int_equal(t.e, ERR_CRYPTO);
        for (size_t k = 0; k < t.checks.count; k++)
            assert_null(strstr(t.checks.items[k].detail, piece));
        assert_null(strstr(err_last()->detail, piece));
        throw_dispose(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_clean_files_come_out_with_the_same_bytes),
        cmocka_unit_test(every_check_is_told_in_order_for_a_good_credential),
        cmocka_unit_test(every_check_is_still_made_after_one_failed),
        cmocka_unit_test(an_error_carries_code_sentence_and_hint_of_the_first_failure),
        cmocka_unit_test(the_facts_are_those_of_the_certificate),
        cmocka_unit_test(a_name_in_another_script_stays_whole_utf8_when_it_is_cut),
        cmocka_unit_test(rsa_keys_are_told_with_their_size),
        cmocka_unit_test(a_credential_comes_back_from_its_three_texts),
        cmocka_unit_test(a_damaged_store_is_an_error_not_a_credential),
        cmocka_unit_test(no_message_holds_bytes_of_the_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
