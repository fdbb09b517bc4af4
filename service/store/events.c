/* events: what the event streams say. Each row is written in the transaction of the change that it
 * tells of, so that none is lost and none tells of what did not happen. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/store/internal.h"
#include "service/store/text.h"

static const char *const types[] = {"job.queued", "job.started",  "job.step",     "job.progress",
                                    "job.ended",  "slot.changed", "ports.changed"};

void event_record_dispose(struct event_record *e)
{
    free(e->data_json);
    *e = (struct event_record){0};
}

unsigned event_type_bit(const char *type)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i], type) == 0) return 1U << i;
    return 0;
}

/* NULL (left out) when there is none. */
static json_t *error_of(const struct err_info *e, const char *step)
{
    struct err_info clean = *e;
    if (e->kind == ERR_OK) return NULL;
    text_clean_error(&clean);
    return json_pack("{s:s, s:s, s:s}", "code", clean.code, "step", step, "detail", clean.detail);
}

static json_t *step_of(const struct job_step *s)
{
    return json_pack("{s:s, s:s, s:i}", "name", s->name, "state", step_state_name(s->state), "ms",
                     (int)s->ms);
}

static json_t *progress_of(const struct job_record *r)
{
    return json_pack("{s:I, s:I, s:s}", "done", (json_int_t)r->progress_done, "total",
                     (json_int_t)r->progress_total, "unit", r->progress_unit);
}

static json_t *data_of_job(const struct job_record *r, const char *type, const char *at)
{
    const struct job_step *last = r->step_count ? &r->steps[r->step_count - 1] : NULL;
    bool progress = strcmp(type, "job.progress") == 0, ended = strcmp(type, "job.ended") == 0;
    bool step = last && (progress || strcmp(type, "job.step") == 0);
    json_t *error = ended  ? error_of(&r->error, r->error_step)
                    : step ? error_of(&last->error, last->name)
                           : NULL;
    char actor[sizeof r->actor]; /* cut to fit, perhaps in the middle of a character */
    snprintf(actor, sizeof actor, "%s", r->actor);
    text_clean(actor);
    return json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s, s:o*, s:o*, s:o*}", "job", r->id, "kind",
                     r->kind, "slot", r->slot, "state", job_state_name(r->state), "actor",
                     actor[0] ? actor : NULL, "at", at, "step", step ? step_of(last) : NULL,
                     "progress", progress ? progress_of(r) : NULL, "error", error);
}

/* Takes the reference to @p data. */
static enum err make(const char *type, int64_t at_ms, json_t *data, struct event_record *out)
{
    *out = (struct event_record){.at_ms = at_ms};
    snprintf(out->type, sizeof out->type, "%s", type);
    out->data_json = data ? json_dumps(data, JSON_COMPACT) : NULL;
    json_decref(data);
    if (out->data_json) return ERR_OK;
    *out = (struct event_record){0};
    return err_set(ERR_MEM, "out of memory");
}

enum err event_of_job(const struct job_record *r, const char *type, struct event_record *out)
{
    char text[CLOCK_TEXT];
    int64_t now = clock_now_ms();
    enum err e = make(type, now, data_of_job(r, type, clock_format(now, text)), out);
    if (e) return e;
    memcpy(out->job, r->id, sizeof out->job);
    memcpy(out->slot, r->slot, sizeof out->slot);
    return ERR_OK;
}

enum err event_of_bench(const char *type, const char *slot, const char *change,
                        struct event_record *out)
{
    char text[CLOCK_TEXT];
    int64_t now = clock_now_ms();
    json_t *data = json_pack("{s:s*, s:s, s:s}", "slot", slot[0] ? slot : NULL, "change", change,
                             "at", clock_format(now, text));
    enum err e = make(type, now, data, out);
    if (!e) snprintf(out->slot, sizeof out->slot, "%s", slot);
    return e;
}

enum err event_add(struct db *db, struct event_record *e)
{
    struct query q;
    query_begin(&q, db, "INSERT INTO event (at_ms, type, job, slot, data) VALUES (?, ?, ?, ?, ?)");
    query_put_int(&q, e->at_ms);
    query_put_text(&q, e->type);
    query_put_text(&q, e->job);
    query_put_text(&q, e->slot);
    query_put_text(&q, e->data_json);
    enum err failed = query_run(&q);
    if (!failed) e->seq = sqlite3_last_insert_rowid(db->handle);
    return failed;
}

static enum err add_alone(struct db *db, void *arg)
{
    return event_add(db, arg);
}

enum err store_event_add(struct store *s, struct event_record *e)
{
    return store_write_event(s, add_alone, e, NULL, e);
}

enum err store_event_last(struct store *s, int64_t *seq_out)
{
    struct db *db;
    *seq_out = 0;
    enum err e = store_reader(s, &db);
    if (e) return e;
    /* Not max(seq): the newest may have been deleted, and its number is not given again. */
    e = db_number(db, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'",
                  seq_out);
    store_reader_done(s, db);
    return e;
}

static enum err read_row(struct query *q, struct event_record *out)
{
    *out = (struct event_record){.seq = query_get_int(q)};
    out->at_ms = query_get_int(q);
    query_get_text(q, out->type, sizeof out->type);
    query_get_text(q, out->job, sizeof out->job);
    query_get_text(q, out->slot, sizeof out->slot);
    return query_get_heap(q, &out->data_json);
}

#define EVENTS_BEHIND                                                                              \
    "SELECT seq, at_ms, type, job, slot, data FROM event WHERE seq > ?1 AND seq <= ?2"

static void begin_list(struct query *q, struct db *db, const char *job, int64_t after, int64_t upto,
                       size_t limit)
{
    query_begin(q, db,
                job[0] ? EVENTS_BEHIND " AND job = ?4 ORDER BY seq LIMIT ?3"
                       : EVENTS_BEHIND " ORDER BY seq LIMIT ?3");
    query_put_int(q, after);
    query_put_int(q, upto);
    query_put_int(q, (int64_t)limit);
    query_put_named_text(q, "?4", job);
}

enum err store_event_list(struct store *s, const char *job, int64_t after, int64_t upto,
                          size_t limit, struct event_record **list_out, size_t *n_out)
{
    struct db *db;
    struct query q;
    bool row;
    *list_out = NULL;
    *n_out = 0;
    enum err e = store_reader(s, &db);
    if (e) return e;
    struct event_record *list = calloc(limit, sizeof *list);
    if (!list) {
        store_reader_done(s, db);
        return err_set(ERR_MEM, "out of memory");
    }
    begin_list(&q, db, job, after, upto, limit);
    while (!e && *n_out < limit && !(e = query_next(&q, &row)) && row) {
        e = read_row(&q, &list[*n_out]);
        if (!e) ++*n_out;
    }
    query_end(&q);
    store_reader_done(s, db);
    if (!e) {
        *list_out = list;
        return ERR_OK;
    }
    while (*n_out)
        event_record_dispose(&list[--*n_out]);
    free(list);
    return e;
}
