/* Every way in which a broker can say no, or nothing: which code the check gives, and after which
 * stage. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <fcntl.h>
#include <sys/resource.h>

#include "service/cloud/mqtt_check.h"
#include "tests/unit/cloud/fixture_peer.h"

static struct pki pki;

static int setup(void **state)
{
    (void)state;
    pki_make(&pki);
    return mqtt_check_global_init();
}

static int teardown(void **state)
{
    (void)state;
    mqtt_check_global_end();
    pki_drop(&pki);
    return 0;
}

static struct mqtt_check_args args_for(const struct peer *p)
{
    return (struct mqtt_check_args){
        .host = "localhost",
        .port = p->port,
        .certificate_pem = pki.device.cert_pem,
        .key_pem = pki.device.key_pem,
        .root_ca_pem = pki.ca.cert_pem,
        .client_id = "check-1",
        .topic = "t",
        .qos = 1,
        .tls = p->script.tls != NULL,
        .client_certificate = true,
        .verify_server = true,
        .until_stage = MQTT_STAGE_ECHO,
    };
}

static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                           "Connection: close\r\n\r\nThis is not what a web server is asked.\r\n";
static const char tls_none[] = "\x15\x03\x03\x00\x02\x02\x28"; /* alert 40 instead of ServerHello */

static const struct {
    const char *title, *code;
    enum mqtt_stage last; /* the last stage that ended well */
    enum { PLAIN, GOOD, STRANGER, EXPIRED, EARLY, ELSEWHERE } server;
    enum { DEVICE, FOREIGN, OLD, NONE } client;
    long limit_ms; /* 0: long enough never to matter */
    struct peer_script script;
} cases[] = {
    {"broker of another CA", "mqtt_tls_server_untrusted", MQTT_STAGE_TCP, STRANGER, DEVICE, 0, {0}},
    {"expired broker", "mqtt_tls_server_expired", MQTT_STAGE_TCP, EXPIRED, DEVICE, 0, {0}},
    {"broker of tomorrow", "mqtt_tls_server_expired", MQTT_STAGE_TCP, EARLY, DEVICE, 0, {0}},
    {"broker of another name", "mqtt_tls_server_name", MQTT_STAGE_TCP, ELSEWHERE, DEVICE, 0, {0}},
    {"device of another CA", "mqtt_tls_client_refused", MQTT_STAGE_TCP, GOOD, FOREIGN, 0, {0}},
    {"expired device", "mqtt_tls_client_refused", MQTT_STAGE_TCP, GOOD, OLD, 0, {0}},
    {"no certificate", "mqtt_tls_client_refused", MQTT_STAGE_TCP, GOOD, NONE, 0, {0}},
    {"TLS 1.3 only", "mqtt_tls_failed", MQTT_STAGE_TCP, GOOD, DEVICE, 0, {.tls13_only = true}},
    {"no common cipher",
     "mqtt_tls_failed",
     MQTT_STAGE_TCP,
     GOOD,
     DEVICE,
     0,
     {.says = tls_none, .says_bytes = sizeof tls_none - 1}},
    {"HTTP instead of TLS",
     "mqtt_tls_failed",
     MQTT_STAGE_TCP,
     GOOD,
     DEVICE,
     0,
     {.says = http, .says_bytes = sizeof http - 1}},
    {"reset in the handshake", "mqtt_tls_failed", MQTT_STAGE_TCP, GOOD, DEVICE, 0, {.reset = true}},
    {"mute instead of TLS", "mqtt_timeout", MQTT_STAGE_TCP, GOOD, DEVICE, 2000, {.mute = true}},
    {"mute", "mqtt_timeout", MQTT_STAGE_TCP, PLAIN, DEVICE, 2000, {.mute = true}},
    {"HTTP instead of MQTT",
     "mqtt_not_mqtt",
     MQTT_STAGE_TCP,
     PLAIN,
     DEVICE,
     0,
     {.says = http, .says_bytes = sizeof http - 1}},
    {"a short word instead of MQTT",
     "mqtt_not_mqtt",
     MQTT_STAGE_TCP,
     PLAIN,
     DEVICE,
     0,
     {.says = "220 hi\r\n", .says_bytes = 8}},
    {"reset", "mqtt_dropped_connect", MQTT_STAGE_TCP, PLAIN, DEVICE, 0, {.reset = true}},
    {"gone after the knock",
     "mqtt_dropped_connect",
     MQTT_STAGE_TCP,
     PLAIN,
     DEVICE,
     0,
     {.late_ms = 200, .vanishes = true}},
    {"gone before TLS",
     "mqtt_tls_failed",
     MQTT_STAGE_TCP,
     GOOD,
     DEVICE,
     0,
     {.late_ms = 200, .vanishes = true}},
    {"CONNACK 1", "mqtt_connack_1", MQTT_STAGE_TLS, GOOD, DEVICE, 0, {.connack = 1}},
    {"CONNACK 5", "mqtt_connack_5", MQTT_STAGE_TLS, GOOD, DEVICE, 0, {.connack = 5}},
    {"CONNACK 7", "mqtt_connack_7", MQTT_STAGE_TLS, GOOD, DEVICE, 0, {.connack = 7}},
    {"CONNACK 9", "mqtt_connack_9", MQTT_STAGE_TLS, GOOD, DEVICE, 0, {.connack = 9}},
    {"CONNACK 5, plain", "mqtt_connack_5", MQTT_STAGE_TCP, PLAIN, DEVICE, 0, {.connack = 5}},
    {"dropped at CONNECT",
     "mqtt_dropped_connect",
     MQTT_STAGE_TLS,
     GOOD,
     DEVICE,
     0,
     {.close_at = PACKET_CONNECT}},
    {"dropped at SUBSCRIBE",
     "mqtt_dropped_subscribe",
     MQTT_STAGE_CONNECT,
     GOOD,
     DEVICE,
     0,
     {.close_at = PACKET_SUBSCRIBE}},
    {"dropped at PUBLISH",
     "mqtt_dropped_publish",
     MQTT_STAGE_SUBSCRIBE,
     GOOD,
     DEVICE,
     0,
     {.close_at = PACKET_PUBLISH}},
    {"no CONNACK", "mqtt_timeout", MQTT_STAGE_TLS, GOOD, DEVICE, 2000, {.mute_at = PACKET_CONNECT}},
    {"no SUBACK",
     "mqtt_timeout",
     MQTT_STAGE_CONNECT,
     GOOD,
     DEVICE,
     2000,
     {.mute_at = PACKET_SUBSCRIBE}},
    {"no PUBACK",
     "mqtt_timeout",
     MQTT_STAGE_SUBSCRIBE,
     GOOD,
     DEVICE,
     2000,
     {.mute_at = PACKET_PUBLISH}},
    {"SUBACK 0x80",
     "mqtt_subscribe_refused",
     MQTT_STAGE_CONNECT,
     GOOD,
     DEVICE,
     0,
     {.suback = 0x80}},
    {"no echo", "mqtt_no_echo", MQTT_STAGE_PUBLISH, GOOD, DEVICE, 2000, {.no_echo = true}},
    {"only another's message",
     "mqtt_no_echo",
     MQTT_STAGE_PUBLISH,
     GOOD,
     DEVICE,
     2000,
     {.no_echo = true, .message_of_another = true}},
};

