#include "api/media.h"

#include <stdio.h>
#include <string.h>

#include "api/field.h"
#include "api/route.h"
#include "service/base/err.h"

static const struct media {
    enum body_kind kind;
    const char *type, *how; /* how: for people */
} medias[] = {
    {BODY_JSON, "application/json", ""},
    {BODY_MULTIPART, "multipart/form-data", ", as curl -F file=@NAME does"},
    {BODY_CSV, "text/csv", ""},
    {BODY_BINARY, "application/octet-stream", ""},
    {BODY_ZIP, "application/zip", ""},
};
enum { MEDIAS = sizeof medias / sizeof *medias };

bool media_is_taken(const char *content_type, unsigned kinds)
{
    for (size_t i = 0; i < MEDIAS; i++)
        if (kinds & medias[i].kind && field_media_is(content_type, medias[i].type)) return true;
    return false;
}

void media_not_taken(unsigned kinds)
{
    char taken[200] = "";
    for (size_t i = 0; i < MEDIAS; i++) {
        size_t n = strlen(taken);
        if (kinds & medias[i].kind)
            snprintf(taken + n, sizeof taken - n, "%s%s%s", n ? "; or " : "", medias[i].type,
                     medias[i].how);
    }
    char hint[240];
    snprintf(hint, sizeof hint, "Set Content-Type to %s.", taken);
    err_fail(ERR_ARG, "bad_media_type", hint,
             "this operation does not take a body of this Content-Type");
}
