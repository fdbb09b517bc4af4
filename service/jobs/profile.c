#include "service/jobs/profile.h"

#include <stdio.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/jobs/command.h"

/* Objects of which an order may say one member and a profile another. For the first two the member
 * that says for where their password is. */
static const struct {
    const char *name, *place;
} parts[] = {{"wifi", "ssid"}, {"mqtt", "host"}, {"time", NULL}};

enum { PARTS = sizeof parts / sizeof *parts, SECRETS = 2 };

static bool is_same_place(size_t which, const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, parts[which].place),
                      json_object_get(b, parts[which].place));
}

static int append(const char *text, size_t n, void *arg)
{
    return buf_append(arg, text, n) == ERR_OK ? 0 : -1;
}

static enum err print(const json_t *value, struct buf *out)
{
    if (value && json_dump_callback(value, append, out, JSON_COMPACT) == 0) return ERR_OK;
    return buf_ok(out) ? buf_ok(out) : err_set(ERR_MEM, "out of memory");
}

/* --- what is kept --- */

static json_t *settings_of(const struct named_settings *r)
{
    return r ? json_loads(r->settings_json, 0, NULL) : NULL;
}

/* "password_set" is what was shown instead of the password: sent back, it means the same one. But
 * never for another network or host, where somebody may wait for it who must not have it. */
static void put_password_back(size_t which, json_t *settings, const json_t *former,
                              struct field_errors *errors)
{
    json_t *mine = json_object_get(settings, parts[which].name);
    const json_t *kept = json_object_get(former, parts[which].name);
    const json_t *set = json_object_get(mine, "password_set");
    json_t *password = json_object_get(kept, "password");
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/%s/password_set", parts[which].name);
    if (!set) return;
    if (!json_is_boolean(set))
        field_errors_add(errors, pointer, "must be true or false");
    else if (json_is_true(set) && json_object_get(mine, "password"))
        field_errors_add(errors, pointer, "goes without \"password\": it stands for the kept one");
    else if (json_is_true(set) && (!password || !is_same_place(which, mine, kept)))
        field_errors_add(errors, pointer,
                         "cannot be true: no password is kept for this %s; send it",
                         parts[which].place);
    else if (json_is_true(set))
        json_object_set(mine, "password", password);
    json_object_del(mine, "password_set");
}

enum err profile_make(const char *name, json_t *settings, const struct named_settings *former,
                      struct named_settings *out, struct field_errors *errors)
{
    struct buf text;
    json_t *kept = settings_of(former);
    named_settings_begin(name, former, out);
    for (size_t i = 0; i < SECRETS; i++)
        put_password_back(i, settings, kept, errors);
    json_decref(kept);
    const json_t *mqtt = json_object_get(settings, "mqtt");
    if (json_object_get(mqtt, "password") && !json_object_get(mqtt, "host"))
        field_errors_add(errors, "/mqtt/host",
                         "is required with \"password\": it goes nowhere else");
    enum err e = command_judge_settings(settings, errors);
    if (e) return e;
    buf_init_secret(&text, LIMIT_JSON_BODY);
    e = print(settings, &text);
    if (!e) out->settings_json = strdup(buf_str(&text));
    if (!e && !out->settings_json) e = err_set(ERR_MEM, "out of memory");
    buf_dispose(&text);
    return e;
}

json_t *profile_to_json(const struct named_settings *r)
{
    char time[CLOCK_TEXT];
    json_t *settings = settings_of(r);
    for (size_t i = 0; i < SECRETS; i++) {
        json_t *part = json_object_get(settings, parts[i].name);
        size_t n = json_string_length(json_object_get(part, "password"));
        json_object_del(part, "password");
        if (part) json_object_set_new(part, "password_set", json_boolean(n > 0));
    }
    return json_pack("{s:s, s:s, s:o}", "name", r->name, "changed_at",
                     clock_format(r->changed_ms, time), "settings", settings);
}

/* --- what an order becomes --- */

/* Where the order goes elsewhere than the profile, the profile's password stays behind, and the
 * name that goes with it. */
static void fill_part(size_t which, json_t *own, json_t *theirs)
{
    if (which < SECRETS && json_object_get(theirs, "password") &&
        json_object_get(own, parts[which].place) && !is_same_place(which, own, theirs)) {
        json_object_del(theirs, "username");
        json_object_del(theirs, "password");
    }
    json_object_update_missing(own, theirs);
}

static void fill(const char *name, json_t *own, json_t *theirs)
{
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(name, parts[i].name) == 0) fill_part(i, own, theirs);
}

/* A credential that the order brings is for the board, unless it is what is to be registered. */
static bool takes_brought(const json_t *cloud)
{
    const char *way = json_string_value(json_object_get(cloud, "certificate"));
    return way && strcmp(way, registration_way_names[WAY_OWN]) == 0 &&
           !json_object_get(cloud, "authority");
}

/* A recipe is for orders of several kinds: what this one cannot use stays out of it. */
static bool is_of_use(const json_t *order, enum command_kind kind, const char *name,
                      const json_t *value)
{
    bool brings = json_object_get(order, "credential") != NULL;
    if (!command_has_field(kind, name)) return false;
    if (strcmp(name, "cloud") == 0) return kind == COMMAND_CHECK || !brings || takes_brought(value);
    if (strcmp(name, "level") == 0 && strcmp(json_string_value(value), "none") == 0) return false;
    if (strcmp(name, "firmware") == 0 && json_object_get(order, "images")) return false;
    bool with_credential = strcmp(name, "target") == 0 || strcmp(name, "host_check") == 0;
    return !with_credential || brings || kind == COMMAND_PROVISION;
}

/* A check asks the cloud, and registers nothing: it wants the name alone. */
static json_t *of_kind(enum command_kind kind, const char *field, json_t *value)
{
    bool name = kind == COMMAND_CHECK && strcmp(field, "cloud") == 0 && json_is_object(value);
    return name ? json_object_get(value, "name") : value;
}

static void merge(json_t *order, enum command_kind kind, json_t *settings)
{
    const char *name;
    json_t *value;
    json_object_foreach(settings, name, value)
    {
        const char *field = kind == COMMAND_CHECK && strcmp(name, "check") == 0 ? "level" : name;
        json_t *own = json_object_get(order, field);
        if (!is_of_use(order, kind, field, value)) continue;
        if (!own)
            json_object_set(order, field, of_kind(kind, field, value));
        else
            fill(field, own, value);
    }
}

static enum err add_profile(struct store *s, const char *name, enum command_kind kind,
                            json_t *order)
{
    struct named_settings r;
    enum err e = store_profile_get(s, name, &r);
    if (e) return e;
    json_t *settings = settings_of(&r);
    if (settings)
        merge(order, kind, settings);
    else
        e = err_set(ERR_INTERNAL, "the profile \"%s\" cannot be read", name);
    json_decref(settings);
    named_settings_dispose(&r);
    return e;
}

enum err profile_apply(struct store *s, const char *order, size_t n, struct buf *out)
{
    enum command_kind kind;
    json_t *body;
    enum err e = json_in_text(order, n, &body);
    if (e) return e;
    const char *name = json_string_value(json_object_get(body, "profile"));
    if (name && id_is_name(name, sizeof((struct named_settings *)0)->name - 1) &&
        command_find_kind(body, &kind) && command_has_field(kind, "profile"))
        e = add_profile(s, name, kind, body);
    if (!e) e = print(body, out);
    json_decref(body);
    return e;
}
