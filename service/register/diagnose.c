/* Design: each question may go unanswered (no permission, no way there), and the others are asked
 * all the same: keys of least privilege are no reason to say nothing. */
#include "service/register/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/register/policy_read.h"

enum { POLICIES_MAX = 10, FILTER = 512 }; /* AWS attaches no more policies to a certificate */

static const struct {
    const char *action, *permission, *kind;
    enum diagnosis_cause cause;
} questions[DIAGNOSIS_QUESTIONS] = {
    {"CONNECT", "iot:Connect", "client", CAUSE_CONNECT_DENIED},
    {"SUBSCRIBE", "iot:Subscribe", "topicfilter", CAUSE_SUBSCRIBE_DENIED},
    {"PUBLISH", "iot:Publish", "topic", CAUSE_PUBLISH_DENIED},
    {"RECEIVE", "iot:Receive", "topic", CAUSE_RECEIVE_DENIED},
};

struct work {
    const struct diagnosis_ask *ask;
    struct diagnosis *out;
    struct aws_use use;
    char arn[AWS_ARN]; /* of the certificate */
    char *documents[POLICIES_MAX];
    size_t document_count;
    bool read_all;
    struct iot_question questions[DIAGNOSIS_QUESTIONS];
};

/* What could not be asked: the first of it is enough to mend it. */
static enum err note(struct work *w, enum err e)
{
    if (!e || e == ERR_CANCELLED || e == ERR_MEM) return e;
    if (!w->out->unasked[0])
        snprintf(w->out->unasked, sizeof w->out->unasked, "%s: %.*s", err_last()->code, 120,
                 err_last()->detail);
    return ERR_OK;
}

static void put_names(const json_t *names, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(names) && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", i ? ", " : "",
                              json_string_value(json_array_get(names, i)));
}

static bool has_name(const json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0) return true;
    return false;
}

/* --- asking --- */

static enum err ask_certificate(struct work *w)
{
    struct iot_certificate c = {.id = ""};
    enum err e = iot_describe_certificate(&w->use, w->ask->certificate, &c);
    if (!e) snprintf(w->out->status, sizeof w->out->status, "%s", c.status);
    if (!e) snprintf(w->arn, sizeof w->arn, "%s", c.arn);
    iot_certificate_dispose(&c);
    if (err_is(e, "aws_not_found")) {
        w->out->cause = CAUSE_CERTIFICATE_UNKNOWN;
        return ERR_OK;
    }
    return note(w, e);
}

static enum err read_policies(struct work *w, const json_t *names)
{
    char arn[AWS_ARN];
    w->read_all = true;
    for (size_t i = 0; i < json_array_size(names) && i < POLICIES_MAX; i++) {
        enum err e = note(w, iot_get_policy(&w->use, json_string_value(json_array_get(names, i)),
                                            arn, &w->documents[w->document_count]));
        if (e) return e;
        if (w->documents[w->document_count])
            w->document_count++;
        else
            w->read_all = false;
    }
    return ERR_OK;
}

static enum err ask_policies(struct work *w)
{
    json_t *names = NULL;
    enum err e = note(w, iot_list_attached_policies(&w->use, w->arn, &names));
    w->out->has_policies = !e && names;
    put_names(names, w->out->policies, sizeof w->out->policies);
    if (!e) e = read_policies(w, names);
    json_decref(names);
    return e;
}

static enum err ask_things(struct work *w, bool *is_clients)
{
    json_t *names = NULL;
    enum err e = note(w, iot_list_principal_things(&w->use, w->arn, &names));
    w->out->has_things = !e && names;
    put_names(names, w->out->things, sizeof w->out->things);
    *is_clients = has_name(names, w->ask->client_id);
    json_decref(names);
    return e;
}

/* "arn:aws:iot:us-east-2:123456789012:cert/…" with another end. */
static void resource(const struct work *w, size_t i, char out[AWS_ARN])
{
    const char *end = strstr(w->arn, ":cert/");
    int front = end ? (int)(end - w->arn) : 0;
    snprintf(out, AWS_ARN, "%.*s:%s/%s", front, w->arn, questions[i].kind,
             i == 0 ? w->ask->client_id : w->ask->topic);
}

static enum err ask_decisions(struct work *w)
{
    for (size_t i = 0; i < DIAGNOSIS_QUESTIONS; i++) {
        w->questions[i].action = questions[i].action;
        resource(w, i, w->questions[i].resource);
    }
    enum err e = iot_test_authorization(&w->use, w->arn, w->ask->client_id, w->questions,
                                        DIAGNOSIS_QUESTIONS);
    w->out->decided = !e;
    for (size_t i = 0; !e && i < DIAGNOSIS_QUESTIONS; i++)
        w->out->decisions[i] = w->questions[i].decision;
    return note(w, e);
}

/* --- judging --- */

