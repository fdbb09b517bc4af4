/* Topics of a session that is up: publishing to them, subscribing, and what the broker says to it.
 */
#include "tests/board/firmware/mqtt.h"

#include <string.h>

#include "tests/board/firmware/firmware.h"

enum { ASKS_ALWAYS_SINCE = 410 };

static void ask(struct firmware *fw, enum link_request kind, const struct mqtt_subscription *s)
{
    char topic[MQTT_TOPIC_MAX];
    memcpy(topic, s->topic, sizeof topic);
    struct mail mail = {.kind = (int)kind, .topic = topic, .qos = s->qos};
    mqtt_link_ask(fw->mqtt.link, &mail);
}

void mqtt_restore(struct firmware *fw)
{
    struct mqtt *m = &fw->mqtt;
    for (size_t i = 0; i < m->subs; i++)
        ask(fw, LINK_RESTORE, &m->sub[i]);
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

void mqtt_acknowledged(struct firmware *fw)
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

/* Link id and topic of a command that needs a session. @return false: it has been ended */
static bool read_topic(struct firmware *fw, const struct at_args *a)
{
    if (!mqtt_is_up(&fw->mqtt)) {
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
    if (mqtt_is_up(&fw->mqtt))
        publish(fw, data, n, MQTT_WAIT_RAW_PUBLISHED);
    else
        mqtt_command_failed(fw);
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
    if (!m->subs && !mqtt_is_up(m)) at_print(fw, "+MQTTSUB:0,%d,\"\",0\r\n", (int)m->state);
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
