#include "api/request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/field.h"
#include "service/base/json_in.h"
#include "service/base/limits.h"

const char *request_var(const struct request *rq, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < rq->match.var_count; i++)
        if (strncmp(rq->match.vars[i].name, name, n) == 0 && rq->match.vars[i].name[n] == '}')
            return rq->match.vars[i].value;
    return "";
}

const char *request_query(const struct request *rq, const char *name)
{
    for (size_t i = 0; i < rq->query_count; i++)
        if (strcmp(rq->query[i].name, name) == 0) return rq->query[i].value;
    return NULL;
}

/* Is @p name one of the words of @p list, each followed by a blank? */
static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *s = list; n && (s = strstr(s, name)); s++)
        if ((s == list || s[-1] == ' ') && s[n] == ' ') return true;
    return false;
}

/* UTF-8, without control characters. */
static bool decode_text(const char *in, char *out, size_t cap)
{
    if (!field_percent_decode_text(in, strlen(in), out, cap)) return false;
    json_t *text = json_string(out);
    bool is_text = text != NULL;
    json_decref(text);
    return is_text;
}

enum err request_add_query(struct request *rq, const char *name, const char *value)
{
    const size_t cap = sizeof rq->query[0].name;
    char decoded[sizeof rq->query[0].name];
    if (!field_percent_decode(name, strlen(name), decoded, cap) ||
        !is_listed(rq->match.route->query, decoded))
        return err_fail(ERR_ARG, "bad_query", "The contract at /openapi.yaml names them.",
                        "this operation has no such query parameter");
    if (request_query(rq, decoded) || rq->query_count == REQUEST_QUERY_MAX)
        return err_fail(ERR_ARG, "bad_query", NULL, "query parameter %s is given twice", decoded);
    char *out = rq->query[rq->query_count].value;
    if (!value || !decode_text(value, out, sizeof rq->query[0].value))
        return err_fail(ERR_ARG, "bad_query", NULL,
                        "query parameter %s has a value that is missing, too long or not text",
                        decoded);
    memcpy(rq->query[rq->query_count++].name, decoded, cap);
    return ERR_OK;
}

enum err request_query_number(const struct request *rq, const char *name, long min, long max,
                              long *out)
{
    const char *text = request_query(rq, name);
    long v;
    if (!text) return ERR_OK;
    if (!field_number(text, max, &v) || v < min)
        return err_fail(ERR_ARG, "bad_query", NULL,
                        "query parameter %s must be a whole number from %ld to %ld", name, min,
                        max);
    *out = v;
    return ERR_OK;
}

enum err request_no_such_value(const char *name)
{
    return err_fail(ERR_ARG, "bad_query", "The contract at /openapi.yaml names them.",
                    "query parameter %s has no such value", name);
}

enum err request_query_bool(const struct request *rq, const char *name, bool *out)
{
    const char *text = request_query(rq, name);
    if (!text) return ERR_OK;
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return err_fail(ERR_ARG, "bad_query", NULL, "query parameter %s must be true or false",
                        name);
    *out = yes;
    return ERR_OK;
}

enum err request_page(const struct request *rq, bool (*is_one)(const char *text),
                      struct store_page *out)
{
    long limit = 100;
    const char *cursor = request_query(rq, "cursor");
    *out = (struct store_page){.limit = 0};
    enum err e = request_query_number(rq, "limit", 1, LIMIT_PAGE, &limit);
    if (e) return e;
    out->limit = (size_t)limit;
    if (!cursor) return ERR_OK;
    if (strlen(cursor) >= sizeof out->cursor || !is_one(cursor))
        return err_fail(ERR_ARG, "bad_query", "Take it from \"next\" of the page before.",
                        "query parameter cursor is not one of ours");
    snprintf(out->cursor, sizeof out->cursor, "%s", cursor);
    return ERR_OK;
}

enum err request_check_match(const struct request *rq, const char *what, const char *etag,
                             bool stored)
{
    if ((!rq->if_match || (etag && field_etag_listed(rq->if_match, etag, false))) &&
        (!rq->if_none_match || !stored || !field_etag_listed(rq->if_none_match, etag, true)))
        return ERR_OK;
    return err_fail(ERR_CONFLICT, "precondition_failed", "Read it again, then decide.",
                    "the %s is not what If-Match or If-None-Match says", what);
}

enum err request_json(const struct request *rq, json_t **out)
{
    return json_in_text(buf_str(&rq->body), rq->body.len, out);
}

bool request_is_id(const char *text)
{
    return id_is_name(text, ID_TEXT - 1);
}

bool request_is_id_of(const char *text, const char *kind)
{
    return request_is_id(text) && strncmp(text, kind, strlen(kind)) == 0;
}

bool request_mac(const char *text, char out[REQUEST_MAC])
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i])) return false;
    if (n != REQUEST_MAC - 1) return false;
    for (size_t i = 0; i <= n; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    return true;
}
