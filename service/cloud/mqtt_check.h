/* mqtt_check: does this credential work against this broker, seen from the host? By libmosquitto
 * with an SSL_CTX of its own and the key in memory only (aws-iot.md 6). Blocking, bounded by its
 * deadline; one check at a time per thread. */
#ifndef SERVICE_CLOUD_MQTT_CHECK_H
#define SERVICE_CLOUD_MQTT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

enum mqtt_stage {
    MQTT_STAGE_DNS,
    MQTT_STAGE_TCP,
    MQTT_STAGE_TLS,
    MQTT_STAGE_CONNECT,
    MQTT_STAGE_SUBSCRIBE,
    MQTT_STAGE_PUBLISH,
    MQTT_STAGE_ECHO,
    MQTT_STAGE_COUNT
};
/** "dns", "tcp", "tls", "connect", "subscribe", "publish", "echo". */
const char *mqtt_stage_name(enum mqtt_stage s);

struct mqtt_check_args {
    const char *host;
    int port;
    const char *certificate_pem; /* leaf, then chain */
    const char *key_pem;
    const char *root_ca_pem;
    const char *client_id; /* never the board's while the board is connected: a broker drops the
                              older of two */
    const char *topic;
    int qos;          /* 0 or 1 */
    int keepalive_s;  /* 0 = 30 */
    const char *alpn; /* "" = none */
    const char *sni;  /* name that is sent and that the server's certificate must have; "" or NULL =
                         the host, where an address is not sent */
    const char *username, *password; /* "" = none */
    bool tls;                        /* false: plain TCP (scheme 1) */
    bool client_certificate;         /* false: schemes 2 and 3 */
    bool verify_server;              /* false: schemes 2 and 4 */
    bool ignore_name; /* verify the server's certificate, but not whose it is: as ESP-AT does */
    enum mqtt_stage
        until_stage; /* MQTT_STAGE_CONNECT for a connect check, MQTT_STAGE_ECHO for everything */
};

struct mqtt_check_result {
    int stage_ms[MQTT_STAGE_COUNT]; /* -1 = not reached */
    char tls_version[16], cipher[64], server_subject[256], address[64];
    /* of a handshake that failed */
    int alert;                       /* number of the broker's fatal alert; -1 = none came */
    bool hello_received;             /* something there speaks TLS */
    bool certificate_sent;           /* the broker asked for the client's, and got it */
    bool self_signed, not_yet_valid; /* the certificate that failed our verification … */
    bool of_a_ca;                    /* … is not the broker's own but that of a CA above it */
};

/** @return ERR_OK; ERR_NETWORK with code mqtt_<stage>_… : mqtt_dns_failed, mqtt_tcp_refused,
 * mqtt_tcp_timeout, mqtt_tcp_unreachable, mqtt_tls_server_untrusted, mqtt_tls_server_expired (or
 * not yet valid), mqtt_tls_server_name, mqtt_tls_client_refused, mqtt_tls_failed, mqtt_connack_<n>,
 * mqtt_dropped_connect, mqtt_dropped_subscribe, mqtt_dropped_publish, mqtt_subscribe_refused,
 * mqtt_no_echo, mqtt_timeout, mqtt_not_mqtt; ERR_CRYPTO (before any network) with code
 * key_mismatch, key_unreadable, certificate_unusable, root_ca_unreadable; ERR_CANCELLED; ERR_ARG;
 * ERR_MEM.
 * @p out tells of the stages that ended well, also after an error. */
enum err mqtt_check_run(const struct mqtt_check_args *args, struct cancel *cancel,
                        struct deadline until, struct mqtt_check_result *out);
/** Once in main, before any thread; and once at the end. SIGPIPE is ignored from then on. */
enum err mqtt_check_global_init(void);
void mqtt_check_global_end(void);
#endif
