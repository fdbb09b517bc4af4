/* The record of the board: every credential that it was given, and what came of it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/jobs/steps.h"

/* What it was, and not how far it had come by now: GET /v1/registrations/{id} knows that. */
static void put_registration(json_t *detail, const json_t *made)
{
    static const char *const kept[] = {"id", "cloud", "thing", "certificate", NULL};
    json_t *o = made ? json_object() : NULL;
    for (size_t i = 0; o && kept[i]; i++)
        json_object_set(o, kept[i], json_object_get(made, kept[i]));
    if (o) json_object_set_new(detail, "registration", o);
}

/* What is worth keeping of the result for years: not the ports' chatter. */
static char *detail(const struct session *s)
{
    static const char *const kept[] = {
        "profile", "firmware",   "flash",   "target",     "images",  "warnings", "backups",
        "write",   "key_purged", "restore", "read",       "erase",   "boot",     "wifi",
        "time",    "network",    "mqtt",    "host_check", "verdict", NULL};
    json_t *d = json_object();
    for (size_t i = 0; kept[i]; i++) {
        json_t *part = json_object_get(s->ctx->result, kept[i]);
        if (part) json_object_set(d, kept[i], part);
    }
    put_registration(d, json_object_get(s->ctx->result, "registration"));
    json_object_set_new(d, "layout", json_string(layout_kind_name(s->layout.kind)));
    char *text = json_dumps(d, JSON_COMPACT);
    json_decref(d);
    return text;
}

bool record_has_credential(const struct session *s)
{
    struct device_record known;
    if (!s->credential || store_device_row(s->ctx->store, s->mac, &known)) return false;
    return !strcmp(known.fingerprint_sha256, credential_info(s->credential)->fingerprint_sha256);
}

enum err record_credential_goes(struct session *s)
{
    s->credential_gone = true;
    return store_device_forget_credential(s->ctx->store, s->mac);
}

/* What the board's row says from now on. */
static enum device_credential credential_now(const struct session *s)
{
    if (s->credential && s->verified) return DEVICE_WRITTEN;
    return s->credential_gone ? DEVICE_CLEARED : DEVICE_KEEPS;
}

static enum err note(struct session *s, enum job_state outcome)
{
    const struct command *c = s->ctx->command;
    struct device_entry entry = {
        .at_ms = clock_now_ms(), .outcome = outcome, .detail_json = detail(s)};
    snprintf(entry.job, sizeof entry.job, "%s", s->ctx->job_id);
    snprintf(entry.slot, sizeof entry.slot, "%s", c->slot);
    snprintf(entry.method, sizeof entry.method, "%s", command_method_name(session_method(s->ctx)));
    if (s->credential) {
        snprintf(entry.credential, sizeof entry.credential, "%s", c->credential);
        snprintf(entry.fingerprint_sha256, sizeof entry.fingerprint_sha256, "%s",
                 credential_info(s->credential)->fingerprint_sha256);
    }
    enum err e = store_device_note(s->ctx->store, s->mac, s->chip, &entry, credential_now(s));
    device_entry_dispose(&entry);
    return e;
}

enum err step_record(struct session *s)
{
    return note(s, JOB_SUCCEEDED);
}

/* A wait that was cut short says "cancelled"; who cut it tells how the job ends. */
static enum job_state outcome_of(const struct session *s, enum err e)
{
    if (e != ERR_CANCELLED) return JOB_FAILED;
    e = job_why_cancelled(s->ctx);
    if (err_is(e, "shutting_down")) return JOB_INTERRUPTED;
    return e == ERR_CANCELLED ? JOB_CANCELLED : JOB_FAILED;
}

void record_failure(struct session *s)
{
    if (!s->mac[0]) return;
    struct err_info saved = *err_last();
    note(s, outcome_of(s, saved.kind));
    err_restore(&saved);
}
