#include "api/status.h"

#include <stddef.h>
#include <string.h>

/* Codes that say more than their kind does. */
static const struct {
    const char *code;
    int status;
} by_code[] = {
    {"queue_full", 429},
    {"shutting_down", 503},
    {"disk_full", 507},
    {"store_full", 507}, /* by file, by database: one disk */
    {"too_many_uploads", 503},
    {"too_many_waiting", 503},
    {"too_many_streams", 503},
    {"vault_broken", 500},  /* ours, not the client's certificate */
    {"firmware_lost", 500}, /* waiting does not bring it back */
    {"precondition_failed", 412},
    {"token_required", 401},
    {"token_invalid", 401},
    {"token_expired", 401},
    {"token_revoked", 401},
    {"missing_scope", 403},
    {"origin_not_allowed", 403},
    {"host_not_allowed", 421},
    {"too_many_failures", 429},
    {"slot_has_no_at_port", 422},
    {"slot_has_no_download_port", 422},
};

static int by_kind(enum err kind)
{
    switch (kind) {
    case ERR_OK:
        return 200;
    case ERR_ARG:
        return 400;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
    case ERR_BUSY:
        return 409;
    case ERR_TOO_LARGE:
        return 413;
    case ERR_UNSUPPORTED:
    case ERR_CRYPTO:
        return 422;
    case ERR_MEM:
    case ERR_IO:
    case ERR_CANCELLED:
        return 503;
    case ERR_PORT_GONE:
    case ERR_PROTOCOL:
    case ERR_DEVICE:
    case ERR_VERIFY:
    case ERR_NETWORK:
    case ERR_CLOUD:
        return 502; /* jobs keep these; no request meets a board */
    case ERR_TIMEOUT:
        return 504;
    case ERR_INTERNAL:
        return 500;
    }
    return 500;
}

int status_of(const struct err_info *e)
{
    for (size_t i = 0; i < sizeof by_code / sizeof *by_code; i++)
        if (strcmp(e->code, by_code[i].code) == 0) return by_code[i].status;
    return by_kind(e->kind);
}

int status_of_content(const struct err_info *e)
{
    int status = status_of(e);
    return status == 400 || status == 413 || status == 502 ? 422 : status;
}

const char *status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "The request is malformed"},
        {401, "A valid token is needed"},
        {403, "This is not allowed"},
        {404, "There is no such thing"},
        {405, "The method is not allowed here"},
        {409, "The present state does not allow this"},
        {412, "It was changed meanwhile"},
        {413, "The body is too large"},
        {415, "The body's media type is not supported"},
        {421, "This name is not known here"},
        {422, "The content cannot be used"},
        {429, "Too much at once"},
        {500, "A fault of espgate"},
        {501, "Not implemented"},
        {502, "Another system failed"},
        {503, "Not available now"},
        {504, "Another system was too slow"},
        {507, "The disk is full"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status) return titles[i].title;
    return "The request failed";
}

int status_retry_after_s(int status)
{
    return status == 429 || status == 503 ? 5 : 0;
}
