/* claim: fleet provisioning. The certificate is asked for and claimed over MQTT, with a claim's
 * certificate; the template at the cloud makes thing, policy and attachments. What was asked for
 * and not claimed goes by itself within the hour, so that only claiming needs an intent. */
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/cloud/fleet.h"
#include "service/cloud/iot_endpoint.h"
#include "service/register/work.h"

enum { CLIENT_ID = 64 };

/* What the host connects with. */
struct claim {
    char *certificate_pem; /* heap */
    struct buf key;
};

static void claim_dispose(struct claim *c)
{
    free(c->certificate_pem);
    buf_dispose(&c->key);
}

static enum err claim_kept(struct work *w, struct claim *out)
{
    struct credential_record r;
    enum err e = store_credential_get(w->use->store, w->spec.claim_credential, &r);
    if (e) return e;
    out->certificate_pem = r.certificate_pem;
    r.certificate_pem = NULL;
    credential_record_dispose(&r);
    return store_credential_key(w->use->store, w->spec.claim_credential, &out->key);
}

static enum err claim_made(struct work *w, struct claim *out)
{
    struct iot_certificate c = {.id = ""};
    const struct aws_use use = work_call(w);
    enum err e = work_needs_account(w);
    if (!e) e = iot_create_claim(&use, w->spec.claim_template, &c, &out->key);
    if (err_is(e, "aws_not_found"))
        e = err_fail(ERR_NOT_FOUND, "claim_template_missing", "Make it in the account first.",
                     "there is no provisioning template \"%s\" in the account",
                     w->spec.claim_template);
    out->certificate_pem = c.pem;
    c.pem = NULL;
    iot_certificate_dispose(&c);
    return e;
}

static enum err open_fleet(struct work *w, struct fleet **out)
{
    char client_id[CLIENT_ID];
    struct claim claim = {.certificate_pem = NULL};
    buf_init_secret(&claim.key, LIMIT_PEM_BYTES);
    enum err e = w->spec.claim_credential[0] ? claim_kept(w, &claim) : claim_made(w, &claim);
    if (!e) {
        snprintf(client_id, sizeof client_id, "espgate-%s", w->record->id);
        const struct fleet_access access = {.host = w->p.endpoint,
                                            .port = w->view.mqtt_port,
                                            .certificate_pem = claim.certificate_pem,
                                            .key_pem = buf_str(&claim.key),
                                            .root_ca_pem = buf_str(&w->roots),
                                            .client_id = client_id,
                                            .alpn = iot_mqtt_alpn(w->view.mqtt_port)};
        e = fleet_open(&access, w->use->cancel, w->use->until, out);
    }
    claim_dispose(&claim);
    return e;
}

/* Its text, and what it is claimed with, are known only here: they are kept with the key. */
static enum err ask(struct work *w, struct fleet *f)
{
    struct buf request;
    struct iot_certificate c = {.id = ""};
    buf_init(&request, LIMIT_PEM_BYTES);
    buf_reset(&w->secret.token);
    buf_reset(&w->secret.certificate);
    enum err e = work_request(w, &request);
    if (!e) e = fleet_create_certificate(f, buf_str(&request), w->use->until, &c, &w->secret.token);
    if (!e) e = buf_puts(&w->secret.certificate, c.pem ? c.pem : "");
    if (!e) work_take_certificate(w, &c);
    if (!e) e = work_save_secret(w);
    iot_certificate_dispose(&c);
    buf_dispose(&request);
    return e;
}

static json_t *parameters_of(const struct register_spec *s)
{
    json_t *o = json_object();
    for (size_t i = 0; i < s->parameter_count; i++)
        json_object_set_new(o, s->parameters[i].name, json_string(s->parameters[i].value));
    return o;
}

/* What the template makes, or may have made, all at once. */
static void set_fates(struct work *w, enum fate fate)
{
    w->p.thing = w->p.certificate = w->p.policy_attached = w->p.thing_attached = w->p.activated =
        fate;
}

/* Is the thing there before the template makes it? Who has no keys, or such that may make a claim
 * and no more, does not find out. */
static enum err judge_thing(struct work *w, enum fate *out)
{
    struct iot_thing t = {.arn = ""};
    const struct aws_use use = work_call(w);
    *out = FATE_UNKNOWN;
    if (!w->account) return ERR_OK;
    enum err e = iot_describe_thing(&use, w->record->thing, &t);
    json_decref(t.attributes);
    if (!e) *out = FATE_FOUND;
    if (err_is(e, "aws_not_found")) *out = FATE_INTENT;
    return *out != FATE_UNKNOWN || err_is(e, "aws_permission") ? ERR_OK : e;
}

/* The template may call it otherwise than was expected. */
static enum err take_name(struct work *w, const char *name)
{
    char expected[THING_NAME];
    if (!*name || strcmp(name, w->record->thing) == 0) return ERR_OK;
    memcpy(expected, w->record->thing, sizeof expected);
    snprintf(w->record->thing, sizeof w->record->thing, "%s", name);
    w->p.thing = FATE_UNKNOWN; /* of that one it was not asked whether it was there */
    enum err e = work_save(w);
    if (e) memcpy(w->record->thing, expected, sizeof expected);
    return e;
}

/* A token is spent once. Where it was sent before and no answer was stored, the certificate's thing
 * tells that it was taken. Keeps the error of this thread where it was not, or nobody can be asked.
 */
static enum err find_claimed(struct work *w, char name[THING_NAME])
{
    struct err_info why = *err_last();
    const char *arn, *thing = NULL;
    json_t *things = NULL;
    if (!w->account) return err_restore(&why);
    const struct aws_use use = work_call(w);
    if (!work_arn(w, &arn) && !iot_list_principal_things(&use, arn, &things))
        thing = json_string_value(json_array_get(things, 0));
    if (thing) snprintf(name, THING_NAME, "%s", thing);
    json_decref(things);
    return name[0] ? ERR_OK : err_restore(&why);
}

static enum err claim_it(struct work *w, struct fleet *f)
{
    char name[THING_NAME] = "";
    bool again = w->p.certificate == FATE_INTENT;
    enum fate thing = w->p.thing;
    enum err e = again ? ERR_OK : judge_thing(w, &thing);
    if (e) return e;
    set_fates(w, FATE_INTENT);
    w->p.thing = thing;
    e = work_save(w);
    if (e) {
        if (!again) set_fates(w, FATE_NONE);
        return e;
    }
    json_t *parameters = parameters_of(&w->spec);
    e = fleet_register(f, w->spec.claim_template, buf_str(&w->secret.token), parameters,
                       w->use->until, name, NULL);
    json_decref(parameters);
    bool nothing =
        err_is(e, "claim_rejected") || err_is(e, "claim_refused") || err_is(e, "aws_throttled");
    if (!again && nothing) set_fates(w, FATE_NONE);
    if (again && err_is(e, "claim_rejected")) e = find_claimed(w, name);
    if (e) return e;
    set_fates(w, FATE_MADE);
    w->p.thing = thing == FATE_INTENT ? FATE_MADE : thing;
    return take_name(w, name);
}

enum err make_by_claim(struct work *w)
{
    struct fleet *f = NULL;
    if (w->p.certificate == FATE_MADE) return ERR_OK;
    enum err e = make_endpoint(w);
    if (!e) e = open_fleet(w, &f);
    if (!e && w->p.certificate == FATE_NONE) e = ask(w, f);
    if (!e) e = claim_it(w, f);
    fleet_close(f);
    return e;
}