static const struct identity *server_of(size_t i)
{
    const struct identity *const all[] = {NULL,
                                          &pki.broker,
                                          &pki.stranger_broker,
                                          &pki.expired_broker,
                                          &pki.early_broker,
                                          &pki.elsewhere_broker};
    return all[cases[i].server];
}

static void give_client(size_t i, struct mqtt_check_args *a)
{
    const struct identity *const all[] = {&pki.device, &pki.foreign_device, &pki.expired_device};
    a->client_certificate = cases[i].client != NONE;
    if (!a->client_certificate) return;
    a->certificate_pem = all[cases[i].client]->cert_pem;
    a->key_pem = all[cases[i].client]->key_pem;
}

static void each_refusal_has_its_code_and_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("  %s\n", cases[i].title); /* names the culprit in the log */
        struct peer_script script = cases[i].script;
        script.tls = server_of(i);
        script.client_ca = script.tls ? &pki.ca : NULL;
        struct peer peer;
        peer_start(&peer, &script);
        struct mqtt_check_args args = args_for(&peer);
        give_client(i, &args);
        struct mqtt_check_result got;
        struct deadline until = deadline_in_ms(cases[i].limit_ms ? cases[i].limit_ms : 60000);
        enum err e = mqtt_check_run(&args, NULL, until, &got);
        const struct err_info *why = err_last();
        assert_int_equal(e, ERR_NETWORK);
        assert_string_equal(why->code, cases[i].code);
        assert_true(why->detail[0] && why->hint[0]);
        for (int s = 0; s < MQTT_STAGE_COUNT; s++) {
            bool plain_tls = s == MQTT_STAGE_TLS && !args.tls;
            bool ended = s <= (int)cases[i].last && !plain_tls;
            assert_int_equal(got.stage_ms[s] >= 0, ended);
        }
        peer_stop(&peer);
        assert_in_range(peer.connects, 0, 1);
    }
}

