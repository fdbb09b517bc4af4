/* command: each kind has its own set of fields (fields_of); a field of another kind is an unknown
 * field. The body is read in one pass that finds every single fault, then rules that tie fields
 * together are judged, so that a client sees all that is wrong at once. */
#include "service/jobs/command.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"

enum {
    FIELD_ANY,
    FIELD_CREDENTIAL,
    FIELD_METHOD,
    FIELD_LEVEL,
    FIELD_CHECK,
    FIELD_NET,
    FIELD_LINES
};
#define HAS(group) (1u << (group))

static const char *const kinds[] = {"identify", "write", "check", "reset", "at", "provision", NULL};
static const char *const methods[] = {"auto", "rom", "at", NULL};
static const char *const levels[] = {"none", "wifi", "time", "connect", "publish", NULL};

static const unsigned fields_of[] = {
    [COMMAND_IDENTIFY] = HAS(FIELD_METHOD),
    [COMMAND_WRITE] = HAS(FIELD_CREDENTIAL) | HAS(FIELD_METHOD),
    [COMMAND_CHECK] = HAS(FIELD_CREDENTIAL) | HAS(FIELD_LEVEL) | HAS(FIELD_NET),
    [COMMAND_RESET] = 0,
    [COMMAND_AT] = HAS(FIELD_LINES),
    [COMMAND_PROVISION] =
        HAS(FIELD_CREDENTIAL) | HAS(FIELD_METHOD) | HAS(FIELD_CHECK) | HAS(FIELD_NET),
};

/* What is read before it is judged; numbers in the width that json_in writes. */
struct draft {
    int kind, method, level, check;
    int64_t timeout, zone, port, scheme, qos, keepalive;
    bool host_check, host_check_given, port_given, wifi_given, mqtt_given;
    json_t *wifi, *time, *mqtt, *lines;
};

const char *command_kind_name(enum command_kind k)
{
    return kinds[k];
}

const char *command_method_name(enum command_method m)
{
    return methods[m];
}

const char *check_level_name(enum check_level l)
{
    return levels[l];
}

void command_dispose(struct command *c)
{
    explicit_bzero(c, sizeof *c);
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) return true;
    return false;
}

/* Such a byte would end or split the AT command that carries the string. */
static void refuse_control(struct field_errors *errors, const char *pointer, const char *s)
{
    if (has_control(s)) field_errors_add(errors, pointer, "must not hold control characters");
}

static bool labels_are_sane(const char *host)
{
    for (const char *label = host;; label++) {
        size_t n = strcspn(label, ".");
        if (n == 0 || n > 63 || label[0] == '-' || label[n - 1] == '-') return false;
        label += n;
        if (!*label) return true;
    }
}

/* The firmware refuses other characters with a bare ERROR (0x6052), so they are refused here with
 * words. */
static void judge_host(struct field_errors *errors, const char *pointer, const char *host)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    struct in_addr ip;
    if (!host[0]) return;
    if (host[strspn(host, allowed)] != '\0')
        field_errors_add(errors, pointer,
                         "may hold only letters, digits, '-' and '.' (no scheme, port or path)");
    else if (host[strspn(host, "0123456789.")] == '\0' && inet_pton(AF_INET, host, &ip) != 1)
        field_errors_add(errors, pointer, "is not an IPv4 address");
    else if (!labels_are_sane(host))
        field_errors_add(errors, pointer, "is not a host name");
}

static void read_wifi(struct command *c, const struct draft *d, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("ssid", c->wifi.ssid, JSON_REQUIRED, 1, 32),
        JSON_STR("password", c->wifi.password, JSON_OPTIONAL, 0, 64),
        JSON_FIELDS_END,
    };
    json_in(d->wifi, "/wifi", fields, errors);
    refuse_control(errors, "/wifi/ssid", c->wifi.ssid);
    refuse_control(errors, "/wifi/password", c->wifi.password);
    size_t n = strlen(c->wifi.password);
    if (n > 0 && n < 8)
        field_errors_add(errors, "/wifi/password",
                         "must be a string of 8 to 64 bytes, or \"\" for an open network");
}

