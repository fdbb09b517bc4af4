#include "api/handlers/named.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/base/id.h"

enum { ETAG = 24 };

/* By the time of the change: a digest of the settings would let a short password be guessed. */
static void etag_of(const struct named_settings *r, char out[ETAG])
{
    snprintf(out, ETAG, "\"%llx\"", (unsigned long long)r->changed_ms);
}

static struct reply reply_record(int status, const struct named_resource *of,
                                 const struct named_settings *r)
{
    char etag[ETAG];
    etag_of(r, etag);
    struct reply reply = reply_json(status, of->shown(r));
    reply_header(&reply, "ETag", "%s", etag);
    return reply;
}

struct reply named_resource_get(struct request *rq, const struct service *svc,
                                const struct named_resource *of)
{
    struct named_settings record;
    if (of->get(svc->store, request_var(rq, "name"), &record)) return reply_error(rq);
    struct reply r = reply_record(200, of, &record);
    named_settings_dispose(&record);
    return r;
}

static bool is_name(const char *text)
{
    return id_is_name(text, sizeof((struct named_settings *)0)->name - 1);
}

struct reply named_resource_list(struct request *rq, const struct service *svc,
                                 const struct named_resource *of)
{
    struct store_page page;
    struct named_settings *list = NULL;
    size_t n;
    if (request_page(rq, is_name, &page) || of->list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, of->shown(&list[i]));
        named_settings_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

/* What is kept now, when the request may change it. @param[out] there  is there one? */
static enum err find_former(const struct request *rq, const struct service *svc,
                            const struct named_resource *of, struct named_settings *out,
                            bool *there)
{
    char etag[ETAG];
    enum err e = of->get(svc->store, request_var(rq, "name"), out);
    *there = e == ERR_OK;
    if (e && e != ERR_NOT_FOUND) return e;
    etag_of(out, etag);
    e = request_check_match(rq, of->what, *there ? etag : NULL, *there);
    if (e) named_settings_dispose(out);
    return e;
}

struct change {
    json_t *settings;
    bool was_there;
    struct named_settings now; /* named_settings_dispose() it */
    struct field_errors errors;
};

static enum err put(const struct request *rq, const struct service *svc,
                    const struct named_resource *of, struct change *c)
{
    struct named_settings former;
    enum err e = find_former(rq, svc, of, &former, &c->was_there);
    if (e) return e;
    e = of->keep(svc, request_var(rq, "name"), c->settings, c->was_there ? &former : NULL, &c->now,
                 &c->errors);
    named_settings_dispose(&former);
    return e;
}

struct reply named_resource_put(struct request *rq, const struct service *svc,
                                const struct named_resource *of)
{
    struct change c = {.now.name = ""};
    if (!is_name(request_var(rq, "name"))) {
        err_fail(ERR_ARG, "bad_name", NULL,
                 "a %s's name has 1 to 63 letters, digits, '-', '_' and '.', and begins with "
                 "another one than '.'",
                 of->what);
        return reply_error(rq);
    }
    if (request_json(rq, &c.settings)) return reply_error(rq);
    pthread_mutex_lock(of->changing);
    enum err e = put(rq, svc, of, &c);
    pthread_mutex_unlock(of->changing);
    json_decref(c.settings);
    struct reply r =
        e ? reply_fields(rq, &c.errors) : reply_record(c.was_there ? 200 : 201, of, &c.now);
    if (!e && !c.was_there) reply_header(&r, "Location", "%s/%s", of->path, c.now.name);
    named_settings_dispose(&c.now);
    return r;
}

struct reply named_resource_delete(struct request *rq, const struct service *svc,
                                   const struct named_resource *of)
{
    struct named_settings former;
    bool there;
    pthread_mutex_lock(of->changing);
    enum err e = find_former(rq, svc, of, &former, &there);
    if (!e) e = of->remove(svc->store, request_var(rq, "name"));
    pthread_mutex_unlock(of->changing);
    named_settings_dispose(&former);
    return e ? reply_error(rq) : reply_empty(204);
}
