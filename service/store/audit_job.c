/* What the audit says of a job that has ended: who asked for it, which board it met, what was
 * written (hashes) and what was found. */
#include <stdio.h>

#include "service/store/audit_chain.h"

static void copy(json_t *to, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    if (value) json_object_set(to, name, value);
}

static void put_text(json_t *to, const char *name, const char *text)
{
    if (text[0]) json_object_set_new(to, name, json_string(text));
}

static void put_error(json_t *to, const struct job_record *r)
{
    if (r->error.kind == ERR_OK) return;
    json_t *error = json_object();
    put_text(error, "code", r->error.code);
    put_text(error, "step", r->error_step);
    json_object_set_new(to, "error", error);
}

static json_t *detail_of(const struct job_record *r, const json_t *result)
{
    json_t *detail = json_object(), *verdict = json_object_get(result, "verdict");
    put_text(detail, "kind", r->kind);
    put_text(detail, "credential", r->credential);
    put_text(detail, "firmware", r->firmware);
    put_text(detail, "retry_of", r->retry_of);
    copy(detail, result, "method");
    copy(detail, result, "target");
    copy(detail, result, "images"); /* partition, offset, size, sha256 */
    copy(detail, result, "flash");  /* the same of what was flashed */
    if (verdict) {
        json_t *brief = json_object();
        copy(brief, verdict, "side");
        copy(brief, verdict, "code");
        json_object_set_new(detail, "verdict", brief);
    }
    put_error(detail, r);
    return detail;
}

static void take_mac(const json_t *result, struct audit_entry *e)
{
    const char *mac = json_string_value(json_object_get(json_object_get(result, "board"), "mac"));
    snprintf(e->mac, sizeof e->mac, "%s", mac ? mac : "");
}

enum err audit_job_ended(struct db *db, const struct job_record *r)
{
    struct audit_entry e = {.action = "job.end"};
    json_t *result = r->result_json ? json_loads(r->result_json, 0, NULL) : NULL;
    snprintf(e.actor, sizeof e.actor, "%s", r->actor);
    snprintf(e.token, sizeof e.token, "%s", r->token);
    snprintf(e.target, sizeof e.target, "%s", r->id);
    snprintf(e.slot, sizeof e.slot, "%s", r->slot);
    snprintf(e.job, sizeof e.job, "%s", r->id);
    snprintf(e.outcome, sizeof e.outcome, "%s", job_state_name(r->state));
    take_mac(result, &e);
    enum err err = audit_entry_detail(&e, detail_of(r, result));
    json_decref(result);
    if (!err) err = audit_append(db, &e);
    audit_entry_dispose(&e);
    return err;
}