static void read_time(struct command *c, struct draft *d, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("server", c->time.server, JSON_OPTIONAL, 1, sizeof c->time.server - 1),
        JSON_INT("zone", &d->zone, JSON_OPTIONAL, -12, 14),
        JSON_FIELDS_END,
    };
    json_in(d->time, "/time", fields, errors);
    judge_host(errors, "/time/server", c->time.server);
}

static void read_mqtt(struct command *c, struct draft *d, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("host", c->mqtt.host, JSON_OPTIONAL, 1, sizeof c->mqtt.host - 1),
        {JSON_IN_INT, "port", JSON_OPTIONAL, &d->port, 1, 65535, NULL, &d->port_given},
        JSON_INT("scheme", &d->scheme, JSON_OPTIONAL, 1, 5),
        JSON_STR("client_id", c->mqtt.client_id, JSON_OPTIONAL, 1, sizeof c->mqtt.client_id - 1),
        JSON_STR("topic", c->mqtt.topic, JSON_OPTIONAL, 1, sizeof c->mqtt.topic - 1),
        JSON_INT("qos", &d->qos, JSON_OPTIONAL, 0, 1),
        JSON_STR("alpn", c->mqtt.alpn, JSON_OPTIONAL, 0, sizeof c->mqtt.alpn - 1),
        JSON_STR("sni", c->mqtt.sni, JSON_OPTIONAL, 0, sizeof c->mqtt.sni - 1),
        JSON_INT("keepalive", &d->keepalive, JSON_OPTIONAL, 0, 7200),
        JSON_STR("username", c->mqtt.username, JSON_OPTIONAL, 0, sizeof c->mqtt.username - 1),
        JSON_STR("password", c->mqtt.password, JSON_OPTIONAL, 0, sizeof c->mqtt.password - 1),
        JSON_FIELDS_END,
    };
    json_in(d->mqtt, "/mqtt", fields, errors);
    judge_host(errors, "/mqtt/host", c->mqtt.host);
    judge_host(errors, "/mqtt/sni", c->mqtt.sni);
    refuse_control(errors, "/mqtt/client_id", c->mqtt.client_id);
    refuse_control(errors, "/mqtt/topic", c->mqtt.topic);
    refuse_control(errors, "/mqtt/alpn", c->mqtt.alpn);
    refuse_control(errors, "/mqtt/username", c->mqtt.username);
    refuse_control(errors, "/mqtt/password", c->mqtt.password);
    if (c->mqtt.topic[strcspn(c->mqtt.topic, "+#")] != '\0')
        field_errors_add(errors, "/mqtt/topic", "must not hold the wildcards '+' and '#'");
    if (d->keepalive > 0 && d->keepalive < 5)
        field_errors_add(errors, "/mqtt/keepalive", "must be 0 or from 5 to 7200 seconds");
}

static void read_lines(struct command *c, const struct draft *d, struct field_errors *errors)
{
    size_t n = json_array_size(d->lines);
    for (size_t i = 0; i < n && i < COMMAND_AT_LINES; i++) {
        const json_t *item = json_array_get(d->lines, i);
        const char *text = json_string_value(item);
        size_t len = json_string_length(item);
        char pointer[24];
        snprintf(pointer, sizeof pointer, "/lines/%zu", i);
        if (!text || len < 1 || len > LIMIT_AT_LINE - 2)
            field_errors_add(errors, pointer, "must be a string of 1 to %d bytes",
                             LIMIT_AT_LINE - 2);
        else if (text[strcspn(text, "\r\n")] != '\0')
            field_errors_add(errors, pointer, "must not hold CR or LF: one line an item");
        else
            memcpy(c->at_lines[c->at_line_count++], text, len + 1);
    }
}

