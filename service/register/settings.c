#include "service/register/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/cloud/https_post.h"
#include "service/cloud/iot_endpoint.h"

enum { MQTT_PORT = 8883, HTTPS_PORT = 8443, RATE_PERCENT = 80 };

static const char *const from_names[] = {
    [KEYS_FROM_REQUEST] = "request", [KEYS_FROM_ENVIRONMENT] = "environment",
    [KEYS_FROM_FILE] = "file",       [KEYS_FROM_PROVIDER] = "credential_provider",
    [KEYS_FROM_NONE] = "none",       NULL,
};

/* What is shown instead of a secret. */
static const struct {
    const char *secret, *set;
} secrets[] = {{"secret_access_key", "secret_access_key_set"},
               {"session_token", "session_token_set"}};

enum { SECRETS = sizeof secrets / sizeof *secrets };

const char *cloud_keys_from_name(enum cloud_keys_from from)
{
    return from_names[from];
}

void cloud_settings_free(struct cloud_settings *s)
{
    if (s) explicit_bzero(s, sizeof *s);
    free(s);
}

void cloud_view_dispose(struct cloud_view *v)
{
    free(v->data_root_ca);
    *v = (struct cloud_view){.name = ""};
}

/* --- a secret that stays --- */

/* Never for another account or host, where somebody may wait for it who must not have it. */
static bool is_same_account(const json_t *a, const json_t *b)
{
    const json_t *ours = json_object_get(a, "keys"), *theirs = json_object_get(b, "keys");
    const json_t *to = json_object_get(json_object_get(a, "control"), "endpoint");
    const json_t *was = json_object_get(json_object_get(b, "control"), "endpoint");
    return json_equal(json_object_get(ours, "access_key_id"),
                      json_object_get(theirs, "access_key_id")) &&
           (to == was || json_equal(to, was));
}

static void put_secret_back(size_t which, json_t *settings, const json_t *former,
                            struct field_errors *errors)
{
    const char *name = secrets[which].secret;
    json_t *keys = json_object_get(settings, "keys");
    json_t *kept = json_object_get(json_object_get(former, "keys"), name);
    const json_t *set = json_object_get(keys, secrets[which].set);
    const char *from = json_string_value(json_object_get(keys, "from"));
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/keys/%s", secrets[which].set);
    if (!set || !from || strcmp(from, from_names[KEYS_FROM_REQUEST]) != 0) return;
    if (!json_is_boolean(set))
        field_errors_add(errors, pointer, "must be true or false");
    else if (json_is_true(set) && json_object_get(keys, name))
        field_errors_add(errors, pointer, "goes without \"%s\": it stands for the kept one", name);
    else if (json_is_true(set) && (!kept || !is_same_account(settings, former)))
        field_errors_add(errors, pointer,
                         "cannot be true: nothing is kept for this access_key_id and control "
                         "endpoint; send it");
    else if (json_is_true(set))
        json_object_set(keys, name, kept);
    json_object_del(keys, secrets[which].set);
}

/* --- reading --- */

struct reader {
    struct cloud_settings *to;
    struct field_errors *errors;
    struct err_info address; /* what is wrong with one: its code tells more than bad_body */
};

static bool read_fields(struct reader *r, const json_t *object, const char *at,
                        const struct json_field *fields)
{
    size_t before = r->errors->count;
    json_in(object, at, fields, r->errors);
    return r->errors->count == before;
}

static void judge_address(struct reader *r, enum err e, const char *pointer)
{
    if (!e) return;
    r->address = *err_last();
    field_errors_add(r->errors, pointer, "%s", r->address.detail);
}

static void judge_ca(struct reader *r, const char *pem, const char *pointer)
{
    if (pem[0]) judge_address(r, post_ca_check(pem), pointer);
}

/* Nothing that would end a header field, a part of an address or a line of a file. */
static void judge_word(struct reader *r, const char *text, const char *besides, const char *pointer)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (; *text; text++)
        if (!strchr(letters, *text) && !strchr(besides, *text)) break;
    if (*text)
        field_errors_add(r->errors, pointer, "may hold letters, digits and %s only", besides);
}

