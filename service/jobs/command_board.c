/* command_board: the fields that say which credential of a board is meant and what the board is
 * taken for: target, layout, backup. */
#include "service/jobs/command_parts.h"
#include "service/jobs/target_json.h"
#include "service/pki/shipped.h"

/* A module of two chips is none of these errors: the board tells which it is. */
static void judge_layout_row(const struct command *c, struct field_errors *errors)
{
    struct layout layout;
    enum err e = shipped_layout(c->expected.module, c->expected.release, "", &layout);
    if (err_is(e, "module_unknown"))
        field_errors_add(errors, "/layout/module",
                         "is no module that is known here: write it as AT+GMR or its marking has "
                         "it, e.g. WROOM-32");
    else if (err_is(e, "release_unknown"))
        field_errors_add(errors, "/layout/release", "is no release of ESP-AT for %s",
                         c->expected.module);
}

static void read_layout_row(struct command *c, const json_t *object, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("module", c->expected.module, JSON_REQUIRED, 1, sizeof c->expected.module - 1),
        JSON_STR("release", c->expected.release, JSON_REQUIRED, 1, sizeof c->expected.release - 1),
        JSON_FIELDS_END,
    };
    json_in(object, "/layout", fields, errors);
    if (c->expected.module[0] && c->expected.release[0]) judge_layout_row(c, errors);
}

void command_read_board(struct command *c, const struct command_draft *d,
                        struct field_errors *errors)
{
    if (d->target) target_from_json(d->target, "/target", &c->target, errors);
    if (d->layout) read_layout_row(c, d->layout, errors);
    command_judge_id(errors, "/backup", c->backup, "a backup");
    if (c->kind == COMMAND_FLASH && d->target && !c->credential[0])
        field_errors_add(errors, "/target", "goes with \"credential\" only");
    if (c->kind == COMMAND_PROVISION && c->target.kind != TARGET_MQTT && d->check >= LEVEL_CONNECT)
        field_errors_add(errors, "/check",
                         "must be none, wifi or time: the board connects to the broker with its "
                         "credential of kind mqtt, not with that of kind %s",
                         target_kind_name(c->target.kind));
}
