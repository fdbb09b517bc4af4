/* certificate: the one call that must not be made twice. Its intent is on the disk before it goes
 * out, with the digest of our public key; where no answer came, the cloud is asked which of its
 * certificates has that key, and only when there is none, twice, another one is asked for. */
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/certificate.h"
#include "service/pki/csr.h"
#include "service/register/work.h"

enum { ASK_TIMES = 3, LOOK_TIMES = 2, LOOK_AGAIN_MS = 2000 };

/* An intent that could not be stored was none. */
static enum err intend(struct work *w)
{
    const enum fate before = w->p.certificate;
    w->p.certificate = FATE_INTENT;
    w->p.last_asked_ms = work_now_ms(w);
    if (!w->p.asked_ms) w->p.asked_ms = w->p.last_asked_ms;
    enum err e = work_save(w);
    if (e) w->p.certificate = before;
    return e;
}

static bool outcome_unknown(enum err e)
{
    return err_is(e, "aws_outcome_unknown") || err_is(e, "aws_timeout") ||
           err_is(e, "aws_bad_answer");
}

static void take(struct work *w, struct iot_certificate *c)
{
    work_take_certificate(w, c);
    w->p.certificate = FATE_MADE;
}

/* Of several the first is taken; the others go when the registration ends. */
static enum err look_once(struct work *w)
{
    struct iot_certificate *list;
    size_t n;
    enum err e = find_certificates(w, &list, &n);
    if (n) take(w, &list[0]);
    if (n > 1) w->p.again = true;
    for (size_t i = 0; i < n; i++)
        iot_certificate_dispose(&list[i]);
    free(list);
    return e;
}

/* A request without an answer may still be worked at. */
static enum err look(struct work *w)
{
    enum err e = look_once(w);
    const int times = find_has_settled(w) ? 1 : LOOK_TIMES;
    for (int i = 1; !e && i < times && w->p.certificate != FATE_MADE; i++) {
        e = cancel_wait(w->use->cancel, deadline_within_ms(w->use->until, LOOK_AGAIN_MS));
        if (!e) e = look_once(w);
    }
    return e;
}

/* --- by a request of ours --- */

static void subject_of(const struct work *w, struct subject *out)
{
    *out = (struct subject){.parts = {""}};
    snprintf(out->parts[SUBJECT_CN], subject_part_max[SUBJECT_CN] + 1, "%s", w->record->thing);
}

static enum err make_request(const struct work *w, struct buf *out, struct csr_info *info)
{
    struct subject subject;
    subject_of(w, &subject);
    return csr_make(buf_str(&w->secret.key), w->secret.key.len, &subject, out, info);
}

enum err work_request(const struct work *w, struct buf *out)
{
    struct csr_info info;
    return make_request(w, out, &info);
}

/* Once. @return ERR_OK, also when it is not known what came of it: then it is not MADE */
static enum err ask(struct work *w, const char *request)
{
    struct iot_certificate c = {.id = ""};
    const struct aws_use use = work_call(w);
    const bool first = w->p.certificate == FATE_NONE;
    enum err e = intend(w);
    if (e) return e;
    e = iot_create_certificate(&use, request, &c);
    if (!e) take(w, &c);
    iot_certificate_dispose(&c);
    if (!e) return ERR_OK;
    if (work_nothing_done(e) && first) w->p.certificate = FATE_NONE;
    if (!outcome_unknown(e)) return e;
    struct err_info unknown = *err_last();
    e = look(w);
    if (e || w->p.certificate == FATE_MADE) return e;
    return deadline_passed(w->use->until) ? err_restore(&unknown) : ERR_OK;
}

enum err work_know_key(struct work *w)
{
    struct csr_info info;
    struct buf request;
    if (w->p.key_sha256[0] || !w->secret.key.len) return ERR_OK;
    buf_init(&request, LIMIT_PEM_BYTES);
    enum err e = make_request(w, &request, &info);
    buf_dispose(&request);
    if (!e) memcpy(w->p.key_sha256, info.key_sha256, sizeof w->p.key_sha256);
    return e;
}

static enum err by_request(struct work *w)
{
    struct buf request;
    buf_init(&request, LIMIT_PEM_BYTES);
    enum err e = work_request(w, &request);
    if (!e && w->p.certificate == FATE_INTENT) e = look(w); /* somebody was cut off here */
    for (int i = 0; !e && i < ASK_TIMES && w->p.certificate != FATE_MADE; i++) {
        w->p.again = w->p.again || w->p.certificate == FATE_INTENT;
        e = ask(w, buf_str(&request));
    }
    buf_dispose(&request);
    if (!e && w->p.certificate != FATE_MADE)
        e = err_fail(ERR_TIMEOUT, "aws_outcome_unknown", "Try again later.",
                     "AWS was asked %d times for a certificate, never answered, and has none",
                     ASK_TIMES);
    return e;
}

