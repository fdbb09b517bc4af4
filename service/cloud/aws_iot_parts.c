#include "service/cloud/aws_iot_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE = 3 * 1024, /* a name, an ARN or the word for a next page, encoded */
    PATH = VALUE + 64,
    QUERY = VALUE + 64,
};

static enum err bad_name(const struct iot_order *o)
{
    return err_fail(ERR_ARG, "aws_invalid", NULL, "%s cannot be asked for \"%.140s\"", o->operation,
                    o->name);
}

/* An empty name would make another operation of it, and so would a dot segment, which whoever is on
 * the way may take out of the path. */
static enum err make_path(const struct iot_order *o, char out[PATH])
{
    char value[VALUE] = "";
    if (o->name) {
        if (!*o->name || strcmp(o->name, ".") == 0 || strcmp(o->name, "..") == 0)
            return bad_name(o);
        if (aws_encode(o->name, value, sizeof value)) return bad_name(o);
    }
    snprintf(out, PATH, "%s%s%s", o->before, value, o->after ? o->after : "");
    return ERR_OK;
}

static enum err call(const struct aws_use *u, const struct iot_order *o, json_t *body,
                     struct aws_answer *out)
{
    char path[PATH];
    *out = (struct aws_answer){0};
    enum err e = make_path(o, path);
    if (e) return e;
    const struct aws_request r = {
        .operation = o->operation,
        .action = o->action,
        .method = o->method,
        .path = path,
        .query = o->query ? o->query : "",
        .principal = o->principal,
        .body = body,
        .once = o->once,
    };
    return aws_call(u->account, &r, u->cancel, u->until, out);
}

enum err iot_call(const struct aws_use *u, const struct iot_order *o, struct aws_answer *out)
{
    return call(u, o, NULL, out);
}

enum err iot_call_with(const struct aws_use *u, const struct iot_order *o, json_t *body,
                       struct aws_answer *out)
{
    *out = (struct aws_answer){0};
    enum err e = body ? call(u, o, body, out) : err_set(ERR_MEM, "out of memory");
    json_decref(body);
    return e;
}

enum err iot_do(const struct aws_use *u, const struct iot_order *o)
{
    struct aws_answer a;
    enum err e = iot_call(u, o, &a);
    aws_answer_dispose(&a);
    return e;
}

enum err iot_do_with(const struct aws_use *u, const struct iot_order *o, json_t *body)
{
    struct aws_answer a;
    enum err e = iot_call_with(u, o, body, &a);
    aws_answer_dispose(&a);
    return e;
}

enum err iot_gone(enum err e)
{
    return err_is(e, "aws_not_found") ? ERR_OK : e;
}

enum err iot_bad_answer(const struct iot_order *o, const char *what)
{
    return err_fail(ERR_PROTOCOL, "aws_bad_answer",
                    "Is there a proxy on the way, or is the endpoint of this cloud not AWS's?",
                    "the answer to %s has no usable %s", o->operation, what);
}

enum err iot_take(const struct iot_order *o, const json_t *from, const char *member, char *out,
                  size_t cap)
{
    const char *text = json_string_value(json_object_get(from, member));
    if (!text || !*text || strlen(text) >= cap) return iot_bad_answer(o, member);
    memcpy(out, text, strlen(text) + 1);
    return ERR_OK;
}

/* The word for the next page goes where its name sorts. */
static enum err make_query(const struct iot_order *o, const struct iot_pages *pages,
                           const char *next, char out[QUERY])
{
    char value[VALUE], word[QUERY] = "";
    if (next) {
        if (aws_encode(next, value, sizeof value)) return iot_bad_answer(o, pages->next);
        snprintf(word, sizeof word, "%s=%s", pages->word, value);
    }
    const char *const parts[] = {pages->before, next ? word : NULL, pages->after};
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i]) continue;
        n += (size_t)snprintf(out + n, QUERY - n, "%s%s", n ? "&" : "", parts[i]);
        if (n >= QUERY) return iot_bad_answer(o, pages->next);
    }
    return ERR_OK;
}

/* @param next  in: the word for this page, NULL for the first; out: for the one after it, NULL = it
 * was the last. A peer that repeats itself would keep us for ever. */
static enum err one_page(const struct aws_use *u, const struct iot_order *o,
                         const struct iot_pages *pages, char **next, iot_page_fn fn, void *arg)
{
    char query[QUERY];
    struct aws_answer a;
    enum err e = make_query(o, pages, *next, query);
    if (e) return e;
    struct iot_order page = *o;
    page.query = query;
    bool enough = false;
    e = iot_call(u, &page, &a);
    const json_t *items = json_object_get(a.body, pages->items);
    if (!e && !json_is_array(items)) e = iot_bad_answer(o, pages->items);
    if (!e) e = fn(items, &enough, arg);
    const char *more = json_string_value(json_object_get(a.body, pages->next));
    if (enough || (more && !*more)) more = NULL;
    if (!e && more && *next && strcmp(more, *next) == 0) e = iot_bad_answer(o, pages->next);
    char *copy = e || !more ? NULL : strdup(more);
    if (!e && more && !copy) e = err_set(ERR_MEM, "out of memory");
    free(*next);
    *next = copy;
    aws_answer_dispose(&a);
    return e;
}

enum err iot_each_page(const struct aws_use *u, const struct iot_order *o,
                       const struct iot_pages *pages, iot_page_fn fn, void *arg)
{
    char *next = NULL;
    enum err e;
    do {
        e = one_page(u, o, pages, &next, fn, arg);
    } while (!e && next);
    free(next);
    return e;
}

struct collected {
    const struct iot_order *order;
    const char *member;
    json_t *into;
};

static enum err collect(const json_t *items, bool *enough_out, void *arg)
{
    const struct collected *c = arg;
    (void)enough_out;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        if (c->member) item = json_object_get(item, c->member);
        if (!json_is_string(item)) return iot_bad_answer(c->order, "list");
        if (json_array_append(c->into, item)) return err_set(ERR_MEM, "out of memory");
    }
    return ERR_OK;
}

enum err iot_list(const struct aws_use *u, const struct iot_order *o, const struct iot_pages *pages,
                  const char *member, json_t **out)
{
    struct collected c = {o, member, json_array()};
    *out = NULL;
    enum err e =
        c.into ? iot_each_page(u, o, pages, collect, &c) : err_set(ERR_MEM, "out of memory");
    if (e)
        json_decref(c.into);
    else
        *out = c.into;
    return e;
}
