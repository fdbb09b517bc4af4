/* The verdict, from evidence as boards and brokers give it. One row is one set-up that is wrong. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "service/jobs/verdict.h"

enum { DAY = 24 * 3600, NOW = 1800000000 };

/* A board that failed at AT+MQTTCONN after a second, with all else in order and no host's check. */
static struct check_evidence usual(void)
{
    struct check_evidence e = {
        .ssid = "bench",
        .time_server = "pool.ntp.org",
        .host = "broker.example",
        .client_id = "dev-1",
        .topic = "lab/1",
        .port = 8883,
        .scheme = 5,
        .wifi_password = true,
        .stage = CHECK_TLS,
        .until = CHECK_RECEIVED,
        .board_code = "mqtt_connect_failed",
        .urc_ms = 1100,
        .net = {.dns = PROBE_OK, .tcp = PROBE_OK},
        .clock = {.known = true, .set = true, .was_set = true},
        .stored = {.part = {STORED_SAME, STORED_SAME, STORED_SAME}},
        .credential = {.known = true,
                       .not_before_s = NOW - DAY,
                       .not_after_s = NOW + DAY,
                       .now_s = NOW},
    };
    return e;
}

/* The host's check, which came through all stages before @p stage and then failed with @p code. */
static void host(struct check_evidence *e, enum mqtt_stage stage, const char *code)
{
    e->check_by_host.ran = true;
    snprintf(e->check_by_host.code, sizeof e->check_by_host.code, "%s", code);
    snprintf(e->check_by_host.detail, sizeof e->check_by_host.detail, "%s",
             *code ? "what the host said" : "");
    e->check_by_host.result.alert = -1;
    for (unsigned i = 0; i < MQTT_STAGE_COUNT; i++)
        e->check_by_host.result.stage_ms[i] = i < (unsigned)stage ? 10 : -1;
    if (e->scheme == 1) e->check_by_host.result.stage_ms[MQTT_STAGE_TLS] = -1;
}

static void host_fine(struct check_evidence *e)
{
    host(e, MQTT_STAGE_COUNT, "");
}

static void board(struct check_evidence *e, enum check_stage stage, const char *code)
{
    e->stage = stage;
    snprintf(e->board_code, sizeof e->board_code, "%s", code);
}

static void done(struct check_evidence *e)
{
    board(e, CHECK_DONE, "");
    host_fine(e);
}

/* --- Wi-Fi, time, network --- */

static void no_access_point(struct check_evidence *e)
{
    board(e, CHECK_WIFI, "wifi_not_found");
}

static void wrong_password(struct check_evidence *e)
{
    board(e, CHECK_WIFI, "wifi_wrong_password");
}

static void wifi_odd(struct check_evidence *e)
{
    board(e, CHECK_WIFI, "wifi_failed");
}

static void no_address(struct check_evidence *e)
{
    board(e, CHECK_WIFI, "wifi_no_address");
}

static void no_time(struct check_evidence *e)
{
    board(e, CHECK_TIME, "time_not_synced");
    e->net.time_dns = PROBE_OK;
}

static void no_such_time_server(struct check_evidence *e)
{
    board(e, CHECK_TIME, "time_not_synced");
    e->net.time_dns = PROBE_REFUSED;
}

static void no_such_host(struct check_evidence *e)
{
    board(e, CHECK_NETWORK, "net_dns_failed");
    e->net.dns = PROBE_REFUSED;
    host(e, MQTT_STAGE_DNS, "mqtt_dns_failed");
}

static void no_dns_for_the_board(struct check_evidence *e)
{
    board(e, CHECK_NETWORK, "net_dns_failed");
    e->net.dns = PROBE_REFUSED;
    host_fine(e);
}

static void closed_port(struct check_evidence *e)
{
    board(e, CHECK_NETWORK, "net_refused");
    e->net.tcp = PROBE_REFUSED;
    host(e, MQTT_STAGE_TCP, "mqtt_tcp_refused");
}

static void closed_to_the_board(struct check_evidence *e)
{
    board(e, CHECK_NETWORK, "net_refused");
    e->net.tcp = PROBE_REFUSED;
    host_fine(e);
}

static void black_hole(struct check_evidence *e)
{
    board(e, CHECK_NETWORK, "net_silent");
    e->net.tcp = PROBE_SILENT;
    host(e, MQTT_STAGE_TCP, "mqtt_tcp_timeout");
}

static void black_hole_for_the_board(struct check_evidence *e)
{
    board(e, CHECK_NETWORK, "net_silent");
    e->net.tcp = PROBE_SILENT;
    host_fine(e);
}

static void closed_port_without_probes(struct check_evidence *e)
{
    e->net.dns = e->net.tcp = PROBE_NOT_MADE;
    host(e, MQTT_STAGE_TCP, "mqtt_tcp_refused");
}

static void wifi_lost(struct check_evidence *e)
{
    e->wifi_lost = true;
    host_fine(e);
}

/* --- what the board holds --- */

static void no_ca_on_board(struct check_evidence *e)
{
    e->board_code[0] = '\0';
    board(e, CHECK_TLS, "mqtt_ca_missing");
    e->stored.part[CREDENTIAL_ROOT_CA] = STORED_MISSING;
    host_fine(e);
}

