/* Design: a step that fails asks for nothing else than its own end; all the rest of the evidence is
 * collected here, cheapest and surest first, and each source may be missing: a board that hangs, a
 * firmware without a command, a slot without a second port, a job without a credential. */
#include "service/jobs/evidence.h"

#include <stdio.h>
#include <string.h>

#include "service/at/info.h"
#include "service/at/mqtt.h"
#include "service/at/net.h"
#include "service/at/sntp.h"
#include "service/at/wifi.h"
#include "service/base/clock.h"
#include "service/jobs/ask_cloud.h"
#include "service/jobs/board_log.h"
#include "service/jobs/evidence_json.h"
#include "service/jobs/steps.h"
#include "service/jobs/stored.h"
#include "service/pki/shipped.h"

enum {
    ASK_MS = 5000,
    DNS_MS = 10000,
    GONE_MS = 300, /* +MQTTDISCONNECTED comes with the ERROR, or just after it */
    RECONNECT_MS = 30000,
    HOLD_MIN_MS = 4000,
    HOLD_MAX_MS = 20000,
    LOG_BYTES = 4096
};

static const enum check_stage last_stage[] = {
    [LEVEL_NONE] = CHECK_WIFI,       [LEVEL_WIFI] = CHECK_WIFI,        [LEVEL_TIME] = CHECK_TIME,
    [LEVEL_CONNECT] = CHECK_CONNECT, [LEVEL_PUBLISH] = CHECK_RECEIVED,
};

void evidence_begin(struct session *s)
{
    const struct command *c = s->ctx->command;
    evidence_hear(s);
    buf_reset(&s->log); /* of the boot */
    s->evidence = (struct check_evidence){
        .ssid = c->wifi.ssid,
        .time_server = c->time.server,
        .host = c->mqtt.host,
        .client_id = s->client_id,
        .topic = s->topic,
        .port = c->mqtt.port,
        .scheme = c->mqtt.scheme,
        .wifi_password = c->wifi.password[0] != '\0',
        .sni = c->mqtt.sni[0] != '\0',
        .target = c->target,
        .stage = CHECK_DONE,
        .until = last_stage[c->level],
        .urc_ms = -1,
    };
}

/* --- the log --- */

void evidence_hear(struct session *s)
{
    if (!s->download || s->download == s->at || s->flasher) return;
    char piece[512];
    size_t n = 0;
    struct deadline now = deadline_in_ms(0);
    while (port_read(s->download, piece, sizeof piece, now, &n) == ERR_OK && n) {
        if (s->log.len + n > LOG_BYTES) buf_consume(&s->log, s->log.len / 2);
        for (size_t i = 0; i < n; i++)
            if (!piece[i]) piece[i] = '?'; /* it is read as text */
        if (buf_append(&s->log, piece, n)) return;
        n = 0;
    }
}

/* --- the board --- */

static void ask_clock(struct session *s)
{
    int64_t board_s = 0;
    bool set = false;
    if (at_sntp_time(s->client, s->ctx->command->time.zone, session_within(s, ASK_MS), &set,
                     &board_s))
        return;
    s->evidence.clock.known = true;
    s->evidence.clock.set = set;
    if (set) s->evidence.clock.ahead_s = board_s - clock_now_ms() / 1000;
}

