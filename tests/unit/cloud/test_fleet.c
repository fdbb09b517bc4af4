/* Fleet provisioning against a broker that answers, refuses, misbehaves or says nothing. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "service/cloud/fleet.h"
#include "service/cloud/mqtt_check.h"
#include "tests/unit/cloud/fixture_peer.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CERTIFICATE                                                                                \
    "{\"certificateId\":\"" ID "\",\"certificatePem\":\"-----BEGIN\","                             \
    "\"certificateOwnershipToken\":\"secret-token\",\"new\":true}"
#define THING "{\"deviceConfiguration\":{\"site\":\"x\"},\"thingName\":\"thing-1\"}"
#define REJECTED                                                                                   \
    "{\"statusCode\":400,\"errorCode\":\"InvalidParameters\",\"errorMessage\":\"no serial\"}"

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

/* What one exchange came to: the steps go on until one fails. */
struct outcome {
    enum err e;
    enum { OPEN, CREATE, REGISTER } step; /* the last that was tried */
    struct err_info why;
    char id[IOT_CERTIFICATE_ID], pem[64], token[64], thing[129], site[16];
};

static void run_steps(struct outcome *o, struct fleet *f, struct deadline until)
{
    struct iot_certificate certificate;
    struct buf token;
    buf_init_secret(&token, 4096);
    o->step = CREATE;
    o->e = fleet_create_certificate(f, "the request", until, &certificate, &token);
    snprintf(o->id, sizeof o->id, "%s", certificate.id);
    snprintf(o->pem, sizeof o->pem, "%s", certificate.pem ? certificate.pem : "");
    snprintf(o->token, sizeof o->token, "%s", buf_str(&token));
    iot_certificate_dispose(&certificate);
    if (!o->e) {
        json_t *configuration, *parameters = json_pack("{s:s}", "SerialNumber", "17");
        o->step = REGISTER;
        o->e = fleet_register(f, "Template_1", buf_str(&token), parameters, until, o->thing,
                              &configuration);
        const char *site = json_string_value(json_object_get(configuration, "site"));
        snprintf(o->site, sizeof o->site, "%s", site ? site : "");
        json_decref(configuration);
        json_decref(parameters);
    }
    buf_dispose(&token);
}

static struct outcome run(struct peer *peer, const struct identity *claim, const char *alpn,
                          struct cancel *cancel, long limit_ms)
{
    struct fleet_access access = {"localhost",     peer->port, claim->cert_pem, claim->key_pem,
                                  pki.ca.cert_pem, "claim-1",  alpn ? alpn : ""};
    struct outcome o = {.step = OPEN};
    struct fleet *f;
    struct deadline until = deadline_in_ms(limit_ms ? limit_ms : 60000);
    o.e = fleet_open(&access, cancel, until, &f);
    if (!o.e) run_steps(&o, f, until);
    if (o.e) o.why = *err_last();
    fleet_close(f);
    peer_stop(peer);
    return o;
}

static struct peer_script good(void)
{
    return (struct peer_script){
        .tls = &pki.broker,
        .client_ca = &pki.ca,
        .answers = {{"/accepted", CERTIFICATE, 0}, {"/accepted", THING, 0}}};
}

static void assert_message(const struct peer *p, const char *topic, const char *key,
                           const char *value)
{
    assert_string_equal(p->topic, topic);
    json_t *sent = json_loads(p->message, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(sent);
    assert_string_equal(json_string_value(json_object_get(sent, key)), value);
    json_decref(sent);
}

static void a_claim_becomes_a_certificate_and_a_thing(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct peer peer;
        struct peer_script script = good();
        script.echo_first = first; /* the answer may come before the PUBACK of the question */
        peer_start(&peer, &script);
        struct outcome o = run(&peer, &pki.device, "x-amzn-mqtt-ca", NULL, 0);
        assert_int_equal(o.e, ERR_OK);
        assert_string_equal(o.id, ID);
        assert_string_equal(o.pem, "-----BEGIN");
        assert_string_equal(o.token, "secret-token");
        assert_string_equal(o.thing, "thing-1");
        assert_string_equal(o.site, "x");
        assert_int_equal(peer.asked, 2);
        assert_int_equal(peer.disconnects, 1);
        assert_string_equal(peer.client_id, "claim-1");
        assert_string_equal(peer.alpn, "x-amzn-mqtt-ca");
        assert_message(&peer, "$aws/provisioning-templates/Template_1/provision/json",
                       "certificateOwnershipToken", "secret-token");
        assert_non_null(strstr(peer.message, "\"parameters\":{\"SerialNumber\":\"17\"}"));
    }
}

