/* command: each kind has its own set of fields (fields_of); a field of another kind is an unknown
 * field. The body is read in one pass that finds every single fault, then rules that tie fields
 * together are judged, so that a client sees all that is wrong at once. */
#include "service/jobs/command.h"

#include <stdio.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/jobs/command_parts.h"

enum {
    FIELD_ANY,
    FIELD_CREDENTIAL,
    FIELD_METHOD,
    FIELD_LEVEL,
    FIELD_CHECK,
    FIELD_NET,
    FIELD_LINES,
    FIELD_FLASH,
    FIELD_PLACE,
    FIELD_OVERWRITE,
    FIELD_FLASH_BYTES,
    FIELD_PROFILE,
    FIELD_TARGET,
    FIELD_BOARD,
    FIELD_BACKUP
};
enum {
    USUAL_S = 300,
    FLASH_S = 900, /* 4 MiB that do not compress take 400 s at 115200, and are verified */
    FLASH_BYTES_MIN = 64 * 1024,
    FLASH_BYTES_MAX = 256 * 1024 * 1024,
};
#define HAS(group) (1u << (group))

static const char *const kinds[] = {"identify", "write", "check", "reset",   "at", "provision",
                                    "flash",    "read",  "erase", "restore", NULL};
static const char kind_list[] =
    "identify, write, check, reset, at, provision, flash, read, erase, restore";
static const char *const methods[] = {"auto", "rom", "at", NULL};
static const char *const levels[] = {"none", "wifi", "time", "connect", "publish", NULL};

static const char *const layouts[] = {"partitions", "mfg_nvs", NULL};