static void no_key_on_board(struct check_evidence *e)
{
    board(e, CHECK_TLS, "mqtt_key_missing");
    memset(e->stored.part, 0, sizeof e->stored.part);
}

static void wrong_partition(struct check_evidence *e)
{
    e->stored.part[CREDENTIAL_CERTIFICATE] = STORED_DIFFERS;
    e->stored.part[CREDENTIAL_KEY] = STORED_DIFFERS;
    snprintf(e->stored.elsewhere, sizeof e->stored.elsewhere, "client");
    host_fine(e);
}

static void wrong_partition_and_none(struct check_evidence *e)
{
    board(e, CHECK_TLS, "mqtt_cert_missing");
    e->stored.part[CREDENTIAL_CERTIFICATE] = STORED_MISSING;
    snprintf(e->stored.elsewhere, sizeof e->stored.elsewhere, "client");
}

static void truncated_image(struct check_evidence *e)
{
    e->stored.part[CREDENTIAL_ROOT_CA] = STORED_DAMAGED;
    host_fine(e);
}

static void another_credential(struct check_evidence *e)
{
    e->stored.part[CREDENTIAL_CERTIFICATE] = STORED_DIFFERS;
    host(e, MQTT_STAGE_TLS, "mqtt_tls_client_refused");
    e->check_by_host.result.certificate_sent = true;
}

static void key_of_another(struct check_evidence *e)
{
    e->stored.part[CREDENTIAL_KEY] = STORED_DIFFERS;
    e->stored.key_mismatch = true;
    host_fine(e);
}

static void wrong_ca_on_board(struct check_evidence *e)
{
    e->stored.part[CREDENTIAL_ROOT_CA] = STORED_READABLE;
    e->credential.from_board = true;
    host(e, MQTT_STAGE_TLS, "mqtt_tls_server_untrusted");
}

static void another_ca_that_is_not_used(struct check_evidence *e)
{
    e->scheme = 4;
    e->stored.part[CREDENTIAL_ROOT_CA] = STORED_DIFFERS;
    host(e, MQTT_STAGE_CONNECT, "mqtt_dropped_connect");
}

/* --- the credential --- */

static void wrong_ca(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_server_untrusted");
}

static void expired_root(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_server_expired");
    e->check_by_host.result.of_a_ca = true;
}

static void refused_certificate(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_client_refused");
}

static void expired_certificate(struct check_evidence *e)
{
    refused_certificate(e);
    e->credential.not_after_s = NOW - 1;
}

static void early_certificate(struct check_evidence *e)
{
    refused_certificate(e);
    e->credential.not_before_s = NOW + 1;
}

static void expired_without_host(struct check_evidence *e)
{
    e->credential.not_after_s = NOW - 1;
}

static void inactive_certificate(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_failed");
    e->check_by_host.result.certificate_sent = true;
}

static void key_mismatch(struct check_evidence *e)
{
    host(e, MQTT_STAGE_DNS, "key_mismatch");
}

static void elliptic_key(struct check_evidence *e)
{
    e->credential.elliptic = e->credential.no_elliptic_keys = true;
    host_fine(e);
}

static void elliptic_key_that_works(struct check_evidence *e)
{
    e->credential.elliptic = true;
    host(e, MQTT_STAGE_TLS, "mqtt_tls_server_untrusted");
}

/* --- the clock --- */

static void clock_lost(struct check_evidence *e)
{
    e->clock.set = false;
    host_fine(e);
}

static void clock_a_year_behind(struct check_evidence *e)
{
    e->clock.ahead_s = -400 * DAY;
    host_fine(e);
}

static void clock_does_not_matter(struct check_evidence *e)
{
    e->scheme = 4;
    e->clock.set = false;
    host(e, MQTT_STAGE_CONNECT, "mqtt_connack_5");
}

/* --- the broker --- */

static void broker_expired(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_server_expired");
}

static void broker_early(struct check_evidence *e)
{
    broker_expired(e);
    e->check_by_host.result.not_yet_valid = true;
}

static void broker_self_signed(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_server_untrusted");
    e->check_by_host.result.self_signed = true;
}

static void alert(struct check_evidence *e, int number)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_failed");
    e->check_by_host.result.alert = number;
}

static void tls_13_only(struct check_evidence *e)
{
    alert(e, 70);
}

static void unknown_name(struct check_evidence *e)
{
    alert(e, 112);
}

static void other_alpn(struct check_evidence *e)
{
    alert(e, 120);
}

static void no_common_cipher(struct check_evidence *e)
{
    alert(e, 40);
}

static void plain_port(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_failed");
}

static void tls_port(struct check_evidence *e)
{
    e->scheme = 1;
    host(e, MQTT_STAGE_CONNECT, "mqtt_not_mqtt");
    e->check_by_host.speaks_tls = true;
}

static void web_server(struct check_evidence *e)
{
    e->scheme = 1;
    host(e, MQTT_STAGE_CONNECT, "mqtt_not_mqtt");
}

static void hangs_up(struct check_evidence *e)
{
    e->scheme = 1;
    host(e, MQTT_STAGE_CONNECT, "mqtt_dropped_connect");
}

