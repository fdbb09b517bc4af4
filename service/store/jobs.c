/* jobs in the store: the record in plain columns (steps and error as JSON), the command sealed
 * under "job:<id>". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/store/audit_chain.h"
#include "service/store/internal.h"
#include "service/store/rows.h"

enum { SQL = 1024 };

#define JOB_COLUMNS                                                                                \
    "id, kind, slot, credential, firmware, retry_of, priority, depends_on, deadline_ms, actor,"    \
    " token, idempotency, body_digest, state, created_ms, started_ms, finished_ms,"                \
    " steps, progress_done, progress_total, progress_unit, result, error, error_step"

static const char kind[] = "job";

enum err job_not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "job_not_found", "GET /v1/jobs lists them.",
                    "there is no job \"%s\"", id);
}

struct change {
    const struct job_record *record;
    struct audit_entry *audit; /* of who asks for it; NULL: none */
    struct job_json json;
    struct event_record event; /* no type: none */
    struct buf sealed;         /* of a new one, as are its needs: */
    const struct job_need *needs;
    size_t need_count;
};

static void put_result(struct query *q, const struct job_record *r)
{
    if (r->result_json)
        query_put_text(q, r->result_json);
    else
        query_put_null(q);
}

static void put_variable(struct query *q, const struct change *c)
{
    const struct job_record *r = c->record;
    query_put_text(q, job_state_name(r->state));
    query_put_int(q, r->started_ms);
    query_put_int(q, r->finished_ms);
    query_put_text(q, c->json.steps);
    query_put_int(q, (int64_t)r->progress_done);
    query_put_int(q, (int64_t)r->progress_total);
    query_put_text(q, r->progress_unit);
    put_result(q, r);
    query_put_text(q, c->json.error);
    query_put_text(q, r->error_step);
}

/* In the same transaction as the job, so that nothing of it can go away between. */
static enum err add_needs(struct db *db, const struct change *c)
{
    const struct job_record *r = c->record;
    const struct job_need own[] = {{NEED_CREDENTIAL, r->credential}, {NEED_FIRMWARE, r->firmware}};
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < sizeof own / sizeof *own; i++)
        if (own[i].id[0]) e = need_add(db, r->id, &own[i]);
    for (size_t i = 0; !e && i < c->need_count; i++)
        e = need_add(db, r->id, &c->needs[i]);
    return e;
}

/* An Idempotency-Key that is too old to count may be used again. */
static enum err forget_key(struct db *db, const struct job_record *r)
{
    struct query q;
    if (!r->idempotency[0]) return ERR_OK;
    query_begin(&q, db,
                "UPDATE job SET idempotency = '' WHERE idempotency = ? AND idempotency <> ''"
                " AND created_ms <= ?");
    query_put_text(&q, r->idempotency);
    query_put_int(&q, r->created_ms - (int64_t)LIMIT_IDEMPOTENCY_S * 1000);
    return query_run(&q);
}

static enum err insert(struct db *db, void *arg)
{
    struct change *c = arg;
    const struct job_record *r = c->record;
    struct query q;
    enum err e = forget_key(db, r);
    if (e) return e;
    query_begin(&q, db,
                "INSERT INTO job (id, kind, slot, credential, firmware, retry_of, priority,"
                " depends_on, deadline_ms, actor, token, idempotency, body_digest, created_ms,"
                " command, state, started_ms, finished_ms, steps, progress_done, progress_total,"
                " progress_unit, result, error, error_step)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " ?)");
    query_put_text(&q, r->id);
    query_put_text(&q, r->kind);
    query_put_text(&q, r->slot);
    query_put_text(&q, r->credential);
    query_put_text(&q, r->firmware);
    query_put_text(&q, r->retry_of);
    query_put_int(&q, r->priority);
    query_put_text(&q, r->depends_on);
    query_put_int(&q, r->deadline_ms);
    query_put_text(&q, r->actor);
    query_put_text(&q, r->token);
    query_put_text(&q, r->idempotency);
    query_put_text(&q, r->body_sha256);
    query_put_int(&q, r->created_ms);
    query_put_blob(&q, c->sealed.data, c->sealed.len);
    put_variable(&q, c);
    e = query_run(&q);
    if (!e) e = add_needs(db, c);
    if (!e) e = event_add(db, &c->event);
    return !e && c->audit ? audit_append(db, c->audit) : e;
}

static void dispose_change(struct change *c)
{
    job_json_dispose(&c->json);
    event_record_dispose(&c->event);
    buf_dispose(&c->sealed);
}

enum err store_job_add(struct store *s, const struct job_record *r, const char *command_json,
                       const struct job_need *needs, size_t need_count)
{
    struct change c = {
        .record = r, .audit = audit_take_pending(r), .needs = needs, .need_count = need_count};
    enum err e = store_seal(s, kind, r->id, command_json, strlen(command_json), &c.sealed);
    if (!e) e = job_json_make(r, &c.json);
    if (!e) e = event_of_job(r, "job.queued", &c.event);
    if (!e) e = store_write_event(s, insert, &c, r, &c.event);
    if (e && c.audit) c.audit->sequence = 0; /* its group may have been undone after it ran */
    dispose_change(&c);
    return e;
}

