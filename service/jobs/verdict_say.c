/* Names in braces, filled in from the evidence. What has no value is left out; what is too long is
 * cut. */
#include <stdio.h>
#include <string.h>

#include "service/jobs/verdict_host.h"
#include "service/jobs/verdict_words.h"

enum { VALUE_MAX = 320 };
static const int64_t DAY_S = 86400;

struct telling {
    const struct check_evidence *e;
    enum verdict_code code;
    char text[VALUE_MAX];
};

static const char *print(struct telling *t, const char *before, const char *text, const char *after)
{
    if (!*text) return "";
    snprintf(t->text, sizeof t->text, "%s%s%s", before, text, after);
    return t->text;
}

static const char *number(struct telling *t, int v)
{
    snprintf(t->text, sizeof t->text, "%d", v);
    return t->text;
}

static const char *say_ssid(struct telling *t)
{
    return t->e->ssid;
}

static const char *say_none_given(struct telling *t)
{
    return t->e->wifi_password ? "" : ": none was given";
}

static const char *say_security(struct telling *t)
{
    return t->e->wifi_password ? "asks for a password, because one was given"
                               : "is open, because no password was given";
}

static const char *say_server(struct telling *t)
{
    return t->e->time_server;
}

static const char *say_host(struct telling *t)
{
    return t->e->host;
}

static const char *say_port(struct telling *t)
{
    return number(t, t->e->port);
}

static const char *say_scheme(struct telling *t)
{
    return number(t, t->e->scheme);
}

static const char *say_client_id(struct telling *t)
{
    return t->e->client_id;
}

static const char *say_topic(struct telling *t)
{
    return t->e->topic;
}

static const char *say_address(struct telling *t)
{
    return print(t, " (the board was told ", t->e->net.address, ")");
}

static const char *say_elsewhere(struct telling *t)
{
    return t->e->stored.elsewhere;
}

static const char *say_target(struct telling *t)
{
    const struct target *target = &t->e->target;
    if (!target_is_indexed(target->kind)) return target_kind_name(target->kind);
    snprintf(t->text, sizeof t->text, "%s %u", target_kind_name(target->kind), target->index);
    return t->text;
}

static bool is_meant(const struct telling *t, unsigned part)
{
    static const char *const missing[TARGET_PARTS] = {
        [CREDENTIAL_CERTIFICATE] = "mqtt_cert_missing",
        [CREDENTIAL_KEY] = "mqtt_key_missing",
        [CREDENTIAL_ROOT_CA] = "mqtt_ca_missing",
    };
    enum stored is = t->e->stored.part[part];
    if (t->code == VERDICT_CREDENTIAL_DAMAGED) return is == STORED_DAMAGED;
    if (t->code == VERDICT_CREDENTIAL_DIFFERS) return is == STORED_DIFFERS;
    return is == STORED_MISSING || strcmp(t->e->board_code, missing[part]) == 0;
}

static const char *say_parts(struct telling *t)
{
    static const char *const names[TARGET_PARTS] = {
        [CREDENTIAL_CERTIFICATE] = "certificate",
        [CREDENTIAL_KEY] = "private key",
        [CREDENTIAL_ROOT_CA] = "root CA",
    };
    size_t n = 0;
    t->text[0] = '\0';
    for (unsigned i = 0; i < TARGET_PARTS; i++) {
        if (!check_uses_part(t->e->scheme, (enum credential_part)i) || !is_meant(t, i)) continue;
        n += (size_t)snprintf(t->text + n, sizeof t->text - n, "%s%s", n ? " and " : "", names[i]);
    }
    return n ? t->text : "credential";
}

static const char *say_ahead(struct telling *t)
{
    int64_t s = t->e->clock.ahead_s, away = s < 0 ? -s : s;
    bool days = away / DAY_S >= 2;
    snprintf(t->text, sizeof t->text, "%lld %s %s", (long long)(days ? away / DAY_S : away),
             days ? "days" : "seconds", s < 0 ? "behind" : "ahead of");
    return t->text;
}

