#include "service/access/actor.h"

#include <string.h>

static const char *const names[] = {"public", "viewer", "operator", "engineer", "admin"};

const char *scope_name(enum scope s)
{
    return names[s];
}

enum err scope_parse(const char *name, enum scope *out)
{
    for (size_t i = SCOPE_VIEWER; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (enum scope)i;
        return ERR_OK;
    }
    return err_set(ERR_ARG, "a scope is viewer, operator, engineer or admin");
}
