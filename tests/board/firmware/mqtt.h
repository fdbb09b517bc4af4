/* mqtt: the AT+MQTT… commands and their states: mqtt_config.c sets up, mqtt.c makes and ends the
 * session, mqtt_topics.c works in it. The link itself is mqtt_link. */
#ifndef TESTS_BOARD_FIRMWARE_MQTT_H
#define TESTS_BOARD_FIRMWARE_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/board/firmware/args.h"
#include "tests/board/firmware/mqtt_link.h"

struct firmware;

/* The numbers of AT+MQTTCONN?. */
enum mqtt_state {
    MQTT_NOTHING = 0,
    MQTT_USER_SET = 1,
    MQTT_CONN_SET = 2, /* also after a failed connection */
    MQTT_LOST = 3,
    MQTT_UP = 4,
    MQTT_UP_UNSUBSCRIBED = 5,
    MQTT_UP_SUBSCRIBED = 6,
};

/* What the running command waits for. */
enum mqtt_wait {
    MQTT_WAIT_NOTHING,
    MQTT_WAIT_CONNECTED,
    MQTT_WAIT_PUBLISHED,
    MQTT_WAIT_RAW_PUBLISHED,
    MQTT_WAIT_SUBSCRIBED,
    MQTT_WAIT_UNSUBSCRIBED,
};

/* Codes of the module, behind AT_ERR_EXECUTE (esp-at.md 5.8). */
enum mqtt_error {
    MQTT_ERR_NOT_CONFIGURED = 0x6001,
    MQTT_ERR_WRONG_STATE = 0x6002,
    MQTT_ERR_CLEAN = 0x6003,
    MQTT_ERR_NO_LINK = 0x6006,
    MQTT_ERR_TLS = 0x6009,
    MQTT_ERR_PREPARE = 0x600a,
    MQTT_ERR_START = 0x600b,
    MQTT_ERR_SUBSCRIBE = 0x600d,
    MQTT_ERR_LINK_READ = 0x6010,
    MQTT_ERR_LINK_ID = 0x6011,
    MQTT_ERR_SCHEME_READ = 0x6012,
    MQTT_ERR_SCHEME = 0x6013,
    MQTT_ERR_CLIENT_ID_READ = 0x6014,
    MQTT_ERR_CLIENT_ID_LONG = 0x6016,
    MQTT_ERR_CLIENT_ID = 0x6017,
    MQTT_ERR_USER = 0x601a,
    MQTT_ERR_PASSWORD = 0x601b,
    MQTT_ERR_CERT_READ = 0x601d,
    MQTT_ERR_CERT = 0x601e,
    MQTT_ERR_CA_READ = 0x601f,
    MQTT_ERR_CA = 0x6020,
    MQTT_ERR_NO_CA = 0x6021, /* length; + 1: reading; the certificate's and key's pairs follow */
    MQTT_ERR_NO_CERT = 0x6023,
    MQTT_ERR_NO_KEY = 0x6025,
    MQTT_ERR_PATH = 0x6027,
    MQTT_ERR_PATH_LONG = 0x6029,
    MQTT_ERR_KEEPALIVE_READ = 0x602b,
    MQTT_ERR_KEEPALIVE = 0x602d,
    MQTT_ERR_SESSION_READ = 0x602e,
    MQTT_ERR_SESSION = 0x602f,
    MQTT_ERR_WILL_TOPIC = 0x6030,
    MQTT_ERR_WILL_TOPIC_LONG = 0x6032,
    MQTT_ERR_WILL_TEXT = 0x6033,
    MQTT_ERR_WILL_QOS_READ = 0x6036,
    MQTT_ERR_WILL_QOS = 0x6037,
    MQTT_ERR_WILL_RETAIN_READ = 0x6038,
    MQTT_ERR_WILL_RETAIN = 0x6039,
    MQTT_ERR_HOST = 0x603a,
    MQTT_ERR_PORT_READ = 0x603d,
    MQTT_ERR_PORT = 0x603e,
    MQTT_ERR_RECONNECT_READ = 0x603f,
    MQTT_ERR_RECONNECT = 0x6040,
    MQTT_ERR_TOPIC = 0x6041,
    MQTT_ERR_TOPIC_LONG = 0x6043,
    MQTT_ERR_DATA = 0x6044,
    MQTT_ERR_QOS_READ = 0x6047,
    MQTT_ERR_QOS = 0x6048,
    MQTT_ERR_RETAIN_READ = 0x6049,
    MQTT_ERR_RETAIN = 0x604a,
    MQTT_ERR_LENGTH_READ = 0x604b,
    MQTT_ERR_LENGTH = 0x604c,
    MQTT_ERR_HOST_CHARACTER = 0x6052,
};