/* @param[out] ended_out  it had not ended yet, and does now */
static enum err find_end(struct db *db, const struct job_record *r, bool *ended_out)
{
    struct query q;
    *ended_out = false;
    if (!job_state_is_final(r->state)) return ERR_OK;
    query_begin(&q, db, "SELECT 1 FROM job WHERE id = ? AND state IN ('queued', 'running')");
    query_put_text(&q, r->id);
    enum err e = query_next(&q, ended_out);
    query_end(&q);
    return e;
}

static enum err end(struct db *db, const struct job_record *r)
{
    enum err e = need_end(db, r->id);
    if (!e) e = audit_job_ended(db, r);
    return e ? e : deliveries_add(db, r);
}

static enum err update(struct db *db, void *arg)
{
    struct change *c = arg;
    struct query q;
    bool ends;
    enum err e = find_end(db, c->record, &ends);
    if (e) return e;
    query_begin(
        &q, db,
        "UPDATE job SET credential = ?, state = ?, started_ms = ?, finished_ms = ?, steps = ?,"
        " progress_done = ?, progress_total = ?, progress_unit = ?, result = ?, error = ?,"
        " error_step = ? WHERE id = ?");
    query_put_text(&q, c->record->credential);
    put_variable(&q, c);
    query_put_text(&q, c->record->id);
    e = query_run(&q);
    if (!e && !sqlite3_changes(db->handle)) e = job_not_found(c->record->id);
    if (!e && c->event.type[0]) e = seen_note(db, c->record, ends);
    if (!e && ends) e = end(db, c->record);
    return e || !c->event.type[0] ? e : event_add(db, &c->event);
}

static const char *what_changed(const struct job_record *r)
{
    if (job_state_is_final(r->state)) return "job.ended";
    return r->step_count ? "job.step" : "job.started";
}

enum err store_job_save(struct store *s, const struct job_record *r)
{
    struct change c = {.record = r};
    enum err e = job_json_make(r, &c.json);
    if (!e) e = event_of_job(r, what_changed(r), &c.event);
    if (!e) e = store_write_event(s, update, &c, r, &c.event);
    dispose_change(&c);
    return e;
}

enum err store_job_progress(struct store *s, const struct job_record *r)
{
    struct change c = {.record = r};
    enum err e = job_json_make(r, &c.json);
    if (!e) e = store_write(s, update, &c);
    dispose_change(&c);
    return e;
}

/* Texts are SQLite's and live until the next row. */
static enum err read_row(struct query *q, void *item)
{
    struct job_record *out = item;
    char state[16], *steps = NULL, *error = NULL;
    query_get_text(q, out->id, sizeof out->id);
    query_get_text(q, out->kind, sizeof out->kind);
    query_get_text(q, out->slot, sizeof out->slot);
    query_get_text(q, out->credential, sizeof out->credential);
    query_get_text(q, out->firmware, sizeof out->firmware);
    query_get_text(q, out->retry_of, sizeof out->retry_of);
    out->priority = (int32_t)query_get_int(q);
    query_get_text(q, out->depends_on, sizeof out->depends_on);
    out->deadline_ms = query_get_int(q);
    query_get_text(q, out->actor, sizeof out->actor);
    query_get_text(q, out->token, sizeof out->token);
    query_get_text(q, out->idempotency, sizeof out->idempotency);
    query_get_text(q, out->body_sha256, sizeof out->body_sha256);
    query_get_text(q, state, sizeof state);
    out->created_ms = query_get_int(q);
    out->started_ms = query_get_int(q);
    out->finished_ms = query_get_int(q);
    enum err e = query_get_heap(q, &steps);
    out->progress_done = (uint64_t)query_get_int(q);
    out->progress_total = (uint64_t)query_get_int(q);
    query_get_text(q, out->progress_unit, sizeof out->progress_unit);
    if (!e) e = query_get_heap(q, &out->result_json);
    if (!e) e = query_get_heap(q, &error);
    if (!e) query_get_text(q, out->error_step, sizeof out->error_step);
    if (!e) e = job_state_parse(state, &out->state);
    if (!e) e = job_json_steps(steps ? steps : "", out);
    if (!e) e = error_from_text(error ? error : "", &out->error);
    free(steps);
    free(error);
    if (e) job_record_dispose(out);
    return e;
}

enum err store_job_get(struct store *s, const char *id, struct job_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " JOB_COLUMNS " FROM job WHERE id = ?", id, read_row,
                                      out};
    enum err e = rows_find(s, &search);
    if (e) memset(out, 0, sizeof *out);
    return e == ERR_NOT_FOUND ? job_not_found(id) : e;
}