static bool needs_thing(const struct work *w)
{
    for (size_t i = 0; i < w->document_count; i++)
        if (policy_needs_thing(w->documents[i])) return true;
    return false;
}

/* AWS's test connects nobody: what a policy says of the thing that connects, it cannot know. There
 * the documents themselves are read. */
static bool is_denied(const struct work *w, size_t i, const char *thing)
{
    if (!w->out->decided || w->out->decisions[i] == IOT_ALLOWED) return false;
    if (w->out->decisions[i] == IOT_EXPLICIT_DENY || !needs_thing(w)) return true;
    for (size_t k = 0; k < w->document_count; k++)
        if (policy_allows(w->documents[k], questions[i].permission, w->questions[i].resource,
                          thing))
            return false;
    return w->read_all;
}

static enum diagnosis_cause first_denied(struct work *w, bool is_clients)
{
    const char *thing = is_clients ? w->ask->client_id : NULL;
    for (size_t i = 0; i < DIAGNOSIS_QUESTIONS; i++) {
        if (!is_denied(w, i, thing)) continue;
        for (size_t k = 0; k < w->document_count; k++)
            policy_add_allowed(w->documents[k], questions[i].permission, w->out->allowed,
                               sizeof w->out->allowed);
        return questions[i].cause;
    }
    return CAUSE_NONE;
}

static enum diagnosis_cause judge(struct work *w, bool is_clients)
{
    const struct diagnosis *d = w->out;
    if (d->status[0] && strcmp(d->status, "ACTIVE") != 0) return CAUSE_CERTIFICATE_INACTIVE;
    if (d->has_policies && !d->policies[0]) return CAUSE_NO_POLICY;
    enum diagnosis_cause cause = first_denied(w, is_clients);
    bool may_lack_thing = cause == CAUSE_CONNECT_DENIED || !d->decided;
    bool lacks_thing = d->has_things && !is_clients && needs_thing(w);
    return lacks_thing && may_lack_thing ? CAUSE_THING_NOT_ATTACHED : cause;
}

static enum err ask_account(struct work *w)
{
    bool is_clients = false;
    enum err e = ask_certificate(w);
    if (e || !w->arn[0]) return e;
    e = ask_policies(w);
    if (!e) e = ask_things(w, &is_clients);
    if (!e) e = ask_decisions(w);
    if (!e) w->out->cause = judge(w, is_clients);
    return e;
}

static enum err publish(struct work *w)
{
    struct iot_publish p = w->ask->publish;
    if (!p.host || !p.host[0]) return ERR_OK;
    p.topic = w->ask->topic;
    p.payload = "{\"espgate_check\":\"https\"}";
    enum err e = iot_publish_once(&p, w->ask->cancel, w->ask->until, &w->out->publish);
    w->out->published = !e;
    return e == ERR_CANCELLED || e == ERR_MEM ? e : ERR_OK;
}

enum err diagnose(const struct diagnosis_ask *ask, struct diagnosis *out)
{
    memset(out, 0, sizeof *out);
    struct work *w = calloc(1, sizeof *w);
    if (!w) return err_set(ERR_MEM, "out of memory");
    w->ask = ask;
    w->out = out;
    w->use = (struct aws_use){ask->account, ask->cancel, ask->until};
    enum err e = ask->account ? ask_account(w) : ERR_OK;
    if (!e) e = publish(w);
    for (size_t i = 0; i < POLICIES_MAX; i++)
        free(w->documents[i]);
    free(w);
    return e;
}

/* --- telling --- */

static void put_text(json_t *o, const char *key, const char *text)
{
    if (text[0]) json_object_set_new(o, key, json_string(text));
}

static json_t *decisions(const struct diagnosis *d)
{
    static const char *const words[] = {[IOT_ALLOWED] = "allowed",
                                        [IOT_IMPLICIT_DENY] = "not allowed",
                                        [IOT_EXPLICIT_DENY] = "denied"};
    json_t *o = json_object();
    for (size_t i = 0; i < DIAGNOSIS_QUESTIONS; i++)
        put_text(o, questions[i].permission, words[d->decisions[i]]);
    return o;
}

static json_t *published(const struct iot_publish_result *p)
{
    json_t *o = json_object();
    if (p->status) json_object_set_new(o, "status", json_integer(p->status));
    put_text(o, "error", p->error);
    put_text(o, "message", p->message);
    put_text(o, "why", p->why);
    return o;
}

json_t *diagnosis_to_json(const struct diagnosis *d)
{
    json_t *o = json_object();
    put_text(o, "certificate", d->status);
    if (d->has_policies) json_object_set_new(o, "policies", json_string(d->policies));
    if (d->has_things) json_object_set_new(o, "things", json_string(d->things));
    if (d->decided) json_object_set_new(o, "authorization", decisions(d));
    put_text(o, "not_asked", d->unasked);
    if (d->published) json_object_set_new(o, "https", published(&d->publish));
    return o;
}
