#include "service/register/work.h"

#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/limits.h"

static enum err read_order(struct work *w)
{
    json_t *o = json_loads(w->record->spec_json, 0, NULL);
    const char *client = json_string_value(json_object_get(o, "client_id"));
    const char *topic = json_string_value(json_object_get(o, "topic"));
    enum err e = spec_from_json(json_object_get(o, "cloud"), &w->spec);
    snprintf(w->client_id, sizeof w->client_id, "%s", client ? client : "");
    snprintf(w->topic, sizeof w->topic, "%s", topic ? topic : "");
    json_decref(o);
    return e;
}

static enum err read_secret(struct work *w)
{
    struct buf text;
    buf_init_secret(&text, DEVICE_SECRET_TEXT);
    enum err e = store_registration_secret(w->use->store, w->record->id, &text);
    if (!e) e = device_secret_from_text(&text, &w->secret);
    buf_dispose(&text);
    return e;
}

enum err work_open(const struct register_use *use, struct registration_record *r, struct work **out)
{
    struct work *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w) return err_set(ERR_MEM, "out of memory");
    w->use = use;
    w->record = r;
    device_secret_init(&w->secret);
    buf_init(&w->roots, LIMIT_PEM_BYTES);
    enum err e = progress_from_text(r->progress_json, &w->p);
    if (!e) e = read_order(w);
    if (!e) e = read_secret(w);
    if (!e) e = accounts_take(use->accounts, r->cloud, &w->account, &w->view);
    if (!e) {
        *out = w;
        return ERR_OK;
    }
    w->record = NULL; /* nothing of it is to be written */
    work_close(w);
    return e;
}

static enum err sync_record(struct work *w)
{
    char *text = progress_to_text(&w->p);
    if (!text) return err_set(ERR_MEM, "out of memory");
    free(w->record->progress_json);
    w->record->progress_json = text;
    return ERR_OK;
}

void work_close(struct work *w)
{
    if (!w) return;
    struct err_info saved = *err_last();
    if (w->record) (void)sync_record(w);
    device_secret_dispose(&w->secret);
    buf_dispose(&w->roots);
    cloud_view_dispose(&w->view);
    aws_account_unref(w->account);
    free(w->certificate_pem);
    free(w);
    err_restore(&saved);
}

enum err work_save(struct work *w)
{
    enum err e = sync_record(w);
    w->record->changed_ms = clock_now_ms();
    return e ? e : store_registration_save(w->use->store, w->record);
}

enum err work_save_secret(struct work *w)
{
    struct buf text;
    buf_init_secret(&text, DEVICE_SECRET_TEXT);
    enum err e = device_secret_to_text(&w->secret, &text);
    if (!e) e = store_registration_secret_put(w->use->store, w->record->id, text.data, text.len);
    buf_dispose(&text);
    return e;
}

struct aws_use work_call(const struct work *w)
{
    return (struct aws_use){
        .account = w->account, .cancel = w->use->cancel, .until = w->use->until};
}

int64_t work_now_ms(const struct work *w)
{
    return clock_now_ms() + (w->account ? aws_account_clock_off_s(w->account) * 1000 : 0);
}

enum err work_no_keys(const char *cloud)
{
    return err_fail(ERR_ARG, "cloud_has_no_keys",
                    "Give the cloud keys with PUT /v1/clouds/{name}; without any, register by a "
                    "claim's credential, where the settings have a data.endpoint.",
                    "there are no keys here for the cloud \"%s\"", cloud);
}

enum err work_needs_account(const struct work *w)
{
    return w->account ? ERR_OK : work_no_keys(w->record->cloud);
}

bool work_nothing_done(enum err e)
{
    static const char *const codes[] = {
        "aws_unreachable", "aws_clock",    "aws_secret",    "aws_key_unknown", "aws_token_expired",
        "aws_permission",  "aws_region",   "aws_throttled", "aws_quota",       "aws_not_found",
        "aws_exists",      "aws_conflict", "aws_invalid",   "aws_state"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (err_is(e, codes[i])) return true;
    return false;
}

/* A call that may be repeated is, after a fault: how its last attempt failed says nothing of the
 * first where that is how an attempt fails on the way. */
static bool was_refused(enum err e)
{
    return work_nothing_done(e) && !err_is(e, "aws_unreachable") && !err_is(e, "aws_throttled");
}

enum fate work_came_to(enum err e, enum fate before)
{
    if (!e) return FATE_MADE;
    return before == FATE_NONE && was_refused(e) ? FATE_NONE : FATE_INTENT;
}

enum err work_intend(struct work *w, enum fate *fate)
{
    const enum fate before = *fate;
    *fate = FATE_INTENT;
    enum err e = work_save(w);
    if (e) *fate = before;
    return e;
}

enum err work_same_account(const struct work *w)
{
    char account[16], arn[AWS_ARN];
    const struct aws_use use = work_call(w);
    if (!w->p.account[0] || !w->account || aws_caller_identity(&use, account, arn)) return ERR_OK;
    if (strcmp(account, w->p.account) == 0) return ERR_OK;
    return err_fail(ERR_CONFLICT, "cloud_other_account",
                    "Give the cloud keys of the account in which it was begun.",
                    "%s was begun in account %s, and the keys of \"%s\" are now those of %s",
                    w->record->id, w->p.account, w->record->cloud, account);
}

/* Takes its text over. */
void work_take_certificate(struct work *w, struct iot_certificate *c)
{
    snprintf(w->record->certificate, sizeof w->record->certificate, "%s", c->id);
    snprintf(w->p.certificate_arn, sizeof w->p.certificate_arn, "%s", c->arn);
    if (!c->pem) return;
    free(w->certificate_pem);
    w->certificate_pem = c->pem;
    c->pem = NULL;
}

/* One whose text is not known: the cloud tells it. */
static enum err describe(struct work *w)
{
    struct iot_certificate c = {.id = ""};
    const struct aws_use use = work_call(w);
    enum err e = work_needs_account(w);
    if (!e) e = iot_describe_certificate(&use, w->record->certificate, &c);
    if (!e) work_take_certificate(w, &c);
    iot_certificate_dispose(&c);
    return e;
}

enum err work_certificate(struct work *w, const char **pem_out)
{
    enum err e = ERR_OK;
    if (!w->certificate_pem && w->secret.certificate.len)
        w->certificate_pem = strdup(buf_str(&w->secret.certificate));
    if (!w->certificate_pem) e = describe(w);
    if (!e && !w->certificate_pem)
        e = err_fail(ERR_PROTOCOL, "aws_bad_answer", NULL, "AWS told no text of certificate %s",
                     w->record->certificate);
    *pem_out = w->certificate_pem;
    return e;
}

enum err work_arn(struct work *w, const char **arn_out)
{
    enum err e = w->p.certificate_arn[0] ? ERR_OK : describe(w);
    *arn_out = w->p.certificate_arn;
    return e;
}