static void judge_text(struct command *c, struct field_errors *errors)
{
    char whole[sizeof c->mqtt.client_id];
    static const char mac[] = "000000000000";
    refuse_control(errors, "/slot", c->slot);
    if (c->credential[0] && !id_is_name(c->credential, sizeof c->credential - 1))
        field_errors_add(errors, "/credential", "is not the id of a credential");
    if (command_expand(c->mqtt.client_id, mac, c->slot, whole, sizeof c->mqtt.client_id))
        field_errors_add(errors, "/mqtt/client_id", "is longer than %zu bytes when filled in",
                         sizeof c->mqtt.client_id - 1);
    if (command_expand(c->mqtt.topic, mac, c->slot, whole, sizeof c->mqtt.topic))
        field_errors_add(errors, "/mqtt/topic", "is longer than %zu bytes when filled in",
                         sizeof c->mqtt.topic - 1);
}

static void judge_network(struct command *c, const struct draft *d, struct field_errors *errors)
{
    /* A part that is there but wrong was already reported. */
    bool host_there = (d->mqtt_given && !d->mqtt) || json_object_get(d->mqtt, "host");
    if (c->level >= LEVEL_WIFI && !d->wifi_given)
        field_errors_add(errors, "/wifi", "is required for a check of level \"%s\"",
                         levels[c->level]);
    if (c->level >= LEVEL_CONNECT && !host_there)
        field_errors_add(errors, "/mqtt/host", "is required for a check of level \"%s\"",
                         levels[c->level]);
    else if (d->host_check_given && c->host_check && !host_there)
        field_errors_add(errors, "/mqtt/host", "is required for the host's own check");
    if (d->host_check_given && c->host_check && !c->credential[0] && c->kind == COMMAND_CHECK)
        field_errors_add(errors, "/credential", "is required for the host's own check");
}

static void set_defaults(struct command *c)
{
    snprintf(c->time.server, sizeof c->time.server, "pool.ntp.org");
    snprintf(c->mqtt.client_id, sizeof c->mqtt.client_id, "espgate-{mac}");
    snprintf(c->mqtt.topic, sizeof c->mqtt.topic, "espgate/{mac}/check");
}

static void settle(struct command *c, const struct draft *d)
{
    c->method = (enum command_method)d->method;
    c->timeout_s = (int)d->timeout;
    c->time.zone = (int)d->zone;
    c->mqtt.scheme = (int)d->scheme;
    c->mqtt.qos = (int)d->qos;
    c->mqtt.keepalive_s = (int)d->keepalive;
    c->mqtt.port = d->port_given ? (int)d->port : d->scheme == 1 ? 1883 : 8883;
    c->level = LEVEL_NONE;
    if (c->kind == COMMAND_CHECK) c->level = (enum check_level)(d->level + LEVEL_WIFI);
    if (c->kind == COMMAND_PROVISION) c->level = (enum check_level)d->check;
    c->host_check =
        d->host_check_given ? d->host_check : c->credential[0] && c->level >= LEVEL_CONNECT;
}