enum err store_job_command(struct store *s, const char *id, struct buf *command_out)
{
    enum err e = store_sealed(s, "SELECT command FROM job WHERE id = ?", kind, id, command_out);
    return e == ERR_NOT_FOUND ? job_not_found(id) : e;
}

/* Only what is asked for becomes part of the statement, so that an index serves it. */
static void list_sql(const struct job_filter *f, char out[SQL])
{
    snprintf(out, SQL,
             "SELECT " JOB_COLUMNS
             " FROM job WHERE " ROWS_BEHIND("job", "id") "%s%s%s%s%s"
                                                         " ORDER BY seq DESC LIMIT ?2",
             f->slot[0] ? " AND slot = ?3" : "", f->kind[0] ? " AND kind = ?4" : "",
             f->credential[0] ? " AND credential = ?5" : "", f->by_state ? " AND state = ?6" : "",
             f->firmware[0] ? " AND firmware = ?7" : "");
}

static void put_filter(struct query *q, const void *arg)
{
    const struct job_filter *f = arg;
    query_put_named_text(q, "?3", f->slot);
    query_put_named_text(q, "?4", f->kind);
    query_put_named_text(q, "?5", f->credential);
    query_put_named_text(q, "?6", job_state_name(f->by_state ? f->state : JOB_QUEUED));
    query_put_named_text(q, "?7", f->firmware);
}

static void dispose_item(void *item)
{
    job_record_dispose(item);
}

enum err store_job_list(struct store *s, const struct job_filter *filter, struct store_page *page,
                        struct job_record **list_out, size_t *n_out)
{
    char sql[SQL];
    const struct row_list l = {.sql = sql,
                               .once = true,
                               .put = put_filter,
                               .arg = filter,
                               .read = read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct job_record, id)};
    void *list;
    list_sql(filter, sql);
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}

static void interrupt(struct job_record *r, int64_t now)
{
    r->state = JOB_INTERRUPTED;
    r->finished_ms = now;
    r->error_step[0] = '\0';
    for (size_t i = 0; i < r->step_count; i++) {
        if (r->steps[i].state != STEP_RUNNING) continue;
        r->steps[i].state = STEP_INTERRUPTED;
        snprintf(r->error_step, sizeof r->error_step, "%s", r->steps[i].name);
    }
    err_fail(ERR_CANCELLED, "interrupted", "Retry the job: it starts from its first step.",
             "espgate ended while the job ran");
    r->error = *err_last();
}

/* One at a time: a record is large, and there is one running job a slot at most. */
static enum err interrupt_next(struct db *db, struct job_record *r, bool *more_out)
{
    struct query q;
    struct change c = {.record = r};
    query_begin(&q, db, "SELECT " JOB_COLUMNS " FROM job WHERE state = 'running' LIMIT 1");
    enum err e = query_next(&q, more_out);
    if (*more_out) e = read_row(&q, r);
    query_end(&q);
    if (e || !*more_out) return e;
    interrupt(r, clock_now_ms());
    e = job_json_make(r, &c.json);
    if (!e) e = event_of_job(r, "job.ended", &c.event);
    if (!e) e = update(db, &c);
    if (!e) e = registration_turn_back(db, r->id, c.json.error);
    dispose_change(&c);
    job_record_dispose(r);
    return e;
}

static enum err interrupt_all(struct db *db, void *arg)
{
    (void)arg;
    struct job_record *r = calloc(1, sizeof *r);
    if (!r) return err_set(ERR_MEM, "out of memory");
    bool more = true;
    enum err e = ERR_OK;
    while (!e && more)
        e = interrupt_next(db, r, &more);
    free(r);
    return e;
}

enum err store_job_recover(struct store *s, char (**ids_out)[ID_TEXT], size_t *n_out)
{
    struct db *db;
    struct query q;
    bool row;
    int64_t count = 0;
    *ids_out = NULL;
    *n_out = 0;
    enum err e = store_write(s, interrupt_all, NULL);
    if (!e) e = store_reader(s, &db);
    if (e) return e;
    e = db_number(db, "SELECT count(*) FROM job WHERE state = 'queued'", &count);
    char(*ids)[ID_TEXT] = calloc((size_t)count + 1, sizeof *ids);
    if (!e && !ids) e = err_set(ERR_MEM, "out of memory");
    query_begin_once(&q, db, "SELECT id FROM job WHERE state = 'queued' ORDER BY seq");
    while (!e && (int64_t)*n_out < count && !(e = query_next(&q, &row)) && row)
        query_get_text(&q, ids[(*n_out)++], ID_TEXT);
    query_end(&q);
    store_reader_done(s, db);
    if (e) {
        *n_out = 0;
        free(ids);
        return e;
    }
    *ids_out = ids;
    return ERR_OK;
}
