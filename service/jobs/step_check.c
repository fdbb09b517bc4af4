/* The board's own checks: Wi-Fi, time, the way to the broker, TLS, connect, subscribe, publish, and
 * see the message come back. What a failure means is for evidence.c. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "service/at/info.h"
#include "service/at/mqtt.h"
#include "service/at/net.h"
#include "service/at/sntp.h"
#include "service/at/wifi.h"
#include "service/base/clock.h"
#include "service/jobs/evidence.h"
#include "service/jobs/steps.h"

enum {
    WIFI_MS = 40000,
    CLOCK_MS = 5000,
    TIME_MS = 35000,
    DNS_MS = 15000,
    TCP_MS = 25000,
    CONFIGURE_MS = 15000,
    CONNECT_MS = 65000,
    SUBSCRIBE_MS = 20000,
    PUBLISH_MS = 20000,
    ECHO_MS = 10000,
    DNS_TRIES = 2
};

static int ms_since(int64_t start_ns)
{
    return (int)((deadline_now_ns() - start_ns) / 1000000);
}

/* A step of the check ended with @p e. */
static enum err ended(struct session *s, enum check_stage stage, enum err e)
{
    if (e) return evidence_failed(s, stage, e);
    evidence_hear(s);
    return stage == s->evidence.until ? evidence_passed(s) : ERR_OK;
}

/* --- Wi-Fi --- */

static enum err no_address(const char *ssid)
{
    return err_fail(ERR_DEVICE, "wifi_no_address", "Check the DHCP server of the access point.",
                    "the board has joined %s and got no address", ssid);
}

static enum err join(struct session *s, struct at_wifi_state *state)
{
    const struct command *c = s->ctx->command;
    s->wifi_touched = true;
    s->at_cut = true;
    enum err e =
        at_wifi_join(s->client, c->wifi.ssid, c->wifi.password, session_within(s, WIFI_MS));
    if (!e) e = at_wifi_query(s->client, state, session_within(s, CONFIGURE_MS));
    session_ended(s, e);
    return e || state->ip[0] ? e : no_address(c->wifi.ssid);
}

enum err step_wifi(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct at_client *client;
    struct at_wifi_state state;
    evidence_begin(s);
    enum err e = session_client(s, &client);
    /* The bench's password must not stay on the product. */
    if (!e && c->wifi.keep) e = at_wifi_do_store(client);
    if (!e && !c->wifi.keep) e = at_wifi_do_not_store(client, &s->evidence.wifi_stored);
    if (e) return e;
    e = join(s, &state);
    if (e) return ended(s, CHECK_WIFI, e);
    s->wifi_kept = c->wifi.keep;
    bool stored = c->wifi.keep || s->evidence.wifi_stored;
    session_result(s, "wifi",
                   json_pack("{s:s,s:s,s:i,s:i,s:s,s:b}", "ssid", c->wifi.ssid, "bssid",
                             state.bssid, "channel", state.channel, "rssi", state.rssi, "ip",
                             state.ip, "stored_on_board", (int)stored));
    return ended(s, CHECK_WIFI, ERR_OK);
}

/* --- time --- */

/* The clock as it was found, as text or null: it survives a reset of the board, but not a cut of
 * its power. */
static json_t *clock_before(struct session *s)
{
    char text[CLOCK_TEXT];
    int64_t board_s = 0;
    bool set = false;
    enum err e = at_sntp_time(s->client, 0, session_within(s, CLOCK_MS), &set, &board_s);
    return !e && set ? json_string(clock_format(board_s * 1000, text)) : json_null();
}

enum err step_time(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct at_client *client;
    int64_t board_s = 0, began_ns = deadline_now_ns();
    enum err e = session_client(s, &client);
    if (e) return e;
    json_t *before = clock_before(s);
    e = at_sntp_sync(client, c->time.server, c->time.zone, session_within(s, TIME_MS), &board_s);
    if (e) {
        json_decref(before);
        return ended(s, CHECK_TIME, e);
    }
    s->evidence.clock.was_set = true;
    char text[CLOCK_TEXT];
    session_result(s, "time",
                   json_pack("{s:s,s:o,s:s,s:I,s:i}", "server", c->time.server, "before", before,
                             "board", clock_format(board_s * 1000, text), "ahead_of_host_s",
                             (json_int_t)(board_s - clock_now_ms() / 1000), "ms",
                             ms_since(began_ns)));
    return ended(s, CHECK_TIME, ERR_OK);
}

