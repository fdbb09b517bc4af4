/* The check against a real mosquitto that demands a client certificate. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "service/cloud/mqtt_check.h"
#include "tests/unit/cloud/fixture_mosquitto.h"

enum { TLS, PLAIN, EXPIRED, ELSEWHERE, LISTENERS };

static struct pki pki;
static struct mosquitto_broker broker;

static int setup(void **state)
{
    (void)state;
    pki_make(&pki);
    const struct identity *servers[LISTENERS] = {&pki.broker, NULL, &pki.expired_broker,
                                                 &pki.elsewhere_broker};
    broker_start(&broker, &pki.ca, servers, LISTENERS);
    return mqtt_check_global_init();
}

static int teardown(void **state)
{
    (void)state;
    mqtt_check_global_end();
    broker_end(&broker, LISTENERS);
    pki_drop(&pki);
    return 0;
}

static struct mqtt_check_args args_for(int listener)
{
    return (struct mqtt_check_args){
        .host = "localhost",
        .port = broker.ports[listener],
        .certificate_pem = pki.device.cert_pem,
        .key_pem = pki.device.key_pem,
        .root_ca_pem = pki.ca.cert_pem,
        .client_id = "espgate-check",
        .topic = "open/espgate",
        .qos = 1,
        .alpn = "",
        .username = "",
        .password = "",
        .tls = listener != PLAIN,
        .client_certificate = true,
        .verify_server = true,
        .until_stage = MQTT_STAGE_ECHO,
    };
}

static void assert_ok(const struct mqtt_check_args *args, struct mqtt_check_result *got)
{
    enum err e = mqtt_check_run(args, NULL, deadline_in_ms(60000), got);
    if (e) print_message("%s: %s\n", err_last()->code, err_last()->detail);
    assert_int_equal(e, ERR_OK);
}

static void assert_fails(const struct mqtt_check_args *args, int64_t limit_ms, enum err kind,
                         const char *code)
{
    struct mqtt_check_result got;
    enum err e = mqtt_check_run(args, NULL, deadline_in_ms(limit_ms), &got);
    if (e) print_message("  %s: %s\n", err_last()->code, err_last()->detail);
    assert_int_equal(e, kind);
    assert_string_equal(err_last()->code, code);
    assert_true(err_last()->detail[0]);
}

static void a_good_credential_goes_through_every_stage(void **state)
{
    (void)state;
    for (int qos = 0; qos < 2; qos++) {
        struct mqtt_check_args args = args_for(TLS);
        args.qos = qos;
        struct mqtt_check_result got;
        assert_ok(&args, &got);
        for (int s = 0; s < MQTT_STAGE_COUNT; s++)
            assert_in_range(got.stage_ms[s], 0, 60000);
        assert_string_equal(got.tls_version, "TLSv1.2");
        assert_string_equal(got.server_subject, "CN=broker");
        assert_true(got.cipher[0]);
        assert_string_equal(got.address, "127.0.0.1");
    }
}

static void plain_mqtt_has_no_tls_stage(void **state)
{
    (void)state;
    struct mqtt_check_args args = args_for(PLAIN);
    struct mqtt_check_result got;
    assert_ok(&args, &got);
    assert_int_equal(got.stage_ms[MQTT_STAGE_TLS], -1);
    assert_true(got.stage_ms[MQTT_STAGE_ECHO] >= 0);
    assert_string_equal(got.tls_version, "");
}

static void the_same_check_twice_works(void **state)
{
    (void)state;
    struct mqtt_check_args args = args_for(TLS);
    struct mqtt_check_result got;
    assert_ok(&args, &got);
    assert_ok(&args, &got);
}

static void server_and_client_certificates_are_judged(void **state)
{
    (void)state;
    struct mqtt_check_args args = args_for(TLS);
    args.root_ca_pem = pki.other_ca.cert_pem;
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tls_server_untrusted");
    args = args_for(EXPIRED);
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tls_server_expired");
    args = args_for(ELSEWHERE);
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tls_server_name");
    args = args_for(TLS);
    args.certificate_pem = pki.foreign_device.cert_pem;
    args.key_pem = pki.foreign_device.key_pem;
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tls_client_refused");
    args = args_for(TLS);
    args.client_certificate = false;
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tls_client_refused");
}

static void what_cannot_work_is_said_before_any_network(void **state)
{
    (void)state;
    const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct mqtt_check_args args = args_for(TLS);
    args.host = "192.0.2.1"; /* connecting there would take until the deadline */
    args.key_pem = pki.broker.key_pem;
    assert_fails(&args, 60000, ERR_CRYPTO, "key_mismatch");
    args.key_pem = "no key";
    assert_fails(&args, 60000, ERR_CRYPTO, "key_unreadable");
    args.certificate_pem = broken;
    assert_fails(&args, 60000, ERR_CRYPTO, "certificate_unusable");
    args.root_ca_pem = "";
    assert_fails(&args, 60000, ERR_CRYPTO, "root_ca_unreadable");
}

