/* The MQTT commands that need a broker, and what the link reports. */
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
enum { PORT_MAX = 65535, SCHEME_TLS_LAST = 5, KEY_MS = 400, ASKS_ALWAYS_SINCE = 410 };

static bool is_up(const struct mqtt *m)
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

static void ask(struct firmware *fw, enum link_request kind, const struct mqtt_subscription *s)
{
    char topic[MQTT_TOPIC_MAX];
    memcpy(topic, s->topic, sizeof topic);
    struct mail mail = {.kind = (int)kind, .topic = topic, .qos = s->qos};
    mqtt_link_ask(fw->mqtt.link, &mail);
}

static void connected(struct firmware *fw)
{
    struct mqtt *m = &fw->mqtt;
    m->state = m->subs ? MQTT_UP_SUBSCRIBED : MQTT_UP;
    print_link(fw, "+MQTTCONNECTED:0,");
    for (size_t i = 0; i < m->subs; i++)
        ask(fw, LINK_RESTORE, &m->sub[i]);
    if (m->waiting != MQTT_WAIT_CONNECTED) return;
    m->waiting = MQTT_WAIT_NOTHING;
    at_ok(fw);
}

/* The running command, if it waits for the broker, comes to nothing. */
static void command_failed(struct firmware *fw)
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
    command_failed(fw);
}

static size_t find_subscription(const struct mqtt *m, const char *topic)
{
    size_t i = 0;
    while (i < m->subs && strcmp(m->sub[i].topic, topic) != 0)
        i++;
    return i;
}

/* One that is known keeps its first QoS. */
static void remember(struct mqtt *m)
{
    if (find_subscription(m, m->asked.topic) == m->subs) m->sub[m->subs++] = m->asked;
    m->state = MQTT_UP_SUBSCRIBED;
}

static void forget_subscription(struct mqtt *m)
{
    size_t i = find_subscription(m, m->asked.topic);
    if (i == m->subs) return;
    memmove(&m->sub[i], &m->sub[i + 1], (m->subs - i - 1) * sizeof m->sub[0]);
    m->subs--;
    if (!m->subs) m->state = MQTT_UP_UNSUBSCRIBED;
}

static void acknowledged(struct firmware *fw)
{
    struct mqtt *m = &fw->mqtt;
    enum mqtt_wait waiting = m->waiting;
    m->waiting = MQTT_WAIT_NOTHING;
    switch (waiting) {
    case MQTT_WAIT_RAW_PUBLISHED: /* no OK behind it */
        at_print(fw, "+MQTTPUB:OK\r\n");
        at_end(fw);
        return;
    case MQTT_WAIT_SUBSCRIBED:
        remember(m);
        break;
    case MQTT_WAIT_UNSUBSCRIBED:
        forget_subscription(m);
        break;
    case MQTT_WAIT_PUBLISHED:
        break;
    case MQTT_WAIT_CONNECTED:
    case MQTT_WAIT_NOTHING:
        return;
    }
    at_ok(fw);
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
        acknowledged(fw);
        break;
    case LINK_REFUSED:
        command_failed(fw);
        break;
    }
}

