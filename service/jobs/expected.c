#include "service/jobs/expected.h"

static const char hint[] =
    "Leave \"layout\" out: the board is asked. If the request is right, another board is in the "
    "slot, or other firmware on it.";

enum err expected_check(const struct command *c, const struct layout *board)
{
    enum layout_kind said = c->expected.kind;
    if (said == LAYOUT_NONE || said == board->kind) return ERR_OK;
    return err_fail(ERR_CONFLICT, "layout_contradicts", hint,
                    "the request says that the board keeps credentials in %s, the board (%s) that "
                    "it keeps them in %s",
                    layout_kind_name(said), board->source, layout_kind_name(board->kind));
}
