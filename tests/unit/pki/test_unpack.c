/* Files that hold other files, as clouds and tools hand them out. */
#include "tests/unit/pki/authority.h"
#include "tests/unit/pki/zip.h"

#include "service/base/limits.h"

static struct {
    EVP_PKEY *root_key, *key;
    X509 *root, *other_root, *leaf;
    struct text root_pem, leaf_pem, key_pem;
} dev;

static int setup(void **state)
{
    (void)state;
    dev.root_key = make_ec("P-256");
    dev.key = make_ec("P-256");
    dev.root = make_cert(&(struct cert_spec){.cn = "Root", .key = dev.root_key, .ca = true});
    dev.other_root =
        make_cert(&(struct cert_spec){.cn = "Root 3", .key = make_ec("P-256"), .ca = true});
    dev.leaf = make_cert(&(struct cert_spec){
        .cn = "dev-1", .key = dev.key, .issuer = dev.root, .issuer_key = dev.root_key});
    dev.root_pem = cert_pem(dev.root);
    dev.leaf_pem = cert_pem(dev.leaf);
    dev.key_pem = key_pkcs8(dev.key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_dispose();
    return 0;
}

static void expect_told(const struct throw *t, const char *changes)
{
    assert_string_equal(changes_told(t), changes);
}

/* The usual leaf, root and key, however they came. */
static void expect_usual(struct throw *t)
{
    expect_accepted(t);
    expect_pem(t, CREDENTIAL_CERTIFICATE, dev.leaf_pem);
    expect_pem(t, CREDENTIAL_KEY, dev.key_pem);
    expect_pem(t, CREDENTIAL_ROOT_CA, dev.root_pem);
}

/* ---- zip ---- */

static const char *number_text(size_t i)
{
    char text[16];
    snprintf(text, sizeof text, "%zu", i);
    return (const char *)text_of(text, strlen(text) + 1).data;
}

#define ZIP(...)                                                                                   \
    zip_of((const struct entry[]){__VA_ARGS__},                                                    \
           sizeof((const struct entry[]){__VA_ARGS__}) / sizeof(struct entry), false)

#define AWS "2f1b5d2c9f0e4a7b8c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b"

static void a_zip_as_aws_hands_it_out(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "bench-01.zip",
        ZIP({"bench-01/", {NULL, 0}}, {"bench-01/" AWS "-certificate.pem.crt", dev.leaf_pem},
            {"bench-01/" AWS "-public.pem.key", public_key(dev.key)},
            {"bench-01/" AWS "-private.pem.key", dev.key_pem}, {"bench-01/ca/", {NULL, 0}},
            {"bench-01/ca/AmazonRootCA3.pem", cert_pem(dev.other_root)},
            {"bench-01/ca/AmazonRootCA1.pem", dev.root_pem}));
    expect_accepted(&t);
    expect_told(&t, "");
    verdict_is(&t, "syntax", CHECK_WARN, "public_key");
    assert_non_null(strstr(check_named(&t, "key_matches")->detail, "2f1b5d2c9f0e..."));
    assert_non_null(strstr(check_named(&t, "key_matches")->detail, "-private.pem.key"));
    expect_pem(&t, CREDENTIAL_CERTIFICATE, dev.leaf_pem);
    expect_pem(&t, CREDENTIAL_KEY, dev.key_pem);
    expect_pem(&t, CREDENTIAL_ROOT_CA, join(dev.root_pem, cert_pem(dev.other_root)));
    throw_dispose(&t);
}

static void what_lies_beside_in_a_zip_is_left_out_and_told(void **state)
{
    (void)state;
    const struct entry beside[] = {
        {"start.sh", text_of_string("#!/bin/sh\n")},
        {"__MACOSX/._device.pem", text_of("\0\5\26\7\0\2\0\0Mac OS X", 16)},
        {"empty.txt", text_of_string("")},
        {"device.csr",
         text_of_string("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE "
                        "REQUEST-----\n")},
        {"policy.json", text_of_string("{\"Version\":\"2012-10-17\"}")},
        {"more.zip", ZIP({"device.pem", dev.leaf_pem})},
        {"manual.pdf", bytes_of('%', LIMIT_PEM_BYTES + 1)},
    };
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        struct throw t = {0};
        add(&t, "all.zip", ZIP({"key", dev.key_pem}, beside[i], {"c", dev.leaf_pem}));
        add(&t, "root", dev.root_pem);
        expect_usual(&t);
        expect_told(&t, "what is no certificate and no key");
        throw_dispose(&t);
    }
}

static void a_damaged_file_in_a_zip_is_not_left_out(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "all.zip",
        ZIP({"key", dev.key_pem},
            {"x/cut.pem", replace(dev.leaf_pem, "-----END CERTIFICATE-----", "")},
            {"r", dev.root_pem}));
    expect_refused(&t, "syntax", "bad_pem");
    assert_non_null(strstr(err_last()->detail, "cut.pem"));
    throw_dispose(&t);
}

static void a_zip_holds_der_and_json_too(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "all.zip",
        ZIP({"c.der", cert_der(dev.leaf)}, {"k.der", key_der(dev.key, true)},
            {"root.json", json_of("ca", dev.root_pem)}));
    expect_usual(&t);
    expect_told(&t, "DER");
    throw_dispose(&t);
}