static void web_server_without_alpn(struct check_evidence *e)
{
    host(e, MQTT_STAGE_TLS, "mqtt_tls_failed");
    e->check_by_host.result.certificate_sent = true;
    e->check_by_host.wants_alpn = true;
}

static void mute_before_tls(struct check_evidence *e)
{
    e->urc_ms = 10400;
    host(e, MQTT_STAGE_TLS, "mqtt_timeout");
}

static void mute_after_tls(struct check_evidence *e)
{
    e->urc_ms = 11000;
    host(e, MQTT_STAGE_CONNECT, "mqtt_timeout");
}

static void mute_without_host(struct check_evidence *e)
{
    e->urc_ms = 10400;
}

static void name_checked_by_the_board(struct check_evidence *e)
{
    e->sni = true;
    host_fine(e);
    e->check_by_host.name_differs = true;
}

static void no_certificate_in_scheme(struct check_evidence *e)
{
    e->scheme = 3;
    host(e, MQTT_STAGE_TLS, "mqtt_tls_client_refused");
}

/* --- MQTT --- */

static void connack(struct check_evidence *e, int number)
{
    char code[32];
    snprintf(code, sizeof code, "mqtt_connack_%d", number);
    host(e, MQTT_STAGE_CONNECT, code);
}

static void connack_1(struct check_evidence *e)
{
    connack(e, 1);
}

static void connack_2(struct check_evidence *e)
{
    connack(e, 2);
}

static void connack_3(struct check_evidence *e)
{
    connack(e, 3);
}

static void connack_4(struct check_evidence *e)
{
    connack(e, 4);
}

static void connack_5(struct check_evidence *e)
{
    connack(e, 5);
}

static void connack_7(struct check_evidence *e)
{
    connack(e, 7);
}

static void dropped_connect(struct check_evidence *e)
{
    host(e, MQTT_STAGE_CONNECT, "mqtt_dropped_connect");
}

static void dropped(struct check_evidence *e, enum check_stage stage)
{
    board(e, stage, "mqtt_disconnected");
    e->dropped = true;
    e->hold = HOLD_STAYED;
}

static void dropped_subscribe(struct check_evidence *e)
{
    dropped(e, CHECK_SUBSCRIBE);
    host(e, MQTT_STAGE_SUBSCRIBE, "mqtt_dropped_subscribe");
}

static void dropped_subscribe_without_host(struct check_evidence *e)
{
    dropped(e, CHECK_SUBSCRIBE);
}

static void dropped_publish(struct check_evidence *e)
{
    dropped(e, CHECK_PUBLISH);
    host(e, MQTT_STAGE_PUBLISH, "mqtt_dropped_publish");
}

static void dropped_after_publish_without_host(struct check_evidence *e)
{
    dropped(e, CHECK_RECEIVED);
}

static void ignored_subscribe(struct check_evidence *e)
{
    board(e, CHECK_SUBSCRIBE, "mqtt_subscribe_hangs");
    e->hangs = true;
    host(e, MQTT_STAGE_SUBSCRIBE, "mqtt_timeout");
}

static void refused_subscribe(struct check_evidence *e)
{
    board(e, CHECK_RECEIVED, "mqtt_no_echo");
    host(e, MQTT_STAGE_SUBSCRIBE, "mqtt_subscribe_refused");
}

static void not_delivered(struct check_evidence *e)
{
    board(e, CHECK_RECEIVED, "mqtt_no_echo");
    host(e, MQTT_STAGE_ECHO, "mqtt_no_echo");
}

static void not_delivered_without_host(struct check_evidence *e)
{
    board(e, CHECK_RECEIVED, "mqtt_no_echo");
}

static void ignored_publish(struct check_evidence *e)
{
    board(e, CHECK_PUBLISH, "at_timeout");
    host(e, MQTT_STAGE_PUBLISH, "mqtt_timeout");
}

static void duplicate_client(struct check_evidence *e)
{
    dropped(e, CHECK_SUBSCRIBE);
    e->hold = HOLD_DROPPED;
    host_fine(e);
}

static void duplicate_client_by_the_host(struct check_evidence *e)
{
    dropped(e, CHECK_PUBLISH);
    e->hold = HOLD_NOT_TRIED;
    host_fine(e);
}

static void dropped_once(struct check_evidence *e)
{
    dropped(e, CHECK_PUBLISH);
    host_fine(e);
}

static void nothing_else(struct check_evidence *e)
{
    (void)e;
}

static void no_reason(struct check_evidence *e)
{
    host_fine(e);
}

/* --- the log --- */

static void log_untrusted(struct check_evidence *e)
{
    e->log = LOG_CERTIFICATE_UNTRUSTED;
}

static void log_login(struct check_evidence *e)
{
    e->log = LOG_BAD_LOGIN;
}

static void log_future(struct check_evidence *e)
{
    e->log = LOG_CERTIFICATE_IN_FUTURE;
    e->clock.set = e->clock.was_set = false;
}

/* --- what the cloud says --- */

/* Dropped at CONNECT, board and host, at a broker whose cloud was asked. */
static void asked(struct check_evidence *e, enum diagnosis_cause cause)
{
    host(e, MQTT_STAGE_CONNECT, "mqtt_dropped_connect");
    e->cloud.cause = cause;
    snprintf(e->cloud.status, sizeof e->cloud.status, "ACTIVE");
}

