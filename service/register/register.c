/* register: Design: whatever is asked of the cloud is idempotent there, or its outcome can be found
 * out (certificate.c), so that going on after a crash is the same code as beginning. */
#include "service/register/register.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/limits.h"
#include "service/pki/authority.h"
#include "service/pki/certificate.h"
#include "service/pki/csr.h"
#include "service/register/work.h"

enum { UNDOING_MS = 90 * 1000, LOOK_MS = 250 };

/* --- beginning --- */

static char *spec_text(const struct register_order *o)
{
    json_t *whole = json_pack("{s:o, s:s, s:s}", "cloud", spec_to_json(o->spec), "client_id",
                              o->client_id, "topic", o->topic);
    char *text = whole ? json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(whole);
    return text;
}

static enum err thing_registered(const struct registration_record *r, const char *hint)
{
    return err_fail(ERR_CONFLICT, "thing_registered", hint,
                    "%s is registered in \"%s\" already, by %s, which is %s", r->thing, r->cloud,
                    r->id, registration_state_name(r->state));
}

/* Can the one that is there serve again? */
static enum err judge_former(struct store *s, const struct registration_record *former,
                             const char *spec)
{
    struct credential_record c;
    if (former->state == REGISTRATION_LEFT)
        return thing_registered(former, "DELETE /v1/registrations/{id} tries again to undo it; "
                                        "where its account is gone, ?forget=true gives it up.");
    if (former->state != REGISTRATION_ACTIVE)
        return thing_registered(former, "Wait until it has ended.");
    if (strcmp(former->spec_json, spec) != 0)
        return thing_registered(former, "It was asked for in another way. Ask for it in the same, "
                                        "or DELETE /v1/registrations/{id} first.");
    enum err e = store_credential_get(s, former->credential, &c);
    bool purged = !e && c.purged_ms != 0;
    if (!e) credential_record_dispose(&c);
    if (e && e != ERR_NOT_FOUND) return e;
    if (e || purged)
        return thing_registered(former, "Its private key is not here any more, so that no board "
                                        "can be written again: DELETE /v1/registrations/{id}, then "
                                        "ask again: it gets a new certificate.");
    return ERR_OK;
}

/* One that is being undone is waited for: a retry often comes before that has ended. */
static enum err find_settled(const struct register_use *u, const struct register_spec *s,
                             struct registration_record *out)
{
    const struct deadline until = deadline_within_ms(u->until, UNDOING_MS);
    for (;;) {
        enum err e = store_registration_find(u->store, s->cloud, s->thing, out);
        if (e || out->state != REGISTRATION_UNDOING || deadline_passed(until)) return e;
        registration_record_dispose(out);
        e = cancel_wait(u->cancel, deadline_within_ms(until, LOOK_MS));
        if (e) return e;
    }
}

/* @param[out] found_out  *out is one that serves */
static enum err find_former(const struct register_use *u, const struct register_order *o,
                            const char *spec, struct registration_record *out, bool *found_out)
{
    *found_out = false;
    enum err e = find_settled(u, o->spec, out);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    if (!e) e = judge_former(u->store, out, spec);
    if (!e && o->job[0]) e = store_registration_hold(u->store, out, o->job);
    if (!e)
        *found_out = true;
    else
        registration_record_dispose(out);
    return e;
}

static enum err needs_keys(const struct register_use *u, const struct register_spec *s)
{
    struct aws_account *account = NULL;
    struct cloud_view view;
    enum err e = accounts_take(u->accounts, s->cloud, &account, &view);
    if (e) return e;
    bool has = account != NULL;
    aws_account_unref(account);
    cloud_view_dispose(&view);
    return has || s->way == WAY_CLAIM ? ERR_OK : work_no_keys(s->cloud);
}

/* The local authority's signature is no call: it is made before there is anything to undo. */
static enum err sign_here(struct store *s, const char *authority, struct device_secret *secret,
                          const struct buf *request)
{
    struct authority_record a = {.id = ""};
    struct certificate_info info;
    struct buf key;
    const struct certificate_order order = {.request_pem = buf_str(request),
                                            .request_len = request->len,
                                            .use = USE_CLIENT,
                                            .now_unix_s = clock_now_ms() / 1000};
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    enum err e = store_authority_get(s, authority, &a);
    if (!e) e = store_authority_key(s, authority, &key);
    if (!e)
        e = authority_sign(a.certificate_pem, buf_str(&key), key.len, &order, &secret->certificate,
                           &info);
    buf_dispose(&key);
    authority_record_dispose(&a);
    return e;
}

/* What is made here: a key, and with a local authority its certificate. */
static enum err make_secret(const struct register_use *u, const struct register_spec *s,
                            struct progress *p, struct device_secret *secret)
{
    struct csr_info info;
    struct subject subject = {.parts = {""}};
    struct buf request;
    snprintf(subject.parts[SUBJECT_CN], subject_part_max[SUBJECT_CN] + 1, "%s", s->thing);
    buf_init(&request, LIMIT_PEM_BYTES);
    enum err e = key_make(s->key, &secret->key);
    if (!e) e = csr_make(buf_str(&secret->key), secret->key.len, &subject, &request, &info);
    if (!e) memcpy(p->key_sha256, info.key_sha256, sizeof p->key_sha256);
    if (!e && s->way == WAY_OWN) e = sign_here(u->store, s->authority, secret, &request);
    buf_dispose(&request);
    return e;
}

