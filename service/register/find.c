/* find: which certificates at the cloud are this registration's. A certificate has no name there
 * that could be chosen; what tells it is its public key. */
#include <stdlib.h>
#include <string.h>

#include "service/pki/certificate.h"
#include "service/register/work.h"

/* Clocks of machines differ, and a request may have been under way for long. */
enum { SLACK_MS = 10 * 60 * 1000, SETTLED_MS = 10 * 1000 };

/* One that a registration is at work with, or that devices use, is not lost. */
static enum err may_be_lost(struct work *w, const struct iot_certificate *c, bool *out)
{
    *out = false;
    if (strcmp(c->status, "INACTIVE") != 0 || !strcmp(c->id, w->record->certificate)) return ERR_OK;
    enum err e = store_registration_has_certificate(w->use->store, c->id, out);
    *out = !*out;
    return e;
}

static enum err list_lost(struct work *w, struct iot_certificate **list_out, size_t *n_out)
{
    struct iot_certificate *list = NULL;
    const struct aws_use use = work_call(w);
    size_t n = 0, kept = 0;
    enum err e = iot_list_certificates(&use, w->p.asked_ms - SLACK_MS, &list, &n);
    for (size_t i = 0; i < n; i++) {
        bool lost = false;
        if (!e) e = may_be_lost(w, &list[i], &lost);
        if (!e && lost)
            list[kept++] = list[i];
        else
            iot_certificate_dispose(&list[i]);
    }
    *list_out = list;
    *n_out = kept;
    return e;
}

/* One that is gone by now, or whose text cannot be read, is not ours. */
static enum err has_our_key(struct work *w, struct iot_certificate *c, bool *out)
{
    char fingerprint[SHA256_HEX], key[SHA256_HEX];
    struct iot_certificate whole = {.id = ""};
    const struct aws_use use = work_call(w);
    *out = false;
    enum err e = iot_describe_certificate(&use, c->id, &whole);
    if (!e && whole.pem && certificate_digests(whole.pem, fingerprint, key) == ERR_OK &&
        strcmp(key, w->p.key_sha256) == 0) {
        *out = true;
        iot_certificate_dispose(c);
        *c = whole;
        return ERR_OK;
    }
    iot_certificate_dispose(&whole);
    return err_is(e, "aws_not_found") ? ERR_OK : e;
}

static void dispose_from(struct iot_certificate *list, size_t from, size_t to)
{
    for (; from < to; from++)
        iot_certificate_dispose(&list[from]);
}

enum err find_certificates(struct work *w, struct iot_certificate **list_out, size_t *n_out)
{
    struct iot_certificate *list;
    size_t n, kept = 0;
    enum err e = list_lost(w, &list, &n);
    for (size_t i = 0; !e && i < n; i++) {
        bool ours;
        e = has_our_key(w, &list[i], &ours);
        if (e) {
            dispose_from(list, i, n);
            break;
        }
        if (ours)
            list[kept++] = list[i];
        else
            iot_certificate_dispose(&list[i]);
    }
    *n_out = e ? 0 : kept;
    *list_out = list;
    if (!e) return ERR_OK;
    dispose_from(list, 0, kept);
    free(list);
    *list_out = NULL;
    return e;
}

static enum err is_unattached(struct work *w, const struct iot_certificate *c, bool *out)
{
    json_t *things = NULL, *policies = NULL;
    const struct aws_use use = work_call(w);
    enum err e = iot_list_principal_things(&use, c->arn, &things);
    if (!e) e = iot_list_attached_policies(&use, c->arn, &policies);
    *out = !e && !json_array_size(things) && !json_array_size(policies);
    json_decref(things);
    json_decref(policies);
    return err_is(e, "aws_not_found") ? ERR_OK : e;
}

enum err find_candidates(struct work *w)
{
    struct iot_certificate *list;
    size_t n;
    enum err e = list_lost(w, &list, &n);
    w->p.candidate_count = 0;
    for (size_t i = 0; !e && i < n && w->p.candidate_count < PROGRESS_CANDIDATES; i++) {
        bool lost;
        e = is_unattached(w, &list[i], &lost);
        if (!e && lost)
            snprintf(w->p.candidates[w->p.candidate_count++], IOT_CERTIFICATE_ID, "%s", list[i].id);
    }
    dispose_from(list, 0, n);
    free(list);
    return e;
}

enum err find_and_delete(struct work *w, size_t *n_out)
{
    struct iot_certificate *list;
    size_t n;
    const struct aws_use use = work_call(w);
    enum err e = find_certificates(w, &list, &n);
    for (size_t i = 0; !e && i < n; i++)
        e = iot_delete_certificate(&use, list[i].id);
    dispose_from(list, 0, n);
    free(list);
    if (n_out) *n_out = n;
    return e;
}

bool find_has_settled(const struct work *w)
{
    return work_now_ms(w) - w->p.last_asked_ms > SETTLED_MS;
}
