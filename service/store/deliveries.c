/* deliveries: what webhooks are sent. The body is made when the job ends and kept as it is, so that
 * each try sends the same bytes. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/store/internal.h"
#include "service/store/rows.h"
#include "service/store/text.h"
#include "service/store/webhooks.h"

#define DELIVERY_COLUMNS                                                                           \
    "id, webhook, job, state, attempts, created_ms, tried_ms, next_ms, ended_ms, status, error"

static const char *const states[] = {"pending", "delivered", "failed"};

const char *delivery_state_name(enum delivery_state s)
{
    return states[s];
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "delivery_not_found",
                    "GET /v1/webhooks/{id}/deliveries lists them.",
                    "the webhook has no delivery \"%s\"", id);
}

/* --- what is sent --- */

/* One member, unless it is empty. */
static void put(json_t *object, const char *name, const char *text)
{
    if (*text) json_object_set_new(object, name, text_json(text));
}

static void put_time(json_t *object, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT];
    if (ms) json_object_set_new(object, name, json_string(clock_format(ms, text)));
}

static json_t *error_of(const struct job_record *r)
{
    json_t *error = json_object();
    put(error, "code", r->error.code);
    put(error, "step", r->error_step);
    put(error, "detail", r->error.detail);
    put(error, "hint", r->error.hint);
    return error;
}

static json_t *data_of(const struct job_record *r)
{
    json_t *data = json_object();
    put(data, "job", r->id);
    put(data, "kind", r->kind);
    put(data, "slot", r->slot);
    put(data, "state", job_state_name(r->state));
    put(data, "credential", r->credential);
    put(data, "firmware", r->firmware);
    put(data, "retry_of", r->retry_of);
    put(data, "actor", r->actor);
    put_time(data, "created_at", r->created_ms);
    put_time(data, "started_at", r->started_ms);
    put_time(data, "finished_at", r->finished_ms);
    if (r->error.kind != ERR_OK) json_object_set_new(data, "error", error_of(r));
    return data;
}

/* The shape that Standard Webhooks asks for. @param data  taken @return heap, NULL: no memory */
static char *body_of(const char *type, int64_t at_ms, json_t *data)
{
    char at[CLOCK_TEXT];
    json_t *body = json_pack("{s:s, s:s, s:o}", "type", type, "timestamp", clock_format(at_ms, at),
                             "data", data);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}

/* --- making them --- */

static enum err insert(struct db *db, const struct delivery_record *r, const char *body)
{
    struct query q;
    query_begin(&q, db,
                "INSERT INTO delivery (id, webhook, job, body, created_ms, state, attempts,"
                " tried_ms, next_ms, ended_ms, status, error)"
                " VALUES (?, ?, ?, ?, ?, 'pending', 0, 0, 0, 0, 0, '')"
                " ON CONFLICT (job, webhook) WHERE job <> '' DO NOTHING");
    query_put_text(&q, r->id);
    query_put_text(&q, r->webhook);
    query_put_text(&q, r->job);
    query_put_text(&q, body);
    query_put_int(&q, r->created_ms);
    return query_run(&q);
}

/* @param[out] hooks  those that want to hear of it */
static enum err find_hooks(struct db *db, const struct job_record *r,
                           char hooks[LIMIT_WEBHOOKS][ID_TEXT], size_t *n_out)
{
    struct query q;
    bool row;
    enum err e;
    *n_out = 0;
    query_begin(&q, db,
                "SELECT id FROM webhook WHERE (slot = '' OR slot = ?)"
                " AND (states = '' OR instr(states, ' ' || ? || ' ')) ORDER BY seq");
    query_put_text(&q, r->slot);
    query_put_text(&q, job_state_name(r->state));
    while (!(e = query_next(&q, &row)) && row && *n_out < LIMIT_WEBHOOKS)
        query_get_text(&q, hooks[(*n_out)++], ID_TEXT);
    query_end(&q);
    return e;
}

enum err deliveries_add(struct db *db, const struct job_record *r)
{
    char hooks[LIMIT_WEBHOOKS][ID_TEXT];
    size_t n;
    enum err e = find_hooks(db, r, hooks, &n);
    if (e || !n) return e;
    char *body = body_of("job.ended", r->finished_ms, data_of(r));
    if (!body) return err_set(ERR_MEM, "out of memory");
    struct delivery_record d = {.created_ms = clock_now_ms()};
    memcpy(d.job, r->id, sizeof d.job);
    for (size_t i = 0; !e && i < n; i++) {
        id_new("dlv", d.id);
        memcpy(d.webhook, hooks[i], sizeof d.webhook);
        e = insert(db, &d, body);
    }
    free(body);
    return e;
}

struct test {
    const struct delivery_record *record;
    const char *body;
};

static enum err insert_test(struct db *db, void *arg)
{
    const struct test *t = arg;
    return insert(db, t->record, t->body);
}

enum err store_delivery_test(struct store *s, const char *webhook, struct delivery_record *out)
{
    struct webhook_record hook;
    memset(out, 0, sizeof *out);
    enum err e = store_webhook_get(s, webhook, &hook);
    if (e) return e;
    out->created_ms = clock_now_ms();
    id_new("dlv", out->id);
    memcpy(out->webhook, hook.id, sizeof out->webhook);
    webhook_record_dispose(&hook);
    char *body = body_of("webhook.test", out->created_ms, json_object());
    if (!body) return err_set(ERR_MEM, "out of memory");
    e = store_write(s, insert_test, &(struct test){out, body});
    free(body);
    return e;
}

