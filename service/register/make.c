/* make: what is made beside the certificate. Each part first looks at what the record says of it,
 * so that it can be called again after it was cut off anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/iot_endpoint.h"
#include "service/cloud/iot_policy.h"
#include "service/register/work.h"

enum { DOCUMENT = 8192, POLICY_TRIES = 3 };

/* --- where the board will connect --- */

enum err make_endpoint(struct work *w)
{
    const struct aws_use use = work_call(w);
    enum err e = w->view.data_endpoint[0] ? ERR_OK : work_needs_account(w);
    if (e || w->roots.len) return e;
    return places_find(accounts_places(w->use->accounts), &w->view, &use, w->p.endpoint, &w->roots);
}

/* --- the thing --- */

/* arn:aws:iot:us-east-2:123456789012:thing/… */
static void take_account(struct work *w, const char *arn)
{
    for (int colon = 0; *arn && colon < 4; arn++)
        colon += *arn == ':';
    snprintf(w->p.account, sizeof w->p.account, "%.*s", (int)strcspn(arn, ":"), arn);
}

static json_t *attributes_of(const struct register_spec *s)
{
    json_t *o = s->attribute_count ? json_object() : NULL;
    for (size_t i = 0; i < s->attribute_count; i++)
        json_object_set_new(o, s->attributes[i].name, json_string(s->attributes[i].value));
    return o;
}

/* Is it what was asked for? It may have more than that. */
bool thing_fits(const struct register_spec *s, const struct iot_thing *t)
{
    if (s->type[0] && strcmp(s->type, t->type) != 0) return false;
    for (size_t i = 0; i < s->attribute_count; i++) {
        const char *value =
            json_string_value(json_object_get(t->attributes, s->attributes[i].name));
        if (!value || strcmp(value, s->attributes[i].value) != 0) return false;
    }
    return true;
}

static enum err thing_differs(const struct work *w)
{
    return err_fail(ERR_CONFLICT, "thing_differs",
                    "Ask for the type and attributes that it has, or name another thing.",
                    "the thing \"%s\" is there already, with another type or attributes",
                    w->record->thing);
}

static enum err refuse_certificates(struct work *w)
{
    json_t *principals = NULL;
    const struct aws_use use = work_call(w);
    enum err e = iot_list_thing_principals(&use, w->record->thing, &principals);
    size_t n = json_array_size(principals);
    const char *first = json_string_value(json_array_get(principals, 0));
    if (!e && n && !w->spec.existing)
        e = err_fail(ERR_CONFLICT, "thing_has_certificate",
                     "With \"existing\":true it gets a further one; or detach and delete the old "
                     "one first.",
                     "the thing \"%s\" has %zu certificate%s already: %.200s", w->record->thing, n,
                     n == 1 ? "" : "s", first ? first : "");
    json_decref(principals);
    return e;
}

/* It is there. After an intent of ours it is ours. */
static enum err adopt_thing(struct work *w, const struct iot_thing *t)
{
    enum err e = ERR_OK;
    take_account(w, t->arn);
    if (!thing_fits(&w->spec, t)) {
        w->p.thing = FATE_NONE;
        return thing_differs(w);
    }
    if (w->p.thing == FATE_INTENT) {
        w->p.thing = FATE_MADE;
        return ERR_OK;
    }
    e = refuse_certificates(w);
    if (!e) w->p.thing = FATE_FOUND;
    return e;
}

static enum err create_thing(struct work *w)
{
    struct iot_thing t = {.arn = ""};
    const struct aws_use use = work_call(w);
    const enum fate before = w->p.thing;
    enum err e = work_intend(w, &w->p.thing);
    if (e) return e;
    json_t *attributes = attributes_of(&w->spec);
    e = iot_create_thing(&use, w->record->thing, w->spec.type, attributes, &t);
    json_decref(attributes);
    json_decref(t.attributes);
    w->p.thing = work_came_to(e, before);
    if (!e) take_account(w, t.arn);
    if (err_is(e, "aws_exists")) {
        w->p.thing = FATE_NONE;
        return thing_differs(w);
    }
    if (err_is(e, "aws_not_found"))
        return err_fail(ERR_NOT_FOUND, "thing_type_missing",
                        "Make the type in the account first, or leave it out.",
                        "there is no thing type \"%s\" in the account", w->spec.type);
    return e;
}