static const unsigned fields_of[] = {
    [COMMAND_IDENTIFY] = HAS(FIELD_METHOD),
    [COMMAND_WRITE] = HAS(FIELD_PROFILE) | HAS(FIELD_CREDENTIAL) | HAS(FIELD_METHOD) |
                      HAS(FIELD_FLASH_BYTES) | HAS(FIELD_TARGET) | HAS(FIELD_BOARD),
    [COMMAND_CHECK] =
        HAS(FIELD_PROFILE) | HAS(FIELD_CREDENTIAL) | HAS(FIELD_LEVEL) | HAS(FIELD_NET),
    [COMMAND_RESET] = 0,
    [COMMAND_AT] = HAS(FIELD_LINES),
    [COMMAND_PROVISION] = HAS(FIELD_PROFILE) | HAS(FIELD_CREDENTIAL) | HAS(FIELD_METHOD) |
                          HAS(FIELD_FLASH_BYTES) | HAS(FIELD_TARGET) | HAS(FIELD_BOARD) |
                          HAS(FIELD_CHECK) | HAS(FIELD_NET),
    [COMMAND_FLASH] = HAS(FIELD_PROFILE) | HAS(FIELD_CREDENTIAL) | HAS(FIELD_FLASH) |
                      HAS(FIELD_OVERWRITE) | HAS(FIELD_FLASH_BYTES) | HAS(FIELD_TARGET),
    [COMMAND_READ] = HAS(FIELD_PLACE) | HAS(FIELD_FLASH_BYTES),
    [COMMAND_ERASE] = HAS(FIELD_PLACE) | HAS(FIELD_OVERWRITE) | HAS(FIELD_FLASH_BYTES),
    [COMMAND_RESTORE] = HAS(FIELD_BACKUP) | HAS(FIELD_FLASH_BYTES),
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

static void judge_text(struct command *c, struct field_errors *errors)
{
    char whole[sizeof c->mqtt.client_id];
    static const char mac[] = "000000000000";
    command_refuse_control(errors, "/slot", c->slot);
    command_judge_id(errors, "/credential", c->credential, "a credential");
    command_judge_id(errors, "/profile", c->profile, "a profile");
    if (command_expand(c->mqtt.client_id, mac, c->slot, whole, sizeof c->mqtt.client_id))
        field_errors_add(errors, "/mqtt/client_id", "is longer than %zu bytes when filled in",
                         sizeof c->mqtt.client_id - 1);
    if (command_expand(c->mqtt.topic, mac, c->slot, whole, sizeof c->mqtt.topic))
        field_errors_add(errors, "/mqtt/topic", "is longer than %zu bytes when filled in",
                         sizeof c->mqtt.topic - 1);
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
    c->flash_bytes = (uint32_t)d->flash_bytes;
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
static void read_fields(const json_t *body, struct command *c, struct command_draft *d,
                        struct field_errors *errors)
{
    enum json_need on_board =
        c->kind == COMMAND_WRITE || c->kind == COMMAND_PROVISION ? JSON_REQUIRED : JSON_OPTIONAL;
    /* "layout" is a name or an object: the row is chosen by what is there */
    const struct json_field layout_name =
        JSON_CHOICE("layout", &d->layout_kind, JSON_OPTIONAL, layouts);
    const struct json_field layout_row = JSON_OBJECT_AT("layout", &d->layout, JSON_OPTIONAL);
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
        {FIELD_FLASH,
         {JSON_IN_STR, "firmware", JSON_OPTIONAL, c->firmware, 1, ID_TEXT - 1, NULL,
          &d->firmware_given}},
        {FIELD_FLASH,
         {JSON_IN_ARRAY, "images", JSON_OPTIONAL, &d->images, 1, LIMIT_FLASH_IMAGES, NULL,
          &d->images_given}},
        {FIELD_FLASH, JSON_BOOL("diff", &c->diff, JSON_OPTIONAL)},
        {FIELD_FLASH, JSON_BOOL("allow_unverified", &c->allow_unverified, JSON_OPTIONAL)},
        {FIELD_FLASH, JSON_OBJECT_AT("header", &d->header, JSON_OPTIONAL)},
        {FIELD_OVERWRITE, JSON_ARRAY_AT("overwrite", &d->overwrite, JSON_OPTIONAL, 0, 3)},
        {FIELD_PLACE,
         {JSON_IN_STR, "partition", JSON_OPTIONAL, c->place.partition, 1,
          sizeof c->place.partition - 1, NULL, &d->partition_given}},
        {FIELD_PLACE,
         {JSON_IN_ADDRESS, "offset", JSON_OPTIONAL, &d->offset, 0, UINT32_MAX, NULL,
          &d->offset_given}},
        {FIELD_PLACE,
         {JSON_IN_ADDRESS, "size", JSON_OPTIONAL, &d->size, 1, UINT32_MAX, NULL, &d->size_given}},
        {FIELD_PLACE, JSON_BOOL("whole", &c->whole, JSON_OPTIONAL)},
        {FIELD_FLASH_BYTES, JSON_ADDRESS("flash_bytes", &d->flash_bytes, JSON_OPTIONAL,
                                         FLASH_BYTES_MIN, FLASH_BYTES_MAX)},
        {FIELD_PROFILE, JSON_STR("profile", c->profile, JSON_OPTIONAL, 1, sizeof c->profile - 1)},
        {FIELD_TARGET, JSON_OBJECT_AT("target", &d->target, JSON_OPTIONAL)},
        {FIELD_BOARD, json_is_object(json_object_get(body, "layout")) ? layout_row : layout_name},
        {FIELD_BOARD, JSON_BOOL("purge_key", &c->purge_key, JSON_OPTIONAL)},
        {FIELD_BACKUP, JSON_STR("backup", c->backup, JSON_REQUIRED, 1, sizeof c->backup - 1)},
    };
    struct json_field rows[sizeof all / sizeof *all + 1] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].group == FIELD_ANY || fields_of[c->kind] & HAS(all[i].group))
            rows[n++] = all[i].row;
    json_in(body, "", rows, errors);
    command_read_board(c, d, errors);
    command_read_net(c, d, errors);
    if (d->lines) read_lines(c, d, errors);
    if (fields_of[c->kind] & HAS(FIELD_FLASH)) command_read_flash(c, d, errors);
    if (fields_of[c->kind] & HAS(FIELD_OVERWRITE)) command_read_overwrite(c, d, errors);
    if (fields_of[c->kind] & HAS(FIELD_PLACE)) command_read_place(c, d, errors);
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
    field_errors_add(errors, "/kind", "%s one of: %s",
                     json_object_get(body, "kind") ? "must be" : "is required:", kind_list);
    return false;
}

enum err command_parse(const char *json, size_t n, struct command *out, struct field_errors *errors)
{
    json_t *body = NULL;
    struct command_draft d = {.level = LEVEL_PUBLISH - LEVEL_WIFI,
                              .check = LEVEL_PUBLISH,
                              .layout_kind = -1,
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
        if (fields_of[out->kind] & HAS(FIELD_NET)) command_judge_net(out, &d, errors);
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
