/* The cloud's part of a provision job: the board's thing is registered before its credential is
 * written, its certificate becomes active once it is on the board, and what was made is taken away
 * again when the job does not succeed. */
#include <stdio.h>
#include <string.h>

#include "service/cloud/iot_endpoint.h"
#include "service/jobs/steps.h"
#include "service/register/keeper.h"

enum { REGISTER_MS = 180000, ACTIVATE_MS = 60000, UNDO_MS = 20000 };

static struct register_use use_of(const struct session *s, int64_t ms)
{
    return (struct register_use){.store = s->ctx->store,
                                 .accounts = s->ctx->accounts,
                                 .cancel = s->ctx->cancel,
                                 .until = session_within(s, ms)};
}

static void tell(struct session *s)
{
    session_result(s, "registration", registration_to_json(&s->registration));
}

/* --- what the cloud decides --- */

/* Where the order does not say where the broker is, it is the account's. */
enum err cloud_settle(struct session *s, const char *endpoint)
{
    struct command *c = s->ctx->command;
    struct aws_account *account = NULL;
    struct cloud_view view = {.name = ""};
    s->broker_is_clouds = !c->mqtt.host[0];
    if (!s->broker_is_clouds) return ERR_OK;
    enum err e = accounts_take(s->ctx->accounts, c->cloud->cloud, &account, &view);
    aws_account_unref(account);
    if (e) return e;
    snprintf(c->mqtt.host, sizeof c->mqtt.host, "%s",
             view.data_endpoint[0] ? view.data_endpoint : endpoint);
    if (!c->mqtt.port_said && c->mqtt.scheme != 1) c->mqtt.port = view.mqtt_port;
    if (!c->mqtt.alpn[0])
        snprintf(c->mqtt.alpn, sizeof c->mqtt.alpn, "%s", iot_mqtt_alpn(c->mqtt.port));
    cloud_view_dispose(&view);
    return ERR_OK;
}

/* From now on the job has a credential, as one that was ordered with it. */
static enum err adopt(struct session *s)
{
    struct command *c = s->ctx->command;
    const struct registration_record *r = &s->registration;
    char endpoint[sizeof c->mqtt.host];
    memcpy(s->thing, r->thing, sizeof s->thing);
    memcpy(c->credential, r->credential, sizeof c->credential);
    job_has_credential(s->ctx, r->credential);
    registration_endpoint(r, endpoint);
    enum err e = cloud_settle(s, endpoint);
    return e ? e : step_mqtt_names(s);
}

/* --- register --- */

/* What the policy is to allow. {thing} stays a word: it may be the same policy for all things. */
static enum err names_of(const struct session *s, const char *mac, char *client_id, char *topic)
{
    const struct command *c = s->ctx->command;
    const struct command_words words = {mac, c->slot, "{thing}"};
    enum err e = command_expand(c->mqtt.client_id, &words, client_id, sizeof c->mqtt.client_id);
    return e ? e : command_expand(c->mqtt.topic, &words, topic, sizeof c->mqtt.topic);
}

static enum err begin(struct session *s, const struct register_use *use)
{
    struct command *c = s->ctx->command;
    char mac[13], client_id[sizeof c->mqtt.client_id], topic[sizeof c->mqtt.topic];
    enum err e = session_mac_digits(s, mac);
    if (!e) e = spec_fill(c->cloud, mac, c->slot);
    if (!e) e = names_of(s, mac, client_id, topic);
    if (e) return e;
    memcpy(c->cloud->credential, c->credential, sizeof c->cloud->credential);
    const struct register_order order = {.spec = c->cloud,
                                         .client_id = client_id,
                                         .topic = topic,
                                         .job = s->ctx->job_id,
                                         .actor = s->ctx->actor};
    e = register_begin(use, &order, &s->registration);
    s->must_undo = !e && s->registration.state != REGISTRATION_ACTIVE;
    return e;
}

enum err step_register(struct session *s)
{
    const struct register_use use = use_of(s, REGISTER_MS);
    enum err e = begin(s, &use);
    if (e) return e;
    if (!s->must_undo) job_note(s->ctx, "%s is registered already", s->registration.thing);
    e = register_run(&use, &s->registration);
    tell(s);
    return e ? e : adopt(s);
}

bool must_activate(const struct session *s)
{
    return s->must_undo;
}

enum err step_activate(struct session *s)
{
    const struct register_use use = use_of(s, ACTIVATE_MS);
    enum err e = register_activate(&use, &s->registration);
    tell(s);
    return e;
}

/* --- undo --- */

/* @param later  who goes on with it */
static void tell_left(struct session *s, const char *later)
{
    char left[160], sentence[256];
    registration_left(&s->registration, left, sizeof left);
    if (!left[0]) return;
    snprintf(sentence, sizeof sentence, "What is at the cloud (%s) %s", left, later);
    job_leaves_at_cloud(s->ctx, sentence);
}

static enum err undo(struct session *s, const struct err_info *why)
{
    struct register_use use = use_of(s, UNDO_MS);
    use.until = deadline_in_ms(UNDO_MS); /* the job's own time may be over */
    enum err e = job_step_begin(s->ctx, "undo");
    if (e) return e;
    e = register_undo(&use, &s->registration, why);
    tell(s);
    return job_step_end(s->ctx, e);
}

void register_take_back(struct session *s, const struct err_info *why)
{
    const char *later = NULL;
    if (!s->must_undo) return;
    if (job_clean_up(s->ctx))
        later = "is taken away when espgate runs again.";
    else if (undo(s, why))
        later = "is being taken away: see GET /v1/registrations.";
    if (!later) return;
    store_registration_undo(s->ctx->store, s->registration.id);
    keeper_take(s->ctx->keeper, s->registration.id);
    tell_left(s, later);
}
