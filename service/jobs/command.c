/* command: each kind has its own set of fields (command_fields.c); a field of another kind is an
 * unknown field. The body is read in one pass that finds every single fault, then rules that tie
 * fields together are judged, so that a client sees all that is wrong at once. */
#include "service/jobs/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/base/template.h"
#include "service/jobs/command_parts.h"

enum {
    USUAL_S = 300,
    FLASH_S = 900, /* 4 MiB that do not compress take 400 s at 115200, and are verified */
};
const char *const command_kind_names[] = {"identify", "write",     "check", "reset",
                                          "at",       "provision", "flash", "read",
                                          "erase",    "restore",   NULL};
static const char kind_list[] =
    "identify, write, check, reset, at, provision, flash, read, erase, restore";
const char *const command_method_names[] = {"auto", "rom", "at", NULL};
const char *const check_level_names[] = {"none", "wifi", "time", "connect", "publish", NULL};

const char *command_kind_name(enum command_kind k)
{
    return command_kind_names[k];
}

const char *command_method_name(enum command_method m)
{
    return command_method_names[m];
}

const char *check_level_name(enum check_level l)
{
    return check_level_names[l];
}

void command_dispose(struct command *c)
{
    free(c->cloud); /* it has no secrets */
    explicit_bzero(c, sizeof *c);
}

void command_judge_id(struct field_errors *errors, const char *pointer, const char *id,
                      const char *what)
{
    if (id[0] && !id_is_name(id, strlen(id)))
        field_errors_add(errors, pointer, "is not the id of %s", what);
}

static void read_lines(struct command *c, const struct command_draft *d,
                       struct field_errors *errors)
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

/* What is filled in later. A word that nobody fills in would give all boards one name. */
static void judge_template(const struct command *c, bool with_thing, const char *pointer,
                           const char *text, size_t cap, struct field_errors *errors)
{
    static const struct template_word words[] = {{"{mac}", ""}, {"{slot}", ""}, {"{thing}", ""}};
    static const struct command_words least = {.mac = "000000000000", .thing = "t"};
    struct command_words known = least;
    char whole[sizeof c->mqtt.client_id];
    size_t n = sizeof words / sizeof *words - (with_thing ? 0 : 1);
    const char *stray = template_stray(text, words, n);
    if (stray)
        field_errors_add(errors, pointer,
                         "has \"%.20s\"; the words that are filled in are {mac} and {slot}%s",
                         stray, with_thing ? ", and {thing}" : ", and {thing} with a \"cloud\"");
    known.slot = c->slot;
    if (command_expand(text, &known, whole, cap))
        field_errors_add(errors, pointer, "is longer than %zu bytes when filled in", cap - 1);
}

static void judge_text(const struct command *c, const struct command_draft *d,
                       struct field_errors *errors)
{
    field_errors_refuse_control(errors, "/slot", c->slot);
    command_judge_id(errors, "/credential", c->credential, "a credential");
    command_judge_id(errors, "/depends_on", c->depends_on, "a job");
    command_judge_id(errors, "/profile", c->profile, "a profile");
    command_judge_id(errors, "/firmware", c->firmware, "a firmware");
    bool thing = d->settings || c->cloud;
    judge_template(c, thing, "/mqtt/client_id", c->mqtt.client_id, sizeof c->mqtt.client_id,
                   errors);
    judge_template(c, thing, "/mqtt/topic", c->mqtt.topic, sizeof c->mqtt.topic, errors);
}

static void set_defaults(struct command *c)
{
    snprintf(c->time.server, sizeof c->time.server, "pool.ntp.org");
    snprintf(c->mqtt.client_id, sizeof c->mqtt.client_id, "espgate-{mac}");
    snprintf(c->mqtt.topic, sizeof c->mqtt.topic, "espgate/{mac}/check");
    c->diff = true;
}

/* A slow read of a whole flash takes about nine minutes for 4 MiB. */
static int usual_time(const struct command *c)
{
    if (c->kind == COMMAND_READ && c->whole) return LIMIT_JOB_SECONDS;
    bool long_one = c->kind == COMMAND_FLASH || c->kind == COMMAND_READ || c->kind == COMMAND_ERASE;
    return long_one ? FLASH_S : USUAL_S;
}

