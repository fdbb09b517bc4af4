/* The board's own checks: Wi-Fi, time, connect, subscribe, publish and see the message come back.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "service/at/info.h"
#include "service/at/mqtt.h"
#include "service/at/sntp.h"
#include "service/at/wifi.h"
#include "service/base/clock.h"
#include "service/jobs/steps.h"

enum {
    WIFI_MS = 40000,
    TIME_MS = 35000,
    CONFIGURE_MS = 15000,
    CONNECT_MS = 65000,
    SUBSCRIBE_MS = 20000,
    PUBLISH_MS = 20000
};

enum err step_wifi(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct at_client *client;
    struct at_wifi_state state;
    bool stored = false;
    enum err e = session_client(s, &client);
    /* The bench's password must not stay on the product. */
    if (!e) e = at_wifi_do_not_store(client, &stored);
    if (e) return e;
    s->wifi_touched = true;
    s->at_cut = true;
    e = at_wifi_join(client, c->wifi.ssid, c->wifi.password, session_within(s, WIFI_MS));
    session_ended(s, e);
    if (!e) e = at_wifi_query(client, &state, session_within(s, CONFIGURE_MS));
    if (e) return e;
    session_result(s, "wifi",
                   json_pack("{s:s,s:s,s:i,s:i,s:b}", "ssid", c->wifi.ssid, "bssid", state.bssid,
                             "channel", state.channel, "rssi", state.rssi, "stored_on_board",
                             (int)stored));
    return ERR_OK;
}

enum err step_time(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct at_client *client;
    int64_t board_s = 0;
    enum err e = session_client(s, &client);
    if (!e)
        e = at_sntp_sync(client, c->time.server, c->time.zone, session_within(s, TIME_MS),
                         &board_s);
    if (e) return e;
    char text[CLOCK_TEXT];
    session_result(s, "time",
                   json_pack("{s:s,s:s,s:I}", "server", c->time.server, "board",
                             clock_format(board_s * 1000, text), "ahead_of_host_s",
                             (json_int_t)(board_s - clock_now_ms() / 1000)));
    return ERR_OK;
}

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
    if (!e) e = command_expand(c->mqtt.client_id, mac, c->slot, s->client_id, sizeof s->client_id);
    if (!e) e = command_expand(c->mqtt.topic, mac, c->slot, s->topic, sizeof s->topic);
    return e;
}

enum err step_connect(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct at_client *client;
    enum err e = session_client(s, &client);
    if (!e) e = step_mqtt_names(s);
    if (e) return e;
    struct at_mqtt_config cfg = {
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
    s->mqtt_touched = true;
    e = at_mqtt_configure(client, &cfg, session_within(s, CONFIGURE_MS));
    if (e) return e;
    int64_t start = deadline_now_ns();
    s->at_cut = true;
    e = at_mqtt_connect(client, &cfg, session_within(s, CONNECT_MS));
    session_ended(s, e);
    if (e) return e;
    session_result(s, "mqtt",
                   json_pack("{s:s,s:i,s:i,s:s,s:s,s:i}", "host", c->mqtt.host, "port",
                             c->mqtt.port, "scheme", c->mqtt.scheme, "client_id", s->client_id,
                             "topic", s->topic, "connect_ms",
                             (int)((deadline_now_ns() - start) / 1000000)));
    return ERR_OK;
}

enum err step_subscribe(struct session *s)
{
    s->at_cut = true; /* AT+MQTTSUB may hang for ever; only a reset helps then */
    enum err e = at_mqtt_subscribe(s->client, s->topic, s->ctx->command->mqtt.qos,
                                   session_within(s, SUBSCRIBE_MS));
    return session_ended(s, e);
}

enum err step_publish(struct session *s)
{
    /* Its own words each time: an old or a foreign message on the topic proves nothing. */
    char payload[96];
    int n = snprintf(payload, sizeof payload, "{\"espgate\":\"%s\",\"mac\":\"%s\"}", s->ctx->job_id,
                     s->mac);
    s->at_cut = true;
    int qos = s->ctx->command->mqtt.qos;
    enum err e = at_mqtt_publish(s->client, s->topic, qos, payload, (size_t)n,
                                 session_within(s, PUBLISH_MS));
    if (!e)
        e = at_mqtt_expect(s->client, s->topic, payload, (size_t)n, session_within(s, PUBLISH_MS));
    session_ended(s, err_is(e, "mqtt_no_echo") ? ERR_OK : e); /* that was no answer to wait for */
    if (e) return e;
    json_object_set_new(json_object_get(s->ctx->result, "mqtt"), "echoed", json_true());
    return ERR_OK;
}