static void a_zip_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    struct text good = ZIP({"ce\nrt.pem", dev.leaf_pem}), bent = text_of(good.data, good.len);
    struct entry many[LIMIT_UPLOAD_PARTS + 1], large[16];
    for (size_t i = 0; i <= LIMIT_UPLOAD_PARTS; i++)
        many[i] = (struct entry){number_text(i), text_of_string("x")};
    for (size_t i = 0; i < 16; i++)
        large[i] = (struct entry){number_text(i), bytes_of(' ', 100000)};
    ((uint8_t *)(uintptr_t)bent.data)[60] ^= 0x55; /* inside the file */
    const struct {
        const char *code, *says;
        struct text zip;
    } cases[] = {
        {"zip_damaged", "the zip", text_of(good.data, good.len / 2)},
        {"zip_damaged", "ce?rt.pem", bent},
        {"zip_unsupported", "encrypted",
         zip_of(&(struct entry){"cert.pem", dev.leaf_pem}, 1, true)},
        {"zip_too_many_files", "600 files", zip_of(many, LIMIT_UPLOAD_PARTS + 1, false)},
        {"zip_too_large", "1048576 bytes", zip_of(large, 16, false)},
        {"not_pki", "no certificate and no key", ZIP({"a.txt", text_of_string("hello")})},
        {"not_pki", "no certificate and no key", ZIP({"folder/", {NULL, 0}})},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct throw t = {0};
        add(&t, "odd.zip", cases[i].zip);
        expect_refused(&t, "syntax", cases[i].code);
        if (!strstr(err_last()->detail, cases[i].says) || !strstr(err_last()->detail, "odd.zip"))
            fail_msg("%s does not say \"%s\"", err_last()->detail, cases[i].says);
        throw_dispose(&t);
    }
}

/* ---- JSON ---- */

static void json_as_aws_answers_it(void **state)
{
    (void)state;
    struct text line_ends = replace(dev.leaf_pem, "\n", "\\n");
    struct throw t = {0};
    add(&t, "keys.json",
        join(between("{\"certificateArn\":\"arn:aws:iot:us-east-2:123456789012:cert/" AWS
                     "\",\"certificateId\":\"" AWS "\",\n \"certificatePem\":\"",
                     line_ends, "\",\"keyPair\":{\"PublicKey\":\""),
             join(between("", replace(public_key(dev.key), "\n", "\\n"), "\",\"PrivateKey\":\""),
                  between("", replace(replace(dev.key_pem, "\n", "\\n"), "/", "\\/"), "\"}}\n"))));
    add(&t, "AmazonRootCA1.pem", dev.root_pem);
    expect_usual(&t);
    expect_told(&t, "");
    assert_non_null(strstr(check_named(&t, "key_matches")->detail, "PrivateKey"));
    verdict_is(&t, "syntax", CHECK_WARN, "public_key");
    throw_dispose(&t);
}

static void json_holds_lists_base64_and_line_ends_written_twice(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "a.json", json_of("chain\":[\"x\",null,7,true,{}],\"id", base64(cert_der(dev.leaf))));
    add(&t, "b.json", json_of("k", replace(dev.key_pem, "\n", "\\n")));
    add(&t, "c.json", between("{\"a\":[{\"b\":[\"", replace(dev.root_pem, "\n", "\\n"), "\"]}]}"));
    expect_usual(&t);
    expect_told(&t, "base64 without BEGIN and END, line ends written as \\n");
    throw_dispose(&t);
}

static void json_without_anything_is_refused_and_broken_json_is_read_as_text(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "empty.json", text_of_string("{\"id\":\"" AWS AWS "\",\"n\":1}"));
    expect_refused(&t, "syntax", "not_pki");
    assert_non_null(strstr(err_last()->detail, "empty.json holds no certificate"));
    throw_dispose(&t);
    add(&t, "cut.json", between("{\"a\":\"", replace(dev.leaf_pem, "\n", "\\n"), "\",\"b\":"));
    add(&t, "k", dev.key_pem);
    add(&t, "r", dev.root_pem);
    expect_usual(&t);
    expect_told(&t, "text around the PEM blocks, line ends written as \\n");
    throw_dispose(&t);
    add(&t, "no.json", text_of_string("{ this is no JSON"));
    expect_refused(&t, "syntax", "not_pki");
    throw_dispose(&t);
}

static void base64_alone_is_taken_for_the_der_that_it_is(void **state)
{
    (void)state;
    struct throw t = {0};
    add(&t, "c", base64(cert_der(dev.leaf)));
    add(&t, "k", crlf(base64(key_der(dev.key, true))));
    add(&t, "r", replace(base64(cert_der(dev.root)), "\n", ""));
    expect_usual(&t);
    expect_told(&t, "base64 without BEGIN and END");
    throw_dispose(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zip_as_aws_hands_it_out),
        cmocka_unit_test(what_lies_beside_in_a_zip_is_left_out_and_told),
        cmocka_unit_test(a_damaged_file_in_a_zip_is_not_left_out),
        cmocka_unit_test(a_zip_holds_der_and_json_too),
        cmocka_unit_test(a_zip_that_cannot_be_used_is_named),
        cmocka_unit_test(json_as_aws_answers_it),
        cmocka_unit_test(json_holds_lists_base64_and_line_ends_written_twice),
        cmocka_unit_test(json_without_anything_is_refused_and_broken_json_is_read_as_text),
        cmocka_unit_test(base64_alone_is_taken_for_the_der_that_it_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