/* The same for a message, when the connection stood. */
static void asked_later(struct check_evidence *e, enum mqtt_stage stage, const char *code,
                        enum diagnosis_cause cause)
{
    e->stage = stage == MQTT_STAGE_SUBSCRIBE ? CHECK_SUBSCRIBE
               : stage == MQTT_STAGE_PUBLISH ? CHECK_PUBLISH
                                             : CHECK_RECEIVED;
    asked(e, cause);
    host(e, stage, code);
    snprintf(e->cloud.allowed, sizeof e->cloud.allowed, "topic/other");
}

static void cloud_unknown(struct check_evidence *e)
{
    asked(e, CAUSE_CERTIFICATE_UNKNOWN);
    host(e, MQTT_STAGE_TLS, "mqtt_tls_client_refused");
}

static void cloud_inactive(struct check_evidence *e)
{
    asked(e, CAUSE_CERTIFICATE_INACTIVE);
    snprintf(e->cloud.status, sizeof e->cloud.status, "INACTIVE");
}

static void cloud_no_policy(struct check_evidence *e)
{
    asked(e, CAUSE_NO_POLICY);
}

static void cloud_no_thing(struct check_evidence *e)
{
    asked(e, CAUSE_THING_NOT_ATTACHED);
    snprintf(e->cloud.things, sizeof e->cloud.things, "sensor-7");
}

static void cloud_connect(struct check_evidence *e)
{
    asked(e, CAUSE_CONNECT_DENIED);
    snprintf(e->cloud.allowed, sizeof e->cloud.allowed, "client/sensor-*");
}

static void cloud_subscribe(struct check_evidence *e)
{
    asked_later(e, MQTT_STAGE_SUBSCRIBE, "mqtt_dropped_subscribe", CAUSE_SUBSCRIBE_DENIED);
}

static void cloud_publish(struct check_evidence *e)
{
    asked_later(e, MQTT_STAGE_PUBLISH, "mqtt_dropped_publish", CAUSE_PUBLISH_DENIED);
}

static void cloud_receive(struct check_evidence *e)
{
    asked_later(e, MQTT_STAGE_ECHO, "mqtt_no_echo", CAUSE_RECEIVE_DENIED);
}

/* What it forbids later does not explain why the board is dropped before. */
static void cloud_of_no_use(struct check_evidence *e)
{
    asked(e, CAUSE_PUBLISH_DENIED);
}

static void https_forbids(struct check_evidence *e)
{
    host(e, MQTT_STAGE_CONNECT, "mqtt_dropped_connect");
    e->cloud.published = true;
    e->cloud.publish.status = 403;
    snprintf(e->cloud.publish.error, sizeof e->cloud.publish.error, "ForbiddenException");
}

static void https_allows(struct check_evidence *e)
{
    https_forbids(e);
    e->cloud.publish.status = 200;
}

