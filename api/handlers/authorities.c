/* authorities: local certificate authorities for labs with a broker of their own. Their keys sign
 * here and go nowhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/handlers/subject.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/base/id.h"
#include "service/base/limits.h"
#include "service/pki/authority.h"

enum { DAYS_MAX = 36500, USUAL_DAYS = 3650 };

static json_t *describe(const struct certificate_info *info)
{
    return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "subject",
                     json_text(info->subject), "issuer", json_text(info->issuer), "serial",
                     info->serial_hex, "fingerprint_sha256", info->fingerprint_sha256, "key_sha256",
                     info->key_sha256, "key_type", info->key_type, "not_before",
                     json_time(info->not_before_unix_s * 1000), "not_after",
                     json_time(info->not_after_unix_s * 1000));
}

/* @p extra  its members are added; released */
static json_t *described_with(const struct certificate_info *info, json_t *extra)
{
    json_t *out = describe(info);
    if (json_object_update(out, extra) != 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(extra);
    return out;
}

/* --- making one --- */

struct wish {
    int key;
    char name[64];
    int64_t days;
    struct subject subject;
};

static enum err read_wish(const struct request *rq, struct wish *out, struct field_errors *errors)
{
    json_t *body, *subject = NULL;
    enum err e = request_json(rq, &body);
    if (e) return e;
    *out = (struct wish){.key = KEY_RSA_2048, .days = USUAL_DAYS};
    const struct json_field fields[] = {
        JSON_STR("name", out->name, JSON_REQUIRED, 1, sizeof out->name - 1),
        JSON_CHOICE("key", &out->key, JSON_OPTIONAL, key_kind_names),
        JSON_OBJECT_AT("subject", &subject, JSON_OPTIONAL),
        JSON_INT("days", &out->days, JSON_OPTIONAL, 1, DAYS_MAX),
        JSON_FIELDS_END,
    };
    json_in(body, "", fields, errors);
    if (out->name[0] && !id_is_name(out->name, sizeof out->name - 1))
        field_errors_add(errors, "/name",
                         "may hold only letters, digits, '-', '_' and '.', and begin with another "
                         "one than '.'");
    const struct template_word words[] = {{"{name}", out->name}};
    if (subject)
        subject_read(subject, "/subject", words, 1, &out->subject, errors);
    else
        snprintf(out->subject.parts[SUBJECT_CN], SUBJECT_TEXT, "%s", out->name);
    json_decref(body);
    return field_errors_result(errors);
}

static enum err keep(const struct service *svc, const struct wish *w,
                     const struct certificate_info *info, const struct buf *key,
                     struct authority_record *r)
{
    id_new("ca", r->id);
    r->created_ms = clock_now_ms();
    memcpy(r->name, w->name, sizeof r->name);
    json_t *meta = described_with(info, json_pack("{s:s, s:s, s:o, s:s}", "id", r->id, "name",
                                                  r->name, "created_at", json_time(r->created_ms),
                                                  "certificate", r->certificate_pem));
    r->meta_json = meta ? json_dumps(meta, JSON_COMPACT) : NULL;
    json_decref(meta);
    if (!r->meta_json) return err_set(ERR_MEM, "out of memory");
    return store_authority_add(svc->store, r, buf_str(key), key->len);
}

static enum err make(const struct service *svc, const struct wish *w, struct authority_record *r)
{
    struct buf key, certificate;
    struct certificate_info info;
    const struct authority_spec spec = {(enum key_kind)w->key, &w->subject, clock_now_ms() / 1000,
                                        (unsigned)w->days};
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    buf_init(&certificate, LIMIT_PEM_BYTES);
    enum err e = authority_make(&spec, &key, &certificate, &info);
    if (!e) {
        r->certificate_pem = strdup(buf_str(&certificate));
        e = r->certificate_pem ? keep(svc, w, &info, &key, r) : err_set(ERR_MEM, "out of memory");
    }
    buf_dispose(&key);
    buf_dispose(&certificate);
    return e;
}

static json_t *shown(const struct authority_record *r)
{
    return json_loads(r->meta_json, 0, NULL);
}

struct reply handle_authority_create(struct request *rq, const struct service *svc)
{
    struct wish wish;
    struct field_errors errors = {.count = 0};
    struct authority_record record = {.id = ""};
    struct reply r;
    if (read_wish(rq, &wish, &errors)) return reply_fields(rq, &errors);
    if (make(svc, &wish, &record)) {
        r = reply_content_error(rq);
    } else {
        r = reply_json(201, shown(&record));
        reply_header(&r, "Location", "/v1/authorities/%s", record.id);
    }
    authority_record_dispose(&record);
    return r;
}

/* --- looking --- */

static bool is_authority(const char *text)
{
    return request_is_id_of(text, "ca_");
}

struct reply handle_authority_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct authority_record *list = NULL;
    size_t n;
    if (request_page(rq, is_authority, &page) || store_authority_list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, shown(&list[i]));
        authority_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_authority_get(struct request *rq, const struct service *svc)
{
    struct authority_record record;
    if (store_authority_get(svc->store, request_var(rq, "id"), &record)) return reply_error(rq);
    struct reply r = reply_json(200, shown(&record));
    authority_record_dispose(&record);
    return r;
}

struct reply handle_authority_delete(struct request *rq, const struct service *svc)
{
    return store_authority_delete(svc->store, request_var(rq, "id")) ? reply_error(rq)
                                                                     : reply_empty(204);
}

/* --- signing --- */

/* What is to be signed, with the request's text, ours or somebody else's. */
struct order {
    char csr[ID_TEXT], request[16 * 1024];
    struct csr_record ours;
    struct certificate_order certificate;
};

static void read_names(const json_t *list, struct certificate_order *out,
                       struct field_errors *errors)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/names/%zu", i);
        if (name && *name && strlen(name) < CERTIFICATE_NAME)
            snprintf(out->names[out->name_count++], CERTIFICATE_NAME, "%s", name);
        else
            field_errors_add(errors, pointer, "must be a string of 1 to %d bytes",
                             CERTIFICATE_NAME - 1);
    }
}