static void settle(struct command *c, const struct command_draft *d)
{
    c->method = (enum command_method)d->method;
    c->expected.kind = (enum layout_kind)(d->layout_kind + LAYOUT_PARTITIONS);
    c->timeout_s = d->timeout ? (int)d->timeout : usual_time(c);
    c->priority = (int)d->priority;
    c->deadline_s = (int)d->deadline;
    c->flash_bytes = (uint32_t)d->flash_bytes;
    c->time.zone = (int)d->zone;
    c->mqtt.scheme = (int)d->scheme;
    c->mqtt.qos = (int)d->qos;
    c->mqtt.keepalive_s = (int)d->keepalive;
    c->mqtt.port_said = d->port_given;
    c->mqtt.port = d->port_given ? (int)d->port : d->scheme == 1 ? 1883 : 8883;
    c->level = LEVEL_NONE;
    if (c->kind == COMMAND_CHECK) c->level = (enum check_level)(d->level + LEVEL_WIFI);
    if (c->kind == COMMAND_PROVISION) c->level = (enum check_level)d->check;
    bool has_credential = c->credential[0] || (c->kind == COMMAND_PROVISION && c->cloud);
    c->host_check_said = d->host_check_given;
    c->host_check =
        d->host_check_given ? d->host_check : has_credential && c->level >= LEVEL_CONNECT;
}

bool command_find_kind(const json_t *body, enum command_kind *out)
{
    const char *name = json_string_value(json_object_get(body, "kind"));
    for (int i = 0; name && command_kind_names[i]; i++) {
        if (strcmp(name, command_kind_names[i]) != 0) continue;
        *out = (enum command_kind)i;
        return true;
    }
    return false;
}

/* All that can be said of single fields, and of those that are read together. */
static enum err read_body(const json_t *body, unsigned groups, struct command *c,
                          struct command_draft *d, struct field_errors *errors)
{
    struct json_field rows[COMMAND_ROWS];
    set_defaults(c);
    command_rows(groups, body, c, d, rows);
    json_in(body, "", rows, errors);
    enum err e = command_read_cloud(c, d, errors);
    command_read_board(c, d, errors);
    command_read_net(c, d, errors);
    if (d->lines) read_lines(c, d, errors);
    if (groups & FIELD_FLASH) command_read_flash(c, d, errors);
    if (groups & FIELD_OVERWRITE) command_read_overwrite(c, d, errors);
    if (groups & FIELD_PLACE) command_read_place(c, d, errors);
    settle(c, d);
    judge_text(c, d, errors);
    return e;
}

static const struct command_draft usual = {.level = LEVEL_PUBLISH - LEVEL_WIFI,
                                           .check = LEVEL_PUBLISH,
                                           .layout_kind = -1,
                                           .scheme = 5,
                                           .qos = 1,
                                           .keepalive = 120};

enum err command_parse(const char *json, size_t n, struct command *out, struct field_errors *errors)
{
    json_t *body = NULL;
    struct command_draft d = usual;
    memset(out, 0, sizeof *out);
    errors->count = 0;
    enum err e = json_in_text(json, n, &body);
    if (e) return e;
    if (command_find_kind(body, &out->kind)) {
        unsigned groups = command_fields(out->kind);
        e = read_body(body, groups, out, &d, errors);
        if (groups & FIELD_NET) command_judge_net(out, &d, errors);
        command_judge_cloud(out, errors);
    } else { /* without a kind no other field can be judged */
        field_errors_add(errors, "/kind", "%s one of: %s",
                         json_object_get(body, "kind") ? "must be" : "is required:", kind_list);
    }
    if (!e) e = field_errors_result(errors);
    if (e) command_dispose(out);
    json_decref(body);
    return e;
}

enum err command_judge_settings(const json_t *settings, struct field_errors *errors)
{
    struct command_draft d = usual;
    struct command *c = calloc(1, sizeof *c);
    if (!c) return err_set(ERR_MEM, "out of memory");
    d.settings = true;
    d.check = LEVEL_NONE; /* what is not said here may be said in the order */
    c->kind = COMMAND_PROVISION;
    enum err e = read_body(settings, FIELD_SETTINGS, c, &d, errors);
    command_dispose(c);
    free(c);
    return e ? e : field_errors_result(errors);
}

enum err command_expand(const char *template, const struct command_words *w, char *out, size_t cap)
{
    const struct template_word words[] = {
        {"{mac}", w->mac}, {"{slot}", w->slot}, {"{thing}", w->thing}};
    return template_fill(template, words, sizeof words / sizeof *words, out, cap);
}
