/* Against TLS servers with RSA and with ECDSA certificates, and servers that are none. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <signal.h>
#include <stdlib.h>

#include "service/cloud/iot_roots.h"
#include "service/cloud/resolve.h"
#include "tests/unit/cloud/fixture_peer.h"
#include "tests/unit/cloud/fixture_pki.h"

enum { LONG_MS = 60000 };

/* Two authorities, as AWS has them, and what they issued. */
static struct {
    struct identity rsa_root, rsa_server, ec_root, ec_server;
    struct identity middle, middle_server, crossed_server;
    struct identity far_server, old_server, stranger;
    char both_roots[2 * PKI_PEM];
} p;

static int setup(void **state)
{
    (void)state;
    const char here[] = "DNS:localhost,IP:127.0.0.1";
    const long day = PKI_DAY_S;
    const struct {
        struct identity *id;
        struct identity_spec spec;
        bool rsa;
    } all[] = {
        {&p.rsa_root, {"root of RSA", NULL, NULL, -day, day, true}, true},
        {&p.rsa_server, {"server", here, &p.rsa_root, -day, day, false}, true},
        {&p.ec_root, {"root of EC", NULL, NULL, -day, day, true}, false},
        {&p.ec_server, {"server", here, &p.ec_root, -day, day, false}, false},
        {&p.middle, {"middle", NULL, &p.rsa_root, -day, day, true}, true},
        {&p.middle_server, {"server", here, &p.middle, -day, day, false}, true},
        {&p.crossed_server, {"server", here, &p.rsa_root, -day, day, false}, false},
        {&p.far_server, {"server", "DNS:far.example", &p.ec_root, -day, day, false}, false},
        {&p.old_server, {"server", here, &p.ec_root, -2 * day, -day, false}, false},
        {&p.stranger, {"stranger", here, NULL, -day, day, false}, false},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        EVP_PKEY *key = all[i].rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
        identity_issue(all[i].id, &all[i].spec, key);
    }
    snprintf(p.both_roots, sizeof p.both_roots, "%s%s", p.rsa_root.cert_pem, p.ec_root.cert_pem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct identity *all[] = {&p.rsa_root,       &p.rsa_server,    &p.ec_root,    &p.ec_server,
                              &p.middle,         &p.middle_server, &p.far_server, &p.old_server,
                              &p.crossed_server, &p.stranger};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        identity_drop(all[i]);
    resolve_end();
    return 0;
}

/* What is found at such a server. @param trusted  NULL = the system's */
static enum err find(const struct peer_script *script, const char *trusted, long within_ms,
                     struct buf *out)
{
    struct peer server;
    peer_start(&server, script);
    buf_init(out, 16 * 1024);
    enum err e =
        iot_roots_find("localhost", server.port, trusted, NULL, deadline_in_ms(within_ms), out);
    peer_stop(&server);
    if (script->tls && !e) assert_string_equal(server.server_name, "localhost");
    return e;
}

static void expect(const struct peer_script *script, const char *roots)
{
    struct buf found;
    assert_int_equal(find(script, p.both_roots, LONG_MS, &found), ERR_OK);
    assert_string_equal(buf_str(&found), roots);
    buf_dispose(&found);
}

static void refuse(const struct peer_script *script, const char *trusted, const char *code,
                   const char *word)
{
    struct buf found;
    assert_int_equal(find(script, trusted, LONG_MS, &found), ERR_NETWORK);
    assert_string_equal(err_last()->code, code);
    if (!strstr(err_last()->detail, word)) fail_msg("%s", err_last()->detail);
    assert_true(err_last()->hint[0]);
    assert_int_equal(found.len, 0);
    buf_dispose(&found);
}

static void each_kind_of_certificate_leads_to_its_root(void **state)
{
    (void)state;
    expect(&(struct peer_script){.tls = &p.rsa_server}, p.rsa_root.cert_pem);
    expect(&(struct peer_script){.tls = &p.ec_server}, p.ec_root.cert_pem);
}

static void a_board_may_agree_upon_either_of_two(void **state)
{
    (void)state;
    expect(&(struct peer_script){.tls = &p.rsa_server, .also = &p.ec_server}, p.both_roots);
    expect(&(struct peer_script){.tls = &p.rsa_server, .also = &p.crossed_server},
           p.rsa_root.cert_pem);
}

static void it_is_the_root_and_not_what_lies_between(void **state)
{
    (void)state;
    expect(&(struct peer_script){.tls = &p.middle_server, .middle = &p.middle},
           p.rsa_root.cert_pem);
}

static void no_certificate_of_ours_is_needed(void **state)
{
    (void)state;
    const struct peer_script wants_one = {
        .tls = &p.rsa_server, .also = &p.ec_server, .client_ca = &p.ec_root};
    struct peer server;
    struct buf found;
    peer_start(&server, &wants_one);
    buf_init(&found, 16 * 1024);
    assert_int_equal(iot_roots_find("localhost", server.port, p.both_roots, NULL,
                                    deadline_in_ms(LONG_MS), &found),
                     ERR_OK);
    peer_stop(&server);
    assert_string_equal(buf_str(&found), p.both_roots);
    buf_dispose(&found);
}

static void the_systems_authorities_serve_when_none_is_named(void **state)
{
    (void)state;
    char path[] = "/tmp/roots-XXXXXX";
    int fd = mkstemp(path);
    size_t n = strlen(p.ec_root.cert_pem);
    assert_true(fd >= 0 && write(fd, p.ec_root.cert_pem, n) == (ssize_t)n);
    close(fd);
    setenv("SSL_CERT_FILE", path, 1);
    struct buf found;
    assert_int_equal(find(&(struct peer_script){.tls = &p.ec_server}, NULL, LONG_MS, &found),
                     ERR_OK);
    assert_string_equal(buf_str(&found), p.ec_root.cert_pem);
    buf_dispose(&found);
    refuse(&(struct peer_script){.tls = &p.rsa_server}, NULL, "endpoint_untrusted", "trusted");
    unsetenv("SSL_CERT_FILE");
    unlink(path);
}

static void who_is_not_trusted_is_named_so(void **state)
{
    (void)state;
    const char untrusted[] = "endpoint_untrusted";
    const struct peer_script stranger = {.tls = &p.stranger};
    const struct peer_script far = {.tls = &p.far_server}, old = {.tls = &p.old_server};
    const struct peer_script half = {.tls = &p.rsa_server, .also = &p.ec_server};
    refuse(&stranger, p.both_roots, untrusted, "self-signed");
    refuse(&far, p.both_roots, untrusted, "hostname mismatch");
    refuse(&old, p.both_roots, untrusted, "expired");
    /* A board would take whichever it prefers, so half is not enough. */
    refuse(&half, p.rsa_root.cert_pem, untrusted, "trusted");
    refuse(&half, p.ec_root.cert_pem, untrusted, "trusted");
}

static void who_is_no_tls_server_is_named_so(void **state)
{
    (void)state;
    const char unreachable[] = "endpoint_unreachable";
    const struct peer_script talker = {.says = "HTTP/1.0 400\r\n\r\n", .says_bytes = 16};
    const struct peer_script newest = {.tls = &p.ec_server, .tls13_only = true};
    refuse(&talker, p.both_roots, unreachable, "TLS 1.2");
    refuse(&(struct peer_script){.reset = true}, p.both_roots, unreachable, "TLS 1.2");
    refuse(&newest, p.both_roots, unreachable, "protocol version");
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    struct peer server;
    struct buf found;
    peer_start(&server, &(struct peer_script){0});
    peer_stop(&server);
    buf_init(&found, 16 * 1024);
    assert_int_equal(iot_roots_find("localhost", server.port, p.both_roots, NULL,
                                    deadline_in_ms(LONG_MS), &found),
                     ERR_NETWORK);
    assert_string_equal(err_last()->code, "endpoint_unreachable");
    assert_int_equal(iot_roots_find("", 8883, p.both_roots, NULL, deadline_in_ms(LONG_MS), &found),
                     ERR_NETWORK);
    assert_string_equal(err_last()->code, "endpoint_unreachable");
    assert_int_equal(iot_roots_find("localhost", server.port, "no certificate", NULL,
                                    deadline_in_ms(LONG_MS), &found),
                     ERR_CRYPTO);
    buf_dispose(&found);
}

static void silence_ends_with_the_time(void **state)
{
    (void)state;
    struct buf found;
    int64_t begun = deadline_now_ns();
    assert_int_equal(find(&(struct peer_script){.mute = true}, p.both_roots, 200, &found),
                     ERR_NETWORK);
    assert_string_equal(err_last()->code, "endpoint_unreachable");
    assert_in_range((deadline_now_ns() - begun) / 1000000, 190, 5000);
    buf_dispose(&found);
}

static void *raise_it(void *arg)
{
    cancel_raise(arg);
    return NULL;
}

static void silence_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    struct peer server;
    struct cancel cancel;
    struct buf found;
    pthread_t other;
    peer_start(&server, &(struct peer_script){.mute = true});
    buf_init(&found, 16 * 1024);
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    assert_int_equal(pthread_create(&other, NULL, raise_it, &cancel), 0);
    assert_int_equal(iot_roots_find("localhost", server.port, p.both_roots, &cancel,
                                    deadline_in_ms(LONG_MS), &found),
                     ERR_CANCELLED);
    pthread_join(other, NULL);
    cancel_dispose(&cancel);
    buf_dispose(&found);
    peer_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_certificate_leads_to_its_root),
        cmocka_unit_test(a_board_may_agree_upon_either_of_two),
        cmocka_unit_test(it_is_the_root_and_not_what_lies_between),
        cmocka_unit_test(no_certificate_of_ours_is_needed),
        cmocka_unit_test(the_systems_authorities_serve_when_none_is_named),
        cmocka_unit_test(who_is_not_trusted_is_named_so),
        cmocka_unit_test(who_is_no_tls_server_is_named_so),
        cmocka_unit_test(nobody_there_is_an_error),
        cmocka_unit_test(silence_ends_with_the_time),
        cmocka_unit_test(silence_ends_when_it_is_cancelled),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, setup, teardown);
}
