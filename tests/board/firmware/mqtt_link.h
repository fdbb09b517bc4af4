/* mqtt_link: one MQTT session of the firmware: a thread with libmosquitto, its own TLS context and
 * the credentials that the firmware found in its flash. The board's loop reaches it through
 * mailboxes only. */
#ifndef TESTS_BOARD_FIRMWARE_MQTT_LINK_H
#define TESTS_BOARD_FIRMWARE_MQTT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/board/firmware/mailbox.h"
#include "tests/board/firmware/tls.h"

struct loop;
struct mqtt_link;

enum {
    MQTT_LONG_MAX = 1024, /* of AT+MQTTLONG… */
    MQTT_TEXT_MAX = MQTT_LONG_MAX + 1,
    MQTT_TOPIC_MAX = 129
};

/* What the AT+MQTT… configuration commands set. */
struct mqtt_settings {
    unsigned scheme; /* 1 TCP … 5 TLS both ways */
    char client_id[MQTT_TEXT_MAX], user[MQTT_TEXT_MAX], password[MQTT_TEXT_MAX];
    int keepalive_s;
    bool clean;
    char sni[MQTT_TOPIC_MAX]; /* "" = none is sent */
    char will_topic[MQTT_TOPIC_MAX], will_text[MQTT_TEXT_MAX];
    int will_qos;
    bool will_retain;
    size_t alpn_count;
    char alpn[TLS_ALPN_MAX][TLS_ALPN_NAME_MAX];
};

struct mqtt_target {
    char host[MQTT_TOPIC_MAX];
    uint16_t port;
    bool reconnect;
    bool network;                 /* Wi-Fi is up */
    bool no_ec_key;               /* the release cannot read one */
    uint32_t slow_ms;             /* what parsing the key takes on a paced board */
    char *ca, *certificate, *key; /* NULL: not used by the scheme */
};

/* What the link tells (struct mail.kind). */
enum link_event {
    LINK_CONNECTED,
    LINK_FAILED,       /* the first attempt came to nothing */
    LINK_LOST,         /* the session ended, or one more attempt to get it back failed */
    LINK_MESSAGE,      /* topic, data, qos */
    LINK_ACKNOWLEDGED, /* the subscription, unsubscription or publication is through */
    LINK_REFUSED,      /* … could not be sent */
};
/* What it can be asked to do. */
enum link_request {
    LINK_PUBLISH, /* topic, data, qos, retain */
    LINK_SUBSCRIBE,
    LINK_RESTORE, /* subscribe again after a reconnection; not acknowledged */
    LINK_UNSUBSCRIBE,
    LINK_NETWORK, /* qos: 1 Wi-Fi is up, 0 down */
    LINK_CLEAN,   /* end with a DISCONNECT */
    LINK_STOP,    /* end at once */
};

typedef void (*mqtt_link_fn)(const struct mail *event, void *arg);

/** Start to connect. Copies @p settings, takes the texts of @p target in any case.
 *  @p fn is called on the loop. @return NULL when the system refuses */
struct mqtt_link *mqtt_link_start(struct loop *l, const struct mqtt_settings *settings,
                                  const struct mqtt_target *target, mqtt_link_fn fn, void *arg);
void mqtt_link_ask(struct mqtt_link *k, const struct mail *request);
/** End the session and join its thread, wherever it is. @p clean sends a DISCONNECT first. Not from
 *  inside @p fn. NULL allowed. */
void mqtt_link_stop(struct mqtt_link *k, bool clean);
#endif
