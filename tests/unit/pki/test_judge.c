/* Key types, dates and sizes. */
#include "tests/unit/pki/authority.h"

#include <openssl/core_names.h>

#include "service/pki/judge.h"

static struct {
    EVP_PKEY *root_key, *key;
    X509 *root;
} dev;

static int setup(void **state)
{
    (void)state;
    dev.root_key = make_ec("P-256");
    dev.key = make_ec("P-256");
    dev.root = make_cert(&(struct cert_spec){
        .cn = "Root", .key = dev.root_key, .ca = true, .from_days = -100, .to_days = 10000});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_dispose();
    return 0;
}

static X509 *device(EVP_PKEY *key, long from_days, long to_days)
{
    return make_cert(&(struct cert_spec){.cn = "dev",
                                         .key = key,
                                         .issuer = dev.root,
                                         .issuer_key = dev.root_key,
                                         .from_days = from_days,
                                         .to_days = to_days});
}

static struct throw with(X509 * cert, struct text key, X509 *root)
{
    struct throw t = {0};
    add(&t, "cert", cert_pem(cert));
    add(&t, "key", key);
    add(&t, "root", cert_pem(root));
    return t;
}

static EVP_PKEY *explicit_curve(void)
{
    EVP_PKEY *k = make_ec("P-256");
    EVP_PKEY_set_utf8_string_param(k, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT);
    return k;
}

static void keys_that_the_board_cannot_use_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *code, *says;
        EVP_PKEY *key;
    } cases[] = {
        {"weak_key", "RSA-1024", make_rsa(1024)},
        {"key_type", "secp256k1", make_ec("secp256k1")},
        {"key_type", "P-521", make_ec("P-521")},
        {"key_type", "secp224r1", make_ec("P-224")},
        {"key_type", "ED25519", keep_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"))},
        {"key_type", "spelled out", explicit_curve()},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* The certificate of an Ed25519 key is signed by the CA, so any key goes into it. */
        struct throw t = with(device(cases[i].key, -1, 365), key_pkcs8(cases[i].key), dev.root);
        expect_refused(&t, "key_type", cases[i].code);
        if (!strstr(err_last()->detail, cases[i].says))
            fail_msg("%s does not say %s", err_last()->detail, cases[i].says);
        expect_pass(&t, "key_matches");
        throw_dispose(&t);
    }
}

static void keys_that_the_board_can_use_are_named(void **state)
{
    (void)state;
    const struct {
        const char *name;
        EVP_PKEY *key;
    } cases[] = {{"P-256", dev.key}, {"P-384", make_ec("P-384")}, {"RSA-2048", make_rsa(2048)}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = with(device(cases[i].key, -1, 365), key_pkcs8(cases[i].key), dev.root);
        expect_accepted(&t);
        assert_string_equal(credential_info(t.c)->key_type, cases[i].name);
        throw_dispose(&t);
    }
}

static void the_type_is_judged_by_the_certificate_when_the_key_cannot_be_read(void **state)
{
    (void)state;
    EVP_PKEY *odd = make_ec("secp256k1");
    struct throw t = with(device(odd, -1, 365), key_pkcs8_encrypted(odd), dev.root);
    expect_refused(&t, "encrypted_key", "encrypted_key");
    verdict_is(&t, "key_type", CHECK_FAIL, "key_type");
    throw_dispose(&t);
}

/* The public half of one key with the private half of another: only using it shows that. */
static void a_key_whose_private_half_is_damaged_is_found_out(void **state)
{
    (void)state;
    struct text der = key_der(dev.key, false), other = key_der(make_ec("P-256"), false);
    uint8_t mixed[200];
    assert_true(der.len == 121 && other.len == 121);
    memcpy(mixed, der.data, der.len);
    memcpy(mixed + 7, other.data + 7, 32);
    struct throw t = with(device(dev.key, -1, 365), text_of(mixed, der.len), dev.root);
    expect_refused(&t, "key_matches", "key_damaged");
    throw_dispose(&t);
}

