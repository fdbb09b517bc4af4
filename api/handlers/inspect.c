/* inspect: a drop of files of many boards: what each one is, and every credential among them. */
#include <string.h>

#include "api/handlers.h"
#include "api/handlers/files.h"
#include "api/handlers/intake.h"
#include "api/json_out.h"
#include "service/pki/inspect.h"
#include "service/register/kept.h"

static void put_text(json_t *object, const char *name, const char *text)
{
    if (*text) json_object_set_new(object, name, json_text(text));
}

static json_t *content_json(const struct inspect_content *c)
{
    json_t *out = json_pack("{s:s}", "kind", inspect_kind_name(c->kind));
    put_text(out, "subject", c->subject);
    put_text(out, "common_name", c->common_name);
    put_text(out, "fingerprint_sha256", c->fingerprint_sha256);
    put_text(out, "key_sha256", c->key_sha256);
    put_text(out, "key_type", c->key_type);
    if (c->not_after_unix_s)
        json_object_set_new(out, "not_after", json_time(c->not_after_unix_s * 1000));
    put_text(out, "detail", c->detail);
    return out;
}

static json_t *file_json(const struct inspect_file *f)
{
    json_t *contents = json_array();
    for (size_t i = 0; i < f->content_count; i++)
        json_array_append_new(contents, content_json(&f->contents[i]));
    return json_pack("{s:o, s:I, s:I, s:o}", "name", json_text(f->name), "part",
                     (json_int_t)f->part, "size", (json_int_t)f->size, "contents", contents);
}

/* What an answer is made of: the one thing that can go wrong on the way is kept. */
struct telling {
    const struct inspection *s;
    const struct credential_rules *rules;
    struct store *store;
    enum err e;
};

static json_t *set_json(struct telling *t, const struct inspect_set *set, size_t at)
{
    char earlier[ID_TEXT];
    struct check_list checks;
    struct credential *c = NULL;
    json_t *files = json_array();
    for (size_t i = 0; i < set->file_count; i++)
        json_array_append_new(files, json_integer((json_int_t)set->files[i]));
    enum err judged = inspect_judge(t->s, at, t->rules, &checks, &c);
    if (judged && judged != ERR_CRYPTO) t->e = judged;
    enum err e = store_credential_find(t->store, set->fingerprint_sha256, earlier);
    if (e) t->e = e;
    json_t *out = json_pack("{s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "common_name",
                            json_text_or_null(set->common_name), "fingerprint_sha256",
                            set->fingerprint_sha256, "mac", json_text_or_null(set->mac), "files",
                            files, "valid", c != NULL, "checks", kept_checks_json(&checks),
                            "credential", c ? kept_info_json(credential_info(c)) : json_null(),
                            "earlier", json_text_or_null(earlier));
    credential_free(c);
    return out;
}

static json_t *sets_json(struct telling *t)
{
    size_t n;
    const struct inspect_set *sets = inspect_sets(t->s, &n);
    json_t *out = json_array();
    for (size_t i = 0; !t->e && i < n; i++)
        json_array_append_new(out, set_json(t, &sets[i], i));
    return out;
}

/* What is missing, where there is not even one. */
static json_t *checks_json(struct telling *t)
{
    size_t n;
    struct check_list checks = {.count = 0};
    struct credential *c = NULL;
    (void)inspect_sets(t->s, &n);
    enum err e = n ? ERR_OK : inspect_judge(t->s, 0, t->rules, &checks, &c);
    if (e && e != ERR_CRYPTO) t->e = e;
    credential_free(c);
    return kept_checks_json(&checks);
}

static json_t *inspection_json(struct telling *t)
{
    size_t n;
    const struct inspect_file *list = inspect_files(t->s, &n);
    json_t *files = json_array(), *unused = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(files, file_json(&list[i]));
        if (!list[i].used) json_array_append_new(unused, json_integer((json_int_t)i));
    }
    json_t *sets = sets_json(t), *checks = checks_json(t);
    return json_pack("{s:o, s:o, s:o, s:o}", "files", files, "sets", sets, "unused", unused,
                     "checks", checks);
}

bool intake_inspect(struct request *rq, struct intake *out, struct inspection **s_out,
                    struct reply *refusal_out)
{
    struct files files = {.count = 0};
    struct field_errors errors = {.count = 0};
    *s_out = NULL;
    enum err e = intake_begin(rq, out);
    if (!e) e = files_read_drop(rq, &files, &errors);
    if (!e)
        e = inspect_read(files.inputs, files.count,
                         files.password.len ? buf_str(&files.password) : NULL, s_out);
    files_dispose(&files);
    if (e) *refusal_out = reply_fields(rq, &errors);
    return !e;
}

struct reply handle_credential_inspect(struct request *rq, const struct service *svc)
{
    struct intake in;
    struct reply refusal;
    struct inspection *s;
    if (!intake_inspect(rq, &in, &s, &refusal)) return refusal;
    struct telling t = {.s = s, .rules = &in.rules, .store = svc->store};
    json_t *body = inspection_json(&t);
    inspect_free(s);
    if (!t.e) return reply_json(200, body);
    json_decref(body);
    return reply_error(rq);
}
