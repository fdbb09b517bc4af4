/* The configuration commands of MQTT: accepted only in their order (at-observed.md, more, 8), and
 * the lookup of the credentials in the flash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"
#include "tests/board/firmware/pki.h"

enum { SCHEME_LAST = 10, CREDENTIAL_LAST = 1, KEEPALIVE_MAX = 7200, KEEPALIVE_DEFAULT = 120 };

void mqtt_error(struct firmware *fw, enum mqtt_error code)
{
    at_error(fw, AT_ERR_EXECUTE + (uint32_t)code);
}

bool mqtt_number(struct firmware *fw, const struct at_args *a, const struct mqtt_number *spec,
                 long *out)
{
    if (!at_int(fw, a, spec->index, out)) {
        mqtt_error(fw, spec->read_code);
        return false;
    }
    if (*out >= spec->least && *out <= spec->most) return true;
    mqtt_error(fw, spec->value_code);
    return false;
}

bool mqtt_link_id(struct firmware *fw, const struct at_args *a)
{
    static const struct mqtt_number spec = {0, 0, 0, MQTT_ERR_LINK_READ, MQTT_ERR_LINK_ID};
    long id;
    return mqtt_number(fw, a, &spec, &id);
}

static bool text(struct firmware *fw, const struct at_args *a, size_t i, char *out, size_t cap)
{
    return args_absent(a, i) ? (*out = '\0', i < a->count) : at_str(fw, a, i, out, cap);
}

void cmd_mqttusercfg_set(struct firmware *fw, const struct at_args *a)
{
    static const struct mqtt_number scheme_spec = {1, 1, SCHEME_LAST, MQTT_ERR_SCHEME_READ,
                                                   MQTT_ERR_SCHEME},
                                    cert_spec = {5, 0, CREDENTIAL_LAST, MQTT_ERR_CERT_READ,
                                                 MQTT_ERR_CERT},
                                    ca_spec = {6, 0, CREDENTIAL_LAST, MQTT_ERR_CA_READ,
                                               MQTT_ERR_CA};
    struct mqtt *m = &fw->mqtt;
    struct mqtt_settings s = {.keepalive_s = KEEPALIVE_DEFAULT, .clean = true};
    char path[ARGS_LINE_MAX];
    long scheme, cert, ca;
    if (m->state > MQTT_CONN_SET) {
        mqtt_error(fw, MQTT_ERR_WRONG_STATE);
        return;
    }
    if (!mqtt_link_id(fw, a) || !mqtt_number(fw, a, &scheme_spec, &scheme)) return;
    if (!text(fw, a, 2, s.client_id, sizeof s.client_id)) {
        mqtt_error(fw, MQTT_ERR_CLIENT_ID);
        return;
    }
    if (!text(fw, a, 3, s.user, sizeof s.user)) {
        mqtt_error(fw, MQTT_ERR_USER);
        return;
    }
    if (!text(fw, a, 4, s.password, sizeof s.password)) {
        mqtt_error(fw, MQTT_ERR_PASSWORD);
        return;
    }
    if (!mqtt_number(fw, a, &cert_spec, &cert) || !mqtt_number(fw, a, &ca_spec, &ca)) return;
    if (!text(fw, a, 7, path, sizeof path)) {
        mqtt_error(fw, MQTT_ERR_PATH);
        return;
    }
    if (strlen(path) >= sizeof m->path) {
        mqtt_error(fw, MQTT_ERR_PATH_LONG);
        return;
    }
    s.scheme = (unsigned)scheme;
    m->settings = s;
    m->cert_id = (unsigned)cert;
    m->ca_id = (unsigned)ca;
    memcpy(m->path, path, strlen(path) + 1);
    m->state = MQTT_USER_SET;
    at_ok(fw);
}

/* The three commands for texts that do not fit into AT+MQTTUSERCFG. */
static void set_text(struct firmware *fw, const struct at_args *a, char *field,
                     enum mqtt_error read_code)
{
    char value[ARGS_LINE_MAX];
    if (fw->mqtt.state != MQTT_USER_SET) {
        mqtt_error(fw, MQTT_ERR_WRONG_STATE);
        return;
    }
    if (!mqtt_link_id(fw, a)) return;
    if (!text(fw, a, 1, value, sizeof value)) {
        mqtt_error(fw, read_code);
        return;
    }
    memcpy(field, value, sizeof value);
    at_ok(fw);
}