static const struct row {
    const char *name;
    void (*set)(struct check_evidence *e);
    enum verdict_code code;
    const char *side, *stage;
    const char *words; /* somewhere in the sentence or the fix */
} rows[] = {
    {"no access point", no_access_point, VERDICT_WIFI_NOT_FOUND, "wifi", "wifi", "\"bench\""},
    {"wrong Wi-Fi password", wrong_password, VERDICT_WIFI_WRONG_PASSWORD, "wifi", "wifi", "bench"},
    {"Wi-Fi, other", wifi_odd, VERDICT_WIFI_FAILED, "wifi", "wifi", "WPA2"},
    {"no address", no_address, VERDICT_WIFI_NO_ADDRESS, "wifi", "wifi", "DHCP"},
    {"no time", no_time, VERDICT_TIME_NOT_SYNCED, "clock", "time", "pool.ntp.org"},
    {"unknown time server", no_such_time_server, VERDICT_TIME_SERVER_UNKNOWN, "clock", "time",
     "pool.ntp.org"},
    {"unknown host", no_such_host, VERDICT_HOST_UNKNOWN, "network", "network", "broker.example"},
    {"unknown to the board", no_dns_for_the_board, VERDICT_BOARD_DNS_FAILED, "network", "network",
     "this machine's does"},
    {"closed port", closed_port, VERDICT_PORT_CLOSED, "network", "network", "8883"},
    {"closed to the board", closed_to_the_board, VERDICT_BOARD_PORT_CLOSED, "network", "network",
     "firewall"},
    {"black hole", black_hole, VERDICT_NO_ANSWER, "network", "network", "8883"},
    {"black hole for the board", black_hole_for_the_board, VERDICT_BOARD_NO_ANSWER, "network",
     "network", "client isolation"},
    {"closed port, old firmware", closed_port_without_probes, VERDICT_PORT_CLOSED, "network", "tls",
     "8883"},
    {"Wi-Fi lost", wifi_lost, VERDICT_WIFI_LOST, "wifi", "tls", "power"},

    {"no root CA on the board", no_ca_on_board, VERDICT_CREDENTIAL_MISSING, "board_credential",
     "tls", "no root CA for mqtt"},
    {"no key on the board", no_key_on_board, VERDICT_CREDENTIAL_MISSING, "board_credential", "tls",
     "no private key for mqtt"},
    {"wrong partition", wrong_partition, VERDICT_CREDENTIAL_ELSEWHERE, "board_credential", "tls",
     "as that for client"},
    {"wrong partition, none in the right one", wrong_partition_and_none,
     VERDICT_CREDENTIAL_ELSEWHERE, "board_credential", "tls", "as that for client"},
    {"truncated image", truncated_image, VERDICT_CREDENTIAL_DAMAGED, "board_credential", "tls",
     "root CA"},
    {"another credential on the board", another_credential, VERDICT_CREDENTIAL_DIFFERS,
     "board_credential", "tls", "another certificate"},
    {"key of another on the board", key_of_another, VERDICT_BOARD_KEY_MISMATCH, "board_credential",
     "tls", "does not belong"},
    {"wrong root CA on the board", wrong_ca_on_board, VERDICT_BOARD_ROOT_CA_WRONG,
     "board_credential", "tls", "what the host said"},
    {"a part that the scheme does not use", another_ca_that_is_not_used, VERDICT_CONNECT_DENIED,
     "policy", "connect", "dev-1"},

    {"wrong root CA", wrong_ca, VERDICT_ROOT_CA_WRONG, "credential", "tls", "what the host said"},
    {"expired root CA", expired_root, VERDICT_ROOT_CA_EXPIRED, "credential", "tls", "clock"},
    {"refused certificate", refused_certificate, VERDICT_CERTIFICATE_REFUSED, "credential", "tls",
     "ACTIVE"},
    {"expired certificate", expired_certificate, VERDICT_CERTIFICATE_EXPIRED, "credential", "tls",
     "expired"},
    {"certificate of the future", early_certificate, VERDICT_CERTIFICATE_NOT_YET_VALID,
     "credential", "tls", "not valid yet"},
    {"expired, not checked by the host", expired_without_host, VERDICT_CERTIFICATE_EXPIRED,
     "credential", "tls", "expired"},
    {"certificate not active", inactive_certificate, VERDICT_CERTIFICATE_REFUSED, "credential",
     "tls", "ACTIVE"},
    {"key of another", key_mismatch, VERDICT_KEY_MISMATCH, "credential", "tls", "does not belong"},
    {"elliptic key on v3.2", elliptic_key, VERDICT_KEY_TYPE_UNSUPPORTED, "credential", "tls",
     "RSA"},
    {"elliptic key elsewhere", elliptic_key_that_works, VERDICT_ROOT_CA_WRONG, "credential", "tls",
     "root CA"},

    {"clock lost", clock_lost, VERDICT_CLOCK_LOST, "clock", "tls", "restarted"},
    {"clock a year behind", clock_a_year_behind, VERDICT_CLOCK_WRONG, "clock", "tls",
     "400 days behind"},
    {"clock of no matter", clock_does_not_matter, VERDICT_NOT_AUTHORIZED, "login", "connect",
     "dev-1"},

    {"broker expired", broker_expired, VERDICT_BROKER_CERTIFICATE_EXPIRED, "broker_certificate",
     "tls", "what the host said"},
    {"broker of the future", broker_early, VERDICT_BROKER_CERTIFICATE_NOT_YET_VALID,
     "broker_certificate", "tls", "not valid yet"},
    {"broker self-signed", broker_self_signed, VERDICT_BROKER_CERTIFICATE_UNTRUSTED,
     "broker_certificate", "tls", "itself"},
    {"TLS 1.3 only", tls_13_only, VERDICT_BROKER_TLS_VERSION, "broker", "tls", "1.2"},
    {"name not served", unknown_name, VERDICT_BROKER_NAME_REFUSED, "broker_name", "tls",
     "broker.example"},
    {"another ALPN", other_alpn, VERDICT_BROKER_ALPN, "broker", "tls", "x-amzn-mqtt-ca"},
    {"no common cipher", no_common_cipher, VERDICT_BROKER_TLS_REFUSED, "broker", "tls", "ciphers"},
    {"TLS to a plain port", plain_port, VERDICT_BROKER_NOT_TLS, "broker", "tls", "8883"},
    {"plain to a TLS port", tls_port, VERDICT_BROKER_NEEDS_TLS, "broker", "connect", "scheme 5"},
    {"plain to a web server", web_server, VERDICT_BROKER_NOT_MQTT, "broker", "connect", "8883"},
    {"hangs up at CONNECT", hangs_up, VERDICT_BROKER_HANGS_UP, "broker", "connect", "its log"},
    {"closes without ALPN", web_server_without_alpn, VERDICT_BROKER_ALPN, "broker", "tls", "443"},
    {"mute", mute_before_tls, VERDICT_BROKER_SILENT, "broker", "tls", "silent"},
    {"mute after TLS", mute_after_tls, VERDICT_BROKER_SILENT, "broker", "connect", "silent"},
    {"mute, not checked by the host", mute_without_host, VERDICT_BROKER_SILENT, "broker", "tls",
     "silent"},
    {"another name, and the board compares", name_checked_by_the_board, VERDICT_BROKER_NAME_DIFFERS,
     "broker_name", "tls", "broker.example"},
    {"no client certificate", no_certificate_in_scheme, VERDICT_CERTIFICATE_REQUIRED, "login",
     "tls", "scheme 3"},

    {"CONNACK 1", connack_1, VERDICT_BROKER_MQTT_VERSION, "broker", "connect", "3.1.1"},
    {"CONNACK 2", connack_2, VERDICT_CLIENT_ID_REJECTED, "client_id", "connect", "dev-1"},
    {"CONNACK 3", connack_3, VERDICT_BROKER_UNAVAILABLE, "broker", "connect", "later"},
    {"CONNACK 4", connack_4, VERDICT_LOGIN_REFUSED, "login", "connect", "password"},
    {"CONNACK 5", connack_5, VERDICT_NOT_AUTHORIZED, "login", "connect", "not authorized"},
    {"CONNACK 7", connack_7, VERDICT_CONNECT_DENIED, "policy", "connect", "iot:Connect"},
    {"dropped at CONNECT", dropped_connect, VERDICT_CONNECT_DENIED, "policy", "connect",
     "client/dev-1"},
    {"dropped at SUBSCRIBE", dropped_subscribe, VERDICT_SUBSCRIBE_DENIED, "policy", "subscribe",
     "topicfilter/lab/1"},
    {"dropped at SUBSCRIBE, no host", dropped_subscribe_without_host, VERDICT_SUBSCRIBE_DENIED,
     "policy", "subscribe", "lab/1"},
    {"dropped at PUBLISH", dropped_publish, VERDICT_PUBLISH_DENIED, "policy", "publish",
     "topic/lab/1"},
    {"dropped after PUBLISH, no host", dropped_after_publish_without_host, VERDICT_PUBLISH_DENIED,
     "policy", "received", "lab/1"},
    {"SUBSCRIBE ignored", ignored_subscribe, VERDICT_SUBSCRIBE_DENIED, "policy", "subscribe",
     "lab/1"},
    {"SUBSCRIBE refused", refused_subscribe, VERDICT_SUBSCRIBE_DENIED, "policy", "received",
     "lab/1"},
    {"PUBLISH ignored", ignored_publish, VERDICT_PUBLISH_DENIED, "policy", "publish", "lab/1"},
    {"not delivered", not_delivered, VERDICT_NOT_DELIVERED, "policy", "received", "iot:Receive"},
    {"not delivered, no host", not_delivered_without_host, VERDICT_NOT_DELIVERED, "policy",
     "received", "iot:Receive"},
    {"two clients of one id", duplicate_client, VERDICT_CLIENT_ID_IN_USE, "client_id", "subscribe",
     "dev-1"},
    {"two clients of one id, seen by the host", duplicate_client_by_the_host,
     VERDICT_CLIENT_ID_IN_USE, "client_id", "publish", "dev-1"},
    {"dropped once", dropped_once, VERDICT_UNEXPLAINED, "unknown", "publish", "Try again"},
    {"nothing is known", nothing_else, VERDICT_UNEXPLAINED, "unknown", "tls", "host_check"},
    {"nothing is wrong", no_reason, VERDICT_UNEXPLAINED, "unknown", "tls", "after 1100 ms"},

    {"the log: untrusted", log_untrusted, VERDICT_ROOT_CA_WRONG, "credential", "tls", "root CA"},
    {"the log: login", log_login, VERDICT_LOGIN_REFUSED, "login", "connect", "password"},
    {"the log: future, and no clock", log_future, VERDICT_TIME_NOT_SYNCED, "clock", "tls", "time"},
    {"unknown to the cloud", cloud_unknown, VERDICT_CERTIFICATE_UNKNOWN, "credential", "tls",
     "does not know"},
    {"inactive at the cloud", cloud_inactive, VERDICT_CERTIFICATE_INACTIVE, "credential", "connect",
     "as INACTIVE"},
    {"no policy at the cloud", cloud_no_policy, VERDICT_NO_POLICY_ATTACHED, "policy", "connect",
     "client/dev-1"},
    {"another thing at the cloud", cloud_no_thing, VERDICT_THING_NOT_ATTACHED, "policy", "connect",
     "attached to sensor-7, not to dev-1"},
    {"the cloud: connect", cloud_connect, VERDICT_POLICY_DENIES_CONNECT, "policy", "connect",
     "client/dev-1: what it allows is client/sensor-*"},
    {"the cloud: subscribe", cloud_subscribe, VERDICT_POLICY_DENIES_SUBSCRIBE, "policy",
     "subscribe", "topicfilter/lab/1"},
    {"the cloud: publish", cloud_publish, VERDICT_POLICY_DENIES_PUBLISH, "policy", "publish",
     "topic/lab/1: what it allows is topic/other"},
    {"the cloud: receive", cloud_receive, VERDICT_POLICY_DENIES_RECEIVE, "policy", "received",
     "silent"},
    {"the cloud: something else", cloud_of_no_use, VERDICT_CONNECT_DENIED, "policy", "connect",
     "dev-1"},
    {"HTTPS: no", https_forbids, VERDICT_CONNECT_DENIED, "policy", "connect",
     "refused, too: 403 ForbiddenException"},
    {"HTTPS: yes", https_allows, VERDICT_CONNECT_DENIED, "policy", "connect", "it is active"},
    {"all is well", done, VERDICT_WORKS, "none", "done", "all that was asked"},
};

