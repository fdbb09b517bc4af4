/* ui: the dashboard, from memory. */
#include <stdio.h>
#include <string.h>

#include "api/field.h"
#include "api/handlers.h"
#include "api/ui.h"

/* A page shows what boards and files say: it may run no code but ours, make no code of text
 * (trusted types), send nothing to others, and stand in no frame. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static struct reply send_file(struct request *rq, const struct ui_file *file, enum reply_keep keep)
{
    bool packed = field_accept_prefers(rq->accept_encoding, "gzip", "identity");
    struct reply r = reply_fixed(file->type, file->gzip, file->gzip_len);
    struct buf plain;
    char etag[48];
    if (!packed) {
        if (ui_plain(file, &plain)) return reply_error(rq);
        r = reply_bytes(200, file->type, &plain);
    }
    r.keep = keep;
    snprintf(etag, sizeof etag, "\"%s%s\"", ui_version, packed ? "" : "-plain");
    r = reply_with_etag(rq, r, etag);
    if (packed && r.status == 200) reply_header(&r, "Content-Encoding", "gzip");
    reply_header(&r, "Vary", "Accept-Encoding");
    reply_header(&r, "Content-Security-Policy", "%s", policy);
    reply_header(&r, "Referrer-Policy", "no-referrer");
    reply_header(&r, "Cross-Origin-Opener-Policy", "same-origin");
    return r;
}

struct reply handle_ui(struct request *rq, const struct service *svc)
{
    (void)svc;
    return send_file(rq, ui_find("", "index.html"), KEEP_ASK);
}

struct reply handle_ui_file(struct request *rq, const struct service *svc)
{
    (void)svc;
    const struct ui_file *file = ui_find(request_var(rq, "folder"), request_var(rq, "file"));
    if (strcmp(request_var(rq, "version"), ui_version) != 0)
        err_fail(ERR_NOT_FOUND, "dashboard_changed", "Load the page again.",
                 "this espgate has another version of the dashboard");
    else if (!file)
        err_fail(ERR_NOT_FOUND, "dashboard_file_not_found", "Load the page again.",
                 "the dashboard has no such file");
    else
        return send_file(rq, file, KEEP_ALWAYS);
    return reply_error(rq);
}
