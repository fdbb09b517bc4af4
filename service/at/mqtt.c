/* Design: the firmware takes the settings in one order only (USERCFG, then names, ALPN, SNI, then
 * CONNCFG), so everything begins with MQTTCLEAN. Long values go by commands of their own: 256 bytes
 * is all a line holds. What the firmware does not tell (why a TLS connection failed, whether a
 * subscription was refused) is not guessed: the time to the failure and a message that has to come
 * back are the evidence. */
#include "service/at/mqtt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/at/codes.h"
#include "service/base/limits.h"

enum {
    COMMAND_MS = 10000, /* a clean after a lost link takes 4.5 s */
    CONNECT_MS = 60000,
    MAX_TOPIC = 128,
    QUOTED_TOPIC = 256, /* each byte escaped */
    MAX_NAME = 64,      /* user name and password in USERCFG (esp-at.md 5.8) */
    MAX_LONG = 1024,
    ALPN_PORT = 443,
};

enum err at_mqtt_clean(struct at_client *c, struct deadline until)
{
    enum err e = at_command(c, until, "AT+MQTTCLEAN=0");
    at_forget_lines(c, "+MQTT");
    bool nothing = at_error_code(c) == 0 || at_said_code(c, AT_CODE_NOTHING_TO_CLEAN);
    return at_was_refused(c) && nothing ? ERR_OK : e;
}

static struct deadline soon(struct deadline until)
{
    return deadline_within_ms(until, COMMAND_MS);
}

static enum err put(struct buf *line, const char *before, const char *value)
{
    buf_puts(line, before);
    enum err e = at_quote(value, line);
    return e ? e : buf_ok(line);
}

/* AT+MQTTUSERCFG; with short stand-ins when the names go by commands of their own. */
static enum err user_line(const struct at_mqtt_config *cfg, bool names, struct buf *line)
{
    buf_printf(line, "AT+MQTTUSERCFG=0,%d,\"", cfg->scheme);
    enum err e = put(line, "", names ? cfg->client_id : "-");
    if (!e) e = put(line, "\",\"", names ? cfg->username : "");
    if (!e) e = put(line, "\",\"", names ? cfg->password : "");
    if (!e) e = buf_puts(line, "\",0,0,\"\"");
    return e;
}

/* AT+MQTT<name>, or AT+MQTTLONG<name> (v3.0) when it does not fit. */
static enum err set_name(struct at_client *c, const char *name, const char *value,
                         struct deadline until)
{
    size_t n = strlen(value);
    if (!n) return ERR_OK;
    struct buf line;
    buf_init_secret(&line, 2 * MAX_LONG + 64);
    buf_printf(&line, "AT+MQTT%s=0,\"", name);
    enum err e = put(&line, "", value);
    if (!e) e = buf_puts(&line, "\"");
    if (!e && line.len <= LIMIT_AT_LINE - 2) {
        e = at_command_secret(c, soon(until), buf_str(&line));
    } else if (!e) {
        char head[64];
        snprintf(head, sizeof head, "AT+MQTTLONG%s=0,%zu", name, n);
        struct at_data_command d = {
            .line = head, .data = (const uint8_t *)value, .n = n, .secret = true};
        e = at_command_data(c, &d, soon(until));
    }
    buf_dispose(&line);
    return e;
}

static enum err set_user(struct at_client *c, const struct at_mqtt_config *cfg,
                         struct deadline until)
{
    struct buf line;
    buf_init_secret(&line, 4 * MAX_LONG + 64);
    enum err e = user_line(cfg, true, &line);
    bool fits = line.len <= LIMIT_AT_LINE - 2 && strlen(cfg->username) <= MAX_NAME &&
                strlen(cfg->password) <= MAX_NAME;
    if (!e && !fits) {
        buf_reset(&line);
        e = user_line(cfg, false, &line);
    }
    if (!e) e = at_command_secret(c, soon(until), buf_str(&line));
    buf_dispose(&line);
    if (e && at_is_unknown_command(c))
        return err_fail(ERR_UNSUPPORTED, "mqtt_unsupported",
                        "Write a firmware with MQTT to the board (v2.1 or later).",
                        "the firmware on the board has no MQTT");
    if (e || fits) return e;
    e = set_name(c, "CLIENTID", cfg->client_id, until);
    if (!e) e = set_name(c, "USERNAME", cfg->username, until);
    if (!e) e = set_name(c, "PASSWORD", cfg->password, until);
    return e;
}

