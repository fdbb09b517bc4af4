/* Design: for each step that can fail there is a list of rules, the surest first. Each adds what it
 * finds; the first finding is the verdict, the others are told as warnings, because a board can
 * have two faults. Rules that only guess (by the time that a failure took) speak last, and only
 * when no other did.
 *
 * What lies in the board's flash comes before what the host saw: the host's check is about the
 * credential of the job, and says nothing about a board that holds another. */
#include "service/jobs/verdict.h"

#include <string.h>

#include "service/jobs/verdict_host.h"
#include "service/jobs/verdict_words.h"

enum {
    SILENCE_MS = 9500,       /* the firmware gives up a mute peer after 10 s */
    CLOCK_OFF_S = 24 * 3600, /* certificates are dated by days */
    CODES_MAX = VERDICT_WARNINGS + 1
};

struct found {
    enum verdict_code codes[CODES_MAX];
    size_t n;
};

static void add(struct found *f, enum verdict_code code)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->codes[i] == code) return;
    if (f->n < CODES_MAX) f->codes[f->n++] = code;
}

static bool is(const char *code, const char *name)
{
    return strcmp(code, name) == 0;
}

bool check_uses_part(int scheme, enum credential_part part)
{
    bool root = part == CREDENTIAL_ROOT_CA;
    return root ? scheme == 3 || scheme == 5 : scheme == 4 || scheme == 5;
}

/* The cloud tells what the broker does not. */
static void add_cloud(const struct check_evidence *e, struct found *f)
{
    enum verdict_code code = cloud_verdict(e);
    if (code != VERDICT_WORKS) add(f, code);
}

/* Is this only what it looks like from outside? */
static bool cloud_tells_why(const struct check_evidence *e, enum verdict_code code)
{
    bool refusal = verdict_side(code) == SIDE_POLICY || code == VERDICT_CERTIFICATE_REFUSED ||
                   code == VERDICT_BROKER_TLS_REFUSED;
    return refusal && cloud_verdict(e) != VERDICT_WORKS;
}

/* A twin puts the host out as well, or takes what was meant for it. */
static bool twin_tells_why(const struct check_evidence *e)
{
    static const char drop[] = "mqtt_dropped_";
    const char *code = e->check_by_host.code;
    bool silenced = strcmp(code, "mqtt_timeout") == 0 && host_passed(e, MQTT_STAGE_CONNECT);
    return e->hold == HOLD_DROPPED && (silenced || strncmp(code, drop, sizeof drop - 1) == 0);
}

static void add_host(const struct check_evidence *e, struct found *f)
{
    if (twin_tells_why(e)) return;
    enum verdict_code code = host_verdict(e);
    if (code != VERDICT_WORKS && !cloud_tells_why(e, code)) add(f, code);
}

static bool host_knows_nothing(const struct check_evidence *e)
{
    return !e->check_by_host.ran || host_was_lost(e);
}

/* --- what the board holds --- */

static bool part_is(const struct check_evidence *e, enum stored state)
{
    for (unsigned i = 0; i < TARGET_PARTS; i++)
        if (e->stored.part[i] == state && check_uses_part(e->scheme, (enum credential_part)i))
            return true;
    return false;
}

static void add_stored(const struct check_evidence *e, struct found *f)
{
    static const char suffix[] = "_missing";
    size_t n = strlen(e->board_code), m = sizeof suffix - 1;
    bool told = n > m && strcmp(e->board_code + n - m, suffix) == 0;
    bool elsewhere = e->stored.elsewhere[0] != '\0';
    if (told || part_is(e, STORED_MISSING))
        add(f, elsewhere ? VERDICT_CREDENTIAL_ELSEWHERE : VERDICT_CREDENTIAL_MISSING);
    if (part_is(e, STORED_DAMAGED)) add(f, VERDICT_CREDENTIAL_DAMAGED);
    if (e->stored.key_mismatch && check_uses_part(e->scheme, CREDENTIAL_CERTIFICATE))
        add(f, VERDICT_BOARD_KEY_MISMATCH);
    else if (part_is(e, STORED_DIFFERS))
        add(f, elsewhere ? VERDICT_CREDENTIAL_ELSEWHERE : VERDICT_CREDENTIAL_DIFFERS);
}

/* --- what the board says --- */

