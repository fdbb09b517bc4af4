/* A drop of files: what each is told to be, and which become a credential. */
#include "tests/unit/pki/authority.h"
#include "tests/unit/pki/zip.h"

#include <openssl/pkcs12.h>

#include "service/base/limits.h"
#include "service/pki/inspect.h"

enum { DROP_MAX = 1100, BOARDS = 250 };

static struct {
    EVP_PKEY *ca_key, *keys[2];
    X509 *ca;
    struct text root, certs[2], pems[2];
} dev;

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"pump-240ac4000001", "pump-2"};
    dev.ca_key = make_ec("P-256");
    dev.ca = make_cert(&(struct cert_spec){.cn = "Root", .key = dev.ca_key, .ca = true});
    dev.root = cert_pem(dev.ca);
    for (size_t i = 0; i < 2; i++) {
        dev.keys[i] = make_ec("P-256");
        dev.certs[i] = cert_pem(make_cert(&(struct cert_spec){
            .cn = names[i], .key = dev.keys[i], .issuer = dev.ca, .issuer_key = dev.ca_key}));
        dev.pems[i] = key_pkcs8(dev.keys[i]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    authority_dispose();
    return 0;
}

/* ---- a drop, and what is found in it ---- */

struct drop {
    struct credential_input in[DROP_MAX];
    size_t n;
    const char *password;
    struct inspection *s;
    const struct inspect_file *files;
    const struct inspect_set *sets;
    size_t file_count, set_count;
    struct check_list checks;
    struct credential *c;
};

static void put(struct drop *d, const char *name, struct text file)
{
    assert_true(d->n < DROP_MAX);
    d->in[d->n++] = (struct credential_input){name, file.data, file.len};
}

static void inspect(struct drop *d)
{
    enum err e = inspect_read(d->in, d->n, d->password, &d->s);
    if (e) fail_msg("%s: %s", err_last()->code, err_last()->detail);
    d->files = inspect_files(d->s, &d->file_count);
    d->sets = inspect_sets(d->s, &d->set_count);
}

static void drop_dispose(struct drop *d)
{
    credential_free(d->c);
    inspect_free(d->s);
}

/* "certificate private_key other": all of a file. */
static void expect_kinds(const struct drop *d, size_t file, const char *kinds)
{
    char told[256] = "";
    assert_true(file < d->file_count);
    for (size_t i = 0; i < d->files[file].content_count; i++) {
        size_t n = strlen(told);
        snprintf(told + n, sizeof told - n, "%s%s", i ? " " : "",
                 inspect_kind_name(d->files[file].contents[i].kind));
    }
    assert_string_equal(told, kinds);
}

/* "0 1 2": the files of a set. */
static void expect_files(const struct drop *d, size_t set, const char *files)
{
    char told[256] = "";
    assert_true(set < d->set_count);
    for (size_t i = 0; i < d->sets[set].file_count; i++) {
        size_t n = strlen(told);
        snprintf(told + n, sizeof told - n, "%s%zu", i ? " " : "", d->sets[set].files[i]);
    }
    assert_string_equal(told, files);
}

static void expect_unused(const struct drop *d, const char *files)
{
    char told[256] = "";
    for (size_t i = 0; i < d->file_count; i++) {
        size_t n = strlen(told);
        if (!d->files[i].used) snprintf(told + n, sizeof told - n, "%s%zu", n ? " " : "", i);
    }
    assert_string_equal(told, files);
}

static enum err judge(struct drop *d, size_t set)
{
    const struct credential_rules rules = {.now_unix_s = time(NULL)};
    credential_free(d->c);
    return inspect_judge(d->s, set, &rules, &d->checks, &d->c);
}

static void expect_valid(struct drop *d, size_t set)
{
    enum err e = judge(d, set);
    if (e) fail_msg("set %zu: %s: %s", set, err_last()->code, err_last()->detail);
    assert_string_equal(credential_info(d->c)->fingerprint_sha256, d->sets[set].fingerprint_sha256);
}

static void expect_fail(struct drop *d, size_t set, const char *code)
{
    assert_int_equal(judge(d, set), ERR_CRYPTO);
    assert_null(d->c);
    assert_string_equal(check_first_failure(&d->checks)->code, code);
}

static void expect_detail(const struct drop *d, size_t file, const char *words)
{
    const char *detail = d->files[file].contents[0].detail;
    if (!strstr(detail, words)) fail_msg("\"%s\" does not say \"%s\"", detail, words);
}

static struct text pkcs12_of(EVP_PKEY *key, X509 *x, X509 *ca, const char *password)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    BIO *b = BIO_new(BIO_s_mem());
    sk_X509_push(others, ca);
    PKCS12 *p12 = PKCS12_create(password, NULL, key, x, others, 0, 0, 0, 0, 0);
    assert_int_equal(i2d_PKCS12_bio(b, p12), 1);
    PKCS12_free(p12);
    sk_X509_free(others);
    return keep_text(b);
}