static bool is_literal(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

static void ask_time_server(struct session *s)
{
    char address[AT_ADDRESS];
    const char *server = s->ctx->command->time.server;
    if (is_literal(server)) return;
    enum err e = at_net_resolve(s->client, server, session_within(s, DNS_MS), address);
    if (!e) s->evidence.net.time_dns = PROBE_OK;
    if (err_is(e, "net_dns_failed")) s->evidence.net.time_dns = PROBE_REFUSED;
}

static void ask_release(struct session *s)
{
    struct at_info info;
    if (!s->evidence.credential.elliptic || at_info(s->client, &info)) return;
    s->evidence.credential.no_elliptic_keys = shipped_key_trouble(info.bin_version, "P-256");
}

/* A connection that ended while something was done on it: does it also end when nothing is? Then
 * somebody else has the client id; else the broker did not like what was done. */
static void hold(struct session *s)
{
    int64_t lived_ms = (deadline_now_ns() - s->connected_ns) / 1000000;
    int64_t ms = 2 * lived_ms + 1000;
    if (ms < HOLD_MIN_MS) ms = HOLD_MIN_MS;
    if (ms > HOLD_MAX_MS) ms = HOLD_MAX_MS;
    if (check_configure(s) || check_connect(s, session_within(s, RECONNECT_MS))) return;
    bool gone = at_mqtt_is_gone(s->client, session_within(s, ms));
    if (!cancel_is_raised(s->ctx->cancel)) s->evidence.hold = gone ? HOLD_DROPPED : HOLD_STAYED;
}

static void ask_board(struct session *s, enum check_stage stage)
{
    struct check_evidence *e = &s->evidence;
    if (stage > CHECK_CONNECT && !e->dropped)
        e->dropped = at_mqtt_is_gone(s->client, session_within(s, GONE_MS));
    e->wifi_lost = stage > CHECK_WIFI && at_wifi_is_lost(s->client);
    if (s->at_cut) return;
    if (stage >= CHECK_TLS) ask_clock(s);
    if (stage == CHECK_TIME) ask_time_server(s);
    if (e->dropped && !e->wifi_lost) hold(s);
}

/* --- the credential --- */

static void know_credential(struct session *s, const struct credential *c, bool from_board)
{
    const struct credential_info *info = credential_info(c);
    s->evidence.credential.known = true;
    s->evidence.credential.from_board = from_board;
    s->evidence.credential.elliptic = strncmp(info->key_type, "P-", 2) == 0;
    s->evidence.credential.not_before_s = info->not_before_unix_s;
    s->evidence.credential.not_after_s = info->not_after_unix_s;
    s->evidence.credential.now_s = clock_now_ms() / 1000;
}

/* The host's check is made with the job's credential, else with that of the board. Without any it
 * cannot verify the broker, and still comes through to it where the scheme sends no certificate. */
static void ask_host(struct session *s, const struct credential *own)
{
    const struct command *c = s->ctx->command;
    const struct credential *one = s->credential ? s->credential : own;
    bool wanted = c->credential[0] ? c->host_check : c->level >= LEVEL_CONNECT;
    bool can = one || !check_uses_part(c->mqtt.scheme, CREDENTIAL_CERTIFICATE);
    if (!wanted || !can || !c->mqtt.host[0] || s->evidence.check_by_host.ran) return;
    if (!s->at_cut) session_off_broker(s, session_within(s, ASK_MS));
    host_check(s, one);
}

/* What the board holds may be why it does not connect; later it only is what the host needs. */
static bool must_read_stored(const struct session *s, enum check_stage stage)
{
    return stage == CHECK_TLS || stage == CHECK_CONNECT ||
           (stage > CHECK_CONNECT && !s->credential);
}

static void collect(struct session *s, enum check_stage stage)
{
    struct credential *own = NULL;
    bool tells = s->client && !s->at_cut;
    if (s->client) ask_board(s, stage);
    evidence_hear(s);
    s->evidence.log = s->log.len ? board_log_says(buf_str(&s->log)) : LOG_NOTHING;
    if (s->ctx->command->credential[0] && step_credential(s))
        job_note(s->ctx, "%s", err_last()->detail);
    if (tells && must_read_stored(s, stage)) stored_judge(s, true, &own);
    if (s->credential || own)
        know_credential(s, s->credential ? s->credential : own, !s->credential);
    if (tells) ask_release(s);
    ask_host(s, own);
    if (stage >= CHECK_TLS) ask_cloud(s, s->credential ? s->credential : own);
    credential_free(own);
}

/* --- the verdict --- */

/* Failures of the board itself, of its port or of the order are what they are. */
static bool is_for_a_verdict(enum check_stage stage, enum err e)
{
    static const char *const about[] = {"wifi_", "time_", "net_", "mqtt_"};
    const char *code = err_last()->code;
    if (e != ERR_DEVICE && e != ERR_TIMEOUT && e != ERR_NOT_FOUND) return false;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (strncmp(code, about[i], strlen(about[i])) == 0) return true;
    bool at = strcmp(code, "at_error") == 0 || strcmp(code, "at_timeout") == 0;
    return at && stage >= CHECK_SUBSCRIBE;
}

static enum err as_error(const struct verdict *v, const char *said)
{
    enum err e =
        err_fail(ERR_DEVICE, verdict_code_name(v->main.code), v->main.fix, "%s", v->main.detail);
    return err_device(e, said, strlen(said));
}

enum err evidence_failed(struct session *s, enum check_stage stage, enum err e)
{
    struct err_info first = *err_last();
    if (!is_for_a_verdict(stage, e) || deadline_passed(s->ctx->until)) return e;
    struct check_evidence *ev = &s->evidence;
    ev->stage = stage;
    ev->hangs = e == ERR_TIMEOUT && s->at_cut;
    snprintf(ev->board_code, sizeof ev->board_code, "%s", first.code);
    job_note(s->ctx, "%s: looking for the cause", first.detail);
    collect(s, stage);
    if (cancel_is_raised(s->ctx->cancel)) return err_set(ERR_CANCELLED, "cancelled");
    struct verdict v;
    verdict_find(ev, &v);
    ev->stage = v.stage;
    session_result(s, "verdict", verdict_to_json(&v, ev, first.device, buf_str(&s->log)));
    return as_error(&v, first.device);
}

/* A check that names a credential is taken for a check of it; a board with another works too. */
static void look_whose(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct credential *own;
    bool known = s->evidence.stored.part[CREDENTIAL_CERTIFICATE] != STORED_NOT_READ;
    if (c->kind != COMMAND_CHECK || !c->credential[0] || known || s->evidence.until < CHECK_CONNECT)
        return;
    if (step_credential(s) || stored_judge(s, false, &own)) return;
    credential_free(own);
}

enum err evidence_passed(struct session *s)
{
    struct check_evidence *ev = &s->evidence;
    struct verdict v;
    if (s->client && ev->until >= CHECK_TIME && !ev->clock.known) ask_clock(s);
    look_whose(s);
    evidence_hear(s);
    verdict_find(ev, &v);
    session_result(s, "verdict", verdict_to_json(&v, ev, "", buf_str(&s->log)));
    return v.main.code == VERDICT_WORKS ? ERR_OK : as_error(&v, "");
}