static void add_log(const struct check_evidence *e, struct found *f)
{
    switch (e->log) {
    case LOG_CERTIFICATE_EXPIRED:
        add(f, VERDICT_BROKER_CERTIFICATE_EXPIRED);
        break;
    case LOG_CERTIFICATE_IN_FUTURE:
        add(f, VERDICT_BROKER_CERTIFICATE_NOT_YET_VALID);
        break;
    case LOG_CERTIFICATE_UNTRUSTED:
        add(f, host_untrusted(e));
        break;
    case LOG_NAME_DIFFERS:
        add(f, VERDICT_BROKER_NAME_DIFFERS);
        break;
    case LOG_KEY_UNREADABLE:
    case LOG_CERTIFICATE_UNREADABLE:
        add(f, VERDICT_CREDENTIAL_DAMAGED);
        break;
    case LOG_DNS_FAILED:
        add(f, host_passed(e, MQTT_STAGE_DNS) ? VERDICT_BOARD_DNS_FAILED : VERDICT_HOST_UNKNOWN);
        break;
    case LOG_REFUSED:
        add(f, host_passed(e, MQTT_STAGE_TCP) ? VERDICT_BOARD_PORT_CLOSED : VERDICT_PORT_CLOSED);
        break;
    case LOG_BAD_LOGIN:
        add(f, VERDICT_LOGIN_REFUSED);
        break;
    case LOG_NOT_AUTHORIZED:
        add(f, VERDICT_NOT_AUTHORIZED);
        break;
    case LOG_CLIENT_ID_REJECTED:
        add(f, VERDICT_CLIENT_ID_REJECTED);
        break;
    case LOG_NOTHING:
    case LOG_VERIFY_FAILED: /* why, others tell better: see guess_connect() */
    case LOG_ALERT:
        break;
    }
}

static bool clock_is_off(const struct check_evidence *e)
{
    return e->clock.known && e->clock.set &&
           (e->clock.ahead_s > CLOCK_OFF_S || e->clock.ahead_s < -CLOCK_OFF_S);
}

static void add_clock(const struct check_evidence *e, struct found *f)
{
    if (!check_uses_part(e->scheme, CREDENTIAL_ROOT_CA)) return;
    if (e->clock.known && !e->clock.set)
        add(f, e->clock.was_set ? VERDICT_CLOCK_LOST : VERDICT_TIME_NOT_SYNCED);
    /* The host takes the broker's certificate for valid, or both would fail. */
    if (clock_is_off(e) && (host_passed(e, MQTT_STAGE_TLS) || host_knows_nothing(e)))
        add(f, VERDICT_CLOCK_WRONG);
}

/* --- a list for each step --- */

static void wifi_rules(const struct check_evidence *e, struct found *f)
{
    static const enum verdict_code known[] = {VERDICT_WIFI_NOT_FOUND, VERDICT_WIFI_WRONG_PASSWORD,
                                              VERDICT_WIFI_TIMEOUT, VERDICT_WIFI_NO_ADDRESS};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is(e->board_code, verdict_code_name(known[i]))) add(f, known[i]);
    if (!f->n) add(f, VERDICT_WIFI_FAILED);
}

static void time_rules(const struct check_evidence *e, struct found *f)
{
    if (e->wifi_lost) add(f, VERDICT_WIFI_LOST);
    bool unknown = e->net.time_dns == PROBE_REFUSED || e->net.time_dns == PROBE_SILENT;
    add(f, unknown ? VERDICT_TIME_SERVER_UNKNOWN : VERDICT_TIME_NOT_SYNCED);
}

static void network_rules(const struct check_evidence *e, struct found *f)
{
    bool host_dns = host_passed(e, MQTT_STAGE_DNS), host_tcp = host_passed(e, MQTT_STAGE_TCP);
    if (e->wifi_lost) add(f, VERDICT_WIFI_LOST);
    if (e->net.dns == PROBE_REFUSED || e->net.dns == PROBE_SILENT)
        add(f, host_dns ? VERDICT_BOARD_DNS_FAILED : VERDICT_HOST_UNKNOWN);
    if (e->net.tcp == PROBE_REFUSED)
        add(f, host_tcp ? VERDICT_BOARD_PORT_CLOSED : VERDICT_PORT_CLOSED);
    if (e->net.tcp == PROBE_SILENT) add(f, host_tcp ? VERDICT_BOARD_NO_ANSWER : VERDICT_NO_ANSWER);
}

/* What remains: no proof, only what the times suggest. */
static void guess_connect(const struct check_evidence *e, struct found *f)
{
    bool host_connects = host_passed(e, MQTT_STAGE_CONNECT);
    bool mute = e->hangs || e->urc_ms >= SILENCE_MS;
    if (host_knows_nothing(e) && check_uses_part(e->scheme, CREDENTIAL_CERTIFICATE) &&
        e->credential.known) {
        enum verdict_code dates = host_refused_certificate(e);
        if (dates != VERDICT_CERTIFICATE_REFUSED) add(f, dates);
    }
    if (e->log == LOG_VERIFY_FAILED) add(f, host_untrusted(e));
    if (e->log == LOG_ALERT && !host_connects) add(f, host_refused_certificate(e));
    if (!f->n && mute && !host_connects) add(f, VERDICT_BROKER_SILENT);
    if (!f->n) add(f, VERDICT_UNEXPLAINED);
}