/* ---- sets ---- */

static void files_of_two_boards_become_two_credentials_with_one_root(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "2.key", dev.pems[1]);
    put(&d, "1.crt", dev.certs[0]);
    put(&d, "root.pem", dev.root);
    put(&d, "1.key", dev.pems[0]);
    put(&d, "2.crt", dev.certs[1]);
    inspect(&d);
    assert_int_equal(d.set_count, 2);
    expect_files(&d, 0, "1 3 2");
    expect_files(&d, 1, "4 0 2");
    expect_valid(&d, 0);
    assert_string_equal(credential_info(d.c)->common_name, "pump-240ac4000001");
    assert_string_equal(d.sets[0].common_name, "pump-240ac4000001");
    expect_valid(&d, 1);
    expect_unused(&d, "");
    expect_kinds(&d, 0, "private_key");
    expect_kinds(&d, 1, "certificate");
    expect_kinds(&d, 2, "ca_certificate");
    assert_string_equal(d.files[0].contents[0].key_sha256, d.files[4].contents[0].key_sha256);
    assert_string_equal(d.files[0].contents[0].key_type, "P-256");
    assert_true(d.files[1].contents[0].not_after_unix_s > time(NULL));
    drop_dispose(&d);
}

static void everything_in_one_file_is_one_credential(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "all.pem", join(join(dev.root, dev.pems[0]), dev.certs[0]));
    inspect(&d);
    assert_int_equal(d.set_count, 1);
    expect_files(&d, 0, "0");
    expect_valid(&d, 0);
    expect_kinds(&d, 0, "ca_certificate certificate private_key");
    drop_dispose(&d);
}

static void a_file_with_the_keys_of_all_boards_is_told_apart(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "all.pem", join(join(dev.pems[1], dev.pems[0]), join(dev.certs[0], dev.certs[1])));
    put(&d, "root", dev.root);
    inspect(&d);
    assert_int_equal(d.set_count, 2);
    for (size_t i = 0; i < 2; i++) {
        expect_files(&d, i, "0 1");
        expect_valid(&d, i);
    }
    drop_dispose(&d);
}

static void a_set_is_found_by_its_fingerprint(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    size_t set;
    put(&d, "all.pem", join(join(dev.pems[1], dev.pems[0]), join(dev.certs[0], dev.certs[1])));
    put(&d, "root", dev.root);
    inspect(&d);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(inspect_find(d.s, d.sets[i].fingerprint_sha256, &set), ERR_OK);
        assert_int_equal(set, i);
        expect_valid(&d, set);
        assert_string_equal(credential_info(d.c)->fingerprint_sha256, d.sets[i].fingerprint_sha256);
    }
    char stranger[SHA256_HEX];
    memset(stranger, '0', sizeof stranger - 1);
    stranger[sizeof stranger - 1] = '\0';
    assert_int_equal(inspect_find(d.s, stranger, &set), ERR_CRYPTO);
    assert_string_equal(err_last()->code, "certificate_not_found");
    assert_non_null(strstr(err_last()->detail, "2 device certificates"));
    drop_dispose(&d);
}

