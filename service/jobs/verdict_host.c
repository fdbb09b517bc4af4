#include "service/jobs/verdict_host.h"

#include <string.h>

/* How far the host came: all stages before this one went well. */
static enum mqtt_stage host_stage(const struct check_evidence *e)
{
    unsigned last = 0;
    for (unsigned i = 0; i < MQTT_STAGE_COUNT; i++)
        if (e->check_by_host.result.stage_ms[i] >= 0) last = i + 1;
    if (last == MQTT_STAGE_TLS && e->scheme == 1) last = MQTT_STAGE_CONNECT;
    return (enum mqtt_stage)last;
}

bool host_passed(const struct check_evidence *e, enum mqtt_stage stage)
{
    return e->check_by_host.ran && e->check_by_host.result.stage_ms[stage] >= 0;
}

bool host_was_lost(const struct check_evidence *e)
{
    const char *code = e->check_by_host.code;
    return host_failed(e) &&
           (strncmp(code, "mqtt_dns_", 9) == 0 || strncmp(code, "mqtt_tcp_", 9) == 0);
}

bool host_failed(const struct check_evidence *e)
{
    return e->check_by_host.ran && e->check_by_host.code[0];
}

enum verdict_code host_untrusted(const struct check_evidence *e)
{
    if (e->check_by_host.result.self_signed) return VERDICT_BROKER_CERTIFICATE_UNTRUSTED;
    return e->credential.from_board ? VERDICT_BOARD_ROOT_CA_WRONG : VERDICT_ROOT_CA_WRONG;
}

static enum verdict_code out_of_date(const struct check_evidence *e)
{
    if (e->check_by_host.result.of_a_ca) return VERDICT_ROOT_CA_EXPIRED;
    return e->check_by_host.result.not_yet_valid ? VERDICT_BROKER_CERTIFICATE_NOT_YET_VALID
                                                 : VERDICT_BROKER_CERTIFICATE_EXPIRED;
}

enum verdict_code host_refused_certificate(const struct check_evidence *e)
{
    if (!check_uses_part(e->scheme, CREDENTIAL_CERTIFICATE)) return VERDICT_CERTIFICATE_REQUIRED;
    if (e->credential.known && e->credential.now_s > e->credential.not_after_s)
        return VERDICT_CERTIFICATE_EXPIRED;
    if (e->credential.known && e->credential.now_s < e->credential.not_before_s)
        return VERDICT_CERTIFICATE_NOT_YET_VALID;
    return VERDICT_CERTIFICATE_REFUSED;
}

static enum verdict_code tls_failed(const struct check_evidence *e)
{
    enum { PROTOCOL_VERSION = 70, UNRECOGNIZED_NAME = 112, NO_APPLICATION_PROTOCOL = 120 };
    const struct mqtt_check_result *r = &e->check_by_host.result;
    if (r->alert == PROTOCOL_VERSION) return VERDICT_BROKER_TLS_VERSION;
    if (r->alert == UNRECOGNIZED_NAME) return VERDICT_BROKER_NAME_REFUSED;
    if (r->alert == NO_APPLICATION_PROTOCOL) return VERDICT_BROKER_ALPN;
    if (r->alert >= 0) return VERDICT_BROKER_TLS_REFUSED;
    if (r->certificate_sent) return host_refused_certificate(e);
    return r->hello_received ? VERDICT_BROKER_TLS_REFUSED : VERDICT_BROKER_NOT_TLS;
}

static enum verdict_code dropped_connect(const struct check_evidence *e)
{
    if (e->check_by_host.speaks_tls) return VERDICT_BROKER_NEEDS_TLS;
    return check_uses_part(e->scheme, CREDENTIAL_CERTIFICATE) ? VERDICT_CONNECT_DENIED
                                                              : VERDICT_BROKER_HANGS_UP;
}

static enum verdict_code not_mqtt(const struct check_evidence *e)
{
    return e->check_by_host.speaks_tls ? VERDICT_BROKER_NEEDS_TLS : VERDICT_BROKER_NOT_MQTT;
}

static enum verdict_code timed_out(const struct check_evidence *e)
{
    enum mqtt_stage stage = host_stage(e);
    if (stage == MQTT_STAGE_SUBSCRIBE) return VERDICT_SUBSCRIBE_DENIED;
    if (stage == MQTT_STAGE_PUBLISH) return VERDICT_PUBLISH_DENIED;
    return e->check_by_host.speaks_tls ? VERDICT_BROKER_NEEDS_TLS : VERDICT_BROKER_SILENT;
}