/* A setting that old firmware does not have. *missing_out: it does not. */
static enum err set_optional(struct at_client *c, const char *before, const char *value,
                             struct deadline until, bool *missing_out)
{
    *missing_out = false;
    if (!*value) return ERR_OK;
    struct buf quoted;
    buf_init(&quoted, LIMIT_AT_LINE);
    enum err e = at_quote(value, &quoted);
    if (!e) e = at_command(c, soon(until), "%s\"%s\"", before, buf_str(&quoted));
    buf_dispose(&quoted);
    if (!e || !at_is_unknown_command(c)) return e;
    *missing_out = true;
    return ERR_OK;
}

static enum err check_config(const struct at_mqtt_config *cfg)
{
    if (cfg->scheme < 1 || cfg->scheme > 10) return err_set(ERR_ARG, "an MQTT scheme is 1 to 10");
    if (cfg->keepalive_s < 0 || cfg->keepalive_s > 7200)
        return err_set(ERR_ARG, "the keep-alive is 0 to 7200 s");
    if (strlen(cfg->client_id) > MAX_LONG || strlen(cfg->username) > MAX_LONG ||
        strlen(cfg->password) > MAX_LONG)
        return err_set(ERR_ARG, "client id, user name and password have at most 1024 bytes");
    return ERR_OK;
}

enum err at_mqtt_configure(struct at_client *c, const struct at_mqtt_config *cfg,
                           struct deadline until)
{
    enum err e = check_config(cfg);
    if (e) return e;
    e = at_mqtt_clean(c, soon(until));
    if (e && !at_was_refused(c)) return e;
    e = set_user(c, cfg, until);
    if (e) return e;
    bool missing = false;
    e = set_optional(c, "AT+MQTTALPN=0,1,", cfg->alpn, until, &missing);
    if (e) return e;
    /* Elsewhere a broker does without; this port is shared with HTTPS and needs it. */
    if (missing && cfg->port == ALPN_PORT)
        return err_fail(ERR_UNSUPPORTED, "mqtt_alpn_unsupported",
                        "Use port 8883, or a firmware of v2.4 or later.",
                        "the firmware on the board has no ALPN, which MQTT on port 443 needs");
    e = set_optional(c, "AT+MQTTSNI=0,", cfg->sni, until, &missing);
    if (e) return e;
    return at_command(c, soon(until), "AT+MQTTCONNCFG=0,%d,0,\"\",\"\",0,0", cfg->keepalive_s);
}

struct missing_part {
    uint32_t code;
    const char *name, *what;
};

static const struct missing_part missing_parts[] = {
    {0x010a6021, "mqtt_ca_missing", "root CA"},
    {0x010a6022, "mqtt_ca_missing", "root CA"},
    {0x010a6023, "mqtt_cert_missing", "certificate"},
    {0x010a6024, "mqtt_cert_missing", "certificate"},
    {0x010a6025, "mqtt_key_missing", "private key"},
    {0x010a6026, "mqtt_key_missing", "private key"},
};

static enum err part_missing(struct at_client *c)
{
    struct err_info said = *err_last();
    for (size_t i = 0; i < sizeof missing_parts / sizeof *missing_parts; i++) {
        const struct missing_part *m = &missing_parts[i];
        if (!at_said_code(c, m->code)) continue;
        enum err e = err_fail(ERR_DEVICE, m->name, "Write the credential to the board.",
                              "the board finds no usable %s in its flash", m->what);
        return err_device(e, said.device, strlen(said.device));
    }
    return ERR_OK;
}

/* What the time to the failure suggests; measured, but not proof (at-observed.md, more, 2). */
static const char *connect_hint(int scheme, int ms)
{
    if (ms >= 9500)
        return "Something accepts or swallows the connection and does not speak: check host, port, "
               "firewall, and that scheme and port fit together.";
    if (scheme == 1 || scheme == 6)
        return "Check that the broker listens on this host and port and takes this client id, user "
               "name and password.";
    return "The board gives no reason. Check host and port, that the root CA on the board signed "
           "the "
           "broker's certificate, that the broker knows the device certificate, and the board's "
           "clock; the host-side check and the broker's log tell which.";
}

