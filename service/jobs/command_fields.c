/* command_fields: which fields there are, and which kind of order has which. */
#include <string.h>

#include "service/jobs/command_parts.h"
#include "service/store/store.h"

enum { FLASH_BYTES_MIN = 64 * 1024, FLASH_BYTES_MAX = 256 * 1024 * 1024 };

#define ON_BOARD                                                                                   \
    (FIELD_CREDENTIAL | FIELD_PROFILE | FIELD_METHOD | FIELD_FLASH_BYTES | FIELD_TARGET |          \
     FIELD_BOARD)

static const unsigned fields_of[] = {
    [COMMAND_IDENTIFY] = FIELD_METHOD,
    [COMMAND_WRITE] = ON_BOARD,
    [COMMAND_CHECK] = FIELD_CREDENTIAL | FIELD_PROFILE | FIELD_LEVEL | FIELD_NET | FIELD_CLOUD,
    [COMMAND_RESET] = 0,
    [COMMAND_AT] = FIELD_LINES,
    [COMMAND_PROVISION] = ON_BOARD | FIELD_CHECK | FIELD_NET | FIELD_CLOUD,
    [COMMAND_FLASH] = FIELD_CREDENTIAL | FIELD_PROFILE | FIELD_FIRMWARE | FIELD_FLASH |
                      FIELD_OVERWRITE | FIELD_FLASH_BYTES | FIELD_TARGET,
    [COMMAND_READ] = FIELD_PLACE | FIELD_FLASH_BYTES,
    [COMMAND_ERASE] = FIELD_PLACE | FIELD_OVERWRITE | FIELD_FLASH_BYTES,
    [COMMAND_RESTORE] = FIELD_BACKUP | FIELD_FLASH_BYTES,
};

unsigned command_fields(enum command_kind k)
{
    return FIELD_ORDER | fields_of[k];
}

void command_rows(unsigned groups, const json_t *body, struct command *c, struct command_draft *d,
                  struct json_field out[COMMAND_ROWS])
{
    static const char *const layouts[] = {"partitions", "mfg_nvs", NULL};
    bool made = c->kind == COMMAND_PROVISION && json_object_get(body, "cloud");
    bool on_board = c->kind == COMMAND_WRITE || c->kind == COMMAND_PROVISION;
    enum json_need brought = on_board && !made ? JSON_REQUIRED : JSON_OPTIONAL;
    /* "layout" is a name or an object: the row is chosen by what is there */
    const struct json_field layout_name =
        JSON_CHOICE("layout", &d->layout_kind, JSON_OPTIONAL, layouts);
    const struct json_field layout_row = JSON_OBJECT_AT("layout", &d->layout, JSON_OPTIONAL);
    const struct {
        unsigned group;
        struct json_field row;
    } all[] = {
        {FIELD_ORDER, JSON_CHOICE("kind", &d->kind, JSON_REQUIRED, command_kind_names)},
        {FIELD_ORDER, JSON_STR("slot", c->slot, JSON_REQUIRED, 1, sizeof c->slot - 1)},
        {FIELD_ORDER, JSON_INT("timeout", &d->timeout, JSON_OPTIONAL, 5, LIMIT_JOB_SECONDS)},
        {FIELD_ORDER,
         JSON_INT("priority", &d->priority, JSON_OPTIONAL, JOB_PRIORITY_MIN, JOB_PRIORITY_MAX)},
        {FIELD_ORDER,
         JSON_STR("depends_on", c->depends_on, JSON_OPTIONAL, 1, sizeof c->depends_on - 1)},
        {FIELD_ORDER, JSON_INT("deadline", &d->deadline, JSON_OPTIONAL, 1, LIMIT_DEADLINE_S)},
        {FIELD_PROFILE, JSON_STR("profile", c->profile, JSON_OPTIONAL, 1, sizeof c->profile - 1)},
        {FIELD_CREDENTIAL,
         JSON_STR("credential", c->credential, brought, 1, sizeof c->credential - 1)},
        {FIELD_TARGET, JSON_OBJECT_AT("target", &d->target, JSON_OPTIONAL)},
        {FIELD_BOARD, json_is_object(json_object_get(body, "layout")) ? layout_row : layout_name},
        {FIELD_BOARD, JSON_BOOL("purge_key", &c->purge_key, JSON_OPTIONAL)},
        {FIELD_METHOD, JSON_CHOICE("method", &d->method, JSON_OPTIONAL, command_method_names)},
        {FIELD_LEVEL,
         JSON_CHOICE("level", &d->level, JSON_OPTIONAL, check_level_names + LEVEL_WIFI)},
        {FIELD_CHECK, JSON_CHOICE("check", &d->check, JSON_OPTIONAL, check_level_names)},
        {FIELD_NET,
         {JSON_IN_BOOL, "host_check", JSON_OPTIONAL, &d->host_check, 0, 0, NULL,
          &d->host_check_given}},
        {FIELD_NET, {JSON_IN_OBJECT, "wifi", JSON_OPTIONAL, &d->wifi, 0, 0, NULL, &d->wifi_given}},
        {FIELD_NET, JSON_OBJECT_AT("time", &d->time, JSON_OPTIONAL)},
        {FIELD_NET, {JSON_IN_OBJECT, "mqtt", JSON_OPTIONAL, &d->mqtt, 0, 0, NULL, &d->mqtt_given}},
        {FIELD_LINES, JSON_ARRAY_AT("lines", &d->lines, JSON_REQUIRED, 1, COMMAND_AT_LINES)},
        {FIELD_FIRMWARE,
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
        {FIELD_CLOUD, JSON_ANY("cloud", &d->cloud, JSON_OPTIONAL)},
        {FIELD_BACKUP, JSON_STR("backup", c->backup, JSON_REQUIRED, 1, sizeof c->backup - 1)},
    };
    _Static_assert(sizeof all / sizeof *all < COMMAND_ROWS, "no room for the end of the rows");
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (groups & all[i].group) out[n++] = all[i].row;
    out[n] = (struct json_field)JSON_FIELDS_END;
}

bool command_has_field(enum command_kind k, const char *name)
{
    struct command c = {.kind = k}; /* it and the draft only lend their addresses */
    struct command_draft d;
    struct json_field rows[COMMAND_ROWS];
    command_rows(command_fields(k), NULL, &c, &d, rows);
    for (const struct json_field *f = rows; f->type != JSON_IN_END; f++)
        if (strcmp(f->name, name) == 0) return true;
    return false;
}