void cmd_mqttclientid_set(struct firmware *fw, const struct at_args *a)
{
    set_text(fw, a, fw->mqtt.settings.client_id, MQTT_ERR_CLIENT_ID);
}

void cmd_mqttusername_set(struct firmware *fw, const struct at_args *a)
{
    set_text(fw, a, fw->mqtt.settings.user, MQTT_ERR_USER);
}

void cmd_mqttpassword_set(struct firmware *fw, const struct at_args *a)
{
    set_text(fw, a, fw->mqtt.settings.password, MQTT_ERR_PASSWORD);
}

/* AT+MQTTLONG…: the text comes as counted data, so it may be long and hold anything. */
static void take_long(struct firmware *fw, uint8_t *data, size_t n)
{
    char *field = fw->mqtt.taking;
    memcpy(field, data, n + 1); /* at_collect put a NUL behind it */
    at_ok(fw);
}

static void set_long(struct firmware *fw, const struct at_args *a, char *field)
{
    static const struct mqtt_number length_spec = {1, 1, MQTT_LONG_MAX, MQTT_ERR_CLIENT_ID_READ,
                                                   MQTT_ERR_CLIENT_ID_LONG};
    long n;
    if (fw->mqtt.state != MQTT_USER_SET) {
        mqtt_error(fw, MQTT_ERR_WRONG_STATE);
        return;
    }
    if (!mqtt_link_id(fw, a) || !mqtt_number(fw, a, &length_spec, &n)) return;
    if (!at_collect(fw, (size_t)n, take_long)) {
        at_error(fw, 0);
        return;
    }
    fw->mqtt.taking = field;
    at_print(fw, "\r\nOK\r\n\r\n>");
}

void cmd_mqttlongclientid_set(struct firmware *fw, const struct at_args *a)
{
    set_long(fw, a, fw->mqtt.settings.client_id);
}

void cmd_mqttlongusername_set(struct firmware *fw, const struct at_args *a)
{
    set_long(fw, a, fw->mqtt.settings.user);
}

void cmd_mqttlongpassword_set(struct firmware *fw, const struct at_args *a)
{
    set_long(fw, a, fw->mqtt.settings.password);
}

void cmd_mqttsni_set(struct firmware *fw, const struct at_args *a)
{
    char name[sizeof fw->mqtt.settings.sni];
    if (fw->mqtt.state != MQTT_USER_SET) {
        mqtt_error(fw, MQTT_ERR_WRONG_STATE);
        return;
    }
    if (!mqtt_link_id(fw, a)) return;
    if (!at_str(fw, a, 1, name, sizeof name)) {
        at_error(fw, 0);
        return;
    }
    memcpy(fw->mqtt.settings.sni, name, sizeof name);
    at_ok(fw);
}