/* The host's codes (mqtt_check.h) in words of a verdict: one each, or a question to the evidence.
 */
static const struct rule {
    const char *code;
    enum verdict_code verdict;
    enum verdict_code (*ask)(const struct check_evidence *e);
} rules[] = {
    {"mqtt_dns_failed", VERDICT_HOST_UNKNOWN, NULL},
    {"mqtt_tcp_refused", VERDICT_PORT_CLOSED, NULL},
    {"mqtt_tcp_timeout", VERDICT_NO_ANSWER, NULL},
    {"mqtt_tcp_unreachable", VERDICT_NO_ANSWER, NULL},
    {"mqtt_tls_server_untrusted", 0, host_untrusted},
    {"mqtt_tls_server_expired", 0, out_of_date},
    {"mqtt_tls_server_name", VERDICT_BROKER_NAME_DIFFERS, NULL},
    {"mqtt_tls_client_refused", 0, host_refused_certificate},
    {"mqtt_tls_failed", 0, tls_failed},
    {"mqtt_connack_1", VERDICT_BROKER_MQTT_VERSION, NULL},
    {"mqtt_connack_2", VERDICT_CLIENT_ID_REJECTED, NULL},
    {"mqtt_connack_3", VERDICT_BROKER_UNAVAILABLE, NULL},
    {"mqtt_connack_4", VERDICT_LOGIN_REFUSED, NULL},
    {"mqtt_connack_5", VERDICT_NOT_AUTHORIZED, NULL},
    {"mqtt_dropped_connect", 0, dropped_connect},
    {"mqtt_dropped_subscribe", VERDICT_SUBSCRIBE_DENIED, NULL},
    {"mqtt_subscribe_refused", VERDICT_SUBSCRIBE_DENIED, NULL},
    {"mqtt_dropped_publish", VERDICT_PUBLISH_DENIED, NULL},
    {"mqtt_no_echo", VERDICT_NOT_DELIVERED, NULL},
    {"mqtt_not_mqtt", 0, not_mqtt},
    {"mqtt_timeout", 0, timed_out},
    {"key_mismatch", VERDICT_KEY_MISMATCH, NULL},
    {"key_unreadable", VERDICT_CREDENTIAL_UNUSABLE, NULL},
    {"certificate_unusable", VERDICT_CREDENTIAL_UNUSABLE, NULL},
    {"root_ca_unreadable", VERDICT_CREDENTIAL_UNUSABLE, NULL},
};

enum verdict_code host_verdict(const struct check_evidence *e)
{
    const char *code = e->check_by_host.code;
    if (!host_failed(e)) return VERDICT_WORKS;
    if (e->check_by_host.wants_alpn) return VERDICT_BROKER_ALPN;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(code, rules[i].code) == 0)
            return rules[i].ask ? rules[i].ask(e) : rules[i].verdict;
    /* other numbers of CONNACK: AWS IoT has a 7 */
    if (strncmp(code, "mqtt_connack_", 13) == 0) return VERDICT_CONNECT_DENIED;
    return VERDICT_WORKS;
}

enum verdict_code cloud_verdict(const struct check_evidence *e)
{
    static const enum verdict_code codes[CAUSES] = {
        [CAUSE_NONE] = VERDICT_WORKS,
        [CAUSE_CERTIFICATE_UNKNOWN] = VERDICT_CERTIFICATE_UNKNOWN,
        [CAUSE_CERTIFICATE_INACTIVE] = VERDICT_CERTIFICATE_INACTIVE,
        [CAUSE_NO_POLICY] = VERDICT_NO_POLICY_ATTACHED,
        [CAUSE_THING_NOT_ATTACHED] = VERDICT_THING_NOT_ATTACHED,
        [CAUSE_CONNECT_DENIED] = VERDICT_POLICY_DENIES_CONNECT,
        [CAUSE_SUBSCRIBE_DENIED] = VERDICT_POLICY_DENIES_SUBSCRIBE,
        [CAUSE_PUBLISH_DENIED] = VERDICT_POLICY_DENIES_PUBLISH,
        [CAUSE_RECEIVE_DENIED] = VERDICT_POLICY_DENIES_RECEIVE,
    };
    bool connected =
        (e->stage > CHECK_CONNECT && e->stage != CHECK_DONE) || host_passed(e, MQTT_STAGE_CONNECT);
    bool of_topic = e->cloud.cause >= CAUSE_SUBSCRIBE_DENIED;
    return of_topic && !connected ? VERDICT_WORKS : codes[e->cloud.cause];
}
