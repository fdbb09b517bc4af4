/* tokens: who may call. The text of a token leaves the service once, in the answer that makes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "api/stream_hub.h"
#include "api/ui.h"
#include "service/base/digest.h"

enum { MINUTE = 60, TEN_YEARS = 10 * 366 * 24 * 3600 };

static bool is_token(const char *text)
{
    return request_is_id_of(text, "tok_");
}

static json_t *describe(const struct token_record *r)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", r->id, "name", r->name,
                     "scope", r->scope, "certificate_sha256",
                     json_text_or_null(r->certificate_sha256), "created_at",
                     json_time(r->created_ms), "created_by", json_text_or_null(r->created_by),
                     "expires_at", json_time(r->expires_ms), "revoked_at", json_time(r->revoked_ms),
                     "used_at", json_time(r->used_ms));
}

struct wish {
    char name[64], certificate[SHA256_HEX];
    int scope;
    int64_t lifetime_s;
};

static void judge(const struct wish *w, struct field_errors *errors)
{
    if (w->name[0] && !id_is_name(w->name, sizeof w->name - 1))
        field_errors_add(errors, "/name",
                         "may hold only letters, digits, '-', '_' and '.', and begin with another "
                         "one than '.'");
    if (strcmp(w->name, "anonymous") == 0 || strcmp(w->name, "espgate") == 0)
        field_errors_add(errors, "/name", "is a name that espgate uses itself");
    if (strspn(w->certificate, "0123456789abcdef") != strlen(w->certificate))
        field_errors_add(errors, "/certificate_sha256", "must be in lower-case hexadecimal");
}

static enum err read_wish(const struct request *rq, struct wish *out, struct field_errors *errors)
{
    static const char *const scopes[] = {"viewer", "operator", "engineer", "admin", NULL};
    json_t *body;
    enum err e = request_json(rq, &body);
    if (e) return e;
    *out = (struct wish){.name = ""};
    const struct json_field fields[] = {
        JSON_STR("name", out->name, JSON_REQUIRED, 1, sizeof out->name - 1),
        JSON_CHOICE("scope", &out->scope, JSON_REQUIRED, scopes),
        JSON_INT("expires_in", &out->lifetime_s, JSON_OPTIONAL, MINUTE, TEN_YEARS),
        JSON_STR("certificate_sha256", out->certificate, JSON_OPTIONAL, SHA256_HEX - 1,
                 SHA256_HEX - 1),
        JSON_FIELDS_END,
    };
    json_in(body, "", fields, errors);
    judge(out, errors);
    json_decref(body);
    return field_errors_result(errors);
}

static struct reply made(const struct token_record *record, const char *text)
{
    json_t *body = describe(record);
    if (*text) json_object_set_new(body, "token", json_string(text));
    struct reply r = reply_json(201, body);
    r.body.secret = true;
    reply_header(&r, "Location", "/v1/tokens/%s", record->id);
    return r;
}

struct reply handle_token_create(struct request *rq, const struct service *svc)
{
    struct wish wish;
    struct field_errors errors = {.count = 0};
    struct token_record record;
    char text[TOKEN_TEXT];
    if (read_wish(rq, &wish, &errors)) return reply_fields(rq, &errors);
    const struct token_order order = {.name = wish.name,
                                      .scope = (enum scope)(SCOPE_VIEWER + wish.scope),
                                      .lifetime_s = wish.lifetime_s,
                                      .certificate_sha256 = wish.certificate,
                                      .created_by = rq->actor.name};
    if (tokens_issue(svc->tokens, &order, text, &record)) return reply_error(rq);
    struct reply r = made(&record, text);
    explicit_bzero(text, sizeof text);
    return r;
}

struct reply handle_token_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct token_record *list = NULL;
    size_t n;
    if (request_page(rq, is_token, &page) || tokens_list(svc->tokens, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(items, describe(&list[i]));
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_token_get(struct request *rq, const struct service *svc)
{
    struct token_record record;
    if (tokens_get(svc->tokens, request_var(rq, "id"), &record)) return reply_error(rq);
    return reply_json(200, describe(&record));
}

/* So that a page can offer what its user may do, and notice that the service is another than it is
 * made for. */
struct reply handle_me(struct request *rq, const struct service *svc)
{
    const struct actor *me = &rq->actor;
    struct token_record record = {.id = ""};
    if (me->token[0] && tokens_get(svc->tokens, me->token, &record)) return reply_error(rq);
    const char *method = record.certificate_sha256[0] ? "certificate" : "token";
    return reply_json(
        200, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "name", me->name, "scope",
                       scope_name(me->scope), "method", me->token[0] ? method : "none", "token",
                       json_text_or_null(me->token), "expires_at", json_time(record.expires_ms),
                       "version", svc->version, "ui", ui_version));
}

struct reply handle_token_revoke(struct request *rq, const struct service *svc)
{
    const char *id = request_var(rq, "id");
    if (strcmp(rq->actor.token, id) == 0) {
        err_fail(ERR_CONFLICT, "own_token", "Revoke it with another admin's token.",
                 "a token does not revoke itself, so that there is always one to make others with");
        return reply_error(rq);
    }
    if (tokens_revoke(svc->tokens, id)) return reply_error(rq);
    stream_hub_look_at_tokens(svc->streams);
    return reply_empty(204);
}
