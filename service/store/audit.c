#include "service/store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/store/audit_chain.h"
#include "service/store/internal.h"
#include "service/store/rows.h"
#include "service/store/text.h"

enum { SQL = 768 };

void audit_entry_dispose(struct audit_entry *e)
{
    free(e->detail_json);
    e->detail_json = NULL;
}

enum err audit_entry_detail(struct audit_entry *e, json_t *detail)
{
    char *text = detail ? json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(detail);
    free(e->detail_json);
    e->detail_json = text;
    return text ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

json_t *audit_entry_json(const struct audit_entry *e)
{
    char at[CLOCK_TEXT];
    json_t *detail = e->detail_json ? json_loads(e->detail_json, 0, NULL) : NULL;
    if (!detail) detail = json_null(); /* somebody changed it: the hash will tell */
    return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:s}", "sequence",
                     (json_int_t)e->sequence, "at", clock_format(e->at_ms, at), "actor", e->actor,
                     "token", e->token, "address", e->address, "request", e->request, "action",
                     e->action, "target", e->target, "slot", e->slot, "mac", e->mac, "job", e->job,
                     "outcome", e->outcome, "detail", detail, "previous", e->previous, "hash",
                     e->hash);
}

static void clean(struct audit_entry *e)
{
    char *texts[] = {e->actor,  e->token, e->address, e->request, e->action,
                     e->target, e->slot,  e->mac,     e->job};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text_clean(texts[i]);
}

static enum err insert(struct db *db, const struct audit_entry *e)
{
    struct query q;
    query_begin(&q, db,
                "INSERT INTO audit (" AUDIT_COLUMNS
                ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_int(&q, e->sequence);
    query_put_int(&q, e->at_ms);
    const char *texts[] = {e->actor,       e->token,    e->address, e->request, e->action,
                           e->target,      e->slot,     e->mac,     e->job,     e->outcome,
                           e->detail_json, e->previous, e->hash};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        query_put_text(&q, texts[i]);
    return query_run(&q);
}

/* Where the chain goes on is read anew each time, so that a group that was undone leaves nothing to
 * forget; and from the seal, so that entries that were cut off stay missing. Without a seal, or
 * with an older one, the chain goes on too, but never whole again. */
static enum err find_end(struct db *db, struct audit_entry *e)
{
    int64_t last = 0, sealed = 0;
    e->previous[0] = '\0';
    enum err err = audit_last(db, &last);
    if (err) return err;
    err = audit_unseal(db, &sealed, e->previous);
    if (err == ERR_VERIFY) {
        log_error("audit is broken", "detail=\"%s\"", err_last()->detail);
        e->sequence = last + 2;
        return ERR_OK;
    }
    e->sequence = (sealed > last ? sealed : last) + 1;
    return err;
}

enum err audit_append(struct db *db, struct audit_entry *e)
{
    e->sequence = 0;
    if (!e->detail_json && audit_entry_detail(e, json_object())) return ERR_MEM;
    e->at_ms = clock_now_ms();
    clean(e);
    enum err err = find_end(db, e);
    if (!err) err = audit_hash(e, e->hash);
    if (!err) err = insert(db, e);
    if (!err) err = audit_seal(db, e->sequence, e->hash);
    if (err) e->sequence = 0;
    return err;
}

static enum err add(struct db *db, void *arg)
{
    return audit_append(db, arg);
}

enum err store_audit_add(struct store *s, struct audit_entry *e)
{
    enum err err = store_write(s, add, e);
    if (err) e->sequence = 0; /* its group may have been undone after it ran */
    return err;
}

static _Thread_local struct audit_entry *with_job;

void store_audit_with_job(struct audit_entry *e)
{
    if (e) e->sequence = 0;
    with_job = e;
}

struct audit_entry *audit_take_pending(const struct job_record *r)
{
    struct audit_entry *e = with_job;
    with_job = NULL;
    if (!e) return NULL;
    snprintf(e->job, sizeof e->job, "%s", r->id);
    snprintf(e->slot, sizeof e->slot, "%s", r->slot);
    return e;
}

enum err audit_read_row(struct query *q, void *item)
{
    struct audit_entry *e = item;
    e->sequence = query_get_int(q);
    e->at_ms = query_get_int(q);
    query_get_text(q, e->actor, sizeof e->actor);
    query_get_text(q, e->token, sizeof e->token);
    query_get_text(q, e->address, sizeof e->address);
    query_get_text(q, e->request, sizeof e->request);
    query_get_text(q, e->action, sizeof e->action);
    query_get_text(q, e->target, sizeof e->target);
    query_get_text(q, e->slot, sizeof e->slot);
    query_get_text(q, e->mac, sizeof e->mac);
    query_get_text(q, e->job, sizeof e->job);
    query_get_text(q, e->outcome, sizeof e->outcome);
    enum err err = query_get_heap(q, &e->detail_json);
    query_get_text(q, e->previous, sizeof e->previous);
    query_get_text(q, e->hash, sizeof e->hash);
    snprintf(e->id, sizeof e->id, "%lld", (long long)e->sequence);
    clean(e); /* it may have been changed from outside */
    return err;
}

/* Only what is asked for becomes part of the statement: an audit is long, and few ask. */
static void list_sql(const struct audit_filter *f, char out[SQL])
{
    snprintf(out, SQL,
             "SELECT " AUDIT_COLUMNS " FROM audit WHERE"
             " seq < CASE WHEN ?1 = '' THEN 9223372036854775807 ELSE CAST(?1 AS INTEGER) END"
             "%s%s%s%s%s%s ORDER BY seq DESC LIMIT ?2",
             f->actor[0] ? " AND actor = ?3" : "", f->action[0] ? " AND action = ?4" : "",
             f->slot[0] ? " AND slot = ?5" : "", f->mac[0] ? " AND mac = ?6" : "",
             f->job[0] ? " AND job = ?7" : "", f->outcome[0] ? " AND outcome = ?8" : "");
}

static void put_filter(struct query *q, const void *arg)
{
    const struct audit_filter *f = arg;
    query_put_named_text(q, "?3", f->actor);
    query_put_named_text(q, "?4", f->action);
    query_put_named_text(q, "?5", f->slot);
    query_put_named_text(q, "?6", f->mac);
    query_put_named_text(q, "?7", f->job);
    query_put_named_text(q, "?8", f->outcome);
}

static void dispose_item(void *item)
{
    audit_entry_dispose(item);
}

enum err store_audit_list(struct store *s, const struct audit_filter *filter,
                          struct store_page *page, struct audit_entry **list_out, size_t *n_out)
{
    char sql[SQL];
    const struct row_list l = {.sql = sql,
                               .once = true,
                               .put = put_filter,
                               .arg = filter,
                               .read = audit_read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct audit_entry, id)};
    void *list;
    list_sql(filter, sql);
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
