/* The session: the commands that make and end it, and what the link reports. */
#include "tests/board/firmware/mqtt.h"

#include <ctype.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"

/* The firmware's own time: from the report of a failed connection to its ERROR; also the rhythm in
 * which the task of a lost link can be ended. */
#define GIVE_UP_NS UINT64_C(5000000000)
enum { PORT_MAX = 65535, SCHEME_TLS_LAST = 5, KEY_MS = 400 };

bool mqtt_is_up(const struct mqtt *m)
{
    return m->state >= MQTT_UP;
}

static void print_disconnected(struct firmware *fw)
{
    at_print(fw, "+MQTTDISCONNECTED:0\r\n");
}

static void print_link(struct firmware *fw, const char *head)
{
    const struct mqtt *m = &fw->mqtt;
    char port[12] = "";
    if (m->port) snprintf(port, sizeof port, "%u", m->port);
    at_print(fw, "%s%u,\"%s\",\"%s\",\"%s\",%d\r\n", head, m->settings.scheme, m->host, port,
             m->path, m->reconnect);
}

/* libmosquitto's process-wide start. The board ignores SIGPIPE (main.c), so a broker that closes in
 * mid-write is an error like any other. */
static void start_library(void)
{
    static bool started;
    if (started) return;
    started = true;
    mosquitto_lib_init();
}

void mqtt_init(struct firmware *fw)
{
    start_library();
    memset(&fw->mqtt, 0, sizeof fw->mqtt);
}

void mqtt_forget(struct firmware *fw, bool clean)
{
    mqtt_link_stop(fw->mqtt.link, clean);
    memset(&fw->mqtt, 0, sizeof fw->mqtt);
}

void mqtt_dispose(struct firmware *fw)
{
    mqtt_forget(fw, false);
}

static void give_up(struct firmware *fw)
{
    mqtt_link_stop(fw->mqtt.link, false);
    fw->mqtt.link = NULL;
    at_error(fw, 0);
}

static void connection_failed(struct firmware *fw)
{
    struct mqtt *m = &fw->mqtt;
    m->state = MQTT_CONN_SET;
    m->host[0] = '\0';
    m->port = 0;
    m->reconnect = false;
    m->waiting = MQTT_WAIT_NOTHING;
    print_disconnected(fw);
    at_later(fw, GIVE_UP_NS, give_up);
}

static void connected(struct firmware *fw)
{
    struct mqtt *m = &fw->mqtt;
    m->state = m->subs ? MQTT_UP_SUBSCRIBED : MQTT_UP;
    print_link(fw, "+MQTTCONNECTED:0,");
    mqtt_restore(fw);
    if (m->waiting != MQTT_WAIT_CONNECTED) return;
    m->waiting = MQTT_WAIT_NOTHING;
    at_ok(fw);
}

void mqtt_command_failed(struct firmware *fw)
{
    enum mqtt_wait waiting = fw->mqtt.waiting;
    fw->mqtt.waiting = MQTT_WAIT_NOTHING;
    if (waiting == MQTT_WAIT_RAW_PUBLISHED) {
        at_print(fw, "+MQTTPUB:FAIL\r\n");
        at_end(fw);
    } else if (waiting != MQTT_WAIT_NOTHING) {
        at_error(fw, 0);
    }
}

static void lost(struct firmware *fw)
{
    struct mqtt *m = &fw->mqtt;
    if (m->state != MQTT_LOST) m->lost_ns = loop_now_ns();
    m->state = MQTT_LOST;
    print_disconnected(fw);
    mqtt_command_failed(fw);
}

static void on_link(const struct mail *event, void *arg)
{
    struct firmware *fw = arg;
    switch ((enum link_event)event->kind) {
    case LINK_CONNECTED:
        connected(fw);
        break;
    case LINK_FAILED:
        connection_failed(fw);
        break;
    case LINK_LOST:
        lost(fw);
        break;
    case LINK_MESSAGE:
        mqtt_print_message(fw, event);
        break;
    case LINK_ACKNOWLEDGED:
        mqtt_acknowledged(fw);
        break;
    case LINK_REFUSED:
        mqtt_command_failed(fw);
        break;
    }
}

