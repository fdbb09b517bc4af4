#include "service/cloud/mqtt_check.h"

#include <mosquitto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "service/base/digest.h"
#include "service/cloud/mqtt_session.h"
#include "service/cloud/resolve.h"

enum { NONCE_BYTES = 12 };

struct check {
    struct mqtt_session session;
    char payload[64]; /* of this check alone */
    bool echoed;
};

const char *mqtt_stage_name(enum mqtt_stage s)
{
    static const char *const names[MQTT_STAGE_COUNT] = {
        [MQTT_STAGE_DNS] = "dns",
        [MQTT_STAGE_TCP] = "tcp",
        [MQTT_STAGE_TLS] = "tls",
        [MQTT_STAGE_CONNECT] = "connect",
        [MQTT_STAGE_SUBSCRIBE] = "subscribe",
        [MQTT_STAGE_PUBLISH] = "publish",
        [MQTT_STAGE_ECHO] = "echo",
    };
    return (unsigned)s < MQTT_STAGE_COUNT ? names[s] : "?";
}

static void on_message(void *arg, const char *topic, void *payload, size_t n)
{
    (void)topic;
    struct check *c = arg;
    /* Others may publish to this topic too. */
    if (n == strlen(c->payload) && memcmp(payload, c->payload, n) == 0) c->echoed = true;
}

static enum err make_payload(struct check *c)
{
    unsigned char nonce[NONCE_BYTES];
    char hex[2 * NONCE_BYTES + 1];
    if (RAND_bytes(nonce, sizeof nonce) != 1) return err_set(ERR_INTERNAL, "no random bytes");
    snprintf(c->payload, sizeof c->payload, "{\"espgate_check\":\"%s\"}",
             digest_hex(nonce, sizeof nonce, hex));
    return ERR_OK;
}

static enum err run_stages(struct check *c)
{
    struct mqtt_session *s = &c->session;
    enum mqtt_stage last = s->args.until_stage;
    enum err e = make_payload(c);
    if (!e) e = mqtt_session_connect(s, last);
    if (!e && last >= MQTT_STAGE_SUBSCRIBE) e = mqtt_session_subscribe(s, s->args.topic);
    if (!e && last >= MQTT_STAGE_PUBLISH) e = mqtt_session_publish(s, c->payload);
    if (!e && last >= MQTT_STAGE_ECHO) e = mqtt_session_wait(s, &c->echoed, MQTT_STAGE_MS);
    return e;
}

enum err mqtt_check_run(const struct mqtt_check_args *args, struct cancel *cancel,
                        struct deadline until, struct mqtt_check_result *out)
{
    struct check c = {
        .session = {.args = *args, .cancel = cancel, .until = until, .on_message = on_message}};
    c.session.arg = &c;
    enum err e = mqtt_session_open(&c.session);
    if (!e) e = run_stages(&c);
    mqtt_session_report(&c.session);
    *out = c.session.seen;
    mqtt_session_close(&c.session);
    return e;
}

enum err mqtt_check_global_init(void)
{
    /* A peer that goes away must be an error of the write, not the end of the process. */
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigaction(SIGPIPE, &ignore, NULL);
    }
    if (mosquitto_lib_init() != MOSQ_ERR_SUCCESS) return err_set(ERR_INTERNAL, "libmosquitto");
    return ERR_OK;
}

void mqtt_check_global_end(void)
{
    resolve_end();
    mosquitto_lib_cleanup();
}
