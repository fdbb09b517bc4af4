/* shown: what people get to see of a registration. */
#include <stdio.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/register/progress.h"
#include "service/register/register.h"
#include "service/store/text.h"

enum { LEFT_MAX = PROGRESS_CANDIDATES + 6 };

/* One thing that may still be in the account. */
struct left {
    const char *kind, *name;
    bool certain;
};

static void add(struct left *list, size_t *n, const char *kind, const char *name, enum fate fate)
{
    if (fate == FATE_INTENT || fate == FATE_MADE || fate == FATE_UNKNOWN)
        list[(*n)++] = (struct left){kind, name, fate == FATE_MADE};
}

static bool is_on_its_way(const struct registration_record *r)
{
    return r->state != REGISTRATION_UNDONE && r->state != REGISTRATION_ACTIVE;
}

/* A certificate that was there already is told of where it was joined to something. */
static void add_joined(struct left *list, size_t *n, const struct registration_record *r,
                       const struct progress *p)
{
    if (p->certificate != FATE_FOUND) return;
    add(list, n, "policy_attachment", r->policy, p->policy_attached);
    add(list, n, "thing_attachment", r->thing, p->thing_attached);
    add(list, n, "activation", r->certificate, p->activated);
}

/* @return how many */
static size_t list_left(const struct registration_record *r, const struct progress *p,
                        struct left list[LEFT_MAX])
{
    size_t n = 0;
    if (!is_on_its_way(r)) return 0;
    add(list, &n, "thing", r->thing, p->thing);
    add(list, &n, "certificate", r->certificate, p->certificate);
    add(list, &n, "policy", r->policy, r->policy_made ? p->policy : FATE_NONE);
    add_joined(list, &n, r, p);
    for (size_t i = 0; i < p->candidate_count; i++)
        add(list, &n, "certificate", p->candidates[i], FATE_INTENT);
    return n;
}

void registration_endpoint(const struct registration_record *r, char out[254])
{
    struct progress p;
    out[0] = '\0';
    if (progress_from_text(r->progress_json, &p) == ERR_OK) snprintf(out, 254, "%s", p.endpoint);
}

static json_t *error_json(const struct err_info *e)
{
    if (e->kind == ERR_OK) return json_null();
    json_t *o = json_pack("{s:s, s:o, s:o}", "code", e->code, "detail", text_json(e->detail),
                          "hint", text_json_or_null(e->hint));
    if (o && e->device[0]) json_object_set_new(o, "device", text_json(e->device));
    return o;
}

static json_t *left_json(const struct registration_record *r, const struct progress *p)
{
    struct left list[LEFT_MAX];
    json_t *out = json_array();
    bool told = r->state == REGISTRATION_UNDOING || r->state == REGISTRATION_LEFT ||
                r->state == REGISTRATION_FORGOTTEN;
    size_t n = told ? list_left(r, p, list) : 0;
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:s, s:o, s:b}", "kind", list[i].kind, "name",
                                             text_json_or_null(list[i].name), "certain",
                                             list[i].certain));
    return out;
}

static json_t *certificate_json(const struct registration_record *r, const struct progress *p)
{
    if (!r->certificate[0]) return json_null();
    return json_pack("{s:s, s:o}", "id", r->certificate, "arn",
                     text_json_or_null(p->certificate_arn));
}

json_t *registration_to_json(const struct registration_record *r)
{
    char created[CLOCK_TEXT], changed[CLOCK_TEXT];
    struct progress p;
    if (progress_from_text(r->progress_json, &p)) memset(&p, 0, sizeof p);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o}", "id", r->id,
        "state", registration_state_name(r->state), "cloud", r->cloud, "thing", r->thing,
        "endpoint", text_json_or_null(p.endpoint), "certificate", certificate_json(r, &p), "policy",
        text_json_or_null(r->policy), "credential", text_json_or_null(r->credential), "job",
        text_json_or_null(r->job), "actor", text_json_or_null(r->actor), "created_at",
        clock_format(r->created_ms, created), "changed_at", clock_format(r->changed_ms, changed),
        "left", left_json(r, &p), "error", error_json(&r->error));
}

void registration_left(const struct registration_record *r, char *out, size_t cap)
{
    struct left list[LEFT_MAX];
    struct progress p;
    size_t at = 0;
    out[0] = '\0';
    if (progress_from_text(r->progress_json, &p)) return;
    size_t n = list_left(r, &p, list);
    for (size_t i = 0; i < n && at < cap; i++)
        at += (size_t)snprintf(out + at, cap - at, "%s%s%s %s", i ? ", " : "",
                               list[i].certain ? "" : "perhaps ", list[i].kind,
                               list[i].name[0] ? list[i].name : "(without a known id)");
}
