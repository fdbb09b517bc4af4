/* seen: what was last in a slot. Kept by itself, so that it is there right after a start and stays
 * when the jobs that told it are deleted. A board that was seen in another slot before, or long
 * ago, is known by its device's row. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/store/internal.h"
#include "service/store/rows.h"

/* What one job's result says. Texts are those of the result. */
struct told {
    const char *mac, *chip, *title; /* "" = not said */
    /* NULL = the job did not ask, "" = what was known holds no more */
    const char *firmware, *layout;
};

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static bool has_step(const struct job_record *r, const char *name)
{
    for (size_t i = 0; i < r->step_count; i++)
        if (strcmp(r->steps[i].name, name) == 0) return true;
    return false;
}

/* A flash says before it writes what it will bring. What it has overwritten counts no more, and
 * what it brought counts when the board has proved it. One that is cut off has not said what it
 * wrote. */
static void tell_flash(const struct job_record *r, const json_t *result, struct told *out)
{
    const json_t *write = json_object_get(result, "write");
    bool wrote = has_step(r, "write") && !json_is_true(json_object_get(write, "identical"));
    if (!json_is_true(json_object_get(write, "verified"))) out->layout = wrote ? "" : NULL;
    if (wrote && !out->firmware) out->firmware = "";
}

static void tell_erase(const json_t *erase, struct told *out)
{
    out->firmware = "";
    if (!json_object_get(erase, "partition")) out->layout = "";
}

/* @return false when it found no board */
static bool tell(const struct job_record *r, const json_t *result, struct told *out)
{
    const json_t *board = json_object_get(result, "board");
    const json_t *firmware = json_object_get(result, "firmware");
    const json_t *layout = json_object_get(result, "layout");
    *out = (struct told){.mac = text_in(board, "mac"),
                         .chip = text_in(board, "chip"),
                         .title = text_in(board, "title"),
                         .firmware = firmware ? text_in(firmware, "at_version") : NULL,
                         .layout = layout ? text_in(layout, "kind") : NULL};
    if (json_object_get(result, "flash")) tell_flash(r, result, out);
    if (has_step(r, "erase")) tell_erase(json_object_get(result, "erase"), out);
    return board != NULL;
}

/* Over what is known of the board @p t speaks of. */
static const char put_board_sql[] =
    "INSERT INTO slot_seen (slot, last_job, job, mac, chip, title, firmware, layout, seen_ms)"
    " SELECT ?1, '', ?2, ?3, CASE WHEN ?4 = '' THEN coalesce(d.chip, '') ELSE ?4 END, ?5,"
    " coalesce(?6, d.firmware, ''), coalesce(?7, d.layout, ''), ?8"
    " FROM (SELECT 1) LEFT JOIN device AS d ON d.mac = ?3 WHERE true"
    " ON CONFLICT (slot) DO UPDATE SET"
    " seen_ms = CASE WHEN job = excluded.job THEN seen_ms ELSE excluded.seen_ms END,"
    " job = excluded.job, mac = excluded.mac, chip = excluded.chip, title = excluded.title,"
    " firmware = excluded.firmware, layout = excluded.layout"
    " WHERE (job, mac, chip, title, firmware, layout) IS NOT (excluded.job, excluded.mac,"
    " excluded.chip, excluded.title, excluded.firmware, excluded.layout)";

static void put_text_or_null(struct query *q, const char *text)
{
    if (text)
        query_put_text(q, text);
    else
        query_put_null(q);
}

static enum err put_board(struct db *db, const struct job_record *r, const struct told *t)
{
    struct query q;
    query_begin(&q, db, put_board_sql);
    query_put_text(&q, r->slot);
    query_put_text(&q, r->id);
    query_put_text(&q, t->mac);
    query_put_text(&q, t->chip);
    query_put_text(&q, t->title);
    put_text_or_null(&q, t->firmware);
    put_text_or_null(&q, t->layout);
    query_put_int(&q, clock_now_ms());
    return query_run(&q);
}