/* --- the way to the broker --- */

static enum probe outcome(enum err e)
{
    if (!e) return PROBE_OK;
    if (err_is(e, "net_dns_failed") || err_is(e, "net_refused")) return PROBE_REFUSED;
    return e == ERR_UNSUPPORTED ? PROBE_NOT_MADE : PROBE_SILENT;
}

static enum err resolve(struct session *s)
{
    const char *host = s->ctx->command->mqtt.host;
    char *address = s->evidence.net.address;
    enum err e = ERR_OK;
    s->at_cut = true;
    for (int i = 0; i < DNS_TRIES; i++) { /* a packet may get lost */
        e = at_net_resolve(s->client, host, session_within(s, DNS_MS), address);
        if (!err_is(e, "net_dns_failed")) break;
    }
    session_ended(s, e == ERR_UNSUPPORTED ? ERR_OK : e);
    s->evidence.net.dns = outcome(e);
    return e == ERR_UNSUPPORTED ? ERR_OK : e;
}

static enum err reach(struct session *s)
{
    const struct command *c = s->ctx->command;
    s->at_cut = true;
    enum err e = at_net_connect(s->client, c->mqtt.host, c->mqtt.port, session_within(s, TCP_MS));
    session_ended(s, e == ERR_UNSUPPORTED ? ERR_OK : e);
    s->evidence.net.tcp = outcome(e);
    return e == ERR_UNSUPPORTED ? ERR_OK : e;
}

enum err step_network(struct session *s)
{
    int64_t began_ns = deadline_now_ns();
    enum err e = resolve(s);
    int dns_ms = ms_since(began_ns);
    began_ns = deadline_now_ns();
    if (!e) e = reach(s);
    if (e) return ended(s, CHECK_NETWORK, e);
    json_t *o = json_object();
    if (s->evidence.net.dns == PROBE_OK)
        json_object_update_new(
            o, json_pack("{s:s,s:i}", "address", s->evidence.net.address, "dns_ms", dns_ms));
    if (s->evidence.net.tcp == PROBE_OK)
        json_object_set_new(o, "tcp_ms", json_integer(ms_since(began_ns)));
    session_result(s, "network", o);
    return ended(s, CHECK_NETWORK, ERR_OK);
}

/* --- the connection --- */

enum err step_mqtt_names(struct session *s)
{
    char mac[13] = "";
    if (!s->mac[0]) {
        struct at_client *client;
        enum err e = session_client(s, &client);
        if (!e) e = at_mac(client, s->mac);
        if (e) return e;
    }
    enum err e = session_mac_digits(s, mac);
    const struct command *c = s->ctx->command;
    const struct command_words words = {mac, c->slot, s->thing[0] ? s->thing : NULL};
    if (!e) e = command_expand(c->mqtt.client_id, &words, s->client_id, sizeof s->client_id);
    if (!e) e = command_expand(c->mqtt.topic, &words, s->topic, sizeof s->topic);
    return e;
}

static struct at_mqtt_config config_of(const struct session *s)
{
    const struct command *c = s->ctx->command;
    return (struct at_mqtt_config){
        .scheme = c->mqtt.scheme,
        .client_id = s->client_id,
        .username = c->mqtt.username,
        .password = c->mqtt.password,
        .alpn = c->mqtt.alpn,
        .sni = c->mqtt.sni,
        .keepalive_s = c->mqtt.keepalive_s,
        .host = c->mqtt.host,
        .port = c->mqtt.port,
    };
}

enum err check_configure(struct session *s)
{
    struct at_client *client;
    enum err e = session_client(s, &client);
    if (!e) e = step_mqtt_names(s);
    if (e) return e;
    struct at_mqtt_config cfg = config_of(s);
    s->mqtt_touched = true;
    return at_mqtt_configure(client, &cfg, session_within(s, CONFIGURE_MS));
}

