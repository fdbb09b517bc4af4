/* The same credential against the same broker, from the host: it tells a bad credential from a bad
 * board. */
#include <jansson.h>
#include <stdio.h>

#include "service/cloud/mqtt_check.h"
#include "service/jobs/steps.h"

enum { CHECK_MS = 45000 };

static enum mqtt_stage last_stage(enum check_level level)
{
    return level == LEVEL_PUBLISH ? MQTT_STAGE_ECHO : MQTT_STAGE_CONNECT;
}

static json_t *report(const struct mqtt_check_result *r)
{
    json_t *stages = json_object();
    for (int i = 0; i < MQTT_STAGE_COUNT; i++)
        if (r->stage_ms[i] >= 0)
            json_object_set_new(stages, mqtt_stage_name((enum mqtt_stage)i),
                                json_integer(r->stage_ms[i]));
    return json_pack("{s:o,s:s,s:s,s:s,s:s}", "stages_ms", stages, "tls_version", r->tls_version,
                     "cipher", r->cipher, "server_subject", r->server_subject, "address",
                     r->address);
}

enum err step_host_check(struct session *s)
{
    const struct command *c = s->ctx->command;
    /* A broker drops the older of two clients with one id: the board leaves first. */
    enum err e = session_off_broker(s, session_within(s, CHECK_MS));
    if (!e) e = step_credential(s);
    if (!e) e = step_mqtt_names(s);
    if (e) return e;
    size_t n;
    struct mqtt_check_args args = {
        .host = c->mqtt.host,
        .port = c->mqtt.port,
        .certificate_pem = credential_pem(s->credential, CREDENTIAL_CERTIFICATE, &n),
        .key_pem = credential_pem(s->credential, CREDENTIAL_KEY, &n),
        .root_ca_pem = credential_pem(s->credential, CREDENTIAL_ROOT_CA, &n),
        .client_id = s->client_id,
        .topic = s->topic,
        .qos = c->mqtt.qos,
        .keepalive_s = c->mqtt.keepalive_s,
        .alpn = c->mqtt.alpn,
        .sni = c->mqtt.sni,
        .username = c->mqtt.username,
        .password = c->mqtt.password,
        .tls = c->mqtt.scheme != 1,
        .client_certificate = c->mqtt.scheme == 4 || c->mqtt.scheme == 5,
        .verify_server = c->mqtt.scheme == 3 || c->mqtt.scheme == 5,
        .until_stage = last_stage(c->level),
    };
    struct mqtt_check_result r;
    e = mqtt_check_run(&args, s->ctx->cancel, session_within(s, CHECK_MS), &r);
    session_result(s, "host_check", report(&r));
    return e;
}