static void judge_order(const struct order *o, const json_t *body, struct field_errors *errors)
{
    const json_t *names = json_object_get(body, "names");
    if (!json_object_get(body, "csr") == !json_object_get(body, "request"))
        field_errors_add(errors, "", "must have either \"csr\" or \"request\"");
    if (o->certificate.use == USE_SERVER && !names)
        field_errors_add(errors, "/names", "is required for a server: what its clients know it as");
    if (o->certificate.use == USE_CLIENT && names)
        field_errors_add(errors, "/names", "goes with the use \"server\" only");
}

static enum err read_order(const struct request *rq, struct order *out, struct field_errors *errors)
{
    static const char *const uses[] = {"client", "server", NULL};
    json_t *body, *names = NULL;
    int use = USE_CLIENT;
    int64_t days = 0;
    enum err e = request_json(rq, &body);
    if (e) return e;
    const struct json_field fields[] = {
        JSON_STR("csr", out->csr, JSON_OPTIONAL, 1, sizeof out->csr - 1),
        JSON_STR("request", out->request, JSON_OPTIONAL, 1, sizeof out->request - 1),
        JSON_CHOICE("use", &use, JSON_OPTIONAL, uses),
        JSON_ARRAY_AT("names", &names, JSON_OPTIONAL, 1, CERTIFICATE_NAMES),
        JSON_INT("days", &days, JSON_OPTIONAL, 1, DAYS_MAX),
        JSON_FIELDS_END,
    };
    json_in(body, "", fields, errors);
    out->certificate.use = (enum certificate_use)use;
    out->certificate.days = (unsigned)days;
    out->certificate.now_unix_s = clock_now_ms() / 1000;
    read_names(names, &out->certificate, errors);
    judge_order(out, body, errors);
    json_decref(body);
    return field_errors_result(errors);
}

static enum err find_request(const struct service *svc, struct order *o)
{
    if (o->csr[0]) {
        enum err e = store_csr_get(svc->store, o->csr, &o->ours);
        if (e) return e;
    }
    const char *text = o->csr[0] ? o->ours.request_pem : o->request;
    o->certificate.request_pem = text;
    o->certificate.request_len = strlen(text);
    return ERR_OK;
}

static enum err sign(const struct request *rq, const struct service *svc, struct order *o,
                     json_t **out)
{
    const char *id = request_var(rq, "id");
    struct authority_record authority;
    struct certificate_info info;
    struct buf key, certificate;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    buf_init(&certificate, LIMIT_PEM_BYTES);
    enum err e = store_authority_get(svc->store, id, &authority);
    if (!e) e = store_authority_key(svc->store, id, &key);
    if (!e) e = find_request(svc, o);
    if (!e)
        e = authority_sign(authority.certificate_pem, buf_str(&key), key.len, &o->certificate,
                           &certificate, &info);
    if (!e)
        *out = described_with(&info, json_pack("{s:s, s:s}", "certificate", buf_str(&certificate),
                                               "root_ca", authority.certificate_pem));
    authority_record_dispose(&authority);
    buf_dispose(&key);
    buf_dispose(&certificate);
    return e;
}

struct reply handle_authority_sign(struct request *rq, const struct service *svc)
{
    struct field_errors errors = {.count = 0};
    json_t *certificate = NULL;
    struct reply r;
    struct order *o = calloc(1, sizeof *o);
    if (!o) {
        err_set(ERR_MEM, "out of memory");
        return reply_error(rq);
    }
    if (read_order(rq, o, &errors))
        r = reply_fields(rq, &errors);
    else if (sign(rq, svc, o, &certificate))
        r = reply_content_error(rq);
    else
        r = reply_json(200, certificate);
    csr_record_dispose(&o->ours);
    free(o);
    return r;
}