static void the_request_is_sent_as_it_is(void **state)
{
    (void)state;
    struct peer peer;
    struct peer_script script = good();
    script.answers[0].suffix = "/rejected";
    script.answers[0].text = REJECTED;
    peer_start(&peer, &script);
    struct outcome o = run(&peer, &pki.device, NULL, NULL, 0);
    assert_int_equal(o.step, CREATE);
    assert_string_equal(o.why.code, "claim_rejected");
    assert_string_equal(o.why.device, "InvalidParameters: no serial");
    assert_non_null(strstr(o.why.detail, "400"));
    assert_message(&peer, "$aws/certificates/create-from-csr/json", "certificateSigningRequest",
                   "the request");
}

static void what_is_too_much_is_asked_again(void **state)
{
    (void)state;
    const char *const words[] = {"{\"statusCode\":429,\"errorCode\":\"TooManyRequests\"}",
                                 "{\"statusCode\":400,\"errorCode\":\"Throttling\"}"};
    for (size_t i = 0; i < 2; i++) {
        struct peer peer;
        struct peer_script script = good();
        memmove(script.answers + 1, script.answers, 2 * sizeof *script.answers);
        script.answers[0].suffix = "/rejected";
        script.answers[0].text = words[i];
        peer_start(&peer, &script);
        struct outcome o = run(&peer, &pki.device, NULL, NULL, 0);
        assert_int_equal(o.e, ERR_OK);
        assert_int_equal(peer.asked, 3);
    }
}

static const struct {
    const char *title, *code;
    enum err kind;
    int step;
    enum { CLAIM, FOREIGN, STRANGER } who; /* STRANGER: the broker is one */
    long limit_ms;
    struct peer_script script;
} refusals[] = {
    {"a claim of another CA", "claim_refused", ERR_CLOUD, OPEN, FOREIGN, 0, {0}},
    {"dropped at CONNECT",
     "claim_refused",
     ERR_CLOUD,
     OPEN,
     CLAIM,
     0,
     {.close_at = PACKET_CONNECT}},
    {"CONNACK 5", "claim_refused", ERR_CLOUD, OPEN, CLAIM, 0, {.connack = 5}},
    {"a stranger's broker", "mqtt_tls_server_untrusted", ERR_NETWORK, OPEN, STRANGER, 0, {0}},
    {"mute at CONNECT",
     "mqtt_timeout",
     ERR_NETWORK,
     OPEN,
     CLAIM,
     2000,
     {.mute_at = PACKET_CONNECT}},
    {"dropped at SUBSCRIBE",
     "claim_refused",
     ERR_CLOUD,
     CREATE,
     CLAIM,
     0,
     {.close_at = PACKET_SUBSCRIBE}},
    {"SUBACK 0x80", "claim_refused", ERR_CLOUD, CREATE, CLAIM, 0, {.suback = 0x80}},
    {"no SUBACK", "mqtt_timeout", ERR_NETWORK, CREATE, CLAIM, 2000, {.mute_at = PACKET_SUBSCRIBE}},
    {"dropped at PUBLISH",
     "claim_refused",
     ERR_CLOUD,
     CREATE,
     CLAIM,
     0,
     {.close_at = PACKET_PUBLISH}},
    {"no PUBACK, no answer",
     "aws_outcome_unknown",
     ERR_TIMEOUT,
     CREATE,
     CLAIM,
     2000,
     {.mute_at = PACKET_PUBLISH}},
    {"PUBACK, no answer",
     "aws_outcome_unknown",
     ERR_TIMEOUT,
     CREATE,
     CLAIM,
     2000,
     {.no_echo = true}},
    {"PUBACK, then dropped",
     "aws_outcome_unknown",
     ERR_TIMEOUT,
     CREATE,
     CLAIM,
     0,
     {.no_echo = true, .close_after_puback = true}},
};