static struct mqtt_check_result failure_of(const struct peer_script *script,
                                           const struct identity *client,
                                           const struct identity *root)
{
    struct peer peer;
    peer_start(&peer, script);
    struct mqtt_check_args args = args_for(&peer);
    args.certificate_pem = client->cert_pem;
    args.key_pem = client->key_pem;
    args.root_ca_pem = root->cert_pem;
    struct mqtt_check_result got;
    assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_NETWORK);
    peer_stop(&peer);
    return got;
}

static void what_was_seen_of_a_failed_handshake_is_told(void **state)
{
    (void)state;
    const struct peer_script early = {.tls = &pki.early_broker, .client_ca = &pki.ca};
    struct mqtt_check_result r = failure_of(&early, &pki.device, &pki.ca);
    assert_true(r.hello_received && r.not_yet_valid && !r.of_a_ca && !r.self_signed);
    assert_false(r.certificate_sent);

    const struct peer_script old = {.tls = &pki.expired_broker, .client_ca = &pki.ca};
    r = failure_of(&old, &pki.device, &pki.ca);
    assert_true(!r.not_yet_valid && !r.of_a_ca && !r.self_signed);

    /* its own issuer, and not the root that was given */
    const struct peer_script alone = {.tls = &pki.ca, .client_ca = &pki.ca};
    r = failure_of(&alone, &pki.device, &pki.other_ca);
    assert_true(r.self_signed);

    const struct peer_script good = {.tls = &pki.broker, .client_ca = &pki.ca};
    r = failure_of(&good, &pki.foreign_device, &pki.ca);
    assert_true(r.certificate_sent && r.hello_received && r.alert > 0);

    const struct peer_script newer = {.tls = &pki.broker, .client_ca = &pki.ca, .tls13_only = true};
    r = failure_of(&newer, &pki.device, &pki.ca);
    assert_int_equal(r.alert, 70);
    assert_false(r.hello_received);

    const struct peer_script web = {
        .tls = &pki.broker, .says = http, .says_bytes = sizeof http - 1};
    r = failure_of(&web, &pki.device, &pki.ca);
    assert_int_equal(r.alert, -1);
    assert_false(r.hello_received);
}

static void a_name_can_be_ignored_and_a_certificate_not(void **state)
{
    (void)state;
    for (int trusted = 0; trusted < 2; trusted++) {
        struct peer peer;
        const struct identity *server = trusted ? &pki.elsewhere_broker : &pki.stranger_broker;
        peer_start(&peer, &(struct peer_script){.tls = server, .client_ca = &pki.ca});
        struct mqtt_check_args args = args_for(&peer);
        args.ignore_name = true;
        struct mqtt_check_result got;
        enum err e = mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got);
        assert_int_equal(e, trusted ? ERR_OK : ERR_NETWORK);
        if (e) assert_string_equal(err_last()->code, "mqtt_tls_server_untrusted");
        peer_stop(&peer);
    }
}

static void check_ok(const struct peer_script *script, int qos, struct peer *peer)
{
    peer_start(peer, script);
    struct mqtt_check_args args = args_for(peer);
    args.qos = qos;
    args.alpn = script->tls ? "x-amzn-mqtt-ca" : "";
    args.username = "someone";
    args.password = "secret";
    struct mqtt_check_result got;
    enum err e = mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got);
    if (e) print_message("%s: %s\n", err_last()->code, err_last()->detail);
    assert_int_equal(e, ERR_OK);
    peer_stop(peer);
    assert_int_equal(peer->connects, 1);
    assert_int_equal(peer->disconnects, 1);
    assert_string_equal(peer->client_id, "check-1");
    assert_string_equal(peer->user, "someone");
    assert_string_equal(peer->password, "secret");
}

static void the_echo_may_come_before_or_after_puback_and_among_others(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        struct peer peer;
        const struct peer_script script = {.tls = i & 4 ? &pki.broker : NULL,
                                           .client_ca = &pki.ca,
                                           .echo_first = i & 1,
                                           .message_of_another = i & 2};
        check_ok(&script, 1, &peer);
    }
}