enum err check_connect(struct session *s, struct deadline until)
{
    struct at_mqtt_config cfg = config_of(s);
    s->at_cut = true;
    enum err e = at_mqtt_connect(s->client, &cfg, until);
    session_ended(s, e);
    if (!e) s->connected_ns = deadline_now_ns();
    return e;
}

static enum err connect_board(struct session *s, enum check_stage stage)
{
    const struct command *c = s->ctx->command;
    enum err e = check_configure(s);
    if (e) return e;
    int64_t began_ns = deadline_now_ns();
    e = check_connect(s, session_within(s, CONNECT_MS));
    s->evidence.urc_ms = at_first_urc_ms(s->client);
    if (e) return ended(s, stage, e);
    session_result(s, "mqtt",
                   json_pack("{s:s,s:i,s:i,s:s,s:s,s:i}", "host", c->mqtt.host, "port",
                             c->mqtt.port, "scheme", c->mqtt.scheme, "client_id", s->client_id,
                             "topic", s->topic, "connect_ms", ms_since(began_ns)));
    return ERR_OK;
}

/* One AT command does the TLS handshake and the MQTT connect. Where the evidence says that it came
 * through the first, the failure is that of the next step. */
enum err step_tls(struct session *s)
{
    enum err e = connect_board(s, CHECK_TLS);
    if (!e || s->evidence.stage != CHECK_CONNECT) return e;
    s->connect_error = *err_last();
    return ERR_OK;
}

enum err step_connect(struct session *s)
{
    if (s->connect_error.kind) return err_restore(&s->connect_error);
    enum err e = s->ctx->command->mqtt.scheme == 1 ? connect_board(s, CHECK_CONNECT) : ERR_OK;
    return e ? e : ended(s, CHECK_CONNECT, ERR_OK);
}

/* --- the topic --- */

/* The command said OK; did the connection survive it? */
static enum err still_there(struct session *s, const char *after)
{
    if (!at_mqtt_is_gone(s->client, deadline_in_ms(0))) return ERR_OK;
    s->evidence.dropped = true;
    return err_fail(ERR_DEVICE, "mqtt_disconnected", NULL, "the broker closed the connection %s",
                    after);
}

enum err step_subscribe(struct session *s)
{
    s->at_cut = true; /* AT+MQTTSUB may hang for ever; only a reset helps then */
    enum err e = at_mqtt_subscribe(s->client, s->topic, s->ctx->command->mqtt.qos,
                                   session_within(s, SUBSCRIBE_MS));
    session_ended(s, e);
    if (!e) e = still_there(s, "after the subscription");
    return ended(s, CHECK_SUBSCRIBE, e);
}

enum { PAYLOAD = 96 };

/* Its own words each time: an old or a foreign message on the topic proves nothing. */
static size_t payload_of(const struct session *s, char out[PAYLOAD])
{
    int n = snprintf(out, PAYLOAD, "{\"espgate\":\"%s\",\"mac\":\"%s\"}", s->ctx->job_id, s->mac);
    return (size_t)n;
}

enum err step_publish(struct session *s)
{
    char payload[PAYLOAD];
    size_t n = payload_of(s, payload);
    s->at_cut = true;
    enum err e = at_mqtt_publish(s->client, s->topic, s->ctx->command->mqtt.qos, payload, n,
                                 session_within(s, PUBLISH_MS));
    return ended(s, CHECK_PUBLISH, session_ended(s, e));
}

enum err step_received(struct session *s)
{
    char payload[PAYLOAD];
    size_t n = payload_of(s, payload);
    int64_t began_ns = deadline_now_ns();
    enum err e = at_mqtt_expect(s->client, s->topic, payload, n, session_within(s, ECHO_MS));
    s->evidence.dropped = err_is(e, "mqtt_disconnected");
    if (e) return ended(s, CHECK_RECEIVED, e);
    json_t *mqtt = json_object_get(s->ctx->result, "mqtt");
    json_object_set_new(mqtt, "echoed", json_true());
    json_object_set_new(mqtt, "echo_ms", json_integer(ms_since(began_ns)));
    return ended(s, CHECK_RECEIVED, ERR_OK);
}
