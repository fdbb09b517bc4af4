/* registrations: things at clouds that were made from here, alone or by a job. Making one and
 * taking one away takes many calls to the cloud: the keeper does that, and GET tells how far it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "service/base/template.h"
#include "service/register/keeper.h"
#include "service/register/wanted.h"

struct wish {
    struct register_spec spec;
    char credential[ID_TEXT];
    char client_id[257], topic[129];
};

/* Only the thing has a name here; there is no board and no slot. */
static void judge_template(const char *pointer, const char *text, struct field_errors *errors)
{
    static const struct template_word words[] = {{"{thing}", ""}};
    field_errors_refuse_control(errors, pointer, text);
    if (template_stray(text, words, 1))
        field_errors_add(errors, pointer, "may hold {thing}, and no other brace");
}

/* What a job's board subscribes to and publishes on, so what a job does not take goes not here. */
static void judge_topic(const char *topic, struct field_errors *errors)
{
    judge_template("/topic", topic, errors);
    if (strpbrk(topic, "+#"))
        field_errors_add(errors, "/topic", "must not hold the wildcards '+' and '#'");
}

static void fill(struct wish *w, struct field_errors *errors)
{
    if (errors->count || spec_fill(&w->spec, NULL, NULL) == ERR_OK) return;
    if (err_is(ERR_ARG, "template_word"))
        field_errors_add(errors, "/cloud",
                         "needs a \"thing\", and no {mac} or {slot}: no board is known here");
    else
        field_errors_add(errors, "/cloud", "%s", err_last()->detail);
}

static enum err read_wish(const struct request *rq, struct wish *out, struct field_errors *errors)
{
    json_t *body, *cloud = NULL;
    const struct json_field fields[] = {
        JSON_ANY("cloud", &cloud, JSON_REQUIRED),
        JSON_STR("credential", out->credential, JSON_OPTIONAL, 1, sizeof out->credential - 1),
        JSON_STR("client_id", out->client_id, JSON_OPTIONAL, 1, sizeof out->client_id - 1),
        JSON_STR("topic", out->topic, JSON_OPTIONAL, 1, sizeof out->topic - 1),
        JSON_FIELDS_END,
    };
    *out = (struct wish){.client_id = "{thing}", .topic = "{thing}/check"};
    enum err e = request_json(rq, &body);
    if (e) return e;
    json_in(body, "", fields, errors);
    if (cloud) spec_read(cloud, "/cloud", &out->spec, errors);
    json_decref(body);
    judge_template("/client_id", out->client_id, errors);
    judge_topic(out->topic, errors);
    if (cloud) wanted_credential(&out->spec, out->credential, errors);
    memcpy(out->spec.credential, out->credential, sizeof out->spec.credential);
    fill(out, errors);
    return field_errors_result(errors);
}

static struct reply reply_registration(int status, const struct registration_record *r)
{
    struct reply reply = reply_json(status, registration_to_json(r));
    if (status != 200) reply_header(&reply, "Location", "/v1/registrations/%s", r->id);
    return reply;
}

/* Active already: it was asked for before, in the same way. */
static struct reply make(struct request *rq, const struct service *svc, const struct wish *w)
{
    struct registration_record record = {.id = ""};
    const struct register_order order = {.spec = &w->spec,
                                         .client_id = w->client_id,
                                         .topic = w->topic,
                                         .job = "",
                                         .actor = rq->actor.name};
    if (wanted_is_here(svc->store, &w->spec) || keeper_add(svc->keeper, &order, &record))
        return reply_error(rq);
    struct reply r = reply_registration(record.state == REGISTRATION_ACTIVE ? 200 : 202, &record);
    registration_record_dispose(&record);
    return r;
}

struct reply handle_registration_create(struct request *rq, const struct service *svc)
{
    struct field_errors errors = {.count = 0};
    struct wish *wish = calloc(1, sizeof *wish);
    if (!wish) {
        err_set(ERR_MEM, "out of memory");
        return reply_error(rq);
    }
    struct reply r = read_wish(rq, wish, &errors) ? reply_fields(rq, &errors) : make(rq, svc, wish);
    free(wish);
    return r;
}

static bool is_registration(const char *text)
{
    return request_is_id_of(text, "reg_");
}

static enum err read_filter(const struct request *rq, struct registration_filter *f)
{
    const char *cloud = request_query(rq, "cloud"), *thing = request_query(rq, "thing");
    const char *job = request_query(rq, "job"), *state = request_query(rq, "state");
    *f = (struct registration_filter){.by_state = state != NULL};
    if (cloud && !id_is_name(cloud, sizeof f->cloud - 1)) return request_no_such_value("cloud");
    if (thing && (!thing[0] || strlen(thing) >= sizeof f->thing))
        return request_no_such_value("thing");
    if (job && !request_is_id(job)) return request_no_such_value("job");
    if (state && registration_state_parse(state, &f->state)) return request_no_such_value("state");
    snprintf(f->cloud, sizeof f->cloud, "%s", cloud ? cloud : "");
    snprintf(f->thing, sizeof f->thing, "%s", thing ? thing : "");
    snprintf(f->job, sizeof f->job, "%s", job ? job : "");
    return ERR_OK;
}

struct reply handle_registration_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct registration_filter filter;
    struct registration_record *list = NULL;
    size_t n;
    if (request_page(rq, is_registration, &page) || read_filter(rq, &filter) ||
        store_registration_list(svc->store, &filter, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, registration_to_json(&list[i]));
        registration_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

static struct reply reply_present(struct request *rq, const struct service *svc, bool undoing)
{
    struct registration_record record;
    if (store_registration_get(svc->store, request_var(rq, "id"), &record)) return reply_error(rq);
    bool over = record.state == REGISTRATION_UNDONE || record.state == REGISTRATION_FORGOTTEN;
    bool later = undoing && !over;
    struct reply r = reply_registration(later ? 202 : 200, &record);
    registration_record_dispose(&record);
    return r;
}

struct reply handle_registration_get(struct request *rq, const struct service *svc)
{
    return reply_present(rq, svc, false);
}

struct reply handle_registration_delete(struct request *rq, const struct service *svc)
{
    const char *id = request_var(rq, "id");
    bool forget = false;
    if (request_query_bool(rq, "forget", &forget)) return reply_error(rq);
    enum err e = forget ? store_registration_forget(svc->store, id) : keeper_undo(svc->keeper, id);
    return e ? reply_error(rq) : reply_present(rq, svc, true);
}