static void read_given(struct reader *r, const json_t *keys)
{
    struct aws_keys *k = &r->to->keys;
    const struct json_field fields[] = {
        JSON_CHOICE("from", &(int){0}, JSON_REQUIRED, from_names),
        JSON_STR("access_key_id", k->access_key_id, JSON_REQUIRED, 16, AWS_KEY_ID - 1),
        JSON_STR("secret_access_key", k->secret_access_key, JSON_REQUIRED, 1, AWS_SECRET - 1),
        JSON_STR("session_token", k->session_token, JSON_OPTIONAL, 1, AWS_TOKEN - 1),
        JSON_FIELDS_END,
    };
    read_fields(r, keys, "/keys", fields);
    judge_word(r, k->access_key_id, "_", "/keys/access_key_id");
    judge_word(r, k->secret_access_key, "/+=_-", "/keys/secret_access_key");
    judge_word(r, k->session_token, "/+=_-.:%", "/keys/session_token");
}

static void read_file(struct reader *r, const json_t *keys)
{
    char *profile = r->to->profile;
    const struct json_field fields[] = {
        JSON_CHOICE("from", &(int){0}, JSON_REQUIRED, from_names),
        JSON_STR("profile", profile, JSON_OPTIONAL, 1, sizeof r->to->profile - 1),
        JSON_FIELDS_END,
    };
    read_fields(r, keys, "/keys", fields);
    judge_word(r, profile, "_-.@:+/", "/keys/profile");
}

static void read_provider(struct reader *r, const json_t *keys)
{
    struct cloud_provider *p = &r->to->provider;
    const struct json_field fields[] = {
        JSON_CHOICE("from", &(int){0}, JSON_REQUIRED, from_names),
        JSON_STR("endpoint", p->endpoint, JSON_REQUIRED, 1, sizeof p->endpoint - 1),
        JSON_STR("role_alias", p->role_alias, JSON_REQUIRED, 1, sizeof p->role_alias - 1),
        JSON_STR("thing", p->thing, JSON_REQUIRED, 1, sizeof p->thing - 1),
        JSON_STR("credential", p->credential, JSON_REQUIRED, 1, sizeof p->credential - 1),
        JSON_FIELDS_END,
    };
    if (!read_fields(r, keys, "/keys", fields)) return;
    judge_word(r, p->role_alias, "_=,@-", "/keys/role_alias");
    judge_word(r, p->thing, ":_-", "/keys/thing");
    judge_word(r, p->credential, "_", "/keys/credential");
    judge_address(r, iot_provider_check(p->endpoint), "/keys/endpoint");
}

static void read_keys(struct reader *r, const json_t *keys)
{
    int from = KEYS_FROM_NONE;
    const struct json_field alone[] = {
        JSON_CHOICE("from", &from, JSON_REQUIRED, from_names),
        JSON_FIELDS_END,
    };
    const char *name = json_string_value(json_object_get(keys, "from"));
    for (int i = 0; name && from_names[i]; i++)
        if (strcmp(name, from_names[i]) == 0) from = i;
    r->to->keys_from = (enum cloud_keys_from)from;
    switch (r->to->keys_from) {
    case KEYS_FROM_REQUEST:
        read_given(r, keys);
        return;
    case KEYS_FROM_FILE:
        read_file(r, keys);
        return;
    case KEYS_FROM_PROVIDER:
        read_provider(r, keys);
        return;
    case KEYS_FROM_ENVIRONMENT:
    case KEYS_FROM_NONE:
        read_fields(r, keys, "/keys", alone);
        return;
    }
}

static void read_control(struct reader *r, const json_t *control)
{
    struct cloud_settings *s = r->to;
    const struct json_field fields[] = {
        JSON_STR("endpoint", s->control_endpoint, JSON_OPTIONAL, 1, CLOUD_URL - 1),
        JSON_STR("root_ca", s->control_ca, JSON_OPTIONAL, 1, CLOUD_CA - 1),
        JSON_FIELDS_END,
    };
    if (!control || !read_fields(r, control, "/control", fields)) return;
    judge_ca(r, s->control_ca, "/control/root_ca");
    if (s->control_endpoint[0])
        judge_address(r, iot_control_url_check(s->control_endpoint), "/control/endpoint");
}

static void read_data(struct reader *r, const json_t *data)
{
    struct cloud_settings *s = r->to;
    int64_t mqtt_port = MQTT_PORT, https_port = HTTPS_PORT;
    const struct json_field fields[] = {
        JSON_STR("endpoint", s->data_endpoint, JSON_OPTIONAL, 1, CLOUD_ENDPOINT - 1),
        JSON_INT("mqtt_port", &mqtt_port, JSON_OPTIONAL, 1, UINT16_MAX),
        JSON_INT("https_port", &https_port, JSON_OPTIONAL, 1, UINT16_MAX),
        JSON_STR("root_ca", s->data_ca, JSON_OPTIONAL, 1, CLOUD_CA - 1),
        JSON_FIELDS_END,
    };
    bool good = !data || read_fields(r, data, "/data", fields);
    s->mqtt_port = (int)mqtt_port;
    s->https_port = (int)https_port;
    if (!good) return;
    judge_ca(r, s->data_ca, "/data/root_ca");
    if (s->data_endpoint[0])
        judge_address(r, iot_data_endpoint_check(s->data_endpoint, s->region), "/data/endpoint");
}