static void each_copy_is_taken_from_the_folder_of_its_board(void **state)
{
    (void)state;
    const struct entry files[] = {{"one/dev.crt", dev.certs[0]}, {"one/dev.key", dev.pems[0]},
                                  {"one/ca.pem", dev.root},      {"two/dev.crt", dev.certs[1]},
                                  {"two/dev.key", dev.pems[1]},  {"two/ca.pem", dev.root}};
    struct drop d = {.n = 0};
    put(&d, "boards.zip", zip_of(files, 6, false));
    inspect(&d);
    assert_int_equal(d.file_count, 6);
    assert_string_equal(d.files[3].name, "boards.zip/two/dev.crt");
    assert_int_equal(d.files[3].part, 0);
    assert_int_equal(d.files[3].size, dev.certs[1].len);
    expect_files(&d, 0, "0 1 2");
    expect_files(&d, 1, "3 4 5");
    expect_valid(&d, 1);
    expect_unused(&d, "");
    drop_dispose(&d);
}

static void a_copy_is_neither_a_set_nor_unused(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "a.crt", dev.certs[0]);
    put(&d, "copy of a.crt", dev.certs[0]);
    put(&d, "a.key", dev.pems[0]);
    put(&d, "root", dev.root);
    put(&d, "root again", dev.root);
    put(&d, "a.key (1)", key_old(dev.keys[0], NULL));
    inspect(&d);
    assert_int_equal(d.set_count, 1);
    expect_files(&d, 0, "0 2 3");
    expect_unused(&d, "");
    expect_valid(&d, 0);
    drop_dispose(&d);
}

static void two_certificates_of_one_key_are_two_sets_that_say_so(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    struct throw t = {0};
    put(&d, "a.key", dev.pems[0]);
    put(&d, "old.crt", dev.certs[0]);
    put(&d, "new.crt",
        cert_pem(make_cert(&(struct cert_spec){
            .cn = "renewed", .key = dev.keys[0], .issuer = dev.ca, .issuer_key = dev.ca_key})));
    put(&d, "root", dev.root);
    inspect(&d);
    assert_int_equal(d.set_count, 2);
    expect_valid(&d, 1);
    t.checks = d.checks;
    verdict_is(&t, "kinds", CHECK_WARN, "two_certificates");
    assert_non_null(strstr(check_named(&t, "kinds")->detail, "old.crt"));
    drop_dispose(&d);
}

static void only_the_chain_that_leads_up_from_it_is_in_a_set(void **state)
{
    (void)state;
    EVP_PKEY *mid_keys[2] = {make_ec("P-256"), make_ec("P-256")};
    struct drop d = {.n = 0};
    for (size_t i = 0; i < 2; i++) {
        X509 *mid = make_cert(&(struct cert_spec){.cn = i ? "Mid 1" : "Mid 0",
                                                  .key = mid_keys[i],
                                                  .issuer = dev.ca,
                                                  .issuer_key = dev.ca_key,
                                                  .ca = true});
        put(&d, i ? "mid1" : "mid0", cert_pem(mid));
        if (!i)
            put(&d, "crt",
                cert_pem(make_cert(&(struct cert_spec){
                    .cn = "dev", .key = dev.keys[0], .issuer = mid, .issuer_key = mid_keys[0]})));
    }
    put(&d, "root", dev.root);
    put(&d, "key", dev.pems[0]);
    inspect(&d);
    expect_files(&d, 0, "1 4 0 3");
    expect_valid(&d, 0);
    assert_int_equal(credential_info(d.c)->chain_length, 1);
    expect_unused(&d, "2");
    expect_detail(&d, 2, "left out");
    drop_dispose(&d);
}

static void a_ca_that_came_with_its_key_is_no_device(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "ca.key", key_pkcs8(dev.ca_key));
    put(&d, "ca.crt", dev.root);
    put(&d, "a.crt", dev.certs[0]);
    put(&d, "a.key", dev.pems[0]);
    inspect(&d);
    assert_int_equal(d.set_count, 1);
    expect_files(&d, 0, "2 3 1");
    expect_valid(&d, 0);
    expect_unused(&d, "0");
    drop_dispose(&d);
}

