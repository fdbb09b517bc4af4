/* command_cloud: "cloud", and what is usual with one. */
#include <stdio.h>
#include <stdlib.h>

#include "service/jobs/command_parts.h"
#include "service/register/wanted.h"

/* The slot is known by now and a board's MAC has one length: whatever is wrong with the names shows
 * here, and not when the board is in its loader. */
static enum err judge_names(const struct command *c, struct field_errors *errors)
{
    struct register_spec *filled = malloc(sizeof *filled);
    if (!filled) return err_set(ERR_MEM, "out of memory");
    *filled = *c->cloud;
    if (spec_fill(filled, "000000000000", c->slot))
        field_errors_add(errors, "/cloud", "%s", err_last()->detail);
    free(filled);
    return ERR_OK;
}

enum err command_read_cloud(struct command *c, const struct command_draft *d,
                            struct field_errors *errors)
{
    size_t before = errors->count;
    if (!d->cloud) return ERR_OK;
    c->cloud = calloc(1, sizeof *c->cloud);
    if (!c->cloud) return err_set(ERR_MEM, "out of memory");
    if (c->kind == COMMAND_CHECK && !json_is_string(d->cloud))
        field_errors_add(errors, "/cloud",
                         "must be the name of a cloud: a check registers nothing there");
    else
        spec_read(d->cloud, "/cloud", c->cloud, errors);
    snprintf(c->mqtt.client_id, sizeof c->mqtt.client_id, "{thing}");
    snprintf(c->mqtt.topic, sizeof c->mqtt.topic, "{thing}/check");
    bool names = c->kind == COMMAND_PROVISION && c->slot[0] && errors->count == before;
    return names ? judge_names(c, errors) : ERR_OK;
}

void command_judge_cloud(const struct command *c, struct field_errors *errors)
{
    if (c->kind == COMMAND_PROVISION && c->cloud)
        wanted_credential(c->cloud, c->credential, errors);
}
