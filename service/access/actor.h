/* actor: who asks, and what he may. Each scope holds those before it. */
#ifndef SERVICE_ACCESS_ACTOR_H
#define SERVICE_ACCESS_ACTOR_H

#include "service/base/err.h"
#include "service/base/id.h"

enum scope {
    SCOPE_PUBLIC,   /* nobody is asked who he is */
    SCOPE_VIEWER,   /* reads; sees no secret */
    SCOPE_OPERATOR, /* works with the boards */
    SCOPE_ENGINEER, /* sets the bench up; reads images and flash, which hold keys */
    SCOPE_ADMIN     /* tokens and the audit */
};

/** "viewer", … */
const char *scope_name(enum scope s);
/** @return ERR_OK, ERR_ARG */
enum err scope_parse(const char *name, enum scope *out);

struct actor {
    char name[64];       /* of his token; "anonymous" where nobody is asked */
    char token[ID_TEXT]; /* "" = none */
    enum scope scope;
    char address[48]; /* numeric; "local" for a socket that has none */
};
#endif
