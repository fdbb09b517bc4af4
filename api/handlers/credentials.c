/* credentials: certificates and keys come in; only what is public goes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/handlers/files.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/pki/credential.h"

/* ?allow=chain_to_root,validity: checks that may only warn. */
static enum err read_rules(const struct request *rq, struct credential_rules *rules)
{
    const char *s = request_query(rq, "allow");
    *rules = (struct credential_rules){.now_unix_s = clock_now_ms() / 1000};
    while (s && *s) {
        size_t n = strcspn(s, ",");
        if (n == 13 && strncmp(s, "chain_to_root", n) == 0)
            rules->allow_unrelated_ca = true;
        else if (n == 8 && strncmp(s, "validity", n) == 0)
            rules->allow_dates = true;
        else
            return err_fail(ERR_ARG, "bad_query", "Write allow=chain_to_root,validity.",
                            "query parameter allow names a check that cannot be allowed");
        s += n + (s[n] == ',');
    }
    return ERR_OK;
}

/* Read and judge what was sent.
 * @param refusal_out  the reply when that went wrong; not for a credential that failed its checks
 * @return false: answer with *refusal_out */
static bool judge(struct request *rq, struct check_list *checks, struct credential **c,
                  struct reply *refusal_out)
{
    struct credential_rules rules;
    struct files files = {.count = 0};
    struct field_errors errors = {.count = 0};
    enum err e = read_rules(rq, &rules);
    if (!e) e = files_read_credential(rq, &files, &errors);
    bool read = !e;
    if (read) e = credential_read(files.inputs, files.count, &rules, checks, c);
    bool judged = read && (!e || e == ERR_CRYPTO);
    if (!judged) *refusal_out = reply_fields(rq, &errors);
    files_dispose(&files);
    return judged;
}

struct reply handle_credential_validate(struct request *rq, const struct service *svc)
{
    struct check_list checks = {.count = 0};
    struct credential *c = NULL;
    struct reply refusal;
    (void)svc;
    if (!judge(rq, &checks, &c, &refusal)) return refusal;
    json_t *meta = c ? json_out_credential(credential_info(c)) : json_null();
    struct reply r = reply_json(200, json_pack("{s:b, s:o, s:o}", "valid", c != NULL, "checks",
                                               json_out_checks(&checks), "credential", meta));
    credential_free(c);
    return r;
}

/* What GET answers; made once, and kept as text. */
static json_t *describe(const struct credential_record *r, const struct credential *c,
                        const struct check_list *checks)
{
    json_t *meta = json_pack("{s:s, s:o}", "id", r->id, "created_at", json_time(r->created_ms));
    json_t *info = json_out_credential(credential_info(c));
    if (json_object_update(meta, info) != 0 ||
        json_object_set_new(meta, "checks", json_out_checks(checks)) != 0) {
        json_decref(meta);
        meta = NULL;
    }
    json_decref(info);
    return meta;
}

static enum err keep(const struct service *svc, const struct credential *c,
                     const struct check_list *checks, struct credential_record *r, json_t **meta)
{
    size_t key_len, n;
    const struct credential_info *info = credential_info(c);
    const char *key = credential_pem(c, CREDENTIAL_KEY, &key_len);
    id_new("cred", r->id);
    r->created_ms = clock_now_ms();
    snprintf(r->fingerprint_sha256, sizeof r->fingerprint_sha256, "%s", info->fingerprint_sha256);
    snprintf(r->key_sha256, sizeof r->key_sha256, "%s", info->key_sha256);
    r->certificate_pem = strdup(credential_pem(c, CREDENTIAL_CERTIFICATE, &n));
    r->root_ca_pem = strdup(credential_pem(c, CREDENTIAL_ROOT_CA, &n));
    *meta = describe(r, c, checks);
    r->meta_json = *meta ? json_dumps(*meta, JSON_COMPACT) : NULL;
    if (!r->certificate_pem || !r->root_ca_pem || !r->meta_json)
        return err_set(ERR_MEM, "out of memory");
    return store_credential_add(svc->store, r, key, key_len);
}

struct reply handle_credential_create(struct request *rq, const struct service *svc)
{
    struct check_list checks = {.count = 0};
    struct credential *c = NULL;
    struct credential_record record = {.id = ""};
    json_t *meta = NULL;
    struct reply r;
    if (!judge(rq, &checks, &c, &r)) return r;
    if (!c) return reply_problem(rq, 422, "checks", json_out_checks(&checks));
    if (keep(svc, c, &checks, &record, &meta) == ERR_OK) {
        r = reply_json(201, meta);
        meta = NULL;
        reply_header(&r, "Location", "/v1/credentials/%s", record.id);
    } else {
        r = reply_error(rq);
    }
    json_decref(meta);
    credential_record_dispose(&record);
    credential_free(c);
    return r;
}

static bool is_cred(const char *text)
{
    return request_is_id_of(text, "cred_");
}

struct reply handle_credential_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct credential_record *list = NULL;
    size_t n;
    if (request_page(rq, is_cred, &page) || store_credential_list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, json_loads(list[i].meta_json, 0, NULL));
        credential_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "credential_not_found", NULL, "there is no credential %s", id);
}

struct reply handle_credential_get(struct request *rq, const struct service *svc)
{
    struct credential_record record = {.id = ""};
    const char *id = request_var(rq, "id");
    enum err e = request_is_id(id) ? store_credential_get(svc->store, id, &record) : not_found(id);
    if (e) return reply_error(rq);
    struct reply r = reply_json(200, json_loads(record.meta_json, 0, NULL));
    credential_record_dispose(&record);
    return r;
}

struct reply handle_credential_delete(struct request *rq, const struct service *svc)
{
    const char *id = request_var(rq, "id");
    enum err e = request_is_id(id) ? store_credential_delete(svc->store, id) : not_found(id);
    return e ? reply_error(rq) : reply_empty(204);
}
