/* command_net: the fields of a check: wifi, time, mqtt. */
#include <arpa/inet.h>
#include <string.h>

#include "service/jobs/command_parts.h"

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

static void read_wifi(struct command *c, const struct command_draft *d, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("ssid", c->wifi.ssid, JSON_REQUIRED, 1, 32),
        JSON_STR("password", c->wifi.password, JSON_OPTIONAL, 0, 64),
        JSON_BOOL("keep", &c->wifi.keep, JSON_OPTIONAL),
        JSON_FIELDS_END,
    };
    json_in(d->wifi, "/wifi", fields, errors);
    field_errors_refuse_control(errors, "/wifi/ssid", c->wifi.ssid);
    field_errors_refuse_control(errors, "/wifi/password", c->wifi.password);
    size_t n = strlen(c->wifi.password);
    if (n > 0 && n < 8)
        field_errors_add(errors, "/wifi/password",
                         "must be a string of 8 to 64 bytes, or \"\" for an open network");
}

static void read_time(struct command *c, struct command_draft *d, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("server", c->time.server, JSON_OPTIONAL, 1, sizeof c->time.server - 1),
        JSON_INT("zone", &d->zone, JSON_OPTIONAL, -12, 14),
        JSON_FIELDS_END,
    };
    json_in(d->time, "/time", fields, errors);
    judge_host(errors, "/time/server", c->time.server);
}

static void read_mqtt(struct command *c, struct command_draft *d, struct field_errors *errors)
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
    field_errors_refuse_control(errors, "/mqtt/client_id", c->mqtt.client_id);
    field_errors_refuse_control(errors, "/mqtt/topic", c->mqtt.topic);
    field_errors_refuse_control(errors, "/mqtt/alpn", c->mqtt.alpn);
    field_errors_refuse_control(errors, "/mqtt/username", c->mqtt.username);
    field_errors_refuse_control(errors, "/mqtt/password", c->mqtt.password);
    if (c->mqtt.topic[strcspn(c->mqtt.topic, "+#")] != '\0')
        field_errors_add(errors, "/mqtt/topic", "must not hold the wildcards '+' and '#'");
    if (d->keepalive > 0 && d->keepalive < 5)
        field_errors_add(errors, "/mqtt/keepalive", "must be 0 or from 5 to 7200 seconds");
}

void command_read_net(struct command *c, struct command_draft *d, struct field_errors *errors)
{
    if (d->wifi) read_wifi(c, d, errors);
    if (d->time) read_time(c, d, errors);
    if (d->mqtt) read_mqtt(c, d, errors);
}

void command_judge_net(struct command *c, const struct command_draft *d,
                       struct field_errors *errors)
{
    /* A part that is there but wrong was already reported. */
    bool host_there = (d->mqtt_given && !d->mqtt) || json_object_get(d->mqtt, "host") ||
                      c->cloud; /* it has one */
    if (c->level >= LEVEL_WIFI && !d->wifi_given)
        field_errors_add(errors, "/wifi", "is required for a check of level \"%s\"",
                         check_level_name(c->level));
    if (c->level >= LEVEL_CONNECT && !host_there)
        field_errors_add(errors, "/mqtt/host", "is required for a check of level \"%s\"",
                         check_level_name(c->level));
    else if (d->host_check_given && c->host_check && !host_there)
        field_errors_add(errors, "/mqtt/host", "is required for the host's own check");
    if (d->host_check_given && c->host_check && !c->credential[0] && c->kind == COMMAND_CHECK)
        field_errors_add(errors, "/credential", "is required for the host's own check");
}