static enum err add_to_groups(struct work *w)
{
    enum err e = ERR_OK;
    const struct aws_use use = work_call(w);
    /* The groups of a thing that was there stay as they become: which it had before is not known.
     */
    const enum fate becomes = w->p.thing == FATE_FOUND ? FATE_FOUND : FATE_MADE;
    for (size_t i = 0; !e && i < w->spec.group_count; i++) {
        const char *group = w->spec.groups[i];
        const enum fate before = w->p.groups[i];
        if (before == becomes) continue;
        e = work_intend(w, &w->p.groups[i]);
        if (e) break;
        e = iot_add_thing_to_group(&use, w->record->thing, group);
        w->p.groups[i] = e ? work_came_to(e, before) : becomes;
        if (err_is(e, "aws_not_found"))
            e = err_fail(ERR_NOT_FOUND, "thing_group_missing", "Make it in the account first.",
                         "there is no thing group \"%s\" in the account", group);
    }
    return e;
}

enum err make_thing(struct work *w)
{
    struct iot_thing t = {.arn = ""};
    const struct aws_use use = work_call(w);
    enum err e = ERR_OK;
    if (w->p.thing == FATE_NONE || w->p.thing == FATE_INTENT) {
        e = iot_describe_thing(&use, w->record->thing, &t);
        if (!e)
            e = adopt_thing(w, &t);
        else if (err_is(e, "aws_not_found"))
            e = create_thing(w);
        json_decref(t.attributes);
    }
    return e ? e : add_to_groups(w);
}

/* --- the policy --- */

static enum err document_of(struct work *w, struct buf *out)
{
    const struct iot_policy_scope scope = {.partition = iot_partition(w->view.region),
                                           .region = w->view.region,
                                           .account = w->p.account,
                                           .thing = w->record->thing,
                                           .client_id = w->client_id,
                                           .topic = w->topic};
    return w->spec.policy_document[0] ? buf_puts(out, w->spec.policy_document)
                                      : iot_policy_make(&scope, out);
}

static void name_policy(struct work *w, const char *document)
{
    char name[33];
    iot_policy_name(document, name);
    snprintf(w->record->policy, sizeof w->record->policy, "%s",
             w->spec.policy[0] ? w->spec.policy : name);
}

/* @param document  what it must say; NULL = whatever it says */
static enum err compare_policy(struct work *w, const char *document)
{
    char arn[AWS_ARN], *there = NULL;
    const struct aws_use use = work_call(w);
    enum err e = iot_get_policy(&use, w->record->policy, arn, &there);
    if (!e && document && !iot_policy_same(there, document))
        e = err_fail(ERR_CONFLICT, "policy_differs",
                     "Name another policy, or use the one that is there as it is: "
                     "\"policy\":\"name\".",
                     "the policy \"%s\" is there already and says something else",
                     w->record->policy);
    free(there);
    return e;
}

static enum err create_policy(struct work *w, const char *document)
{
    char arn[AWS_ARN];
    const struct aws_use use = work_call(w);
    const enum fate before = w->p.policy;
    w->record->policy_made = true;
    enum err e = work_intend(w, &w->p.policy);
    if (!e) {
        e = iot_create_policy(&use, w->record->policy, document, arn);
        bool exists = err_is(e, "aws_exists"); /* a sibling was faster, or our own first try */
        if (exists) e = compare_policy(w, document);
        w->p.policy = work_came_to(e, exists ? FATE_INTENT : before);
        if (err_is(e, "policy_differs")) w->p.policy = FATE_NONE;
    }
    w->record->policy_made = w->p.policy != FATE_NONE;
    return err_is(e, "aws_invalid") ? err_fail(ERR_ARG, "policy_invalid",
                                               "Compare it with AWS's rules for IoT policies.",
                                               "AWS does not take the document of policy \"%s\": "
                                               "%.200s",
                                               w->record->policy, err_last()->device)
                                    : e;
}

