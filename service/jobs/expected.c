#include "service/jobs/expected.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/pki/shipped.h"

static const char hint[] =
    "Leave \"layout\" out: the board is asked. If the request is right, another board is in the "
    "slot, or other firmware on it.";

static enum err check_kind(const char *said_by, enum layout_kind said, const struct layout *board)
{
    if (said == LAYOUT_NONE || said == board->kind) return ERR_OK;
    return err_fail(ERR_CONFLICT, "layout_contradicts", hint,
                    "%s says that the board keeps credentials in %s, the board (%s) that it keeps "
                    "them in %s",
                    said_by, layout_kind_name(said), board->source, layout_kind_name(board->kind));
}

static void describe(const struct partition *p, char *out, size_t cap)
{
    if (p)
        snprintf(out, cap, "at 0x%x with 0x%x bytes", (unsigned)p->offset, (unsigned)p->size);
    else
        snprintf(out, cap, "nowhere");
}

static enum err check_place(const struct layout *said, const char *name, const struct layout *board)
{
    const struct partition *a = partition_find(&said->user, name);
    const struct partition *b = partition_find(&board->user, name);
    char theirs[48], ours[48];
    if (!a && !b) return ERR_OK;
    if (a && b && a->offset == b->offset && a->size == b->size) return ERR_OK;
    describe(a, theirs, sizeof theirs);
    describe(b, ours, sizeof ours);
    return err_fail(ERR_CONFLICT, "layout_contradicts", hint,
                    "%s has %s %s, the board (%s) has it %s", said->source, name, theirs,
                    board->source, ours);
}

/* Where the job is going to write. */
static enum err check_places(const struct session *s, const struct layout *said)
{
    if (said->kind == LAYOUT_MFG_NVS) return check_place(said, "mfg_nvs", &s->layout);
    enum err e = ERR_OK;
    for (int part = 0; !e && part < TARGET_PARTS; part++) {
        char name[TARGET_NAME];
        target_partition(&s->ctx->command->target, (enum credential_part)part, name);
        e = check_place(said, name, &s->layout);
    }
    return e;
}

enum err expected_layout(const struct session *s, struct layout *out)
{
    const struct command *c = s->ctx->command;
    if (!c->expected.module[0]) return err_set(ERR_NOT_FOUND, "no module is named");
    enum err e = shipped_layout(c->expected.module, c->expected.release, s->chip, out);
    if (!e)
        snprintf(out->source, sizeof out->source, "request: %.36s %s", c->expected.module,
                 c->expected.release);
    return e;
}

enum err expected_check(const struct session *s)
{
    enum err e = check_kind("the request", s->ctx->command->expected.kind, &s->layout);
    if (e || !s->ctx->command->expected.module[0]) return e;
    struct layout *said = malloc(sizeof *said);
    if (!said) return err_set(ERR_MEM, "out of memory");
    e = expected_layout(s, said);
    if (!e) e = check_kind(said->source, said->kind, &s->layout);
    if (!e) e = check_places(s, said);
    free(said);
    return e;
}