/* --- with a key that the cloud makes --- */

static enum err key_lost(struct work *w)
{
    enum err e = find_candidates(w);
    if (e) return e;
    return err_fail(ERR_TIMEOUT, "aws_outcome_unknown",
                    "With \"certificate\":\"csr\" the key is made here, and a certificate can be "
                    "found again.",
                    "AWS was asked for a key and a certificate, and its answer was lost; %zu "
                    "certificates may be what it made",
                    w->p.candidate_count);
}

static enum err ask_for_keys(struct work *w)
{
    char fingerprint[SHA256_HEX];
    struct iot_certificate c = {.id = ""};
    const struct aws_use use = work_call(w);
    enum err e = intend(w);
    if (e) return e;
    buf_reset(&w->secret.key);
    e = iot_create_keys(&use, &c, &w->secret.key);
    if (!e && c.pem) e = certificate_digests(c.pem, fingerprint, w->p.key_sha256);
    if (!e) e = work_save_secret(w); /* the key is shown only this once */
    if (!e) take(w, &c);
    iot_certificate_dispose(&c);
    if (work_nothing_done(e)) w->p.certificate = FATE_NONE;
    return outcome_unknown(e) ? key_lost(w) : e;
}

/* Whoever was cut off after the answer has stored the key, if not more. */
static enum err with_key_of_cloud(struct work *w)
{
    if (w->p.certificate == FATE_NONE) return ask_for_keys(w);
    if (!w->secret.key.len) return key_lost(w);
    enum err e = work_know_key(w);
    if (!e) e = look(w);
    return e || w->p.certificate == FATE_MADE ? e : key_lost(w);
}

/* --- from elsewhere --- */

/* Its leaf alone: AWS takes one certificate. @return heap, NULL = no memory */
static char *leaf_of(const char *pem)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const char *at = strstr(pem, end);
    size_t n = at ? (size_t)(at - pem) + sizeof end - 1 : strlen(pem);
    return strndup(pem, n);
}

static enum err own_text(struct work *w, char **out)
{
    struct credential_record r = {.id = ""};
    enum err e = ERR_OK;
    *out = NULL;
    if (w->spec.credential[0]) e = store_credential_get(w->use->store, w->spec.credential, &r);
    if (e) return e;
    *out = leaf_of(r.certificate_pem ? r.certificate_pem : buf_str(&w->secret.certificate));
    credential_record_dispose(&r);
    return *out ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

static enum err make_known(struct work *w)
{
    bool was_there;
    char *pem;
    struct iot_certificate c = {.id = ""};
    const struct aws_use use = work_call(w);
    const enum fate before = w->p.certificate;
    enum err e = own_text(w, &pem);
    if (!e) e = intend(w);
    if (!e) {
        e = iot_register_certificate(&use, pem, NULL, &c, &was_there);
        if (!e) work_take_certificate(w, &c);
        w->p.certificate = work_came_to(e, before);
    }
    iot_certificate_dispose(&c);
    free(pem);
    return e;
}

/* Its id is known before it is there, so it can be asked for. */
static enum err from_elsewhere(struct work *w)
{
    struct iot_certificate c = {.id = ""};
    const struct aws_use use = work_call(w);
    if (w->p.certificate == FATE_INTENT) return make_known(w);
    enum err e = iot_describe_certificate(&use, w->record->certificate, &c);
    if (!e) {
        if (strcmp(c.status, "ACTIVE") == 0) w->p.activated = FATE_FOUND;
        work_take_certificate(w, &c);
        w->p.certificate = FATE_FOUND;
    }
    iot_certificate_dispose(&c);
    return err_is(e, "aws_not_found") ? make_known(w) : e;
}

enum err make_certificate(struct work *w)
{
    if (w->p.certificate == FATE_MADE || w->p.certificate == FATE_FOUND) return ERR_OK;
    switch (w->spec.way) {
    case WAY_CSR:
        return by_request(w);
    case WAY_CLOUD:
        return with_key_of_cloud(w);
    case WAY_OWN:
        return from_elsewhere(w);
    case WAY_CLAIM:
        break;
    }
    return err_set(ERR_INTERNAL, "a claim is exchanged elsewhere");
}