static enum err use_policy(struct work *w)
{
    snprintf(w->record->policy, sizeof w->record->policy, "%s", w->spec.policy);
    enum err e = compare_policy(w, NULL);
    if (err_is(e, "aws_not_found"))
        e = err_fail(ERR_NOT_FOUND, "policy_missing",
                     "Make it in the account first, or let espgate make one.",
                     "there is no policy \"%s\" in the account", w->spec.policy);
    if (!e) w->p.policy = FATE_FOUND;
    return e;
}

enum err make_policy(struct work *w)
{
    struct buf document;
    if (w->p.policy == FATE_MADE || w->p.policy == FATE_FOUND) return ERR_OK;
    if (w->spec.policy_is_there) return use_policy(w);
    buf_init(&document, DOCUMENT);
    enum err e = document_of(w, &document);
    if (!e) {
        name_policy(w, buf_str(&document));
        e = compare_policy(w, buf_str(&document));
        if (err_is(e, "aws_not_found"))
            e = create_policy(w, buf_str(&document));
        else if (!e)
            w->p.policy = w->p.policy == FATE_INTENT ? FATE_MADE : FATE_FOUND;
    }
    buf_dispose(&document);
    return e;
}

/* --- what joins them --- */

static bool is_settled(enum fate f)
{
    return f == FATE_MADE || f == FATE_FOUND;
}

/* Somebody who undid the last registration with it may just have taken the policy away: it is made
 * again. */
static enum err attach_policy(struct work *w)
{
    const char *arn;
    const struct aws_use use = work_call(w);
    if (is_settled(w->p.policy_attached)) return ERR_OK;
    enum err e = work_arn(w, &arn);
    for (int try = 0; !e && try < POLICY_TRIES; try++) {
        const enum fate before = w->p.policy_attached;
        e = work_intend(w, &w->p.policy_attached);
        if (e) return e;
        e = iot_attach_policy(&use, w->record->policy, arn);
        w->p.policy_attached = work_came_to(e, before);
        if (!err_is(e, "aws_not_found") || try + 1 == POLICY_TRIES) return e;
        w->p.policy = FATE_NONE;
        e = make_policy(w);
    }
    return e;
}

static enum err attach_thing(struct work *w)
{
    const char *arn;
    const struct aws_use use = work_call(w);
    const enum fate before = w->p.thing_attached;
    if (is_settled(before)) return ERR_OK;
    enum err e = work_arn(w, &arn);
    if (!e) e = work_intend(w, &w->p.thing_attached);
    if (e) return e;
    e = iot_attach_thing_principal(&use, w->record->thing, arn);
    w->p.thing_attached = work_came_to(e, before);
    return e;
}

static bool has_name(const json_t *names, const char *name)
{
    bool has = false;
    for (size_t i = 0; !has && i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));
        has = one && strcmp(one, name) == 0;
    }
    return has;
}

/* What a certificate that was there is attached to already stays so. */
static enum err find_attachments(struct work *w)
{
    const char *arn;
    json_t *policies = NULL, *things = NULL;
    const struct aws_use use = work_call(w);
    if (w->p.certificate != FATE_FOUND) return ERR_OK;
    enum err e = work_arn(w, &arn);
    if (!e && w->p.policy_attached == FATE_NONE)
        e = iot_list_attached_policies(&use, arn, &policies);
    if (!e && w->p.thing_attached == FATE_NONE) e = iot_list_principal_things(&use, arn, &things);
    if (!e && has_name(policies, w->record->policy)) w->p.policy_attached = FATE_FOUND;
    if (!e && has_name(things, w->record->thing)) w->p.thing_attached = FATE_FOUND;
    json_decref(policies);
    json_decref(things);
    return e;
}

enum err make_attachments(struct work *w)
{
    enum err e = find_attachments(w);
    if (!e) e = attach_policy(w);
    return e ? e : attach_thing(w);
}