static void an_encrypted_key_is_refused_without_a_question(void **state)
{
    (void)state;
    char pem[PKI_PEM];
    BIO *b = BIO_new(BIO_s_mem());
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(b, pki.device.key, EVP_aes_128_cbc(), "pass", 4, NULL, NULL),
        1);
    pki_take_pem(b, pem);
    struct mqtt_check_args args = args_for(TLS);
    args.key_pem = pem;
    assert_fails(&args, 60000, ERR_CRYPTO, "key_unreadable");
}

static void arguments_without_sense_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct mqtt_check_args args = args_for(TLS);
        if (i == 0) args.host = "";
        if (i == 1) args.port = 0;
        if (i == 2) args.port = 65536;
        if (i == 3) args.client_id = "";
        if (i == 4) args.topic = "open/#";
        if (i == 5) args.topic = "";
        if (i == 6) args.qos = 2;
        if (i == 7) args.root_ca_pem = NULL;
        if (i == 8) args.key_pem = NULL;
        if (i == 9) args.keepalive_s = 70000;
        assert_fails(&args, 60000, ERR_ARG, "arg");
    }
}

static void closed_ports_and_unknown_hosts_are_told_apart(void **state)
{
    (void)state;
    struct mqtt_check_args args = args_for(TLS);
    args.port = free_port();
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tcp_refused");
    args.host = "broker.invalid";
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_dns_failed");
}

/* A full accept queue answers no SYN, as a firewall would. */
static void a_port_without_an_answer_is_a_timeout(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 0) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    int fill[4];
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&a, n);
    }
    struct mqtt_check_args args = args_for(TLS);
    args.host = "127.0.0.1";
    args.port = ntohs(a.sin_port);
    assert_fails(&args, 300, ERR_NETWORK, "mqtt_tcp_timeout");
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    close(fd);
}

static void tls_to_a_plain_port_and_plain_to_a_tls_port_fail(void **state)
{
    (void)state;
    struct mqtt_check_args args = args_for(TLS);
    args.port = broker.ports[PLAIN];
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_tls_failed");
    args = args_for(PLAIN);
    args.port = broker.ports[TLS];
    assert_fails(&args, 60000, ERR_NETWORK, "mqtt_dropped_connect");
}

/* mosquitto grants the subscription, acknowledges the message and delivers nothing. */
static void a_topic_that_the_acl_denies_gives_no_echo(void **state)
{
    (void)state;
    struct mqtt_check_args args = args_for(TLS);
    args.topic = "closed/espgate";
    assert_fails(&args, 1000, ERR_NETWORK, "mqtt_no_echo");
    args.until_stage = MQTT_STAGE_PUBLISH;
    struct mqtt_check_result got;
    assert_ok(&args, &got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_credential_goes_through_every_stage),
        cmocka_unit_test(plain_mqtt_has_no_tls_stage),
        cmocka_unit_test(the_same_check_twice_works),
        cmocka_unit_test(server_and_client_certificates_are_judged),
        cmocka_unit_test(what_cannot_work_is_said_before_any_network),
        cmocka_unit_test(an_encrypted_key_is_refused_without_a_question),
        cmocka_unit_test(arguments_without_sense_are_refused),
        cmocka_unit_test(closed_ports_and_unknown_hosts_are_told_apart),
        cmocka_unit_test(a_port_without_an_answer_is_a_timeout),
        cmocka_unit_test(tls_to_a_plain_port_and_plain_to_a_tls_port_fail),
        cmocka_unit_test(a_topic_that_the_acl_denies_gives_no_echo),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