/* A certificate from elsewhere: its id at the cloud is known now. */
static enum err know_own(const struct register_use *u, const struct register_spec *s,
                         const struct device_secret *secret, struct progress *p, char id_out[65])
{
    struct credential_record c = {.id = ""};
    enum err e = ERR_OK;
    if (s->credential[0]) e = store_credential_get(u->store, s->credential, &c);
    if (!e)
        e = certificate_digests(c.certificate_pem ? c.certificate_pem
                                                  : buf_str(&secret->certificate),
                                id_out, p->key_sha256);
    credential_record_dispose(&c);
    return e;
}

static enum err add_with_secret(const struct register_use *u, const struct register_spec *s,
                                struct registration_record *r, struct device_secret *secret)
{
    struct progress p = {.endpoint = ""};
    struct buf text;
    bool own = s->way == WAY_OWN, key_comes = s->way == WAY_CLOUD || (own && s->credential[0]);
    buf_init_secret(&text, DEVICE_SECRET_TEXT);
    enum err e = key_comes ? ERR_OK : make_secret(u, s, &p, secret);
    if (!e && own) e = know_own(u, s, secret, &p, r->certificate);
    if (!e) e = device_secret_to_text(secret, &text);
    if (!e) {
        r->progress_json = progress_to_text(&p);
        e = r->progress_json ? store_registration_add(u->store, r, text.data, text.len)
                             : err_set(ERR_MEM, "out of memory");
    }
    buf_dispose(&text);
    return e;
}

/* @param spec  taken over */
static enum err add(const struct register_use *u, const struct register_order *o, char *spec,
                    struct registration_record *out)
{
    struct device_secret secret;
    *out = (struct registration_record){.created_ms = clock_now_ms(), .spec_json = spec};
    out->changed_ms = out->created_ms;
    id_new("reg", out->id);
    snprintf(out->cloud, sizeof out->cloud, "%s", o->spec->cloud);
    snprintf(out->thing, sizeof out->thing, "%.128s", o->spec->thing);
    snprintf(out->job, sizeof out->job, "%s", o->job);
    snprintf(out->actor, sizeof out->actor, "%s", o->actor);
    device_secret_init(&secret);
    enum err e = add_with_secret(u, o->spec, out, &secret);
    device_secret_dispose(&secret);
    if (e) registration_record_dispose(out);
    return e;
}

enum err register_begin(const struct register_use *u, const struct register_order *o,
                        struct registration_record *out)
{
    bool found;
    *out = (struct registration_record){.id = ""};
    if (strlen(o->spec->thing) >= sizeof out->thing)
        return err_fail(ERR_ARG, "bad_thing_name", NULL,
                        "a thing's name has at most 128 characters");
    char *spec = spec_text(o);
    if (!spec) return err_set(ERR_MEM, "out of memory");
    enum err e = needs_keys(u, o->spec);
    if (!e) e = find_former(u, o, spec, out, &found);
    if (!e && !found) return add(u, o, spec, out);
    free(spec);
    return e;
}

/* --- registering --- */

static enum err make_all(struct work *w)
{
    if (w->spec.way == WAY_CLAIM) return make_by_claim(w);
    enum err e = work_needs_account(w);
    if (!e) e = work_same_account(w);
    if (!e) e = make_endpoint(w);
    if (!e) e = make_thing(w);
    if (!e) e = make_policy(w);
    if (!e) e = make_certificate(w);
    return e ? e : make_attachments(w);
}

static enum err run(struct work *w)
{
    enum err e = make_all(w);
    if (!e) e = make_credential(w);
    if (e) return e;
    w->record->state = REGISTRATION_REGISTERED;
    e = work_save(w);
    if (e) w->record->state = REGISTRATION_REGISTERING;
    return e;
}

enum err register_run(const struct register_use *u, struct registration_record *r)
{
    struct work *w;
    enum err e = ERR_OK;
    if (r->state == REGISTRATION_REGISTERING) {
        e = work_open(u, r, &w);
        if (e) return e;
        e = run(w);
        work_close(w);
    }
    /* The key is the credential's from now on. */
    if (!e && r->state == REGISTRATION_REGISTERED)
        e = store_registration_secret_put(u->store, r->id, NULL, 0);
    return e;
}

/* --- activating --- */

static enum err activate(struct work *w)
{
    const struct aws_use use = work_call(w);
    enum err e = w->p.again ? find_and_delete(w, NULL) : ERR_OK;
    if (e) return e;
    w->p.again = false;
    if (w->p.activated == FATE_NONE || w->p.activated == FATE_INTENT) {
        const enum fate before = w->p.activated;
        e = work_needs_account(w);
        if (!e) e = work_intend(w, &w->p.activated);
        if (e) return e;
        e = iot_update_certificate(&use, w->record->certificate, "ACTIVE");
        w->p.activated = work_came_to(e, before);
        if (e) return e;
    }
    w->record->state = REGISTRATION_ACTIVE;
    e = work_save(w);
    if (e) w->record->state = REGISTRATION_REGISTERED;
    return e;
}

enum err register_activate(const struct register_use *u, struct registration_record *r)
{
    struct work *w;
    if (r->state == REGISTRATION_ACTIVE) return ERR_OK;
    enum err e = work_open(u, r, &w);
    if (e) return e;
    e = activate(w);
    work_close(w);
    return e;
}