static void a_connection_may_take_its_time(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        struct peer peer;
        check_ok(&(struct peer_script){.tls = tls ? &pki.broker : NULL, .late_ms = 200}, 1, &peer);
    }
}

static void qos_0_needs_no_puback(void **state)
{
    (void)state;
    struct peer peer;
    check_ok(&(struct peer_script){.message_of_another = true}, 0, &peer);
}

static void the_server_name_and_alpn_are_sent(void **state)
{
    (void)state;
    struct peer peer;
    check_ok(&(struct peer_script){.tls = &pki.broker, .client_ca = &pki.ca}, 1, &peer);
    assert_string_equal(peer.server_name, "localhost");
    assert_string_equal(peer.alpn, "x-amzn-mqtt-ca");
}

static void an_address_is_checked_against_the_certificate_and_not_sent_as_a_name(void **state)
{
    (void)state;
    struct peer peer;
    peer_start(&peer, &(struct peer_script){.tls = &pki.broker, .client_ca = &pki.ca});
    struct mqtt_check_args args = args_for(&peer);
    args.host = "127.0.0.1";
    struct mqtt_check_result got;
    assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_OK);
    assert_string_equal(got.address, "127.0.0.1");
    peer_stop(&peer);
    assert_string_equal(peer.server_name, "");

    peer_start(&peer, &(struct peer_script){.tls = &pki.elsewhere_broker});
    args.port = peer.port;
    assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_NETWORK);
    assert_string_equal(err_last()->code, "mqtt_tls_server_name");
    peer_stop(&peer);
}

static void a_server_name_of_its_own_is_sent_and_checked(void **state)
{
    (void)state;
    struct peer peer;
    peer_start(&peer, &(struct peer_script){.tls = &pki.elsewhere_broker, .client_ca = &pki.ca});
    struct mqtt_check_args args = args_for(&peer);
    args.host = "127.0.0.1";
    args.sni = "broker.example";
    struct mqtt_check_result got;
    assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_OK);
    peer_stop(&peer);
    assert_string_equal(peer.server_name, "broker.example");
}

static void schemes_without_verification_take_any_server(void **state)
{
    (void)state;
    struct peer peer;
    peer_start(&peer, &(struct peer_script){.tls = &pki.stranger_broker, .client_ca = &pki.ca});
    struct mqtt_check_args args = args_for(&peer);
    args.verify_server = false;
    args.root_ca_pem = NULL;
    struct mqtt_check_result got;
    assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_OK);
    peer_stop(&peer);
}

static void the_chain_is_sent_after_the_leaf(void **state)
{
    (void)state;
    char chain[2 * PKI_PEM];
    snprintf(chain, sizeof chain, "%s%s", pki.chained_device.cert_pem, pki.intermediate.cert_pem);
    for (int with_chain = 0; with_chain < 2; with_chain++) {
        struct peer peer;
        peer_start(&peer, &(struct peer_script){.tls = &pki.broker, .client_ca = &pki.ca});
        struct mqtt_check_args args = args_for(&peer);
        args.certificate_pem = with_chain ? chain : pki.chained_device.cert_pem;
        args.key_pem = pki.chained_device.key_pem;
        struct mqtt_check_result got;
        enum err e = mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got);
        assert_int_equal(e, with_chain ? ERR_OK : ERR_NETWORK);
        if (e) assert_string_equal(err_last()->code, "mqtt_tls_client_refused");
        peer_stop(&peer);
    }
}

static void a_check_ends_after_the_stage_that_was_asked_for(void **state)
{
    (void)state;
    for (unsigned last = 0; last < MQTT_STAGE_COUNT; last++) {
        struct peer peer;
        /* An echo on its way to a client that has gone would cost the peer its last word. */
        const struct peer_script script = {
            .tls = &pki.broker, .client_ca = &pki.ca, .no_echo = last < MQTT_STAGE_ECHO};
        peer_start(&peer, &script);
        struct mqtt_check_args args = args_for(&peer);
        args.until_stage = (enum mqtt_stage)last;
        struct mqtt_check_result got;
        assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_OK);
        for (unsigned s = 0; s < MQTT_STAGE_COUNT; s++)
            assert_int_equal(got.stage_ms[s] >= 0, s <= last);
        peer_stop(&peer);
        assert_int_equal(peer.disconnects, last >= MQTT_STAGE_CONNECT);
    }
}

