#include "service/register/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/pki/changes.h"
#include "service/store/text.h"

static json_t *time_of(int64_t unix_s)
{
    char buffer[CLOCK_TEXT];
    return unix_s ? json_string(clock_format(unix_s * 1000, buffer)) : json_null();
}

json_t *kept_checks_json(const struct check_list *checks)
{
    json_t *list = json_array();
    for (size_t i = 0; i < checks->count; i++) {
        const struct check *c = &checks->items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "name", c->name, "verdict",
                                              check_verdict_name(c->verdict), "code",
                                              text_json_or_null(c->code), "detail",
                                              text_json(c->detail)));
    }
    return list;
}

static json_t *changes_json(unsigned changes)
{
    struct change list[CHANGES_MAX];
    size_t n = changes_list(changes, list);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            out, json_pack("{s:s, s:s}", "code", list[i].code, "detail", list[i].text));
    return out;
}

json_t *kept_info_json(const struct credential_info *info)
{
    json_t *root = json_pack("{s:o, s:s}", "subject", text_json(info->root_subject),
                             "fingerprint_sha256", info->root_fingerprint_sha256);
    return json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:o, s:o}", "subject",
                     text_json(info->subject), "issuer", text_json(info->issuer), "common_name",
                     text_json_or_null(info->common_name), "serial", info->serial_hex,
                     "fingerprint_sha256", info->fingerprint_sha256, "key_sha256", info->key_sha256,
                     "key_type", info->key_type, "not_before", time_of(info->not_before_unix_s),
                     "not_after", time_of(info->not_after_unix_s), "chain_length",
                     (json_int_t)info->chain_length, "root", root, "changes",
                     changes_json(info->changes));
}

/* What GET answers; made once, and kept as text. */
static char *describe(const struct credential_record *r, const struct kept_input *in)
{
    char created[CLOCK_TEXT];
    json_t *meta =
        json_pack("{s:s, s:s}", "id", r->id, "created_at", clock_format(r->created_ms, created));
    json_t *info = kept_info_json(credential_info(in->credential));
    char *out = NULL;
    if (json_object_update(meta, info) == 0 &&
        json_object_set_new(meta, "checks", kept_checks_json(in->checks)) == 0)
        out = json_dumps(meta, JSON_COMPACT);
    json_decref(info);
    json_decref(meta);
    return out;
}

enum err credential_keep(struct store *s, const struct kept_input *in,
                         struct credential_duplicate *duplicate, struct credential_record *out)
{
    size_t key_len, n;
    const struct credential_info *info = credential_info(in->credential);
    const char *key = credential_pem(in->credential, CREDENTIAL_KEY, &key_len);
    *out = (struct credential_record){.created_ms = clock_now_ms()};
    if (in->id)
        snprintf(out->id, sizeof out->id, "%s", in->id);
    else
        id_new("cred", out->id);
    snprintf(out->fingerprint_sha256, sizeof out->fingerprint_sha256, "%s",
             info->fingerprint_sha256);
    snprintf(out->key_sha256, sizeof out->key_sha256, "%s", info->key_sha256);
    out->certificate_pem = strdup(credential_pem(in->credential, CREDENTIAL_CERTIFICATE, &n));
    out->root_ca_pem = strdup(credential_pem(in->credential, CREDENTIAL_ROOT_CA, &n));
    out->meta_json = describe(out, in);
    if (!out->certificate_pem || !out->root_ca_pem || !out->meta_json)
        return err_set(ERR_MEM, "out of memory");
    return store_credential_add(s, out, key, key_len, duplicate);
}
