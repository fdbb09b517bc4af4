/* The same credential against the same broker, from the host: it tells a bad credential from a bad
 * board. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "service/cloud/mqtt_check.h"
#include "service/jobs/ask_cloud.h"
#include "service/jobs/evidence.h"
#include "service/jobs/steps.h"

enum { CHECK_MS = 45000, HELLO_MS = 4000 };

static enum mqtt_stage last_stage(enum check_level level)
{
    return level == LEVEL_PUBLISH ? MQTT_STAGE_ECHO : MQTT_STAGE_CONNECT;
}

static json_t *report(const struct session *s)
{
    const struct mqtt_check_result *r = &s->evidence.check_by_host.result;
    json_t *stages = json_object();
    for (int i = 0; i < MQTT_STAGE_COUNT; i++)
        if (r->stage_ms[i] >= 0)
            json_object_set_new(stages, mqtt_stage_name((enum mqtt_stage)i),
                                json_integer(r->stage_ms[i]));
    return json_pack("{s:o,s:s,s:s,s:s,s:s}", "stages_ms", stages, "tls_version", r->tls_version,
                     "cipher", r->cipher, "server_subject", r->server_subject, "address",
                     r->address);
}

static const char *pem(const struct credential *c, enum credential_part part)
{
    size_t n;
    return c ? credential_pem(c, part, &n) : NULL;
}

static struct mqtt_check_args args_of(const struct session *s, const struct credential *one)
{
    const struct command *c = s->ctx->command;
    return (struct mqtt_check_args){
        .host = c->mqtt.host,
        .port = c->mqtt.port,
        .certificate_pem = pem(one, CREDENTIAL_CERTIFICATE),
        .key_pem = pem(one, CREDENTIAL_KEY),
        .root_ca_pem = pem(one, CREDENTIAL_ROOT_CA),
        .client_id = s->client_id,
        .topic = s->topic,
        .qos = c->mqtt.qos,
        .keepalive_s = c->mqtt.keepalive_s,
        .alpn = c->mqtt.alpn,
        .sni = c->mqtt.sni,
        .username = c->mqtt.username,
        .password = c->mqtt.password,
        .tls = c->mqtt.scheme != 1,
        .client_certificate = check_uses_part(c->mqtt.scheme, CREDENTIAL_CERTIFICATE),
        .verify_server = one && check_uses_part(c->mqtt.scheme, CREDENTIAL_ROOT_CA),
        .until_stage = last_stage(c->level),
    };
}

/* Kept, also when it is no failure of the check: then the caller fails. */
static enum err run(struct session *s, const struct mqtt_check_args *args)
{
    struct mqtt_check_result *r = &s->evidence.check_by_host.result;
    enum err e = mqtt_check_run(args, s->ctx->cancel, session_within(s, CHECK_MS), r);
    const struct err_info *why = err_last();
    snprintf(s->evidence.check_by_host.code, sizeof s->evidence.check_by_host.code, "%s",
             e ? why->code : "");
    snprintf(s->evidence.check_by_host.detail, sizeof s->evidence.check_by_host.detail, "%.*s",
             (int)sizeof s->evidence.check_by_host.detail - 1, e ? why->detail : "");
    return e;
}

/* A plain CONNECT went wrong: does the port speak TLS? */
static bool speaks_tls(struct session *s, const struct mqtt_check_args *args)
{
    struct mqtt_check_args hello = *args;
    struct mqtt_check_result r;
    hello.tls = true;
    hello.client_certificate = hello.verify_server = false;
    hello.until_stage = MQTT_STAGE_TLS;
    mqtt_check_run(&hello, s->ctx->cancel, session_within(s, HELLO_MS), &r);
    return r.hello_received;
}

/* Did it fail where a TLS port fails that is spoken to plainly? */
static bool may_want_tls(enum err e)
{
    return err_is(e, "mqtt_dropped_connect") || err_is(e, "mqtt_not_mqtt") ||
           err_is(e, "mqtt_timeout");
}

/* AWS IoT's port 443 is for several protocols: without the name of MQTT it is a web server, which
 * only closes the connection. That it is no passing fault shows by one more try without. */
static bool wants_alpn(struct session *s, const struct mqtt_check_args *args)
{
    struct mqtt_check_args with = *args, without = *args;
    struct mqtt_check_result r;
    if (!args->tls || args->alpn[0] || !s->evidence.check_by_host.result.hello_received)
        return false;
    with.alpn = "x-amzn-mqtt-ca";
    with.until_stage = without.until_stage = MQTT_STAGE_CONNECT;
    return !mqtt_check_run(&with, s->ctx->cancel, session_within(s, CHECK_MS), &r) &&
           mqtt_check_run(&without, s->ctx->cancel, session_within(s, CHECK_MS), &r) == ERR_NETWORK;
}

/* Does it fail at the choice of protocol, or before? */
static bool may_be_another_protocol(const struct session *s)
{
    static const char *const codes[] = {"mqtt_tls_failed", "mqtt_dropped_connect", "mqtt_not_mqtt"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(s->evidence.check_by_host.code, codes[i]) == 0) return true;
    return false;
}

enum err host_check(struct session *s, const struct credential *one)
{
    enum err e = step_mqtt_names(s);
    if (e) return e;
    struct mqtt_check_args args = args_of(s, one);
    e = run(s, &args);
    s->evidence.check_by_host.ran = !e || e == ERR_NETWORK || e == ERR_CRYPTO;
    s->evidence.check_by_host.name_differs = err_is(e, "mqtt_tls_server_name");
    /* The board does not compare the name: what made it fail comes after it. */
    if (s->evidence.check_by_host.name_differs && s->evidence.stage != CHECK_DONE) {
        args.ignore_name = true;
        e = run(s, &args);
    }
    if (!args.tls && may_want_tls(e)) s->evidence.check_by_host.speaks_tls = speaks_tls(s, &args);
    if (may_be_another_protocol(s)) s->evidence.check_by_host.wants_alpn = wants_alpn(s, &args);
    if (!s->evidence.check_by_host.ran) return e;
    session_result(s, "host_check", report(s));
    return ERR_OK;
}

/* Is the private key of the job's credential still here? True when that cannot be told. */
static bool has_key(const struct session *s)
{
    struct credential_record r;
    if (s->credential || store_credential_get(s->ctx->store, s->ctx->command->credential, &r))
        return true;
    bool there = !r.purged_ms;
    credential_record_dispose(&r);
    return there;
}

enum err step_host_check(struct session *s)
{
    if (!s->ctx->command->host_check_said && !has_key(s)) {
        job_step_skip(s->ctx, "the private key was purged: only the board has it");
        return ERR_OK;
    }
    if (!s->evidence.host) evidence_begin(s); /* the board was asked for nothing */
    /* A broker drops the older of two clients with one id: the board leaves first. */
    enum err e = session_off_broker(s, session_within(s, CHECK_MS));
    if (!e) e = step_credential(s);
    if (!e) e = host_check(s, s->credential);
    if (!e) ask_cloud(s, s->credential);
    return e ? e : evidence_passed(s);
}