static enum err connect_failed(struct at_client *c, const struct at_mqtt_config *cfg)
{
    struct err_info said = *err_last();
    int ms = at_first_urc_ms(c);
    char when[48] = "at once";
    if (ms >= 0) snprintf(when, sizeof when, "after %d ms", ms);
    enum err e = err_fail(ERR_DEVICE, "mqtt_connect_failed", connect_hint(cfg->scheme, ms),
                          "the board could not connect to %s:%d (scheme %d): it gave up %s%s%s",
                          cfg->host, cfg->port, cfg->scheme, when, at_error_code(c) ? ": " : "",
                          at_error_code(c) ? at_code_words(at_error_code(c)) : "");
    return err_device(e, said.device, strlen(said.device));
}

bool at_mqtt_is_gone(struct at_client *c, struct deadline until)
{
    static const char *const gone[] = {"+MQTTDISCONNECTED:", NULL};
    int which = 0;
    struct at_message m;
    return at_wait_message(c, gone, until, &which, &m) == ERR_OK;
}

/* The deadline came before the result. */
static enum err connect_hangs(struct at_client *c, const struct at_mqtt_config *cfg)
{
    /* It failed, and only the last of its 5 s are missing: the next command waits for their end. */
    if (at_mqtt_is_gone(c, deadline_in_ms(0))) return connect_failed(c, cfg);
    return err_fail(ERR_TIMEOUT, "mqtt_connect_hangs", "Reset the board, then try again.",
                    "the board neither connects to %s:%d nor gives up", cfg->host, cfg->port);
}

static enum err check_broker(const struct at_mqtt_config *cfg)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t n = strlen(cfg->host);
    if (!n || strspn(cfg->host, allowed) != n)
        return err_set(ERR_ARG, "a broker's name holds letters, digits, '-' and '.' only");
    if (cfg->port < 1 || cfg->port > 65535) return err_set(ERR_ARG, "a port is 1 to 65535");
    return ERR_OK;
}

enum err at_mqtt_connect(struct at_client *c, const struct at_mqtt_config *cfg,
                         struct deadline until)
{
    enum err e = check_broker(cfg);
    if (e) return e;
    at_forget_lines(c, "+MQTT");
    e = at_command(c, deadline_within_ms(until, CONNECT_MS), "AT+MQTTCONN=0,\"%s\",%d,0", cfg->host,
                   cfg->port);
    if (err_is(e, "at_timeout")) return connect_hangs(c, cfg);
    if (!e || !at_was_refused(c)) return e;
    enum err missing = part_missing(c);
    return missing ? missing : connect_failed(c, cfg);
}

static enum err check_topic(const char *topic, int qos)
{
    size_t n = strlen(topic);
    if (!n || n > MAX_TOPIC) return err_set(ERR_ARG, "a topic has 1 to %d bytes here", MAX_TOPIC);
    if (qos < 0 || qos > 2) return err_set(ERR_ARG, "QoS is 0 to 2");
    return ERR_OK;
}

static enum err quoted_topic(const char *topic, int qos, struct buf *out)
{
    enum err e = check_topic(topic, qos);
    return e ? e : at_quote(topic, out);
}

enum err at_mqtt_subscribe(struct at_client *c, const char *topic, int qos, struct deadline until)
{
    struct buf quoted;
    buf_init(&quoted, QUOTED_TOPIC);
    enum err e = quoted_topic(topic, qos, &quoted);
    if (!e) e = at_command(c, until, "AT+MQTTSUB=0,\"%s\",%d", buf_str(&quoted), qos);
    buf_dispose(&quoted);
    if (!err_is(e, "at_timeout")) return e;
    return err_fail(
        ERR_TIMEOUT, "mqtt_subscribe_hangs",
        "The broker does not answer SUBSCRIBE (does its policy allow the topic?). Only a "
        "reset brings the board back.",
        "the board got no answer to its subscription of %s", topic);
}