static void a_self_made_certificate_that_calls_itself_a_ca_is_a_device(void **state)
{
    (void)state;
    EVP_PKEY *key = make_ec("P-256");
    struct drop d = {.n = 0};
    put(&d, "self.crt",
        cert_pem(make_cert(&(struct cert_spec){.cn = "s", .key = key, .ca = true})));
    put(&d, "self.key", key_pkcs8(key));
    put(&d, "root", dev.root);
    inspect(&d);
    assert_int_equal(d.set_count, 1);
    expect_kinds(&d, 0, "certificate");
    drop_dispose(&d);
}

static void the_mac_is_found_in_the_common_name_or_in_a_file_name(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "ffffff000000.crt", dev.certs[0]);
    put(&d, "24-0A-C4-00-00-02.crt", dev.certs[1]);
    inspect(&d);
    assert_string_equal(d.sets[0].mac, "24:0a:c4:00:00:01");
    assert_string_equal(d.sets[1].mac, "24:0a:c4:00:00:02");
    drop_dispose(&d);
    d = (struct drop){.n = 0};
    put(&d, "cert", dev.certs[1]);
    put(&d, "24:0a:c4:00:00:03.key", dev.pems[1]);
    inspect(&d);
    assert_string_equal(d.sets[0].mac, "24:0a:c4:00:00:03");
    drop_dispose(&d);
}

/* ---- what is missing or of no use ---- */

static void a_key_without_certificate_and_a_certificate_without_key_are_told(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "1.crt", dev.certs[0]);
    put(&d, "2.key", dev.pems[1]);
    put(&d, "root", dev.root);
    inspect(&d);
    assert_int_equal(d.set_count, 1);
    expect_files(&d, 0, "0 2");
    expect_fail(&d, 0, "missing_key");
    expect_unused(&d, "1");
    expect_detail(&d, 1, "No certificate here belongs to this key");
    drop_dispose(&d);
}

static void without_a_device_certificate_the_answer_is_that_of_validation(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    struct throw t = {0};
    put(&d, "root", dev.root);
    put(&d, "a.key", dev.pems[0]);
    put(&d, "b.key", dev.pems[1]);
    put(&d, "junk", text_of_string("junk"));
    for (size_t i = 0; i < d.n; i++)
        add(&t, d.in[i].name, (struct text){d.in[i].data, d.in[i].len});
    inspect(&d);
    throw_read(&t);
    assert_int_equal(d.set_count, 0);
    expect_unused(&d, "0 1 2 3");
    assert_int_equal(judge(&d, 0), ERR_CRYPTO);
    assert_int_equal(d.checks.count, t.checks.count);
    for (size_t i = 0; i < t.checks.count; i++) {
        assert_string_equal(d.checks.items[i].name, t.checks.items[i].name);
        assert_string_equal(d.checks.items[i].code, t.checks.items[i].code);
        assert_string_equal(d.checks.items[i].detail, t.checks.items[i].detail);
    }
    drop_dispose(&d);
}

static void what_is_of_no_use_spoils_nothing(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "a.crt", dev.certs[0]);
    put(&d, "a.key", dev.pems[0]);
    put(&d, "root", dev.root);
    put(&d, "board.jpg", bytes_of(0xFF, 1000));
    put(&d, "empty.pem", text_of_string(""));
    put(&d, "a.pub", public_key(dev.keys[0]));
    put(&d, "manual.pdf", bytes_of('%', LIMIT_PEM_BYTES + 1));
    put(&d, "empty.zip", text_of("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22));
    inspect(&d);
    expect_valid(&d, 0);
    expect_unused(&d, "3 4 5 6 7");
    for (size_t i = 3; i < 8; i++)
        expect_kinds(&d, i, i == 5 ? "public_key" : "other");
    expect_detail(&d, 3, "board.jpg is neither");
    expect_detail(&d, 4, "empty.pem is empty");
    expect_detail(&d, 6, "131073 bytes");
    drop_dispose(&d);
}

static void damage_beside_the_certificate_in_its_file_is_the_sets_own(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "a.crt", join(dev.certs[0], text_of_string("-----BEGIN CERTIFICATE-----\nAAA\n")));
    put(&d, "a.key", dev.pems[0]);
    put(&d, "b.crt", dev.certs[1]);
    put(&d, "b.key", dev.pems[1]);
    put(&d, "root", dev.root);
    inspect(&d);
    expect_fail(&d, 0, "bad_pem");
    expect_valid(&d, 1);
    drop_dispose(&d);
}

