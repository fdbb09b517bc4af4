/* webhooks: who is told when a job has ended. The key that signs is shown once, when its webhook is
 * made. */
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/base/limits.h"
#include "service/hooks/hooks.h"
#include "service/hooks/signature.h"
#include "service/base/url.h"
#include "service/store/webhooks.h"

/* --- making one --- */

static void read_states(const json_t *list, struct webhook_record *out, struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum job_state state;
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/states/%zu", i);
        if (!name || job_state_parse(name, &state) || !job_state_is_final(state))
            field_errors_add(errors, pointer,
                             "must be succeeded, failed, cancelled or interrupted");
        else
            out->states |= 1U << state;
    }
}

/* @param[out] out  webhook_record_dispose() it */
static enum err read_wish(const struct request *rq, struct webhook_record *out,
                          struct field_errors *errors)
{
    json_t *body, *states = NULL;
    *out = (struct webhook_record){.id = ""};
    char *ca = calloc(1, LIMIT_PEM_BYTES + 1);
    if (!ca) return err_set(ERR_MEM, "out of memory");
    out->ca_pem = ca;
    enum err e = request_json(rq, &body);
    if (e) return e;
    const struct json_field fields[] = {
        JSON_STR("url", out->url, JSON_REQUIRED, 1, LIMIT_URL),
        JSON_STR("slot", out->slot, JSON_OPTIONAL, 1, sizeof out->slot - 1),
        JSON_ARRAY_AT("states", &states, JSON_OPTIONAL, 1, JOB_INTERRUPTED + 1),
        JSON_STR("ca", ca, JSON_OPTIONAL, 1, LIMIT_PEM_BYTES),
        JSON_FIELDS_END,
    };
    json_in(body, "", fields, errors);
    read_states(states, out, errors);
    json_decref(body);
    const char *refusal = out->url[0] ? url_refusal(out->url, NULL) : NULL;
    if (refusal) field_errors_add(errors, "/url", "%s", refusal);
    if (out->slot[0] && !id_is_name(out->slot, sizeof out->slot - 1))
        field_errors_add(errors, "/slot", "is not a slot's name");
    e = field_errors_result(errors);
    return !e && ca[0] ? hooks_ca_check(ca) : e;
}

static json_t *shown(const struct webhook_record *r)
{
    json_t *states = json_array();
    for (unsigned s = JOB_QUEUED; s <= JOB_INTERRUPTED; s++)
        if (!r->states ? job_state_is_final((enum job_state)s) : r->states >> s & 1)
            json_array_append_new(states, json_string(job_state_name((enum job_state)s)));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "id", r->id, "created_at",
                     json_time(r->created_ms), "url", json_text(r->url), "slot",
                     json_text_or_null(r->slot), "states", states, "ca",
                     r->ca_pem ? json_text_or_null(r->ca_pem) : json_null());
}

static struct reply create(struct request *rq, const struct service *svc, struct webhook_record *r)
{
    uint8_t key[SIGNATURE_KEY];
    char secret[SIGNATURE_SECRET];
    struct reply reply;
    id_new("hook", r->id);
    r->created_ms = clock_now_ms();
    signature_key_new(key);
    if (store_webhook_add(svc->store, r, key, sizeof key)) {
        reply = reply_error(rq);
    } else {
        json_t *body = shown(r);
        if (json_object_set_new(body, "secret", json_string(signature_secret(key, secret))) != 0) {
            json_decref(body);
            body = NULL;
        }
        reply = reply_json(201, body);
        reply_header(&reply, "Location", "/v1/webhooks/%s", r->id);
        hooks_begin(svc->hooks);
    }
    explicit_bzero(key, sizeof key);
    explicit_bzero(secret, sizeof secret);
    return reply;
}

struct reply handle_webhook_create(struct request *rq, const struct service *svc)
{
    struct webhook_record record;
    struct field_errors errors = {.count = 0};
    enum err e = read_wish(rq, &record, &errors);
    struct reply r = e ? reply_fields(rq, &errors) : create(rq, svc, &record);
    webhook_record_dispose(&record);
    return r;
}

/* --- looking --- */

static bool is_webhook(const char *text)
{
    return request_is_id_of(text, "hook_");
}

struct reply handle_webhook_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct webhook_record *list = NULL;
    size_t n;
    if (request_page(rq, is_webhook, &page) || store_webhook_list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, shown(&list[i]));
        webhook_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_webhook_get(struct request *rq, const struct service *svc)
{
    struct webhook_record record;
    if (store_webhook_get(svc->store, request_var(rq, "id"), &record)) return reply_error(rq);
    struct reply r = reply_json(200, shown(&record));
    webhook_record_dispose(&record);
    return r;
}

struct reply handle_webhook_delete(struct request *rq, const struct service *svc)
{
    return store_webhook_delete(svc->store, request_var(rq, "id")) ? reply_error(rq)
                                                                   : reply_empty(204);
}

/* --- deliveries --- */

static json_t *shown_delivery(const struct delivery_record *d)
{
    bool pending = d->state == DELIVERY_PENDING;
    return json_pack(
        "{s:s, s:o, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "id", d->id, "job",
        json_text_or_null(d->job), "state", delivery_state_name(d->state), "attempts", d->attempts,
        "created_at", json_time(d->created_ms), "tried_at", json_time(d->tried_ms), "next_at",
        pending ? json_time(d->next_ms ? d->next_ms : d->created_ms) : json_null(), "ended_at",
        json_time(d->ended_ms), "status", d->status ? json_integer(d->status) : json_null(),
        "error", json_text_or_null(d->error));
}

static struct reply accepted(const struct service *svc, const struct delivery_record *d)
{
    hooks_begin(svc->hooks);
    struct reply r = reply_json(202, shown_delivery(d));
    reply_header(&r, "Location", "/v1/webhooks/%s/deliveries/%s", d->webhook, d->id);
    return r;
}

struct reply handle_webhook_test(struct request *rq, const struct service *svc)
{
    struct delivery_record d;
    if (store_delivery_test(svc->store, request_var(rq, "id"), &d)) return reply_error(rq);
    return accepted(svc, &d);
}

static bool is_delivery(const char *text)
{
    return request_is_id_of(text, "dlv_");
}

struct reply handle_delivery_list(struct request *rq, const struct service *svc)
{
    const char *id = request_var(rq, "id");
    struct store_page page;
    struct webhook_record webhook = {.id = ""};
    struct delivery_record *list = NULL;
    size_t n = 0;
    enum err e = request_page(rq, is_delivery, &page);
    if (!e) e = store_webhook_get(svc->store, id, &webhook);
    webhook_record_dispose(&webhook);
    if (!e) e = store_delivery_list(svc->store, id, &page, &list, &n);
    if (e) return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(items, shown_delivery(&list[i]));
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_delivery_get(struct request *rq, const struct service *svc)
{
    struct delivery_record d;
    return store_delivery_get(svc->store, request_var(rq, "id"), request_var(rq, "delivery"), &d)
               ? reply_error(rq)
               : reply_json(200, shown_delivery(&d));
}

struct reply handle_delivery_retry(struct request *rq, const struct service *svc)
{
    struct delivery_record d;
    return store_delivery_again(svc->store, request_var(rq, "id"), request_var(rq, "delivery"), &d)
               ? reply_error(rq)
               : accepted(svc, &d);
}