static void dates_are_judged_at_the_moment_that_the_rules_name(void **state)
{
    (void)state;
    const struct {
        long from, to, now_days;
        enum check_verdict verdict;
        const char *code;
    } cases[] = {
        {-10, 100, 0, CHECK_PASS, ""},
        {-10, 31, 0, CHECK_PASS, ""},
        {-10, 29, 0, CHECK_WARN, "cert_expires_soon"},
        {-10, -1, 0, CHECK_FAIL, "cert_expired"},
        {1, 100, 0, CHECK_FAIL, "cert_not_yet_valid"},
        {-10, 100, 101, CHECK_FAIL, "cert_expired"},
        {-10, 100, -11, CHECK_FAIL, "cert_not_yet_valid"},
        {-10, 100, 90, CHECK_WARN, "cert_expires_soon"},
        {-10, 20000, 9990, CHECK_WARN, "ca_expires_soon"},
        {-10, 20000, 10001, CHECK_FAIL, "ca_expired"},
        {-1000, 100, -101, CHECK_FAIL, "ca_not_yet_valid"},
        {-10, 100, 10001, CHECK_FAIL, "cert_expired"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int allow = 0; allow < 2; allow++) {
            struct throw t =
                with(device(dev.key, cases[i].from, cases[i].to), key_pkcs8(dev.key), dev.root);
            t.rules.now_unix_s = time(NULL) + cases[i].now_days * DAY;
            t.rules.allow_dates = allow;
            throw_read(&t);
            bool fail = cases[i].verdict == CHECK_FAIL && !allow;
            verdict_is(&t, "validity",
                       cases[i].verdict == CHECK_FAIL && allow ? CHECK_WARN : cases[i].verdict,
                       cases[i].code);
            assert_int_equal(t.e, fail ? ERR_CRYPTO : ERR_OK);
            throw_dispose(&t);
        }
    }
}

static void the_first_and_the_last_second_are_valid(void **state)
{
    (void)state;
    X509 *x = device(dev.key, -1, 365);
    int64_t from = judge_unix_s(X509_get0_notBefore(x)), to = judge_unix_s(X509_get0_notAfter(x));
    const struct {
        int64_t now;
        bool good;
    } cases[] = {{from - 1, false}, {from, true}, {to, true}, {to + 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = with(x, key_pkcs8(dev.key), dev.root);
        t.rules.now_unix_s = cases[i].now;
        throw_read(&t);
        assert_int_equal(!t.e, cases[i].good);
        throw_dispose(&t);
    }
}

static void an_expired_root_in_a_bundle_only_warns_while_another_is_valid(void **state)
{
    (void)state;
    X509 *old = make_cert(&(struct cert_spec){
        .cn = "Old", .key = dev.root_key, .ca = true, .from_days = -20, .to_days = -10});
    struct throw t = with(device(dev.key, -1, 365), key_pkcs8(dev.key), dev.root);
    add(&t, "old", cert_pem(old));
    expect_accepted(&t);
    verdict_is(&t, "validity", CHECK_WARN, "ca_expired");
    throw_dispose(&t);
}

static void an_image_that_does_not_fit_its_partition_is_refused(void **state)
{
    (void)state;
    X509 *x = device(dev.key, -1, 365);
    size_t longest = cert_pem(dev.root).len, leaf = cert_pem(x).len;
    if (leaf > longest) longest = leaf;
    size_t fits = 12 + (longest + 3) / 4 * 4;
    struct throw t = with(x, key_pkcs8(dev.key), dev.root);
    t.rules.partition_size = fits;
    expect_accepted(&t);
    throw_dispose(&t);
    t = with(x, key_pkcs8(dev.key), dev.root);
    t.rules.partition_size = fits - 1;
    expect_refused(&t, "fits_partition", "too_large_for_partition");
    throw_dispose(&t);
}

static void a_bundle_that_is_too_large_for_the_usual_partition_is_refused(void **state)
{
    (void)state;
    struct throw t = with(device(dev.key, -1, 365), key_pkcs8(dev.key), dev.root);
    for (int i = 0; i < 20; i++)
        add(&t, "more",
            cert_pem(
                make_cert(&(struct cert_spec){.cn = "More", .key = dev.root_key, .ca = true})));
    expect_refused(&t, "fits_partition", "too_large_for_partition");
    assert_non_null(strstr(err_last()->detail, "root CA"));
    assert_non_null(strstr(err_last()->detail, "8192"));
    throw_dispose(&t);
}

static void verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(check_verdict_name(CHECK_PASS), "pass");
    assert_string_equal(check_verdict_name(CHECK_WARN), "warn");
    assert_string_equal(check_verdict_name(CHECK_FAIL), "fail");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_the_board_cannot_use_are_refused),
        cmocka_unit_test(keys_that_the_board_can_use_are_named),
        cmocka_unit_test(the_type_is_judged_by_the_certificate_when_the_key_cannot_be_read),
        cmocka_unit_test(a_key_whose_private_half_is_damaged_is_found_out),
        cmocka_unit_test(dates_are_judged_at_the_moment_that_the_rules_name),
        cmocka_unit_test(the_first_and_the_last_second_are_valid),
        cmocka_unit_test(an_expired_root_in_a_bundle_only_warns_while_another_is_valid),
        cmocka_unit_test(an_image_that_does_not_fit_its_partition_is_refused),
        cmocka_unit_test(a_bundle_that_is_too_large_for_the_usual_partition_is_refused),
        cmocka_unit_test(verdicts_have_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
