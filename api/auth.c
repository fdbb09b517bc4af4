#include "api/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/origin.h"
#include "service/base/deadline.h"

enum err auth_take_origin(const struct auth *a, struct request *rq)
{
    rq->foreign = rq->origin && origin_is_listed(rq->origin, a->origins, a->origin_count);
    if (rq->origin && !rq->foreign && !origin_is_own(rq->origin, rq->host, a->tls))
        return err_fail(ERR_ARG, "origin_not_allowed",
                        "Start espgate with --origin and the page's origin.",
                        "pages of this origin may not call espgate");
    if (a->open && !origin_host_is_known(rq->host, a->origins, a->origin_count))
        return err_fail(
            ERR_ARG, "host_not_allowed",
            "Call it by its address or localhost, or start it with --origin and this name.",
            "a service that asks nobody who he is has no such name");
    return ERR_OK;
}

/* The text behind "Bearer"; NULL when there is none. */
static const char *bearer_of(const char *field)
{
    static const char scheme[] = "Bearer ";
    if (!field || strncasecmp(field, scheme, sizeof scheme - 1) != 0) return NULL;
    field += sizeof scheme - 1;
    return field + strspn(field, " ");
}

/* A token that is sent counts more than a certificate. */
static enum err find_actor(const struct auth *a, struct request *rq)
{
    const char *text = bearer_of(rq->authorization);
    if (text) return tokens_find(a->tokens, text, &rq->actor);
    if (!rq->authorization && rq->peer->certificate_sha256[0]) {
        enum err e = tokens_find_certificate(a->tokens, rq->peer->certificate_sha256, &rq->actor);
        if (!err_is(e, "token_invalid")) return e;
    }
    return err_fail(ERR_ARG, "token_required",
                    "Send \"Authorization: Bearer\" with a token; the first one is in admin.token "
                    "in the data folder.",
                    "this operation needs a token");
}

/* Whoever has a valid token is never locked out by the failures of others at his address, as behind
 * one router: nobody can guess a token, so that would only give a stranger a way to stop the line.
 */
static enum err count_failure(const struct auth *a, const struct request *rq, enum err why,
                              unsigned *wait_s)
{
    *wait_s = lockout_fail(a->lockout, rq->peer->address, deadline_now_ns());
    if (*wait_s == 0) return why;
    return err_fail(ERR_BUSY, "too_many_failures",
                    "Wait as long as Retry-After says, or send a valid token.",
                    "too many requests without a valid token came from this address");
}

enum err auth_admit(const struct auth *a, struct request *rq, unsigned *wait_s)
{
    const enum scope needed = rq->match.route->scope;
    if (a->open) {
        snprintf(rq->actor.name, sizeof rq->actor.name, "anonymous");
        rq->actor.scope = SCOPE_ADMIN;
        return ERR_OK;
    }
    if (needed == SCOPE_PUBLIC) return ERR_OK;
    enum err e = find_actor(a, rq);
    if (e) return count_failure(a, rq, e, wait_s);
    if (rq->actor.scope >= needed) return ERR_OK;
    return err_fail(ERR_ARG, "missing_scope", "Ask an admin for a token of that scope.",
                    "this operation needs the scope %s; the token \"%s\" has %s",
                    scope_name(needed), rq->actor.name, scope_name(rq->actor.scope));
}

void auth_explain(const struct request *rq, struct reply *refusal, unsigned wait_s)
{
    if (wait_s)
        reply_header(refusal, "Retry-After", "%u", wait_s);
    else if (refusal->status == 403)
        reply_header(refusal, "WWW-Authenticate",
                     "Bearer realm=\"espgate\", error=\"insufficient_scope\", scope=\"%s\"",
                     scope_name(rq->match.route->scope));
    else
        reply_header(refusal, "WWW-Authenticate", "Bearer realm=\"espgate\"%s",
                     rq->authorization ? ", error=\"invalid_token\"" : "");
}

struct reply auth_preflight(const struct request *rq)
{
    struct reply r = reply_empty(204);
    reply_header(&r, "Access-Control-Allow-Methods", "%s", rq->match.allow);
    reply_header(&r, "Access-Control-Allow-Headers",
                 "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
                 "Last-Event-ID, Prefer, X-Request-Id");
    reply_header(&r, "Access-Control-Max-Age", "600");
    return r;
}
