/* profiles: named recipes for jobs. A password comes in and never goes out again. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/json_in.h"
#include "service/jobs/profile.h"

enum { ETAG = 24 };

/* Looking at what is kept and changing it must be one act; HTTP has two threads. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

/* By the time of the change: a digest of the settings would let a short password be guessed. */
static void profile_etag(const struct named_settings *r, char out[ETAG])
{
    snprintf(out, ETAG, "\"%llx\"", (unsigned long long)r->changed_ms);
}

static struct reply reply_profile(int status, const struct named_settings *r)
{
    char etag[ETAG];
    profile_etag(r, etag);
    struct reply reply = reply_json(status, profile_to_json(r));
    reply_header(&reply, "ETag", "%s", etag);
    return reply;
}

static enum err find(const struct request *rq, const struct service *svc,
                     struct named_settings *out)
{
    return store_profile_get(svc->store, request_var(rq, "name"), out);
}

struct reply handle_profile_get(struct request *rq, const struct service *svc)
{
    struct named_settings record;
    if (find(rq, svc, &record)) return reply_error(rq);
    struct reply r = reply_profile(200, &record);
    named_settings_dispose(&record);
    return r;
}

static bool is_profile(const char *text)
{
    return id_is_name(text, sizeof((struct named_settings *)0)->name - 1);
}

struct reply handle_profile_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct named_settings *list = NULL;
    size_t n;
    if (request_page(rq, is_profile, &page) || store_profile_list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, profile_to_json(&list[i]));
        named_settings_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

/* What is kept now, when the request may change it. @param[out] there  is there one? */
static enum err find_former(const struct request *rq, const struct service *svc,
                            struct named_settings *out, bool *there)
{
    char etag[ETAG];
    enum err e = find(rq, svc, out);
    *there = e == ERR_OK;
    if (e && e != ERR_NOT_FOUND) return e;
    profile_etag(out, etag);
    e = request_check_match(rq, "profile", *there ? etag : NULL, *there);
    if (e) named_settings_dispose(out);
    return e;
}

/* @param[out] record  as it is now; named_settings_dispose() it */
static enum err put(const struct request *rq, const struct service *svc, json_t *settings,
                    struct named_settings *record, bool *was_there, struct field_errors *errors)
{
    struct named_settings former;
    enum err e = find_former(rq, svc, &former, was_there);
    if (e) return e;
    e = profile_make(request_var(rq, "name"), settings, *was_there ? &former : NULL, record,
                     errors);
    named_settings_dispose(&former);
    return e ? e : store_profile_put(svc->store, record);
}

struct reply handle_profile_put(struct request *rq, const struct service *svc)
{
    struct named_settings record = {.name = ""};
    struct field_errors errors = {.count = 0};
    json_t *settings;
    bool was_there = false;
    if (!is_profile(request_var(rq, "name"))) {
        err_fail(ERR_ARG, "bad_name", NULL,
                 "a profile's name has 1 to 63 letters, digits, '-', '_' and '.', and begins with "
                 "another one than '.'");
        return reply_error(rq);
    }
    if (request_json(rq, &settings)) return reply_error(rq);
    pthread_mutex_lock(&changing);
    enum err e = put(rq, svc, settings, &record, &was_there, &errors);
    pthread_mutex_unlock(&changing);
    json_decref(settings);
    struct reply r = e ? reply_fields(rq, &errors) : reply_profile(was_there ? 200 : 201, &record);
    if (!e && !was_there) reply_header(&r, "Location", "/v1/profiles/%s", record.name);
    named_settings_dispose(&record);
    return r;
}

struct reply handle_profile_delete(struct request *rq, const struct service *svc)
{
    struct named_settings former;
    bool there;
    pthread_mutex_lock(&changing);
    enum err e = find_former(rq, svc, &former, &there);
    if (!e) e = store_profile_delete(svc->store, request_var(rq, "name"));
    pthread_mutex_unlock(&changing);
    named_settings_dispose(&former);
    return e ? reply_error(rq) : reply_empty(204);
}
