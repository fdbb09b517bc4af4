/* Which certificate is what, and whether signatures lead to the root. */
#include "tests/unit/pki/authority.h"

static struct {
    EVP_PKEY *root_key, *mid_key, *key, *other_key;
    X509 *root, *mid, *leaf, *leaf_of_mid, *other_root;
    struct text key_pem;
} dev;

static X509 *ca(const char *cn, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    return make_cert(&(struct cert_spec){
        .cn = cn, .key = key, .issuer = issuer, .issuer_key = issuer_key, .ca = true});
}

static X509 *device(const char *cn, X509 *issuer, EVP_PKEY *issuer_key)
{
    return make_cert(
        &(struct cert_spec){.cn = cn, .key = dev.key, .issuer = issuer, .issuer_key = issuer_key});
}

static int setup(void **state)
{
    (void)state;
    dev.root_key = make_ec("P-256");
    dev.mid_key = make_ec("P-256");
    dev.key = make_ec("P-256");
    dev.other_key = make_ec("P-256");
    dev.root = ca("Root", dev.root_key, NULL, NULL);
    dev.mid = ca("Mid", dev.mid_key, dev.root, dev.root_key);
    dev.other_root = ca("Other", dev.other_key, NULL, NULL);
    dev.leaf = device("dev-1", dev.root, dev.root_key);
    dev.leaf_of_mid = device("dev-2", dev.mid, dev.mid_key);
    dev.key_pem = key_old(dev.key, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_dispose();
    return 0;
}

/* The key and the certificates in this order, up to the first NULL. */
static struct throw with(X509 * a, X509 *b, X509 *c, X509 *d)
{
    struct throw t = {0};
    X509 *const all[] = {a, b, c, d};
    static const char *const names[] = {"a.pem", "b.pem", "c.pem", "d.pem"};
    add(&t, "key.pem", dev.key_pem);
    for (size_t i = 0; i < 4 && all[i]; i++)
        add(&t, names[i], cert_pem(all[i]));
    return t;
}

static void says(const struct throw *t, const char *check, const char *text)
{
    const char *detail = check_named(t, check)->detail;
    if (!strstr(detail, text)) fail_msg("\"%s\" does not say \"%s\"", detail, text);
}

static void a_chain_is_found_and_put_in_order(void **state)
{
    (void)state;
    X509 *const orders[][3] = {{dev.leaf_of_mid, dev.mid, dev.root},
                               {dev.root, dev.mid, dev.leaf_of_mid},
                               {dev.mid, dev.leaf_of_mid, dev.root}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct throw t = with(orders[i][0], orders[i][1], orders[i][2], NULL);
        expect_accepted(&t);
        expect_pass(&t, "chain_to_root");
        assert_int_equal(credential_info(t.c)->chain_length, 1);
        expect_pem(&t, CREDENTIAL_CERTIFICATE, join(cert_pem(dev.leaf_of_mid), cert_pem(dev.mid)));
        expect_pem(&t, CREDENTIAL_ROOT_CA, cert_pem(dev.root));
        assert_string_equal(changes_told(&t), i ? "order of the chain" : "");
        throw_dispose(&t);
    }
}

static void a_long_chain_is_found_too(void **state)
{
    (void)state;
    EVP_PKEY *low_key = make_ec("P-256");
    X509 *low = ca("Low", low_key, dev.mid, dev.mid_key);
    struct throw t = with(dev.root, device("dev", low, low_key), dev.mid, low);
    expect_accepted(&t);
    assert_int_equal(credential_info(t.c)->chain_length, 2);
    throw_dispose(&t);
}

static void a_missing_link_is_named(void **state)
{
    (void)state;
    struct throw t = with(dev.leaf_of_mid, dev.root, NULL, NULL);
    expect_refused(&t, "chain_to_root", "chain_broken");
    says(&t, "chain_to_root", "CN=dev-2 was signed by CN=Mid, whose certificate was not sent");
    throw_dispose(&t);
}

static void a_ca_that_signed_nothing_is_refused_unless_it_is_allowed(void **state)
{
    (void)state;
    struct throw t = with(dev.leaf, dev.other_root, NULL, NULL);
    expect_refused(&t, "chain_to_root", "chain_broken");
    says(&t, "chain_to_root", "b.pem");
    expect_pass(&t, "kinds");
    throw_dispose(&t);
    t = with(dev.leaf, dev.other_root, NULL, NULL);
    t.rules.allow_unrelated_ca = true;
    expect_accepted(&t);
    verdict_is(&t, "chain_to_root", CHECK_WARN, "chain_broken");
    expect_pem(&t, CREDENTIAL_ROOT_CA, cert_pem(dev.other_root));
    throw_dispose(&t);
}

static void the_chain_of_the_device_is_kept_when_the_root_is_another_one(void **state)
{
    (void)state;
    EVP_PKEY *low_key = make_ec("P-256");
    X509 *low = ca("Low", low_key, dev.mid, dev.mid_key);
    struct throw t = with(device("dev", low, low_key), low, dev.mid, dev.other_root);
    t.rules.allow_unrelated_ca = true;
    expect_accepted(&t);
    assert_int_equal(credential_info(t.c)->chain_length, 2);
    throw_dispose(&t);
}

static void a_ca_of_the_same_name_with_another_key_is_found_out(void **state)
{
    (void)state;
    struct throw t = with(dev.leaf, ca("Root", dev.other_key, NULL, NULL), NULL, NULL);
    expect_refused(&t, "chain_to_root", "chain_broken");
    says(&t, "chain_to_root", "another key signed it");
    throw_dispose(&t);
}

static void the_top_of_a_chain_without_its_root_is_trusted_and_stays_in_the_chain(void **state)
{
    (void)state;
    struct throw t = with(dev.leaf_of_mid, dev.mid, NULL, NULL);
    expect_accepted(&t);
    says(&t, "chain_to_root", "not self-signed");
    expect_pem(&t, CREDENTIAL_ROOT_CA, cert_pem(dev.mid));
    expect_pem(&t, CREDENTIAL_CERTIFICATE, join(cert_pem(dev.leaf_of_mid), cert_pem(dev.mid)));
    throw_dispose(&t);
}

static void several_roots_are_a_bundle_and_the_signer_comes_first(void **state)
{
    (void)state;
    struct throw t = with(dev.other_root, dev.leaf, dev.root, NULL);
    expect_accepted(&t);
    expect_pem(&t, CREDENTIAL_ROOT_CA, join(cert_pem(dev.root), cert_pem(dev.other_root)));
    assert_string_equal(credential_info(t.c)->root_subject, "CN=Root");
    throw_dispose(&t);
}

static X509 *aws_issued(bool in_one_field)
{
    EVP_PKEY *key = make_ec("P-256");
    X509 *issuer =
        in_one_field
            ? make_cert(&(struct cert_spec){
                  .key = key,
                  .ca = true,
                  .ou = "Amazon Web Services O=Amazon.com Inc. L=Seattle ST=Washington C=US"})
            : make_cert(&(struct cert_spec){
                  .key = key, .ca = true, .o = "Amazon.com Inc.", .ou = "Amazon Web Services"});
    return device("AWS IoT Certificate", issuer, key);
}

static void a_certificate_of_aws_iot_passes_with_amazons_root(void **state)
{
    (void)state;
    X509 *root = make_cert(&(struct cert_spec){
        .cn = "Amazon Root CA 1", .o = "Amazon", .key = dev.root_key, .ca = true});
    for (int i = 0; i < 2; i++) {
        struct throw t = with(aws_issued(i), root, NULL, NULL);
        expect_accepted(&t);
        expect_pass(&t, "chain_to_root");
        says(&t, "chain_to_root", "AWS IoT issued this certificate");
        throw_dispose(&t);
    }
}

static void a_certificate_of_aws_iot_with_another_root_is_warned_of(void **state)
{
    (void)state;
    struct throw t = with(aws_issued(true), dev.root, NULL, NULL);
    expect_accepted(&t);
    verdict_is(&t, "chain_to_root", CHECK_WARN, "root_not_amazon");
    throw_dispose(&t);
}

static void amazons_root_does_not_excuse_a_certificate_of_someone_else(void **state)
{
    (void)state;
    X509 *root = make_cert(&(struct cert_spec){
        .cn = "Amazon Root CA 1", .o = "Amazon", .key = dev.other_key, .ca = true});
    struct throw t = with(dev.leaf, root, NULL, NULL);
    expect_refused(&t, "chain_to_root", "chain_broken");
    throw_dispose(&t);
}

static void what_is_missing_is_said_with_what_is_there_instead(void **state)
{
    (void)state;
    struct throw t = with(dev.root, NULL, NULL, NULL);
    expect_refused(&t, "kinds", "missing_certificate");
    says(&t, "kinds", "a.pem (CN=Root) is a CA's certificate");
    throw_dispose(&t);
    t = with(dev.leaf, NULL, NULL, NULL);
    expect_refused(&t, "kinds", "missing_root_ca");
    says(&t, "kinds", "Only a.pem (CN=dev-1) was sent");
    assert_null(check_named(&t, "chain_to_root"));
    throw_dispose(&t);
    X509 *someone = make_cert(&(struct cert_spec){.cn = "other-device",
                                                  .key = dev.other_key,
                                                  .issuer = dev.root,
                                                  .issuer_key = dev.root_key});
    t = with(someone, dev.leaf, NULL, NULL);
    expect_refused(&t, "kinds", "missing_root_ca");
    says(&t, "kinds", "a.pem (CN=other-device) is not a CA");
    throw_dispose(&t);
    t = (struct throw){0};
    add(&t, "cert", cert_pem(dev.leaf));
    add(&t, "root", cert_pem(dev.root));
    expect_refused(&t, "kinds", "missing_key");
    expect_pass(&t, "chain_to_root");
    assert_null(check_named(&t, "key_matches"));
    throw_dispose(&t);
    t = with(NULL, NULL, NULL, NULL);
    expect_refused(&t, "kinds", "missing_certificate");
    says(&t, "kinds", "the device's certificate, the root CA");
    assert_null(check_named(&t, "validity"));
    throw_dispose(&t);
}

static void two_different_keys_are_refused(void **state)
{
    (void)state;
    struct throw t = with(dev.leaf, dev.root, NULL, NULL);
    add(&t, "ca.key", key_pkcs8(dev.root_key));
    expect_refused(&t, "kinds", "two_keys");
    says(&t, "kinds", "ca.key");
    throw_dispose(&t);
}

static void two_certificates_of_one_key_are_refused(void **state)
{
    (void)state;
    struct throw t = with(dev.leaf, dev.root, device("dev-1", dev.root, dev.root_key), NULL);
    expect_refused(&t, "kinds", "two_certificates");
    throw_dispose(&t);
}

static void a_certificate_that_leads_nowhere_is_left_out_with_a_warning(void **state)
{
    (void)state;
    X509 *someone = make_cert(&(struct cert_spec){.cn = "other-device",
                                                  .key = dev.other_key,
                                                  .issuer = dev.root,
                                                  .issuer_key = dev.root_key});
    struct throw t = with(someone, dev.leaf, dev.root, NULL);
    expect_accepted(&t);
    verdict_is(&t, "kinds", CHECK_WARN, "extra_certificate");
    expect_pem(&t, CREDENTIAL_CERTIFICATE, cert_pem(dev.leaf));
    expect_pem(&t, CREDENTIAL_ROOT_CA, cert_pem(dev.root));
    assert_string_equal(changes_told(&t), "certificates that are not needed");
    throw_dispose(&t);
}

/* "openssl req -x509" marks what it makes as a CA, device or not. */
static void a_self_signed_device_certificate_is_still_the_leaf(void **state)
{
    (void)state;
    X509 *self = ca("dev-self", dev.key, NULL, NULL);
    struct throw t = with(dev.root, self, NULL, NULL);
    t.rules.allow_unrelated_ca = true;
    expect_accepted(&t);
    assert_string_equal(credential_info(t.c)->subject, "CN=dev-self");
    verdict_is(&t, "chain_to_root", CHECK_WARN, "chain_broken");
    says(&t, "chain_to_root", "signed itself");
    verdict_is(&t, "kinds", CHECK_WARN, "ca_as_device");
    throw_dispose(&t);
}

static void a_self_signed_certificate_that_is_sent_twice_is_its_own_root(void **state)
{
    (void)state;
    X509 *self = ca("dev-self", dev.key, NULL, NULL);
    struct throw t = with(self, self, NULL, NULL);
    expect_accepted(&t);
    expect_pem(&t, CREDENTIAL_CERTIFICATE, cert_pem(self));
    expect_pem(&t, CREDENTIAL_ROOT_CA, cert_pem(self));
    assert_int_equal(credential_info(t.c)->chain_length, 0);
    throw_dispose(&t);
}

static void cas_that_signed_each_other_end_nowhere_and_do_not_loop(void **state)
{
    (void)state;
    X509 *a = ca("A", dev.root_key, NULL, NULL), *b = ca("B", dev.mid_key, a, dev.root_key);
    X509 *a_of_b = ca("A", dev.root_key, b, dev.mid_key);
    struct throw t = with(device("dev", b, dev.mid_key), b, a_of_b, NULL);
    expect_refused(&t, "kinds", "missing_root_ca");
    throw_dispose(&t);
}

static void dates_do_not_break_a_chain(void **state)
{
    (void)state;
    X509 *old_root = make_cert(&(struct cert_spec){
        .cn = "Old", .key = dev.root_key, .ca = true, .from_days = -20, .to_days = -10});
    struct throw t = with(device("dev", old_root, dev.root_key), old_root, NULL, NULL);
    expect_refused(&t, "validity", "ca_expired");
    expect_pass(&t, "chain_to_root");
    throw_dispose(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_found_and_put_in_order),
        cmocka_unit_test(a_long_chain_is_found_too),
        cmocka_unit_test(a_missing_link_is_named),
        cmocka_unit_test(a_ca_that_signed_nothing_is_refused_unless_it_is_allowed),
        cmocka_unit_test(the_chain_of_the_device_is_kept_when_the_root_is_another_one),
        cmocka_unit_test(a_ca_of_the_same_name_with_another_key_is_found_out),
        cmocka_unit_test(the_top_of_a_chain_without_its_root_is_trusted_and_stays_in_the_chain),
        cmocka_unit_test(several_roots_are_a_bundle_and_the_signer_comes_first),
        cmocka_unit_test(a_certificate_of_aws_iot_passes_with_amazons_root),
        cmocka_unit_test(a_certificate_of_aws_iot_with_another_root_is_warned_of),
        cmocka_unit_test(amazons_root_does_not_excuse_a_certificate_of_someone_else),
        cmocka_unit_test(what_is_missing_is_said_with_what_is_there_instead),
        cmocka_unit_test(two_different_keys_are_refused),
        cmocka_unit_test(two_certificates_of_one_key_are_refused),
        cmocka_unit_test(a_certificate_that_leads_nowhere_is_left_out_with_a_warning),
        cmocka_unit_test(a_self_signed_device_certificate_is_still_the_leaf),
        cmocka_unit_test(a_self_signed_certificate_that_is_sent_twice_is_its_own_root),
        cmocka_unit_test(cas_that_signed_each_other_end_nowhere_and_do_not_loop),
        cmocka_unit_test(dates_do_not_break_a_chain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