static void each_refusal_has_its_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        print_message("  %s\n", refusals[i].title);
        struct peer_script script = refusals[i].script;
        script.tls = refusals[i].who == STRANGER ? &pki.stranger_broker : &pki.broker;
        script.client_ca = &pki.ca;
        struct peer peer;
        peer_start(&peer, &script);
        const struct identity *claim =
            refusals[i].who == FOREIGN ? &pki.foreign_device : &pki.device;
        struct outcome o = run(&peer, claim, NULL, NULL, refusals[i].limit_ms);
        assert_string_equal(o.why.code, refusals[i].code);
        assert_int_equal(o.e, refusals[i].kind);
        assert_int_equal(o.step, refusals[i].step);
        assert_true(o.why.detail[0] && o.why.hint[0]);
        assert_string_equal(o.token, "");
    }
}

static void a_registration_without_an_answer_may_have_happened(void **state)
{
    (void)state;
    for (int drop = 0; drop < 2; drop++) {
        struct peer peer;
        struct peer_script script = good();
        script.answers[1].text = NULL;
        script.drop_second = drop;
        peer_start(&peer, &script);
        struct outcome o = run(&peer, &pki.device, NULL, NULL, drop ? 0 : 2000);
        assert_int_equal(o.step, REGISTER);
        assert_int_equal(o.e, ERR_TIMEOUT);
        assert_string_equal(o.why.code, "aws_outcome_unknown");
        assert_null(strstr(o.why.detail, "secret-token"));
    }
}

static char long_text[70000], long_name[400];

static const struct {
    const char *title, *first, *second;
} strange[] = {
    {"nothing", "", NULL},
    {"no JSON", "<html>", NULL},
    {"cut off", "{\"certificateId\":\"" ID "\"", NULL},
    {"a list", "[]", NULL},
    {"no members", "{}", NULL},
    {"a short id",
     "{\"certificateId\":\"ab\",\"certificatePem\":\"x\",\"certificateOwnershipToken\":\"x\"}",
     NULL},
    {"a path as its id",
     "{\"certificateId\":\"../456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef01\","
     "\"certificatePem\":\"x\",\"certificateOwnershipToken\":\"x\"}",
     NULL},
    {"no token", "{\"certificateId\":\"" ID "\",\"certificatePem\":\"x\"}", NULL},
    {"a number for a token",
     "{\"certificateId\":\"" ID "\",\"certificatePem\":\"x\",\"certificateOwnershipToken\":1}",
     NULL},
    {"one name twice", "{\"certificateId\":\"x\",\"certificateId\":\"y\"}", NULL},
    {"too long", long_text, NULL},
    {"no JSON for a thing", CERTIFICATE, "ok"},
    {"a thing of a long name", CERTIFICATE, long_name},
};

static void strange_answers_are_none_of_aws(void **state)
{
    (void)state;
    memset(long_text, ' ', sizeof long_text - 1);
    memset(long_name, 'x', sizeof long_name - 1);
    memcpy(long_name, "{\"thingName\":\"", strlen("{\"thingName\":\""));
    memcpy(long_name + sizeof long_name - 3, "\"}", 2);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        print_message("  %s\n", strange[i].title);
        struct peer_script script = good();
        script.answers[0].text = strange[i].first;
        script.answers[1].text = strange[i].second;
        struct peer peer;
        peer_start(&peer, &script);
        struct outcome o = run(&peer, &pki.device, NULL, NULL, 0);
        assert_int_equal(o.e, ERR_PROTOCOL);
        assert_string_equal(o.why.code, "aws_bad_answer");
        assert_int_equal(o.step, strange[i].second ? REGISTER : CREATE);
        assert_string_equal(o.thing, "");
    }
}

