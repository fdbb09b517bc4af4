#include "service/register/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fates[] = {"none", "intent", "made", "found", "unknown"};

/* One member for each thing, so that a stored row can be read by people, too. */
static const struct row {
    const char *name;
    size_t at;
} fate_rows[] = {
    {"thing", offsetof(struct progress, thing)},
    {"policy", offsetof(struct progress, policy)},
    {"certificate", offsetof(struct progress, certificate)},
    {"policy_attached", offsetof(struct progress, policy_attached)},
    {"thing_attached", offsetof(struct progress, thing_attached)},
    {"activated", offsetof(struct progress, activated)},
    {"credential", offsetof(struct progress, credential)},
};
enum { FATE_ROWS = sizeof fate_rows / sizeof *fate_rows };

static enum fate *fate_at(struct progress *p, const struct row *row)
{
    return (enum fate *)((char *)p + row->at);
}

static size_t groups_in_use(const struct progress *p)
{
    size_t n = SPEC_GROUPS;
    while (n > 0 && p->groups[n - 1] == FATE_NONE)
        n--;
    return n;
}

char *progress_to_text(const struct progress *p)
{
    json_t *groups = json_array(), *candidates = json_array();
    for (size_t i = 0; i < groups_in_use(p); i++)
        json_array_append_new(groups, json_string(fates[p->groups[i]]));
    for (size_t i = 0; i < p->candidate_count; i++)
        json_array_append_new(candidates, json_string(p->candidates[i]));
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:s, s:s, s:I, s:I, s:b, s:o}", "endpoint", p->endpoint,
                  "account", p->account, "groups", groups, "certificate_arn", p->certificate_arn,
                  "key_sha256", p->key_sha256, "asked_ms", (json_int_t)p->asked_ms, "last_asked_ms",
                  (json_int_t)p->last_asked_ms, "again", p->again, "candidates", candidates);
    for (size_t i = 0; i < FATE_ROWS; i++)
        json_object_set_new(
            o, fate_rows[i].name,
            json_string(fates[*fate_at((struct progress *)(uintptr_t)p, &fate_rows[i])]));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static bool read_fate(const json_t *value, enum fate *out)
{
    const char *name = json_string_value(value);
    for (unsigned i = 0; name && i < sizeof fates / sizeof *fates; i++) {
        if (strcmp(name, fates[i]) != 0) continue;
        *out = (enum fate)i;
        return true;
    }
    return false;
}

static void read_text(const json_t *o, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(o, name));
    snprintf(out, cap, "%s", text ? text : "");
}

/* A part that cannot be read must not look as if nothing had been made. */
static bool read_parts(const json_t *o, struct progress *out)
{
    const json_t *groups = json_object_get(o, "groups"),
                 *candidates = json_object_get(o, "candidates");
    bool ok = json_array_size(groups) <= SPEC_GROUPS;
    for (size_t i = 0; i < FATE_ROWS; i++)
        ok = ok && read_fate(json_object_get(o, fate_rows[i].name), fate_at(out, &fate_rows[i]));
    for (size_t i = 0; ok && i < json_array_size(groups); i++)
        ok = read_fate(json_array_get(groups, i), &out->groups[i]);
    for (size_t i = 0; i < json_array_size(candidates) && i < PROGRESS_CANDIDATES; i++) {
        const char *id = json_string_value(json_array_get(candidates, i));
        if (id) snprintf(out->candidates[out->candidate_count++], IOT_CERTIFICATE_ID, "%s", id);
    }
    return ok;
}

enum err progress_from_text(const char *text, struct progress *out)
{
    memset(out, 0, sizeof *out);
    json_t *o = json_loads(text, 0, NULL);
    bool empty = json_is_object(o) && json_object_size(o) == 0; /* of a new one */
    bool ok = empty || read_parts(o, out);
    read_text(o, "endpoint", out->endpoint, sizeof out->endpoint);
    read_text(o, "account", out->account, sizeof out->account);
    read_text(o, "certificate_arn", out->certificate_arn, sizeof out->certificate_arn);
    read_text(o, "key_sha256", out->key_sha256, sizeof out->key_sha256);
    out->asked_ms = json_integer_value(json_object_get(o, "asked_ms"));
    out->last_asked_ms = json_integer_value(json_object_get(o, "last_asked_ms"));
    out->again = json_is_true(json_object_get(o, "again"));
    json_decref(o);
    if (ok) return ERR_OK;
    return err_fail(ERR_IO, "store_corrupt", "Restore the data directory from a backup.",
                    "the progress of a registration is not readable");
}