static void judge(const struct row *r, struct verdict *out)
{
    struct check_evidence e = usual();
    r->set(&e);
    verdict_find(&e, out);
}

static void test_each_set_up_has_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct verdict v;
        judge(r, &v);
        if (v.main.code != r->code)
            fail_msg("%s: %s instead of %s", r->name, verdict_code_name(v.main.code),
                     verdict_code_name(r->code));
        if (strcmp(verdict_side_name(verdict_side(v.main.code)), r->side) != 0 ||
            strcmp(check_stage_name(v.stage), r->stage) != 0)
            fail_msg("%s: side %s, step %s", r->name, verdict_side_name(verdict_side(v.main.code)),
                     check_stage_name(v.stage));
        if (!strstr(v.main.detail, r->words) && !strstr(v.main.fix, r->words))
            fail_msg("%s: no \"%s\" in: %s | %s", r->name, r->words, v.main.detail, v.main.fix);
    }
}

static bool in_table(enum verdict_code code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code) return true;
    return false;
}

/* Whatever the code, the words are whole: no name in braces is left, nothing was cut. */
static void test_all_words_are_filled_in(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct verdict v;
        judge(&rows[i], &v);
        const char *texts[] = {v.main.detail, v.main.fix};
        for (size_t k = 0; k < 2; k++) {
            const char *brace = strchr(texts[k], '{');
            while (brace && (strncmp(brace, "{\"kind", 6) == 0 || strncmp(brace, "{mac}", 5) == 0))
                brace = strchr(brace + 1, '{');
            if (brace) fail_msg("%s: %s", rows[i].name, texts[k]);
        }
        assert_true(strlen(v.main.detail) < sizeof v.main.detail - 1);
        assert_true(strlen(v.main.fix) < sizeof v.main.fix - 1);
        assert_true(v.main.code == VERDICT_WORKS || v.main.fix[0]);
    }
}