void cmd_mqttconncfg_set(struct firmware *fw, const struct at_args *a)
{
    static const struct mqtt_number keepalive_spec = {1, 0, KEEPALIVE_MAX, MQTT_ERR_KEEPALIVE_READ,
                                                      MQTT_ERR_KEEPALIVE},
                                    session_spec = {2, 0, 1, MQTT_ERR_SESSION_READ,
                                                    MQTT_ERR_SESSION},
                                    qos_spec = {5, 0, 2, MQTT_ERR_WILL_QOS_READ, MQTT_ERR_WILL_QOS},
                                    retain_spec = {6, 0, 1, MQTT_ERR_WILL_RETAIN_READ,
                                                   MQTT_ERR_WILL_RETAIN};
    struct mqtt_settings s = fw->mqtt.settings;
    char topic[ARGS_LINE_MAX];
    long keepalive, unclean, qos, retain;
    if (fw->mqtt.state != MQTT_USER_SET && fw->mqtt.state != MQTT_CONN_SET) {
        mqtt_error(fw, MQTT_ERR_WRONG_STATE);
        return;
    }
    if (!mqtt_link_id(fw, a) || !mqtt_number(fw, a, &keepalive_spec, &keepalive) ||
        !mqtt_number(fw, a, &session_spec, &unclean))
        return;
    if (!text(fw, a, 3, topic, sizeof topic)) {
        mqtt_error(fw, MQTT_ERR_WILL_TOPIC);
        return;
    }
    if (strlen(topic) >= sizeof s.will_topic) {
        mqtt_error(fw, MQTT_ERR_WILL_TOPIC_LONG);
        return;
    }
    memcpy(s.will_topic, topic, strlen(topic) + 1);
    if (!text(fw, a, 4, s.will_text, sizeof s.will_text)) {
        mqtt_error(fw, MQTT_ERR_WILL_TEXT);
        return;
    }
    if (!mqtt_number(fw, a, &qos_spec, &qos) || !mqtt_number(fw, a, &retain_spec, &retain)) return;
    s.keepalive_s = keepalive ? (int)keepalive : KEEPALIVE_DEFAULT;
    s.clean = !unclean;
    s.will_qos = (int)qos;
    s.will_retain = retain != 0;
    fw->mqtt.settings = s;
    fw->mqtt.state = MQTT_CONN_SET;
    at_ok(fw);
}

void cmd_mqttalpn_set(struct firmware *fw, const struct at_args *a)
{
    struct mqtt_settings s = fw->mqtt.settings;
    long count;
    if (fw->mqtt.state != MQTT_USER_SET) {
        mqtt_error(fw, MQTT_ERR_WRONG_STATE);
        return;
    }
    if (!mqtt_link_id(fw, a)) return;
    if (!at_int(fw, a, 1, &count) || count < 0 || count > TLS_ALPN_MAX ||
        a->count != (size_t)count + 2) {
        at_error(fw, 0);
        return;
    }
    s.alpn_count = (size_t)count;
    for (size_t i = 0; i < s.alpn_count; i++) {
        if (!at_str(fw, a, i + 2, s.alpn[i], sizeof s.alpn[i]) || !*s.alpn[i]) {
            at_error(fw, 0);
            return;
        }
    }
    fw->mqtt.settings = s;
    at_ok(fw);
}

/* One credential by kind and number. The code's neighbour tells a damaged one. */
static bool credential(struct firmware *fw, const char *name, unsigned index,
                       enum mqtt_error missing, char **out)
{
    enum pki_status s = pki_find(fw, name, index, out);
    if (s == PKI_OK) return true;
    at_code(fw, AT_ERR_EXECUTE + (uint32_t)missing + (s == PKI_NO_READ ? 1 : 0));
    at_code(fw, AT_ERR_EXECUTE + MQTT_ERR_TLS);
    mqtt_error(fw, MQTT_ERR_PREPARE);
    return false;
}

bool mqtt_credentials(struct firmware *fw, struct mqtt_target *out)
{
    const struct mqtt *m = &fw->mqtt;
    unsigned scheme = m->settings.scheme;
    bool verifies = scheme == 3 || scheme == 5, identifies = scheme == 4 || scheme == 5;
    out->ca = out->certificate = out->key = NULL;
    if ((!verifies || credential(fw, "mqtt_ca", m->ca_id, MQTT_ERR_NO_CA, &out->ca)) &&
        (!identifies ||
         (credential(fw, "mqtt_cert", m->cert_id, MQTT_ERR_NO_CERT, &out->certificate) &&
          credential(fw, "mqtt_key", m->cert_id, MQTT_ERR_NO_KEY, &out->key))))
        return true;
    free(out->ca);
    free(out->certificate);
    free(out->key);
    return false;
}