static const char *say_host_says(struct telling *t)
{
    return t->e->check_by_host.detail;
}

static const char *say_colon(struct telling *t)
{
    return print(t, ": ", t->e->check_by_host.detail, "");
}

static const char *say_gave_up(struct telling *t)
{
    bool connecting = t->e->stage == CHECK_TLS || t->e->stage == CHECK_CONNECT;
    if (t->e->hangs) return "hangs";
    if (!connecting || t->e->urc_ms < 0) return "failed";
    snprintf(t->text, sizeof t->text, "gave up after %d ms", t->e->urc_ms);
    return t->text;
}

static const char *say_host_fine(struct telling *t)
{
    bool fine = t->e->check_by_host.ran && !t->e->check_by_host.code[0];
    return fine ? "; from this machine the same works" : "";
}

static const char *say_ask_host(struct telling *t)
{
    if (!t->e->check_by_host.ran)
        return "a check by this machine (\"host_check\", with the credential), ";
    return host_was_lost(t->e) ? "a check from where the broker can be reached, " : "";
}

static const char *say_status(struct telling *t)
{
    return t->e->cloud.status;
}

static const char *say_things(struct telling *t)
{
    return t->e->cloud.things[0] ? t->e->cloud.things : "none";
}

static const char *say_allowed(struct telling *t)
{
    return print(t, ": what it allows is ", t->e->cloud.allowed, "");
}

/* Where MQTT is dropped without a word, HTTPS has a status. */
static const char *say_https(struct telling *t)
{
    const struct iot_publish_result *p = &t->e->cloud.publish;
    if (!t->e->cloud.published || !p->status) return "";
    if (p->status == 200)
        return "; over HTTPS the same certificate publishes to the topic: it is active, and not at "
               "fault";
    snprintf(t->text, sizeof t->text, "; over HTTPS it is refused, too: %d %.60s", p->status,
             p->error);
    return t->text;
}

static const struct {
    const char *name;
    const char *(*say)(struct telling *t);
} names[] = {
    {"ssid", say_ssid},         {"security", say_security},   {"none_given", say_none_given},
    {"server", say_server},     {"host", say_host},           {"port", say_port},
    {"scheme", say_scheme},     {"client_id", say_client_id}, {"topic", say_topic},
    {"address", say_address},   {"elsewhere", say_elsewhere}, {"target", say_target},
    {"parts", say_parts},       {"ahead", say_ahead},         {"host_says", say_host_says},
    {"colon", say_colon},       {"gave_up", say_gave_up},     {"host_fine", say_host_fine},
    {"ask_host", say_ask_host}, {"status", say_status},       {"things", say_things},
    {"allowed", say_allowed},   {"https", say_https},
};

/* @return NULL: it is no name, the brace stands for itself */
static const char *value_of(struct telling *t, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == n && memcmp(names[i].name, name, n) == 0)
            return names[i].say(t);
    return NULL;
}

static void put(char *out, size_t cap, size_t *at, const char *text, size_t n)
{
    size_t room = cap - 1 - *at;
    if (n > room) n = room;
    memcpy(out + *at, text, n);
    *at += n;
    out[*at] = '\0';
}

static void fill(struct telling *t, const char *text, char *out, size_t cap)
{
    size_t at = 0;
    out[0] = '\0';
    while (*text) {
        size_t n = strcspn(text, "{");
        put(out, cap, &at, text, n);
        text += n;
        if (!*text) break;
        size_t name = strcspn(text + 1, "{}");
        const char *value = text[1 + name] == '}' ? value_of(t, text + 1, name) : NULL;
        if (value)
            put(out, cap, &at, value, strlen(value));
        else
            put(out, cap, &at, "{", 1);
        text += value ? name + 2 : 1;
    }
}

void verdict_say(const struct check_evidence *e, enum verdict_code code, struct finding *out)
{
    struct telling t = {.e = e, .code = code};
    const struct verdict_words *w = verdict_words(code);
    out->code = code;
    fill(&t, w->detail, out->detail, sizeof out->detail);
    fill(&t, w->fix, out->fix, sizeof out->fix);
}