static void descriptors_over_1024_do_not_matter(void **state)
{
    (void)state;
    struct rlimit was, more;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    more = was;
    if (more.rlim_cur < 2048) more.rlim_cur = more.rlim_max < 2048 ? more.rlim_max : 2048;
    setrlimit(RLIMIT_NOFILE, &more);
    struct peer peer;
    peer_start(&peer, &(struct peer_script){.tls = &pki.broker, .client_ca = &pki.ca});
    int held[1100], n = 0;
    for (; n < 1100; n++) {
        held[n] = dup(peer.fd);
        assert_true(held[n] >= 0);
        if (held[n] > 1050) break;
    }
    struct mqtt_check_args args = args_for(&peer);
    struct mqtt_check_result got;
    assert_int_equal(mqtt_check_run(&args, NULL, deadline_in_ms(60000), &got), ERR_OK);
    for (int i = 0; i <= n && i < 1100; i++)
        close(held[i]);
    peer_stop(&peer);
    setrlimit(RLIMIT_NOFILE, &was);
}

struct raiser {
    struct cancel *cancel;
    struct deadline at;
    int64_t raised_ns;
};

static void *raise_later(void *arg)
{
    struct raiser *r = arg;
    cancel_wait(NULL, r->at);
    r->raised_ns = deadline_now_ns();
    cancel_raise(r->cancel);
    return NULL;
}

static void a_cancel_is_seen_at_once(void **state)
{
    (void)state;
    const struct peer_script scripts[] = {
        {.mute = true}, {.tls = &pki.broker, .mute = true}, {.mute_at = PACKET_SUBSCRIBE}};
    for (size_t i = 0; i < 3; i++) {
        struct peer peer;
        peer_start(&peer, &scripts[i]);
        struct cancel cancel;
        assert_int_equal(cancel_init(&cancel), ERR_OK);
        struct raiser r = {.cancel = &cancel, .at = deadline_in_ms(100)};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, raise_later, &r), 0);
        struct mqtt_check_args args = args_for(&peer);
        struct mqtt_check_result got;
        enum err e = mqtt_check_run(&args, &cancel, deadline_in_ms(60000), &got);
        int64_t ended_ns = deadline_now_ns();
        pthread_join(thread, NULL);
        assert_int_equal(e, ERR_CANCELLED);
        /* Not by its stage's end, which would be 10 s. */
        assert_true(ended_ns - r.raised_ns < 5000000000);
        cancel_dispose(&cancel);
        peer_stop(&peer);
    }
}

static void a_raised_cancel_ends_it_before_any_network(void **state)
{
    (void)state;
    struct cancel cancel;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    cancel_raise(&cancel);
    struct peer peer;
    peer_start(&peer, &(struct peer_script){0});
    struct mqtt_check_args args = args_for(&peer);
    struct mqtt_check_result got;
    assert_int_equal(mqtt_check_run(&args, &cancel, deadline_in_ms(60000), &got), ERR_CANCELLED);
    assert_int_equal(got.stage_ms[MQTT_STAGE_DNS], -1);
    peer_stop(&peer);
    cancel_dispose(&cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_has_its_code_and_stage),
        cmocka_unit_test(what_was_seen_of_a_failed_handshake_is_told),
        cmocka_unit_test(a_name_can_be_ignored_and_a_certificate_not),
        cmocka_unit_test(the_echo_may_come_before_or_after_puback_and_among_others),
        cmocka_unit_test(a_connection_may_take_its_time),
        cmocka_unit_test(qos_0_needs_no_puback),
        cmocka_unit_test(the_server_name_and_alpn_are_sent),
        cmocka_unit_test(an_address_is_checked_against_the_certificate_and_not_sent_as_a_name),
        cmocka_unit_test(a_server_name_of_its_own_is_sent_and_checked),
        cmocka_unit_test(schemes_without_verification_take_any_server),
        cmocka_unit_test(the_chain_is_sent_after_the_leaf),
        cmocka_unit_test(a_check_ends_after_the_stage_that_was_asked_for),
        cmocka_unit_test(descriptors_over_1024_do_not_matter),
        cmocka_unit_test(a_cancel_is_seen_at_once),
        cmocka_unit_test(a_raised_cancel_ends_it_before_any_network),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