void mqtt_network(struct firmware *fw, bool up)
{
    struct mqtt *m = &fw->mqtt;
    struct mail mail = {.kind = LINK_NETWORK, .qos = up};
    if (m->link) mqtt_link_ask(m->link, &mail);
    if (!up && is_up(m)) lost(fw);
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

/* Link id and topic of a command that needs a session. @return false: it has been ended */
static bool read_topic(struct firmware *fw, const struct at_args *a)
{
    if (!is_up(&fw->mqtt)) {
        mqtt_error(fw, MQTT_ERR_NO_LINK);
        return false;
    }
    char topic[ARGS_LINE_MAX];
    if (!mqtt_link_id(fw, a)) return false;
    if (!at_str(fw, a, 1, topic, sizeof topic)) {
        mqtt_error(fw, MQTT_ERR_TOPIC);
        return false;
    }
    if (strlen(topic) >= sizeof fw->mqtt.asked.topic) {
        mqtt_error(fw, MQTT_ERR_TOPIC_LONG);
        return false;
    }
    memcpy(fw->mqtt.asked.topic, topic, strlen(topic) + 1);
    return true;
}

static bool read_qos(struct firmware *fw, const struct at_args *a, size_t index)
{
    struct mqtt_number spec = {index, 0, 2, MQTT_ERR_QOS_READ, MQTT_ERR_QOS};
    long qos;
    if (!mqtt_number(fw, a, &spec, &qos)) return false;
    fw->mqtt.asked.qos = (int)qos;
    return true;
}

static bool read_retain(struct firmware *fw, const struct at_args *a, size_t index)
{
    struct mqtt_number spec = {index, 0, 1, MQTT_ERR_RETAIN_READ, MQTT_ERR_RETAIN};
    long retain;
    if (!mqtt_number(fw, a, &spec, &retain)) return false;
    fw->mqtt.retain = retain != 0;
    return true;
}

static void publish(struct firmware *fw, const void *data, size_t n, enum mqtt_wait waiting)
{
    struct mqtt *m = &fw->mqtt;
    struct mail mail = {.kind = LINK_PUBLISH,
                        .topic = m->asked.topic,
                        .data = n ? (uint8_t *)(uintptr_t)data : NULL,
                        .n = n,
                        .qos = m->asked.qos,
                        .retain = m->retain};
    m->waiting = waiting;
    mqtt_link_ask(m->link, &mail);
}

void cmd_mqttpub_set(struct firmware *fw, const struct at_args *a)
{
    char data[ARGS_LINE_MAX];
    if (!read_topic(fw, a)) return;
    if (!at_str(fw, a, 2, data, sizeof data)) {
        mqtt_error(fw, MQTT_ERR_DATA);
        return;
    }
    if (!read_qos(fw, a, 3) || !read_retain(fw, a, 4)) return;
    publish(fw, data, strlen(data), MQTT_WAIT_PUBLISHED);
}

/* The link may have gone while the data came. */
static void raw_complete(struct firmware *fw, uint8_t *data, size_t n)
{
    fw->mqtt.waiting = MQTT_WAIT_RAW_PUBLISHED;
    if (is_up(&fw->mqtt))
        publish(fw, data, n, MQTT_WAIT_RAW_PUBLISHED);
    else
        command_failed(fw);
}

void cmd_mqttpubraw_set(struct firmware *fw, const struct at_args *a)
{
    static const struct mqtt_number spec = {2, 1, 0x7fffffff, MQTT_ERR_LENGTH_READ,
                                            MQTT_ERR_LENGTH};
    long length;
    if (!read_topic(fw, a) || !mqtt_number(fw, a, &spec, &length) || !read_qos(fw, a, 3) ||
        !read_retain(fw, a, 4))
        return;
    if (!at_collect(fw, (size_t)length, raw_complete)) {
        mqtt_error(fw, MQTT_ERR_LENGTH);
        return;
    }
    at_print(fw, "\r\nOK\r\n\r\n>");
}

void cmd_mqttsub_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    const struct mqtt *m = &fw->mqtt;
    for (size_t i = 0; i < m->subs; i++)
        at_print(fw, "+MQTTSUB:0,%d,\"%s\",%d\r\n", (int)m->state, m->sub[i].topic, m->sub[i].qos);
    if (!m->subs && !is_up(m)) at_print(fw, "+MQTTSUB:0,%d,\"\",0\r\n", (int)m->state);
    at_ok(fw);
}

/* Whether the broker is asked also for what is known: the time that v4.1 was seen to take for it is
 * that of a question. */
static bool asks_always(const struct firmware *fw)
{
    return fw->version->at_level >= ASKS_ALWAYS_SINCE;
}

void cmd_mqttsub_set(struct firmware *fw, const struct at_args *a)
{
    struct mqtt *m = &fw->mqtt;
    if (!read_topic(fw, a) || !read_qos(fw, a, 2)) return;
    const bool known = find_subscription(m, m->asked.topic) < m->subs;
    if (known && !asks_always(fw)) {
        console_say(fw, "ALREADY SUBSCRIBE");
        at_ok(fw);
    } else if (!known && m->subs == MQTT_SUBSCRIPTIONS) {
        mqtt_error(fw, MQTT_ERR_SUBSCRIBE);
    } else {
        m->waiting = MQTT_WAIT_SUBSCRIBED;
        ask(fw, LINK_SUBSCRIBE, &m->asked);
    }
}

void cmd_mqttunsub_set(struct firmware *fw, const struct at_args *a)
{
    struct mqtt *m = &fw->mqtt;
    if (!read_topic(fw, a)) return;
    if (find_subscription(m, m->asked.topic) == m->subs && !asks_always(fw)) {
        console_say(fw, "NO UNSUBSCRIBE");
        at_ok(fw);
        return;
    }
    m->waiting = MQTT_WAIT_UNSUBSCRIBED;
    ask(fw, LINK_UNSUBSCRIBE, &m->asked);
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
        mqtt_forget(fw, is_up(m));
        at_ok(fw);
    }
}
