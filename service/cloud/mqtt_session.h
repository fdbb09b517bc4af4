/* mqtt_session: one MQTT connection of this machine, taken stage by stage: what mqtt_check and
 * fleet share. By libmosquitto with an SSL_CTX of its own and the key in memory only (aws-iot.md
 * 6). Blocking; one thread. Errors are those of mqtt_check.h. */
#ifndef SERVICE_CLOUD_MQTT_SESSION_H
#define SERVICE_CLOUD_MQTT_SESSION_H

#include <mosquitto.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/cloud/mqtt_check.h"
#include "service/cloud/mqtt_tls.h"

enum { MQTT_STAGE_MS = 10000 }; /* the most that a stage takes, when its peer is alive */

struct mqtt_session {
    /* set by its user, before mqtt_session_open(); the strings must last, but for the three of PEM,
     * which are needed by that call alone */
    struct mqtt_check_args args; /* .topic: what is published to, and named by errors; may change */
    struct cancel *cancel;
    struct deadline until; /* of all that is done with it; may be moved */
    void (*on_message)(void *arg, const char *topic, void *payload, size_t n); /* NULL = none */
    void *arg;
    /* how far it came: read it at any time */
    struct mqtt_check_result seen;
    enum mqtt_stage stage;
    bool published; /* the last message was acknowledged (QoS 0: was sent) */

    /* its own */
    int64_t began_ns;
    struct mqtt_tls tls;
    struct mosquitto *m;
    char library_text[160]; /* what OpenSSL said through libmosquitto */
    int connack;            /* code; -1: none yet */
    int granted_qos;
    bool accepted, subscribed, gone;
    bool looked, alien; /* at the first byte of the answer: is it no MQTT? */
};

/** Check what is asked for, and make the TLS context: no network yet. Close it also after an error.
 */
enum err mqtt_session_open(struct mqtt_session *s);
/** Stages from DNS to @p last, CONNECT at most. */
enum err mqtt_session_connect(struct mqtt_session *s, enum mqtt_stage last);
/** With args.qos. Waits for SUBACK. */
enum err mqtt_session_subscribe(struct mqtt_session *s, const char *filter);
/** To args.topic with args.qos. Waits for PUBACK. @param text  copied by the library */
enum err mqtt_session_publish(struct mqtt_session *s, const char *text);
/** Wait until on_message has made @p done true: at most @p limit_ms. */
enum err mqtt_session_wait(struct mqtt_session *s, const bool *done, int64_t limit_ms);
/** Fill .seen with what the handshake showed. */
void mqtt_session_report(struct mqtt_session *s);
/** With DISCONNECT, where there is somebody to hear it. */
void mqtt_session_close(struct mqtt_session *s);
#endif