/* --- reading and changing them --- */

static enum err read_row(struct query *q, void *item)
{
    struct delivery_record *out = item;
    char state[16];
    query_get_text(q, out->id, sizeof out->id);
    query_get_text(q, out->webhook, sizeof out->webhook);
    query_get_text(q, out->job, sizeof out->job);
    query_get_text(q, state, sizeof state);
    out->attempts = (int)query_get_int(q);
    out->created_ms = query_get_int(q);
    out->tried_ms = query_get_int(q);
    out->next_ms = query_get_int(q);
    out->ended_ms = query_get_int(q);
    out->status = (int)query_get_int(q);
    query_get_text(q, out->error, sizeof out->error);
    while (strcmp(states[out->state], state) != 0)
        if (++out->state > DELIVERY_FAILED)
            return err_fail(ERR_IO, "store_corrupt", NULL, "a delivery has the state \"%s\"",
                            state);
    return ERR_OK;
}

enum err store_delivery_get(struct store *s, const char *webhook, const char *id,
                            struct delivery_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " DELIVERY_COLUMNS " FROM delivery WHERE id = ?", id,
                                      read_row, out};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND || (!e && strcmp(out->webhook, webhook) != 0)) return not_found(id);
    return e;
}

static void put_webhook(struct query *q, const void *webhook)
{
    query_put_named_text(q, "?3", webhook);
}

enum err store_delivery_list(struct store *s, const char *webhook, struct store_page *page,
                             struct delivery_record **list_out, size_t *n_out)
{
    const struct row_list l = {
        .sql = "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE " ROWS_BEHIND(
            "delivery", "id") " AND webhook = ?3 ORDER BY seq DESC LIMIT ?2",
        .put = put_webhook,
        .arg = webhook,
        .read = read_row,
        .item_bytes = sizeof **list_out,
        .id_at = offsetof(struct delivery_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}

static enum err update(struct db *db, void *arg)
{
    const struct delivery_record *r = arg;
    struct query q;
    query_begin(&q, db,
                "UPDATE delivery SET state = ?, attempts = ?, tried_ms = ?, next_ms = ?,"
                " ended_ms = ?, status = ?, error = ? WHERE id = ?");
    query_put_text(&q, delivery_state_name(r->state));
    query_put_int(&q, r->attempts);
    query_put_int(&q, r->tried_ms);
    query_put_int(&q, r->next_ms);
    query_put_int(&q, r->ended_ms);
    query_put_int(&q, r->status);
    query_put_text(&q, r->error);
    query_put_text(&q, r->id);
    enum err e = query_run(&q);
    return !e && !sqlite3_changes(db->handle) ? not_found(r->id) : e;
}

enum err store_delivery_save(struct store *s, const struct delivery_record *r)
{
    return store_write(s, update, (void *)r);
}

static enum err restart(struct db *db, void *arg)
{
    const struct delivery_record *r = arg;
    struct query q;
    query_begin(&q, db,
                "UPDATE delivery SET state = 'pending', attempts = 0, tried_ms = 0, next_ms = 0,"
                " ended_ms = 0, status = 0, error = '' WHERE id = ? AND state <> 'pending'");
    query_put_text(&q, r->id);
    enum err e = query_run(&q);
    if (!e && !sqlite3_changes(db->handle))
        return err_fail(ERR_CONFLICT, "delivery_pending", "It is tried by itself, at next_at.",
                        "the delivery \"%s\" has not ended", r->id);
    return e;
}

enum err store_delivery_again(struct store *s, const char *webhook, const char *id,
                              struct delivery_record *out)
{
    enum err e = store_delivery_get(s, webhook, id, out);
    if (!e) e = store_write(s, restart, out);
    return e ? e : store_delivery_get(s, webhook, id, out);
}

enum err store_delivery_next(struct store *s, struct delivery_record **list_out, size_t *n_out)
{
    struct store_page page = {.limit = LIMIT_WEBHOOKS};
    const struct row_list l = {
        .sql = "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE ?1 = '' AND seq IN"
               " (SELECT (SELECT seq FROM delivery WHERE webhook = webhook.id AND state = 'pending'"
               " ORDER BY next_ms, seq LIMIT 1) FROM webhook) LIMIT ?2",
        .read = read_row,
        .item_bytes = sizeof **list_out,
        .id_at = offsetof(struct delivery_record, id)};
    void *list;
    enum err e = rows_list(s, &l, &page, &list, n_out);
    *list_out = list;
    return e;
}

static enum err forget_times(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db, "UPDATE delivery SET next_ms = 0 WHERE state = 'pending' AND tried_ms > ?");
    query_put_int(&q, *(const int64_t *)arg);
    return query_run(&q);
}

enum err store_delivery_clock_back(struct store *s, int64_t now_ms)
{
    return store_write(s, forget_times, &now_ms);
}

static enum err read_body(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_delivery_body(struct store *s, const char *id, struct buf *out)
{
    const struct row_search search = {"SELECT body FROM delivery WHERE id = ?", id, read_body, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}