static void a_request_is_called_one(void **state)
{
    (void)state;
    X509_REQ *r = X509_REQ_new();
    BIO *b = BIO_new(BIO_s_mem());
    struct drop d = {.n = 0};
    X509_REQ_set_pubkey(r, dev.keys[0]);
    X509_REQ_sign(r, dev.keys[0], EVP_sha256());
    PEM_write_bio_X509_REQ(b, r);
    X509_REQ_free(r);
    put(&d, "a.csr", keep_text(b));
    inspect(&d);
    expect_kinds(&d, 0, "certificate_request");
    expect_detail(&d, 0, "the CA made from it");
    drop_dispose(&d);
}

static void an_expired_certificate_is_a_set_that_fails(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "old",
        cert_pem(make_cert(&(struct cert_spec){.cn = "old",
                                               .key = dev.keys[0],
                                               .issuer = dev.ca,
                                               .issuer_key = dev.ca_key,
                                               .from_days = -20,
                                               .to_days = -10})));
    put(&d, "key", dev.pems[0]);
    put(&d, "root", dev.root);
    inspect(&d);
    expect_fail(&d, 0, "cert_expired");
    drop_dispose(&d);
}

/* ---- passwords ---- */

static void a_closed_key_is_told_of_where_its_name_says_that_it_belongs(void **state)
{
    (void)state;
    struct drop d = {.n = 0};
    put(&d, "b.key", key_pkcs8_encrypted(dev.keys[1]));
    put(&d, "a.crt", dev.certs[0]);
    put(&d, "a.key", key_pkcs8_encrypted(dev.keys[0]));
    put(&d, "b.crt", dev.certs[1]);
    put(&d, "root", dev.root);
    inspect(&d);
    expect_kinds(&d, 0, "encrypted_private_key");
    expect_detail(&d, 0, "password");
    expect_files(&d, 0, "1 2 4");
    expect_files(&d, 1, "3 0 4");
    expect_fail(&d, 0, "encrypted_key");
    assert_non_null(strstr(err_last()->detail, "a.key"));
    inspect_free(d.s);
    d.password = "secret";
    inspect(&d);
    expect_kinds(&d, 0, "private_key");
    expect_valid(&d, 0);
    expect_valid(&d, 1);
    drop_dispose(&d);
}

static void a_pkcs12_file_is_listed_by_what_is_in_it(void **state)
{
    (void)state;
    struct drop d = {.password = "wrong"};
    X509 *x = make_cert(&(struct cert_spec){
        .cn = "p12", .key = dev.keys[0], .issuer = dev.ca, .issuer_key = dev.ca_key});
    put(&d, "a.p12", pkcs12_of(dev.keys[0], x, dev.ca, "right"));
    inspect(&d);
    expect_kinds(&d, 0, "pkcs12");
    assert_int_equal(d.set_count, 0);
    expect_fail(&d, 0, "wrong_password");
    inspect_free(d.s);
    d.password = "right";
    inspect(&d);
    expect_kinds(&d, 0, "certificate ca_certificate private_key");
    expect_files(&d, 0, "0");
    expect_valid(&d, 0);
    drop_dispose(&d);
}

/* ---- many ---- */

static void fill(struct drop *d, size_t boards)
{
    static char names[3 * BOARDS][40];
    for (size_t i = 0; i < boards; i++) {
        EVP_PKEY *key = make_ec("P-256");
        snprintf(names[3 * i], 40, "240ac4%06zx.crt", i);
        snprintf(names[3 * i + 1], 40, "240ac4%06zx.key", i);
        snprintf(names[3 * i + 2], 40, "240ac4%06zx-root.pem", i);
        put(d, names[3 * i],
            cert_pem(make_cert(&(struct cert_spec){
                .cn = "dev", .key = key, .issuer = dev.ca, .issuer_key = dev.ca_key})));
        put(d, names[3 * i + 1], key_pkcs8(key));
        put(d, names[3 * i + 2], dev.root);
    }
}

