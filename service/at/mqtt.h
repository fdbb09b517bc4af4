/* mqtt: the board's own MQTT client: configure, connect, subscribe, publish, receive. */
#ifndef SERVICE_AT_MQTT_H
#define SERVICE_AT_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/at/client.h"

struct at_mqtt_config {
    int scheme; /* 1…10; 5 = mutual TLS */
    const char *client_id;
    const char *username, *password; /* "" for none */
    const char *alpn;                /* "" = not sent */
    const char *sni; /* "" = not sent; firmware without AT+MQTTSNI (before v3.3) is no error */
    int keepalive_s; /* 0 = the firmware's 120 */
    const char *host;
    int port;
};

/** AT+MQTTCLEAN (its answer does not matter), USERCFG, [CLIENTID …], [ALPN], [SNI], CONNCFG: in the
 * one order that the firmware takes (at-observed.md, more, 8). */
enum err at_mqtt_configure(struct at_client *c, const struct at_mqtt_config *cfg,
                           struct deadline until);
/** AT+MQTTCONN. A failure has no reason on the AT port but missing PKI: codes mqtt_ca_missing,
 * mqtt_cert_missing, mqtt_key_missing; else mqtt_connect_failed with the time to the URC in the
 * detail. After a failure this returns only when the firmware's own 5 s are over and it takes
 * commands again. */
enum err at_mqtt_connect(struct at_client *c, const struct at_mqtt_config *cfg,
                         struct deadline until);
/** An OK here proves nothing (a refused subscription is OK too); no answer within @p until: code
 * mqtt_subscribe_hangs, and only a reset brings the board back. */
enum err at_mqtt_subscribe(struct at_client *c, const char *topic, int qos, struct deadline until);
/** AT+MQTTPUBRAW. */
enum err at_mqtt_publish(struct at_client *c, const char *topic, int qos, const void *data,
                         size_t n, struct deadline until);
/** Wait for a message with exactly these bytes on @p topic (pieces are joined). @return ERR_OK;
 * ERR_TIMEOUT with code mqtt_no_echo; ERR_DEVICE with code mqtt_disconnected */
enum err at_mqtt_expect(struct at_client *c, const char *topic, const void *data, size_t n,
                        struct deadline until);
/** Does the board say, before @p until, that its connection has ended? */
bool at_mqtt_is_gone(struct at_client *c, struct deadline until);
/** AT+MQTTCLEAN; "nothing to clean" is no error. */
enum err at_mqtt_clean(struct at_client *c, struct deadline until);
#endif