static enum err put_device(struct db *db, const struct told *t)
{
    struct query q;
    query_begin(&q, db,
                "UPDATE device SET firmware = coalesce(?2, firmware), layout = coalesce(?3, layout)"
                " WHERE mac = ?1");
    query_put_text(&q, t->mac);
    put_text_or_null(&q, t->firmware);
    put_text_or_null(&q, t->layout);
    return query_run(&q);
}

/* Kinds that bring a board no further and prove nothing of it. An identify is none of them: it
 * says which board is there now, and the next one does not bear the failure of the one before. */
#define ONLY_LOOKS "('at', 'read', 'reset')"

/* A failure stays until something has come of the board: a console line that went well would hide
 * that it is not ready. */
static enum err put_last(struct db *db, const struct job_record *r)
{
    struct query q;
    query_begin(&q, db,
                "INSERT INTO slot_seen (slot, last_job, job, mac, chip, title, firmware, layout,"
                " seen_ms) VALUES (?1, ?2, '', '', '', '', '', '', 0)"
                " ON CONFLICT (slot) DO UPDATE SET last_job = excluded.last_job"
                " WHERE ?3 NOT IN " ONLY_LOOKS
                " OR NOT EXISTS (SELECT 1 FROM job WHERE id = slot_seen.last_job"
                " AND kind NOT IN " ONLY_LOOKS " AND state IN ('failed', 'interrupted'))");
    query_put_text(&q, r->slot);
    query_put_text(&q, r->id);
    query_put_text(&q, r->kind);
    return query_run(&q);
}

enum err seen_note(struct db *db, const struct job_record *r, bool ends)
{
    struct told told;
    json_t *result = r->result_json ? json_loads(r->result_json, 0, NULL) : NULL;
    enum err e = ERR_OK;
    if (tell(r, result, &told)) {
        e = put_board(db, r, &told);
        if (!e && ends) e = put_device(db, &told);
    }
    json_decref(result);
    if (!e && ends && r->priority <= JOB_PRIORITY_MAX) e = put_last(db, r);
    return e;
}

static enum err read_last_job(struct query *q, struct slot_seen *out)
{
    char state[16];
    char *error = NULL;
    query_get_text(q, out->last_job.id, sizeof out->last_job.id);
    query_get_text(q, out->last_job.kind, sizeof out->last_job.kind);
    query_get_text(q, state, sizeof state);
    out->last_job.finished_ms = query_get_int(q);
    query_get_text(q, out->last_job.error_step, sizeof out->last_job.error_step);
    enum err e = query_get_heap(q, &error);
    if (!e && out->last_job.id[0]) e = job_state_parse(state, &out->last_job.state);
    if (!e && error) e = error_from_text(error, &out->last_job.error);
    free(error);
    return e;
}

static enum err read_row(struct query *q, void *item)
{
    struct slot_seen *out = item;
    query_get_text(q, out->board.job, sizeof out->board.job);
    query_get_text(q, out->board.mac, sizeof out->board.mac);
    query_get_text(q, out->board.chip, sizeof out->board.chip);
    query_get_text(q, out->board.title, sizeof out->board.title);
    query_get_text(q, out->board.firmware, sizeof out->board.firmware);
    query_get_text(q, out->board.layout, sizeof out->board.layout);
    out->board.at_ms = query_get_int(q);
    return read_last_job(q, out);
}

enum err store_slot_seen(struct store *s, const char *slot, struct slot_seen *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {
        "SELECT s.job, s.mac, s.chip, s.title, s.firmware, s.layout, s.seen_ms, j.id, j.kind,"
        " j.state, j.finished_ms, j.error_step, j.error"
        " FROM slot_seen AS s LEFT JOIN job AS j ON j.id = s.last_job WHERE s.slot = ?",
        slot, read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