static void the_files_of_250_boards_are_250_credentials(void **state)
{
    (void)state;
    static struct drop d;
    fill(&d, BOARDS);
    inspect(&d);
    assert_int_equal(d.set_count, BOARDS);
    for (size_t i = 0; i < BOARDS; i++) {
        char mac[MAC_TEXT];
        snprintf(mac, sizeof mac, "24:0a:c4:00:00:%02zx", i);
        assert_string_equal(d.sets[i].mac, mac);
        expect_valid(&d, i);
    }
    expect_unused(&d, "");
    drop_dispose(&d);
}

static void more_files_than_are_taken_are_refused_with_their_limit(void **state)
{
    (void)state;
    static struct drop d;
    for (size_t i = 0; i <= LIMIT_DROP_FILES; i++)
        put(&d, "root", dev.root);
    assert_int_equal(inspect_read(d.in, d.n, NULL, &d.s), ERR_TOO_LARGE);
    assert_null(d.s);
    assert_string_equal(err_last()->code, "too_many_files");
    assert_non_null(strstr(err_last()->detail, "1024"));
}

static void zips_share_one_room_to_unpack_in(void **state)
{
    (void)state;
    enum { FILES = LIMIT_DROP_BODY / LIMIT_PEM_BYTES / 2 + 1 };
    char names[FILES][8];
    struct entry files[FILES];
    const struct text file = bytes_of(' ', LIMIT_PEM_BYTES);
    struct drop d = {.n = 0};
    for (size_t i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        files[i] = (struct entry){names[i], file};
    }
    struct text zip = zip_of(files, FILES, false);
    put(&d, "1.zip", zip);
    put(&d, "2.zip", zip);
    inspect(&d);
    assert_int_equal(d.file_count, LIMIT_DROP_BODY / LIMIT_PEM_BYTES + 1);
    assert_string_equal(d.files[d.file_count - 1].name, "2.zip");
    expect_detail(&d, d.file_count - 1, "8388608 bytes");
    drop_dispose(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_two_boards_become_two_credentials_with_one_root),
        cmocka_unit_test(everything_in_one_file_is_one_credential),
        cmocka_unit_test(a_file_with_the_keys_of_all_boards_is_told_apart),
        cmocka_unit_test(a_set_is_found_by_its_fingerprint),
        cmocka_unit_test(each_copy_is_taken_from_the_folder_of_its_board),
        cmocka_unit_test(a_copy_is_neither_a_set_nor_unused),
        cmocka_unit_test(two_certificates_of_one_key_are_two_sets_that_say_so),
        cmocka_unit_test(only_the_chain_that_leads_up_from_it_is_in_a_set),
        cmocka_unit_test(a_ca_that_came_with_its_key_is_no_device),
        cmocka_unit_test(a_self_made_certificate_that_calls_itself_a_ca_is_a_device),
        cmocka_unit_test(the_mac_is_found_in_the_common_name_or_in_a_file_name),
        cmocka_unit_test(a_key_without_certificate_and_a_certificate_without_key_are_told),
        cmocka_unit_test(without_a_device_certificate_the_answer_is_that_of_validation),
        cmocka_unit_test(what_is_of_no_use_spoils_nothing),
        cmocka_unit_test(damage_beside_the_certificate_in_its_file_is_the_sets_own),
        cmocka_unit_test(a_request_is_called_one),
        cmocka_unit_test(an_expired_certificate_is_a_set_that_fails),
        cmocka_unit_test(a_closed_key_is_told_of_where_its_name_says_that_it_belongs),
        cmocka_unit_test(a_pkcs12_file_is_listed_by_what_is_in_it),
        cmocka_unit_test(the_files_of_250_boards_are_250_credentials),
        cmocka_unit_test(more_files_than_are_taken_are_refused_with_their_limit),
        cmocka_unit_test(zips_share_one_room_to_unpack_in),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