static void test_each_code_has_a_name_of_its_own_and_a_row(void **state)
{
    /* warnings only, or told by another row's evidence */
    static const enum verdict_code elsewhere[] = {VERDICT_WIFI_STORED, VERDICT_HOST_CANNOT_REACH,
                                                  VERDICT_CREDENTIAL_UNUSABLE,
                                                  VERDICT_WIFI_TIMEOUT};
    (void)state;
    for (unsigned i = 0; i < VERDICT_CODES; i++) {
        bool known = in_table((enum verdict_code)i);
        for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++)
            known = known || elsewhere[k] == i;
        if (!known) fail_msg("%s is in no row", verdict_code_name((enum verdict_code)i));
        for (unsigned k = 0; k < i; k++)
            assert_string_not_equal(verdict_code_name((enum verdict_code)i),
                                    verdict_code_name((enum verdict_code)k));
    }
}

static bool warns(const struct verdict *v, enum verdict_code code)
{
    for (size_t i = 0; i < v->warning_count; i++)
        if (v->warnings[i].code == code) return true;
    return false;
}

static void test_a_board_that_works_is_warned_about(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    done(&e);
    verdict_find(&e, &v);
    assert_int_equal(v.warning_count, 0);
    e.wifi_stored = true;
    e.clock.ahead_s = 3 * DAY;
    host(&e, MQTT_STAGE_TLS, "mqtt_tls_server_name");
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_WORKS);
    assert_true(warns(&v, VERDICT_BROKER_NAME_DIFFERS));
    assert_true(warns(&v, VERDICT_CLOCK_WRONG));
    assert_true(warns(&v, VERDICT_WIFI_STORED));
    assert_int_equal(v.warning_count, 3);
}

static void test_what_the_cloud_explains_is_told_once(void **state)
{
    (void)state;
    static void (*const sets[])(struct check_evidence *) = {
        cloud_unknown, cloud_inactive,  cloud_no_policy, cloud_no_thing,
        cloud_connect, cloud_subscribe, cloud_publish,   cloud_receive};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct check_evidence e = usual();
        struct verdict v;
        sets[i](&e);
        verdict_find(&e, &v);
        assert_int_equal(v.warning_count, 0);
    }
}

static void test_a_board_that_works_with_another_credential_is_warned_about(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    done(&e);
    e.stored.part[CREDENTIAL_CERTIFICATE] = STORED_DIFFERS;
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_WORKS);
    assert_int_equal(v.warning_count, 1);
    assert_int_equal(v.warnings[0].code, VERDICT_CREDENTIAL_DIFFERS);
}

static void test_a_host_without_a_way_says_nothing_about_the_board(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    host(&e, MQTT_STAGE_TCP, "mqtt_tcp_timeout");
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_UNEXPLAINED);
    assert_true(warns(&v, VERDICT_HOST_CANNOT_REACH));
    assert_non_null(strstr(v.main.fix, "from where the broker can be reached"));
    e.clock.ahead_s = -3 * DAY;
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_CLOCK_WRONG);
    e.clock.ahead_s = 0;
    e.credential.not_after_s = NOW - 1;
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_CERTIFICATE_EXPIRED);
    done(&e);
    host(&e, MQTT_STAGE_DNS, "mqtt_dns_failed");
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_WORKS);
    assert_int_equal(v.warning_count, 1);
    assert_int_equal(v.warnings[0].code, VERDICT_HOST_CANNOT_REACH);
}

