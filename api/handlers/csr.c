/* csr: keys made here. What goes out is a request for a certificate; the key stays, and becomes
 * part of a credential when the certificate comes back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/handlers/intake.h"
#include "api/handlers/subject.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/base/id.h"
#include "service/base/limits.h"
#include "service/pki/csr.h"

/* --- making one --- */

/* What was asked for. */
struct wish {
    int key;
    char mac[REQUEST_MAC], slot[64], name[64]; /* "" = not said */
    struct subject subject;
};

static const char *or_null(const char *s)
{
    return *s ? s : NULL;
}

/* As records have it, and in @p bare without its colons, as {mac} is everywhere. */
static void judge_mac(char mac[REQUEST_MAC], char bare[REQUEST_MAC], struct field_errors *errors)
{
    size_t n = 0;
    if (*mac && !request_mac(mac, mac))
        field_errors_add(errors, "/mac", "must be like \"24:0a:c4:12:34:56\"");
    for (const char *c = mac; *c; c++)
        if (*c != ':') bare[n++] = *c;
    bare[n] = '\0';
}

static enum err read_wish(const struct request *rq, struct wish *out, struct field_errors *errors)
{
    json_t *body, *subject = NULL;
    char bare[REQUEST_MAC];
    enum err e = request_json(rq, &body);
    if (e) return e;
    *out = (struct wish){.key = KEY_RSA_2048};
    const struct json_field fields[] = {
        JSON_CHOICE("key", &out->key, JSON_OPTIONAL, key_kind_names),
        JSON_OBJECT_AT("subject", &subject, JSON_REQUIRED),
        JSON_STR("mac", out->mac, JSON_OPTIONAL, REQUEST_MAC - 1, REQUEST_MAC - 1),
        JSON_STR("slot", out->slot, JSON_OPTIONAL, 1, sizeof out->slot - 1),
        JSON_STR("name", out->name, JSON_OPTIONAL, 1, sizeof out->name - 1),
        JSON_FIELDS_END,
    };
    json_in(body, "", fields, errors);
    judge_mac(out->mac, bare, errors);
    const struct template_word words[] = {
        {"{mac}", or_null(bare)}, {"{slot}", or_null(out->slot)}, {"{name}", or_null(out->name)}};
    if (subject)
        subject_read(subject, "/subject", words, sizeof words / sizeof *words, &out->subject,
                     errors);
    json_decref(body);
    return field_errors_result(errors);
}

static enum err keep(const struct service *svc, const struct wish *w, const struct csr_info *info,
                     const struct buf *key, struct csr_record *r)
{
    id_new("csr", r->id);
    r->created_ms = clock_now_ms();
    memcpy(r->key_sha256, info->key_sha256, sizeof r->key_sha256);
    json_t *meta = json_pack(
        "{s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:s}", "id", r->id, "created_at",
        json_time(r->created_ms), "subject", json_text(info->subject), "key_type", info->key_type,
        "key_sha256", info->key_sha256, "mac", json_text_or_null(w->mac), "slot",
        json_text_or_null(w->slot), "name", json_text_or_null(w->name), "request", r->request_pem);
    r->meta_json = meta ? json_dumps(meta, JSON_COMPACT) : NULL;
    json_decref(meta);
    if (!r->meta_json) return err_set(ERR_MEM, "out of memory");
    return store_csr_add(svc->store, r, buf_str(key), key->len);
}

static enum err make(const struct service *svc, const struct wish *w, struct csr_record *r)
{
    struct buf key, request;
    struct csr_info info;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    buf_init(&request, LIMIT_PEM_BYTES);
    enum err e = key_make((enum key_kind)w->key, &key);
    if (!e) e = csr_make(buf_str(&key), key.len, &w->subject, &request, &info);
    if (!e) {
        r->request_pem = strdup(buf_str(&request));
        e = r->request_pem ? keep(svc, w, &info, &key, r) : err_set(ERR_MEM, "out of memory");
    }
    buf_dispose(&key);
    buf_dispose(&request);
    return e;
}

static json_t *shown(const struct csr_record *r)
{
    return json_loads(r->meta_json, 0, NULL);
}

struct reply handle_csr_create(struct request *rq, const struct service *svc)
{
    struct wish wish;
    struct field_errors errors = {.count = 0};
    struct csr_record record = {.id = ""};
    if (read_wish(rq, &wish, &errors)) return reply_fields(rq, &errors);
    struct reply r = {.status = 0};
    if (make(svc, &wish, &record)) {
        r = reply_content_error(rq);
    } else {
        r = reply_json(201, shown(&record));
        reply_header(&r, "Location", "/v1/credentials/csr/%s", record.id);
    }
    csr_record_dispose(&record);
    return r;
}

/* --- looking --- */

static bool is_csr(const char *text)
{
    return request_is_id_of(text, "csr_");
}

struct reply handle_csr_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct csr_record *list = NULL;
    size_t n;
    if (request_page(rq, is_csr, &page) || store_csr_list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, shown(&list[i]));
        csr_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_csr_get(struct request *rq, const struct service *svc)
{
    struct csr_record record;
    if (store_csr_get(svc->store, request_var(rq, "id"), &record)) return reply_error(rq);
    struct reply r = reply_json(200, shown(&record));
    csr_record_dispose(&record);
    return r;
}

struct reply handle_csr_delete(struct request *rq, const struct service *svc)
{
    return store_csr_delete(svc->store, request_var(rq, "id")) ? reply_error(rq) : reply_empty(204);
}

/* --- the certificate comes back --- */

/* What was here before the certificate came. */
struct ours {
    struct buf key;
    struct authority_record authority;
    struct credential_input inputs[2]; /* the key, and with ?authority= the root of one of ours */
    size_t count;
};

static enum err ours_find(const struct request *rq, const struct service *svc, struct ours *out)
{
    const char *authority = request_query(rq, "authority");
    *out = (struct ours){.count = 0};
    buf_init_secret(&out->key, LIMIT_PEM_BYTES);
    enum err e = store_csr_key(svc->store, request_var(rq, "id"), &out->key);
    if (!e && authority) e = store_authority_get(svc->store, authority, &out->authority);
    if (e) return e;
    out->inputs[out->count++] =
        (struct credential_input){request_var(rq, "id"), out->key.data, out->key.len};
    const char *root = out->authority.certificate_pem;
    if (root)
        out->inputs[out->count++] =
            (struct credential_input){"the authority", (const uint8_t *)root, strlen(root)};
    return ERR_OK;
}

static void ours_dispose(struct ours *o)
{
    buf_dispose(&o->key);
    authority_record_dispose(&o->authority);
}

/* Once its key is part of a credential the request has done its work. Where its row cannot be taken
 * away the credential is there all the same, and a second answer is refused as a duplicate. */
struct reply handle_csr_answer(struct request *rq, const struct service *svc)
{
    struct ours ours;
    struct intake in;
    struct reply r;
    bool kept = false;
    if (ours_find(rq, svc, &ours))
        r = reply_error(rq);
    else if (intake_judge(rq, ours.inputs, ours.count, &in, &r))
        r = intake_reply(rq, svc, &in, &kept);
    if (kept) (void)store_csr_delete(svc->store, request_var(rq, "id"));
    ours_dispose(&ours);
    return r;
}