/* The rows of the fields that this kind has. */
static void read_fields(const json_t *body, struct command *c, struct draft *d,
                        struct field_errors *errors)
{
    enum json_need on_board =
        c->kind == COMMAND_WRITE || c->kind == COMMAND_PROVISION ? JSON_REQUIRED : JSON_OPTIONAL;
    const struct {
        int group;
        struct json_field row;
    } all[] = {
        {FIELD_ANY, JSON_CHOICE("kind", &d->kind, JSON_REQUIRED, kinds)},
        {FIELD_ANY, JSON_STR("slot", c->slot, JSON_REQUIRED, 1, sizeof c->slot - 1)},
        {FIELD_ANY, JSON_INT("timeout", &d->timeout, JSON_OPTIONAL, 5, LIMIT_JOB_SECONDS)},
        {FIELD_CREDENTIAL,
         JSON_STR("credential", c->credential, on_board, 1, sizeof c->credential - 1)},
        {FIELD_METHOD, JSON_CHOICE("method", &d->method, JSON_OPTIONAL, methods)},
        {FIELD_LEVEL, JSON_CHOICE("level", &d->level, JSON_OPTIONAL, levels + LEVEL_WIFI)},
        {FIELD_CHECK, JSON_CHOICE("check", &d->check, JSON_OPTIONAL, levels)},
        {FIELD_NET,
         {JSON_IN_BOOL, "host_check", JSON_OPTIONAL, &d->host_check, 0, 0, NULL,
          &d->host_check_given}},
        {FIELD_NET, {JSON_IN_OBJECT, "wifi", JSON_OPTIONAL, &d->wifi, 0, 0, NULL, &d->wifi_given}},
        {FIELD_NET, JSON_OBJECT_AT("time", &d->time, JSON_OPTIONAL)},
        {FIELD_NET, {JSON_IN_OBJECT, "mqtt", JSON_OPTIONAL, &d->mqtt, 0, 0, NULL, &d->mqtt_given}},
        {FIELD_LINES, JSON_ARRAY_AT("lines", &d->lines, JSON_REQUIRED, 1, COMMAND_AT_LINES)},
    };
    struct json_field rows[sizeof all / sizeof *all + 1] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].group == FIELD_ANY || fields_of[c->kind] & HAS(all[i].group))
            rows[n++] = all[i].row;
    json_in(body, "", rows, errors);
    if (d->wifi) read_wifi(c, d, errors);
    if (d->time) read_time(c, d, errors);
    if (d->mqtt) read_mqtt(c, d, errors);
    if (d->lines) read_lines(c, d, errors);
}

/* Without a kind no other field can be judged. @return false when it was reported */
static bool find_kind(const json_t *body, int *kind_out, struct field_errors *errors)
{
    const char *name = json_string_value(json_object_get(body, "kind"));
    for (int i = 0; name && kinds[i]; i++) {
        if (strcmp(name, kinds[i]) != 0) continue;
        *kind_out = i;
        return true;
    }
    field_errors_add(errors, "/kind", "%s one of: identify, write, check, reset, at, provision",
                     json_object_get(body, "kind") ? "must be" : "is required:");
    return false;
}

enum err command_parse(const char *json, size_t n, struct command *out, struct field_errors *errors)
{
    json_t *body = NULL;
    struct draft d = {.level = LEVEL_PUBLISH - LEVEL_WIFI,
                      .check = LEVEL_PUBLISH,
                      .timeout = 300,
                      .scheme = 5,
                      .qos = 1,
                      .keepalive = 120};
    memset(out, 0, sizeof *out);
    errors->count = 0;
    enum err e = json_in_text(json, n, &body);
    if (e) return e;
    if (find_kind(body, &d.kind, errors)) {
        out->kind = (enum command_kind)d.kind;
        set_defaults(out);
        read_fields(body, out, &d, errors);
        settle(out, &d);
        judge_text(out, errors);
        if (fields_of[out->kind] & HAS(FIELD_NET)) judge_network(out, &d, errors);
    }
    e = field_errors_result(errors);
    if (e) command_dispose(out);
    json_decref(body);
    return e;
}

enum err command_expand(const char *template, const char *mac, const char *slot, char *out,
                        size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    while (*template) {
        const char *piece = template;
        size_t from = 1, to = 1;
        if (strncmp(template, "{mac}", 5) == 0) {
            piece = mac, from = 5, to = strlen(mac);
        } else if (strncmp(template, "{slot}", 6) == 0) {
            piece = slot, from = 6, to = strlen(slot);
        }
        if (n + to >= cap) {
            out[0] = '\0';
            return err_set(ERR_TOO_LARGE, "more than %zu bytes when filled in", cap - 1);
        }
        memcpy(out + n, piece, to);
        n += to;
        template += from;
        out[n] = '\0';
    }
    return ERR_OK;
}
