#include "service/cloud/mqtt_words.h"

#include <stdio.h>

enum err mqtt_words_drop(const struct mqtt_check_args *args, enum mqtt_stage stage)
{
    switch (stage) {
    case MQTT_STAGE_DNS:
    case MQTT_STAGE_TCP:
    case MQTT_STAGE_TLS:
    case MQTT_STAGE_COUNT:
        break;
    case MQTT_STAGE_CONNECT:
        return err_fail(ERR_NETWORK, "mqtt_dropped_connect",
                        args->tls
                            ? "AWS IoT does this when the policy of the certificate does not allow "
                              "iot:Connect for this client id, or the certificate is not ACTIVE."
                            : "The broker may expect TLS on this port, or refuse this client id.",
                        "the broker closed the connection instead of answering CONNECT");
    case MQTT_STAGE_SUBSCRIBE:
        return err_fail(ERR_NETWORK, "mqtt_dropped_subscribe",
                        "AWS IoT does this when the policy does not allow iot:Subscribe for "
                        "topicfilter/ and this topic.",
                        "the broker closed the connection instead of granting the subscription to "
                        "%s",
                        args->topic);
    case MQTT_STAGE_PUBLISH:
    case MQTT_STAGE_ECHO:
        return err_fail(ERR_NETWORK, "mqtt_dropped_publish",
                        "AWS IoT does this when the policy does not allow iot:Publish for topic/ "
                        "and this topic.",
                        "the broker closed the connection after the message to %s", args->topic);
    }
    return err_fail(ERR_NETWORK, "mqtt_tls_failed", NULL, "the connection was closed");
}

enum err mqtt_words_connack(int number)
{
    static const struct {
        const char *why, *hint;
    } known[] = {
        [1] = {"unacceptable protocol version", "The broker has to speak MQTT 3.1.1."},
        [2] = {"client id rejected", "The broker does not take this client id: use another."},
        [3] = {"server unavailable", "Try again later."},
        [4] = {"bad user name or password", "Check user name and password."},
        [5] = {"not authorized", "Check user name, password and the broker's access rules."},
        /* Not in the standard; AWS IoT answers it where others answer 5. */
        [7] = {"not authorized",
               "AWS IoT: the policy has to allow iot:Connect for this client id."},
    };
    size_t n = (size_t)number;
    bool is_known = n < sizeof known / sizeof *known && known[n].why;
    char code[32];
    snprintf(code, sizeof code, "mqtt_connack_%d", number);
    return err_fail(ERR_NETWORK, code,
                    is_known ? known[n].hint : "The log of the broker may tell more.",
                    "the broker refused the connection: CONNACK %d, %s", number,
                    is_known ? known[n].why : "a number without a meaning");
}

enum err mqtt_words_alien(void)
{
    return err_fail(ERR_NETWORK, "mqtt_not_mqtt", "Is this port an MQTT broker's?",
                    "the answer is not MQTT 3.1.1");
}

enum err mqtt_words_timeout(const struct mqtt_check_args *args, enum mqtt_stage stage)
{
    if (stage == MQTT_STAGE_ECHO)
        return err_fail(ERR_NETWORK, "mqtt_no_echo",
                        "The broker took subscription and message, and delivered nothing: its "
                        "access rules deny publishing to or receiving from this topic (AWS IoT: "
                        "iot:Receive for topic/ and this topic).",
                        "the message published to %s did not come back", args->topic);
    static const char port_hint[] =
        "Something listens there and stays silent: is it an MQTT broker, and does the choice of "
        "TLS or plain TCP fit its port?";
    static const char broker_hint[] =
        "The broker is slow, or it ignores what it does not allow: its log may tell more.";
    static const struct {
        const char *what, *hint;
    } waited_for[MQTT_STAGE_COUNT] = {
        [MQTT_STAGE_TLS] = {"the TLS handshake", port_hint},
        [MQTT_STAGE_CONNECT] = {"CONNACK", port_hint},
        [MQTT_STAGE_SUBSCRIBE] = {"SUBACK", broker_hint},
        [MQTT_STAGE_PUBLISH] = {"PUBACK", broker_hint},
    };
    const char *what = waited_for[stage].what;
    return err_fail(ERR_NETWORK, "mqtt_timeout", waited_for[stage].hint,
                    "%s port %d is connected, but %s did not come in time", args->host, args->port,
                    what ? what : "an answer");
}