static void connect_rules(const struct check_evidence *e, struct found *f)
{
    if (e->wifi_lost) add(f, VERDICT_WIFI_LOST);
    add_stored(e, f);
    if (check_uses_part(e->scheme, CREDENTIAL_CERTIFICATE) && e->credential.elliptic &&
        e->credential.no_elliptic_keys)
        add(f, VERDICT_KEY_TYPE_UNSUPPORTED);
    add_clock(e, f);
    add_log(e, f);
    add_cloud(e, f);
    /* Where the board came through to the broker, it does not matter that the host did not. */
    bool of_no_use = e->net.tcp == PROBE_OK && host_was_lost(e);
    if (!host_passed(e, MQTT_STAGE_CONNECT) && !of_no_use) add_host(e, f);
    if (e->sni && e->check_by_host.name_differs) add(f, VERDICT_BROKER_NAME_DIFFERS);
    if (!f->n) guess_connect(e, f);
}

/* The link ended under the board, or its message did not come back. */
static void topic_rules(const struct check_evidence *e, struct found *f)
{
    bool host_does_all = e->check_by_host.ran && !e->check_by_host.code[0];
    if (e->wifi_lost) add(f, VERDICT_WIFI_LOST);
    if (e->hold == HOLD_DROPPED) add(f, VERDICT_CLIENT_ID_IN_USE);
    add_cloud(e, f);
    if (e->dropped && host_does_all && e->hold == HOLD_NOT_TRIED) add(f, VERDICT_CLIENT_ID_IN_USE);
    if (host_passed(e, MQTT_STAGE_CONNECT)) add_host(e, f);
    if (f->n || host_does_all) {
        if (!f->n) add(f, VERDICT_UNEXPLAINED);
        return;
    }
    if (e->stage == CHECK_SUBSCRIBE) add(f, VERDICT_SUBSCRIBE_DENIED);
    if (e->stage == CHECK_PUBLISH || e->dropped) add(f, VERDICT_PUBLISH_DENIED);
    if (!f->n) add(f, VERDICT_NOT_DELIVERED);
}

/* What the board has proved counts. A host's check that was asked for without that of the board
 * speaks for itself. */
static void done_rules(const struct check_evidence *e, struct found *f)
{
    if (host_failed(e) && e->until <= CHECK_NETWORK) {
        add_cloud(e, f);
        add_host(e, f);
    }
    if (!f->n) add(f, VERDICT_WORKS);
}

static void (*const rules[])(const struct check_evidence *, struct found *) = {
    [CHECK_WIFI] = wifi_rules,     [CHECK_TIME] = time_rules,       [CHECK_NETWORK] = network_rules,
    [CHECK_TLS] = connect_rules,   [CHECK_CONNECT] = connect_rules, [CHECK_SUBSCRIBE] = topic_rules,
    [CHECK_PUBLISH] = topic_rules, [CHECK_RECEIVED] = topic_rules,  [CHECK_DONE] = done_rules,
};

/* What is wrong besides, whatever the verdict. */
static void others(const struct check_evidence *e, struct found *f)
{
    bool board_reached = e->stage > CHECK_NETWORK;
    if (e->stage == CHECK_DONE) {
        add_stored(e, f);
        add_cloud(e, f);
    }
    if (host_was_lost(e) && board_reached && e->until > CHECK_NETWORK)
        add(f, VERDICT_HOST_CANNOT_REACH);
    else if (!host_passed(e, MQTT_STAGE_CONNECT) || e->stage == CHECK_DONE)
        add_host(e, f);
    if (e->check_by_host.name_differs) add(f, VERDICT_BROKER_NAME_DIFFERS);
    if (clock_is_off(e)) add(f, VERDICT_CLOCK_WRONG);
    if (e->wifi_stored) add(f, VERDICT_WIFI_STORED);
}

/* AT+MQTTCONN is TLS and MQTT in one. */
static enum check_stage stage_of(const struct check_evidence *e, enum verdict_code code)
{
    if (e->stage != CHECK_TLS && e->stage != CHECK_CONNECT) return e->stage;
    bool mqtt = verdict_words(code)->of_mqtt;
    if (code == VERDICT_BROKER_SILENT || code == VERDICT_CERTIFICATE_UNKNOWN ||
        code == VERDICT_CERTIFICATE_INACTIVE)
        mqtt = host_passed(e, MQTT_STAGE_TLS);
    return e->scheme == 1 || mqtt ? CHECK_CONNECT : CHECK_TLS;
}

void verdict_find(const struct check_evidence *e, struct verdict *out)
{
    struct found f = {.n = 0};
    memset(out, 0, sizeof *out);
    rules[e->stage](e, &f);
    others(e, &f);
    out->stage = stage_of(e, f.codes[0]);
    verdict_say(e, f.codes[0], &out->main);
    for (size_t i = 1; i < f.n; i++)
        verdict_say(e, f.codes[i], &out->warnings[out->warning_count++]);
}

const char *check_stage_name(enum check_stage s)
{
    static const char *const names[] = {
        [CHECK_WIFI] = "wifi",       [CHECK_TIME] = "time",         [CHECK_NETWORK] = "network",
        [CHECK_TLS] = "tls",         [CHECK_CONNECT] = "connect",   [CHECK_SUBSCRIBE] = "subscribe",
        [CHECK_PUBLISH] = "publish", [CHECK_RECEIVED] = "received", [CHECK_DONE] = "done",
    };
    return names[s];
}