static void read_parts(struct reader *r, const json_t *settings)
{
    static const char *const providers[] = {"aws", NULL};
    struct cloud_settings *s = r->to;
    json_t *keys = NULL, *control = NULL, *data = NULL;
    int64_t rate = RATE_PERCENT;
    const struct json_field fields[] = {
        JSON_CHOICE("provider", &(int){0}, JSON_REQUIRED, providers),
        JSON_STR("region", s->region, JSON_REQUIRED, 1, AWS_REGION - 1),
        JSON_OBJECT_AT("keys", &keys, JSON_REQUIRED),
        JSON_OBJECT_AT("control", &control, JSON_OPTIONAL),
        JSON_OBJECT_AT("data", &data, JSON_OPTIONAL),
        JSON_INT("rate", &rate, JSON_OPTIONAL, 1, 100),
        JSON_FIELDS_END,
    };
    read_fields(r, settings, "", fields);
    s->rate_percent = (unsigned)rate;
    if (s->region[0] && !iot_region_is_valid(s->region))
        field_errors_add(r->errors, "/region", "is not a region's name, such as us-east-2");
    if (keys) read_keys(r, keys);
    read_control(r, control);
    read_data(r, data);
}

static enum err read_settings(const json_t *settings, struct cloud_settings **out,
                              struct field_errors *errors)
{
    struct cloud_settings *s = *out = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    struct reader r = {.to = s, .errors = errors};
    read_parts(&r, settings);
    enum err e = field_errors_result(errors);
    if (!e) return ERR_OK;
    cloud_settings_free(s);
    *out = NULL;
    return errors->count == 1 && r.address.kind ? err_restore(&r.address) : e;
}

static json_t *kept_of(const struct named_settings *r)
{
    return r ? json_loads(r->settings_json, 0, NULL) : NULL;
}

enum err cloud_settings_of(const struct named_settings *r, struct cloud_settings **out)
{
    struct field_errors errors = {.count = 0};
    json_t *kept = kept_of(r);
    enum err e = read_settings(kept, out, &errors);
    json_decref(kept);
    if (!e || e == ERR_MEM) return e;
    return err_fail(ERR_IO, "store_corrupt", "PUT /v1/clouds/{name} sets it up anew.",
                    "the settings of the cloud \"%s\" cannot be read", r->name);
}

/* --- making, showing --- */

/* What was made in the account can be taken away only there. */
static bool has_moved(const json_t *to, const json_t *from)
{
    const json_t *a = json_object_get(to, "control"), *b = json_object_get(from, "control");
    const json_t *there = json_object_get(a, "endpoint"), *before = json_object_get(b, "endpoint");
    return !json_equal(json_object_get(to, "region"), json_object_get(from, "region")) ||
           (there != before && !json_equal(there, before));
}

enum err cloud_make(const char *name, json_t *settings, const struct named_settings *former,
                    struct named_settings *out, bool *moved_out, struct field_errors *errors)
{
    struct cloud_settings *judged;
    json_t *kept = kept_of(former);
    named_settings_begin(name, former, out);
    for (size_t i = 0; i < SECRETS; i++)
        put_secret_back(i, settings, kept, errors);
    *moved_out = kept && has_moved(settings, kept);
    json_decref(kept);
    enum err e = read_settings(settings, &judged, errors);
    cloud_settings_free(judged);
    if (!e) out->settings_json = json_dumps(settings, JSON_COMPACT);
    return e || out->settings_json ? e : err_set(ERR_MEM, "out of memory");
}

json_t *cloud_to_json(const struct named_settings *r)
{
    char time[CLOCK_TEXT];
    json_t *settings = kept_of(r);
    json_t *keys = json_object_get(settings, "keys");
    bool shows = json_object_get(keys, secrets[0].secret) != NULL;
    for (size_t i = 0; shows && i < SECRETS; i++) {
        bool set = json_object_get(keys, secrets[i].secret) != NULL;
        json_object_del(keys, secrets[i].secret);
        json_object_set_new(keys, secrets[i].set, json_boolean(set));
    }
    return json_pack("{s:s, s:s, s:o}", "name", r->name, "changed_at",
                     clock_format(r->changed_ms, time), "settings", settings);
}