void mqtt_network(struct firmware *fw, bool up)
{
    struct mqtt *m = &fw->mqtt;
    struct mail mail = {.kind = LINK_NETWORK, .qos = up};
    if (m->link) mqtt_link_ask(m->link, &mail);
    if (!up && mqtt_is_up(m)) lost(fw);
}

void cmd_mqttconn_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    char head[32];
    snprintf(head, sizeof head, "+MQTTCONN:0,%d,", (int)fw->mqtt.state);
    print_link(fw, head);
    at_ok(fw);
}

static bool read_target(struct firmware *fw, const struct at_args *a, struct mqtt_target *t)
{
    static const struct mqtt_number port_spec = {2, 1, PORT_MAX, MQTT_ERR_PORT_READ, MQTT_ERR_PORT},
                                    reconnect_spec = {3, 0, 1, MQTT_ERR_RECONNECT_READ,
                                                      MQTT_ERR_RECONNECT};
    long port, reconnect;
    if (!mqtt_link_id(fw, a)) return false;
    if (!at_str(fw, a, 1, t->host, sizeof t->host)) {
        mqtt_error(fw, MQTT_ERR_HOST);
        return false;
    }
    if (!mqtt_number(fw, a, &port_spec, &port) || !mqtt_number(fw, a, &reconnect_spec, &reconnect))
        return false;
    if (!*t->host) {
        mqtt_error(fw, MQTT_ERR_START);
        return false;
    }
    for (const char *p = t->host; *p; p++) {
        if (isalnum((unsigned char)*p) || *p == '-' || *p == '.') continue;
        mqtt_error(fw, MQTT_ERR_HOST_CHARACTER);
        return false;
    }
    t->port = (uint16_t)port;
    t->reconnect = reconnect != 0;
    return true;
}

void cmd_mqttconn_set(struct firmware *fw, const struct at_args *a)
{
    struct mqtt *m = &fw->mqtt;
    struct mqtt_target target = {.network = wifi_is_up(fw), .no_ec_key = fw->version->no_ec_key};
    if (m->state != MQTT_USER_SET && m->state != MQTT_CONN_SET) {
        mqtt_error(fw, MQTT_ERR_NOT_CONFIGURED);
        return;
    }
    if (!read_target(fw, a, &target)) return;
    if (m->settings.scheme > SCHEME_TLS_LAST) {
        mqtt_error(fw, MQTT_ERR_START); /* no WebSocket on this board */
        return;
    }
    if (!mqtt_credentials(fw, &target)) return;
    if (target.key) target.slow_ms = (uint32_t)(firmware_takes(fw, KEY_MS, 0) / 1000000u);
    struct mqtt_settings settings = m->settings;
    const uint8_t *mac = fw->env.options->mac;
    if (!*settings.client_id)
        snprintf(settings.client_id, sizeof settings.client_id, "ESP32_%02X%02X%02X", mac[3],
                 mac[4], mac[5]);
    memcpy(m->host, target.host, sizeof m->host);
    m->port = target.port;
    m->reconnect = target.reconnect;
    m->waiting = MQTT_WAIT_CONNECTED;
    m->link = mqtt_link_start(fw->env.loop, &settings, &target, on_link, fw);
    if (!m->link) mqtt_error(fw, MQTT_ERR_START);
}

static void cleaned(struct firmware *fw)
{
    mqtt_forget(fw, false);
    at_ok(fw);
}

void cmd_mqttclean_set(struct firmware *fw, const struct at_args *a)
{
    struct mqtt *m = &fw->mqtt;
    if (!mqtt_link_id(fw, a)) return;
    if (m->state == MQTT_NOTHING) {
        mqtt_error(fw, MQTT_ERR_CLEAN);
    } else if (m->state == MQTT_LOST) {
        /* The task of a lost link looks up every 5 s only, and has to be waited for. */
        uint64_t since = (loop_now_ns() - m->lost_ns) % GIVE_UP_NS;
        at_later(fw, GIVE_UP_NS - since, cleaned);
    } else {
        mqtt_forget(fw, mqtt_is_up(m));
        at_ok(fw);
    }
}
