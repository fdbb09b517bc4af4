/* credentials: certificates and keys come in; only what is public goes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/handlers/files.h"
#include "api/handlers/intake.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/pki/credential.h"
#include "service/pki/inspect.h"
#include "service/register/kept.h"

/* ?allow=chain_to_root,validity,duplicate_key: what would be refused without. */
enum err intake_begin(const struct request *rq, struct intake *out)
{
    *out = (struct intake){.rules = {.now_unix_s = clock_now_ms() / 1000}};
    const struct {
        const char *name;
        bool *out;
    } names[] = {
        {"chain_to_root", &out->rules.allow_unrelated_ca},
        {"validity", &out->rules.allow_dates},
        {"duplicate_key", &out->duplicate.allowed},
    };
    const size_t count = sizeof names / sizeof *names;
    const char *s = request_query(rq, "allow");
    while (s && *s) {
        size_t n = strcspn(s, ","), i = 0;
        while (i < count && (strlen(names[i].name) != n || strncmp(s, names[i].name, n) != 0))
            i++;
        if (i == count)
            return err_fail(ERR_ARG, "bad_query",
                            "Write allow=chain_to_root,validity,duplicate_key, or one of them.",
                            "query parameter allow names what cannot be allowed");
        *names[i].out = true;
        s += n + (s[n] == ',');
    }
    return ERR_OK;
}

static enum err read_all(const struct files *files, const struct credential_input *more, size_t n,
                         struct intake *out)
{
    struct credential_input *all = calloc(files->count + n + 1, sizeof *all);
    if (!all) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; i < files->count + n; i++)
        all[i] = i < files->count ? files->inputs[i] : more[i - files->count];
    enum err e = credential_read(all, files->count + n, &out->rules, &out->checks, &out->c);
    free(all);
    return e;
}

bool intake_judge(const struct request *rq, const struct credential_input *more, size_t n,
                  struct intake *out, struct reply *refusal_out)
{
    struct files files = {.count = 0};
    struct field_errors errors = {.count = 0};
    enum err e = intake_begin(rq, out);
    if (!e) e = files_read_credential(rq, &files, &errors);
    bool read = !e;
    if (files.password.len) out->rules.password = buf_str(&files.password);
    if (read) e = read_all(&files, more, n, out);
    bool judged = read && (!e || e == ERR_CRYPTO);
    if (!judged) *refusal_out = reply_fields(rq, &errors);
    out->rules.password = NULL;
    files_dispose(&files);
    return judged;
}

struct reply handle_credential_validate(struct request *rq, const struct service *svc)
{
    struct intake in;
    struct reply refusal;
    (void)svc;
    if (!intake_judge(rq, NULL, 0, &in, &refusal)) return refusal;
    json_t *meta = in.c ? kept_info_json(credential_info(in.c)) : json_null();
    struct reply r = reply_json(200, json_pack("{s:b, s:o, s:o}", "valid", in.c != NULL, "checks",
                                               kept_checks_json(&in.checks), "credential", meta));
    credential_free(in.c);
    return r;
}

/* What was described, and what has become of it since. */
static json_t *present(const struct credential_record *r)
{
    json_t *meta = json_loads(r->meta_json, 0, NULL);
    if (meta) json_object_set_new(meta, "key_purged_at", json_time(r->purged_ms));
    return meta;
}

struct reply intake_reply(const struct request *rq, const struct service *svc, struct intake *in,
                          bool *kept)
{
    struct credential_record record = {.id = ""};
    struct reply r;
    *kept = false;
    if (!in->c) return reply_problem(rq, 422, "checks", kept_checks_json(&in->checks));
    const struct kept_input judged = {.credential = in->c, .checks = &in->checks};
    if (credential_keep(svc->store, &judged, &in->duplicate, &record) == ERR_OK) {
        *kept = true;
        r = reply_json(201, present(&record));
        reply_header(&r, "Location", "/v1/credentials/%s", record.id);
    } else if (in->duplicate.earlier[0]) {
        r = reply_problem(rq, 409, "earlier", json_string(in->duplicate.earlier));
    } else {
        r = reply_error(rq);
    }
    credential_record_dispose(&record);
    credential_free(in->c);
    return r;
}

/* ?certificate=: the fingerprint of the one that is meant, where the files are those of many. */
static enum err check_fingerprint(const char *text)
{
    if (digest_is_sha256(text)) return ERR_OK;
    return err_fail(ERR_ARG, "bad_query",
                    "Take fingerprint_sha256 of what /v1/credentials/inspect finds in the files.",
                    "query parameter certificate is not %d lower-case hexadecimal digits",
                    SHA256_HEX - 1);
}

static bool judge_one_of(struct request *rq, const char *fingerprint, struct intake *out,
                         struct reply *refusal_out)
{
    struct inspection *s;
    size_t set;
    if (check_fingerprint(fingerprint)) {
        *refusal_out = reply_error(rq);
        return false;
    }
    if (!intake_inspect(rq, out, &s, refusal_out)) return false;
    bool found = inspect_find(s, fingerprint, &set) == ERR_OK;
    enum err e = found ? inspect_judge(s, set, &out->rules, &out->checks, &out->c) : ERR_OK;
    bool judged = found && (!e || e == ERR_CRYPTO);
    if (!judged) *refusal_out = reply_error(rq);
    inspect_free(s);
    return judged;
}

struct reply handle_credential_create(struct request *rq, const struct service *svc)
{
    struct intake in;
    struct reply r;
    bool kept;
    const char *one = request_query(rq, "certificate");
    bool judged = one ? judge_one_of(rq, one, &in, &r) : intake_judge(rq, NULL, 0, &in, &r);
    return judged ? intake_reply(rq, svc, &in, &kept) : r;
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
        json_array_append_new(items, present(&list[i]));
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
    struct reply r = reply_json(200, present(&record));
    credential_record_dispose(&record);
    return r;
}

struct reply handle_credential_delete(struct request *rq, const struct service *svc)
{
    const char *id = request_var(rq, "id");
    enum err e = request_is_id(id) ? store_credential_delete(svc->store, id) : not_found(id);
    return e ? reply_error(rq) : reply_empty(204);
}