static void a_rejection_may_be_without_words(void **state)
{
    (void)state;
    struct peer_script script = good();
    script.answers[1].suffix = "/rejected";
    script.answers[1].text = "{}";
    struct peer peer;
    peer_start(&peer, &script);
    struct outcome o = run(&peer, &pki.device, NULL, NULL, 0);
    assert_int_equal(o.step, REGISTER);
    assert_int_equal(o.e, ERR_CLOUD);
    assert_string_equal(o.why.code, "claim_rejected");
}

static void what_else_is_said_is_not_listened_to(void **state)
{
    (void)state;
    struct peer_script script = good();
    script.answers[0].suffix = "/accepted/more";
    struct peer peer;
    peer_start(&peer, &script);
    struct outcome o = run(&peer, &pki.device, NULL, NULL, 2000);
    assert_string_equal(o.why.code, "aws_outcome_unknown");
}

static void a_name_of_a_template_cannot_reach_other_topics(void **state)
{
    (void)state;
    const char *const names[] = {"",  "a/b", "a+",
                                 "#", "t\n", "0123456789012345678901234567890123456"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct peer peer;
        struct peer_script script = good();
        peer_start(&peer, &script);
        struct fleet_access access = {
            "localhost", peer.port, pki.device.cert_pem, pki.device.key_pem, pki.ca.cert_pem,
            "claim-1",   ""};
        struct fleet *f;
        assert_int_equal(fleet_open(&access, NULL, deadline_in_ms(60000), &f), ERR_OK);
        char thing[129];
        assert_int_equal(
            fleet_register(f, names[i], "token", NULL, deadline_in_ms(60000), thing, NULL),
            ERR_ARG);
        fleet_close(f);
        peer_stop(&peer);
        assert_int_equal(peer.asked, 0);
    }
}

static void a_key_of_another_is_found_before_any_network(void **state)
{
    (void)state;
    struct fleet_access access = {
        "localhost", 1, pki.device.cert_pem, pki.broker.key_pem, pki.ca.cert_pem, "claim-1", ""};
    struct fleet *f;
    assert_int_equal(fleet_open(&access, NULL, deadline_in_ms(60000), &f), ERR_CRYPTO);
    assert_string_equal(err_last()->code, "key_mismatch");
    assert_null(f);
}

static void *raise_when_asked(void *arg)
{
    void **both = arg;
    struct peer *peer = both[0];
    while (!atomic_load(&peer->asked))
        cancel_wait(NULL, deadline_in_ms(1));
    cancel_raise(both[1]);
    return NULL;
}

static void a_cancel_ends_the_wait_for_an_answer(void **state)
{
    (void)state;
    struct peer peer;
    struct peer_script script = good();
    script.answers[0].text = NULL;
    script.no_echo = true;
    peer_start(&peer, &script);
    struct cancel cancel;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    void *both[] = {&peer, &cancel};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, raise_when_asked, both), 0);
    struct outcome o = run(&peer, &pki.device, NULL, &cancel, 0);
    pthread_join(thread, NULL);
    assert_int_equal(o.e, ERR_CANCELLED);
    assert_int_equal(o.step, CREATE);
    cancel_dispose(&cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_becomes_a_certificate_and_a_thing),
        cmocka_unit_test(the_request_is_sent_as_it_is),
        cmocka_unit_test(what_is_too_much_is_asked_again),
        cmocka_unit_test(each_refusal_has_its_code),
        cmocka_unit_test(a_registration_without_an_answer_may_have_happened),
        cmocka_unit_test(strange_answers_are_none_of_aws),
        cmocka_unit_test(a_rejection_may_be_without_words),
        cmocka_unit_test(what_else_is_said_is_not_listened_to),
        cmocka_unit_test(a_name_of_a_template_cannot_reach_other_topics),
        cmocka_unit_test(a_key_of_another_is_found_before_any_network),
        cmocka_unit_test(a_cancel_ends_the_wait_for_an_answer),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
