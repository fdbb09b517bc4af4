/* command_board: the fields that say which credential of a board is meant and what the board is
 * taken for: target, layout, backup. */
#include "service/jobs/command_parts.h"
#include "service/jobs/target_json.h"

static void read_layout_row(struct command *c, const json_t *object, struct field_errors *errors)
{
    const struct json_field fields[] = {
        JSON_STR("module", c->expected.module, JSON_REQUIRED, 1, sizeof c->expected.module - 1),
        JSON_STR("release", c->expected.release, JSON_REQUIRED, 1, sizeof c->expected.release - 1),
        JSON_FIELDS_END,
    };
    json_in(object, "/layout", fields, errors);
    command_refuse_control(errors, "/layout/module", c->expected.module);
    command_refuse_control(errors, "/layout/release", c->expected.release);
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