enum err at_mqtt_publish(struct at_client *c, const char *topic, int qos, const void *data,
                         size_t n, struct deadline until)
{
    struct buf quoted;
    buf_init(&quoted, QUOTED_TOPIC);
    enum err e = quoted_topic(topic, qos, &quoted);
    if (!e && !n) { /* the raw form refuses length 0 */
        e = at_command(c, until, "AT+MQTTPUB=0,\"%s\",\"\",%d,0", buf_str(&quoted), qos);
    } else if (!e) {
        char line[QUOTED_TOPIC + 64];
        snprintf(line, sizeof line, "AT+MQTTPUBRAW=0,\"%s\",%zu,%d,0", buf_str(&quoted), n, qos);
        struct at_data_command d = {.line = line, .data = data, .n = n, .final = "+MQTTPUB:OK"};
        e = at_command_data(c, &d, until);
    }
    buf_dispose(&quoted);
    return e;
}

/* Joins the pieces of a long message. The firmware cuts at 1024 bytes of the MQTT packet and gives
 * no offset: only a piece of exactly the full size can have a next one (at-observed.md, more, 13).
 */
struct join {
    const char *topic;
    const uint8_t *want;
    size_t n, got; /* bytes of want that have come */
    bool more;     /* the last piece was full */
};

static bool is_full(const struct join *j, size_t len)
{
    enum { CUT = 1024, HEAD_SHORT = 5, HEAD_LONG = 6, PACKET_ID = 2 };
    size_t topic = strlen(j->topic);
    if (j->got > 0) return len == CUT;
    if (topic + HEAD_LONG + PACKET_ID >= CUT) return false;
    size_t room = CUT - topic;
    return len == room - HEAD_SHORT || len == room - HEAD_SHORT - PACKET_ID ||
           len == room - HEAD_LONG || len == room - HEAD_LONG - PACKET_ID;
}

/* Does the piece carry on at @p at? */
static bool fits(const struct join *j, size_t at, const struct at_message *m)
{
    if (!m->raw_len) return true;
    return m->raw_len <= j->n - at && memcmp(j->want + at, m->raw, m->raw_len) == 0;
}

/* @return true when the message is whole */
static bool join_piece(struct join *j, const struct at_message *m)
{
    bool next = j->more && j->got && fits(j, j->got, m);
    if (!next) j->got = 0;
    if (!next && !fits(j, 0, m)) {
        j->more = false;
        return false;
    }
    j->more = is_full(j, m->raw_len);
    j->got += m->raw_len;
    return j->got == j->n;
}

/* +MQTTSUBRECV:<link>,"<topic>",<n>, */
static bool is_on_topic(const char *line, const char *topic)
{
    const char *quote = strchr(line, '"');
    size_t n = strlen(topic);
    return quote && strncmp(quote + 1, topic, n) == 0 && strncmp(quote + 1 + n, "\",", 2) == 0;
}

static enum err lost(const char *code, const char *hint, const char *what, const char *line)
{
    enum err e = err_fail(ERR_DEVICE, code, hint, "%s before the message came back", what);
    return err_device(e, line, strlen(line));
}

enum err at_mqtt_expect(struct at_client *c, const char *topic, const void *data, size_t n,
                        struct deadline until)
{
    static const char *const news[] = {"+MQTTSUBRECV:", "+MQTTDISCONNECTED:", "ready", NULL};
    struct join j = {.topic = topic, .want = data, .n = n};
    for (;;) {
        struct at_message m;
        int which = 0;
        enum err e = at_wait_message(c, news, until, &which, &m);
        if (e == ERR_TIMEOUT)
            return err_fail(ERR_TIMEOUT, "mqtt_no_echo",
                            "The broker took the subscription or the message and dropped it: check "
                            "that its policy allows this client both on the topic.",
                            "the message did not come back on %s", topic);
        if (e) return e;
        if (which == 1)
            return lost("mqtt_disconnected",
                        "The broker closed the connection: check its policy, and that no other "
                        "client uses the same client id.",
                        "the connection was lost", m.line);
        if (which == 2)
            return lost("board_rebooted", "Check the power supply of the board.",
                        "the board restarted by itself", m.line);
        if (m.raw && is_on_topic(m.line, topic) && join_piece(&j, &m)) return ERR_OK;
    }
}
