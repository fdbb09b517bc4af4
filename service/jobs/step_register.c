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
static enum err settle(struct session *s, const char *endpoint)
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
    enum err e = settle(s, endpoint);
    return e ? e : step_mqtt_names(s);
}

/* --- find --- */

static enum err no_thing(const struct session *s)
{
    return err_fail(ERR_NOT_FOUND, "thing_unknown",
                    "Name the credential of the board's thing, or say host, client_id and topic in "
                    "\"mqtt\"; a provision job with this cloud registers the board.",
                    "nothing that is registered here at \"%s\" has the board's credential",
                    s->ctx->command->cloud->cloud);
}

/* By the credential: the order's, or the last one that was written to the board. */
static enum err find_registration(const struct session *s, struct registration_record *out)
{
    const struct command *c = s->ctx->command;
    struct device_record board = {.credential = ""};
    if (!c->credential[0]) (void)store_device_row(s->ctx->store, s->mac, &board);
    const char *credential = c->credential[0] ? c->credential : board.credential;
    enum err e = credential[0] ? store_registration_of_credential(s->ctx->store, credential, out)
                               : ERR_NOT_FOUND;
    if (e) return e == ERR_NOT_FOUND ? no_thing(s) : e;
    if (strcmp(out->cloud, c->cloud->cloud) == 0) return ERR_OK;
    registration_record_dispose(out);
    return no_thing(s);
}

enum err step_cloud(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct registration_record r;
    char endpoint[sizeof c->mqtt.host];
    bool named = strstr(c->mqtt.client_id, "{thing}") || strstr(c->mqtt.topic, "{thing}");
    if (c->mqtt.host[0] && !named) return ERR_OK;
    enum err e = find_registration(s, &r);
    if (e) return e;
    memcpy(s->thing, r.thing, sizeof s->thing);
    registration_endpoint(&r, endpoint);
    registration_record_dispose(&r);
    return settle(s, endpoint);
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

void register_take_back(struct session *s, const struct err_info *failed)
{
    const char *later = NULL;
    if (!s->must_undo) return;
    err_restore(failed);
    if (failed->kind == ERR_CANCELLED) job_why_cancelled(s->ctx); /* a cut wait does not know it */
    const struct err_info why = *err_last();
    if (job_clean_up(s->ctx))
        later = "is taken away when espgate runs again.";
    else if (undo(s, &why))
        later = "is being taken away: see GET /v1/registrations.";
    if (!later) return;
    if (s->registration.state == REGISTRATION_LEFT) {
        tell_left(s, "stays there: see GET /v1/registrations, whose DELETE tries again.");
        return;
    }
    store_registration_undo(s->ctx->store, s->registration.id);
    keeper_take(s->ctx->keeper, s->registration.id);
    s->registration.state = REGISTRATION_UNDOING; /* as the store has it */
    tell(s);
    tell_left(s, later);
}