enum { MQTT_SUBSCRIPTIONS = 10, MQTT_PATH_MAX = 33 };

struct mqtt_subscription {
    char topic[MQTT_TOPIC_MAX];
    int qos;
};

struct mqtt {
    enum mqtt_state state;
    struct mqtt_settings settings;
    unsigned cert_id, ca_id;
    char *taking; /* the setting that the data of a running AT+MQTTLONG… is for */
    char path[MQTT_PATH_MAX];
    char host[MQTT_TOPIC_MAX]; /* "" unless there is or was a session */
    unsigned port;
    bool reconnect;
    struct mqtt_subscription sub[MQTT_SUBSCRIPTIONS];
    size_t subs;
    struct mqtt_link *link;
    enum mqtt_wait waiting;
    struct mqtt_subscription asked; /* topic and QoS of the running command */
    bool retain;
    uint64_t lost_ns;
};

void mqtt_init(struct firmware *fw);
void mqtt_dispose(struct firmware *fw);
/** Wi-Fi came or went. */
void mqtt_network(struct firmware *fw, bool up);
/** Forget the session and its settings; @p clean says goodbye to the broker. */
void mqtt_forget(struct firmware *fw, bool clean);

bool mqtt_is_up(const struct mqtt *m);
/** The running command, if it waits for the broker, comes to nothing. */
void mqtt_command_failed(struct firmware *fw);
/** The broker has acknowledged what the running command asked. */
void mqtt_acknowledged(struct firmware *fw);
/** Subscribe again to all that was subscribed to. */
void mqtt_restore(struct firmware *fw);
/** A message that the link has received, in its pieces. */
void mqtt_print_message(struct firmware *fw, const struct mail *mail);
/** End the running command with a code of this module. */
void mqtt_error(struct firmware *fw, enum mqtt_error code);
/** The link id of every command: 0. @return false when the command has been ended */
bool mqtt_link_id(struct firmware *fw, const struct at_args *a);
/** A number within limits: @p read_code when there is none, read_code's own @p value_code when it
 * is outside. @return false when the command has been ended */
struct mqtt_number {
    size_t index;
    long least, most;
    enum mqtt_error read_code, value_code;
};
bool mqtt_number(struct firmware *fw, const struct at_args *a, const struct mqtt_number *spec,
                 long *out);
/** The credentials that the scheme needs, from the flash; the error lines when one is missing. */
bool mqtt_credentials(struct firmware *fw, struct mqtt_target *out);

void cmd_mqttusercfg_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttclientid_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttusername_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttpassword_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttlongclientid_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttlongusername_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttlongpassword_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttsni_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttconncfg_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttalpn_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttconn_query(struct firmware *fw, const struct at_args *a);
void cmd_mqttconn_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttpub_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttpubraw_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttsub_query(struct firmware *fw, const struct at_args *a);
void cmd_mqttsub_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttunsub_set(struct firmware *fw, const struct at_args *a);
void cmd_mqttclean_set(struct firmware *fw, const struct at_args *a);
#endif