static void test_the_second_fault_is_told_too(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    another_credential(&e);
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_CREDENTIAL_DIFFERS);
    assert_true(warns(&v, VERDICT_CERTIFICATE_REFUSED));
    e = usual();
    no_access_point(&e);
    host(&e, MQTT_STAGE_TLS, "mqtt_tls_server_untrusted");
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_WIFI_NOT_FOUND);
    assert_true(warns(&v, VERDICT_ROOT_CA_WRONG));
}

static void test_what_a_twin_did_to_the_host_is_no_second_fault(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    duplicate_client(&e);
    host(&e, MQTT_STAGE_SUBSCRIBE, "mqtt_dropped_subscribe");
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_CLIENT_ID_IN_USE);
    assert_int_equal(v.warning_count, 0);
    host(&e, MQTT_STAGE_CONNECT, "mqtt_dropped_connect");
    verdict_find(&e, &v);
    assert_int_equal(v.warning_count, 0);
    host(&e, MQTT_STAGE_SUBSCRIBE, "mqtt_timeout");
    verdict_find(&e, &v);
    assert_int_equal(v.warning_count, 0);
    host(&e, MQTT_STAGE_SUBSCRIBE, "mqtt_subscribe_refused");
    verdict_find(&e, &v);
    assert_true(warns(&v, VERDICT_SUBSCRIBE_DENIED));
}

static void test_the_host_alone_speaks_when_the_board_did_not_connect(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    done(&e);
    e.until = CHECK_WIFI;
    host(&e, MQTT_STAGE_TCP, "mqtt_tcp_refused");
    verdict_find(&e, &v);
    assert_int_equal(v.main.code, VERDICT_PORT_CLOSED);
    assert_int_equal(v.warning_count, 0);
}

static void test_long_values_are_cut_and_braces_are_only_braces(void **state)
{
    (void)state;
    struct check_evidence e = usual();
    struct verdict v;
    char topic[1024];
    memset(topic, '{', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    e.topic = topic;
    dropped_subscribe(&e);
    verdict_find(&e, &v);
    assert_int_equal(strlen(v.main.detail), sizeof v.main.detail - 1);
    e.topic = "{host}";
    verdict_find(&e, &v);
    assert_non_null(strstr(v.main.detail, "{host}"));
}

static void test_a_part_is_used_by_the_schemes_that_need_it(void **state)
{
    (void)state;
    static const bool ca[] = {0, 0, 0, 1, 0, 1}, cert[] = {0, 0, 0, 0, 1, 1};
    for (int scheme = 1; scheme <= 5; scheme++) {
        assert_int_equal(check_uses_part(scheme, CREDENTIAL_ROOT_CA), ca[scheme]);
        assert_int_equal(check_uses_part(scheme, CREDENTIAL_CERTIFICATE), cert[scheme]);
        assert_int_equal(check_uses_part(scheme, CREDENTIAL_KEY), cert[scheme]);
    }
}

extern const char _binary_openapi_yaml_start[], _binary_openapi_yaml_end[];

static void test_the_contract_has_every_code(void **state)
{
    (void)state;
    static char list[8192];
    size_t n = (size_t)(_binary_openapi_yaml_end - _binary_openapi_yaml_start);
    const char *at = memmem(_binary_openapi_yaml_start, n, "    VerdictCode:", 16);
    assert_non_null(at);
    size_t rest = n - (size_t)(at - _binary_openapi_yaml_start);
    const char *begin = memchr(at, '[', rest), *end = memchr(at, ']', rest);
    assert_true(begin && end && begin < end && (size_t)(end - begin) < sizeof list);
    memcpy(list, begin + 1, (size_t)(end - begin) - 1);
    size_t found = 0;
    for (char *save, *word = strtok_r(list, ", \n", &save); word;
         word = strtok_r(NULL, ", \n", &save), found++)
        assert_string_equal(word, verdict_code_name((enum verdict_code)found));
    assert_int_equal(found, VERDICT_CODES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_contract_has_every_code),
        cmocka_unit_test(test_each_set_up_has_its_verdict),
        cmocka_unit_test(test_all_words_are_filled_in),
        cmocka_unit_test(test_each_code_has_a_name_of_its_own_and_a_row),
        cmocka_unit_test(test_what_the_cloud_explains_is_told_once),
        cmocka_unit_test(test_a_board_that_works_is_warned_about),
        cmocka_unit_test(test_a_board_that_works_with_another_credential_is_warned_about),
        cmocka_unit_test(test_a_host_without_a_way_says_nothing_about_the_board),
        cmocka_unit_test(test_the_second_fault_is_told_too),
        cmocka_unit_test(test_what_a_twin_did_to_the_host_is_no_second_fault),
        cmocka_unit_test(test_the_host_alone_speaks_when_the_board_did_not_connect),
        cmocka_unit_test(test_long_values_are_cut_and_braces_are_only_braces),
        cmocka_unit_test(test_a_part_is_used_by_the_schemes_that_need_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
