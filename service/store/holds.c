/* holds: slots whose queue was told to stand still or to run dry. */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"

static const char *const names[] = {"none", "paused", "draining"};

const char *hold_name(enum slot_hold h)
{
    return names[h];
}

struct change {
    const struct hold_record *record;
    struct event_record event;
};

static enum err put(struct db *db, void *arg)
{
    struct change *c = arg;
    const struct hold_record *r = c->record;
    struct query q;
    query_begin(&q, db, "DELETE FROM slot_hold WHERE slot = ?");
    query_put_text(&q, r->slot);
    enum err e = query_run(&q);
    if (!e) e = event_add(db, &c->event);
    if (e || r->state == HOLD_NONE) return e;
    query_begin(&q, db, "INSERT INTO slot_hold (slot, state, since_ms, actor) VALUES (?, ?, ?, ?)");
    query_put_text(&q, r->slot);
    query_put_text(&q, hold_name(r->state));
    query_put_int(&q, r->since_ms);
    query_put_text(&q, r->actor);
    return query_run(&q);
}

enum err store_hold_put(struct store *s, const struct hold_record *r)
{
    struct change c = {.record = r};
    const char *change = r->state == HOLD_NONE ? "resumed" : hold_name(r->state);
    enum err e = event_of_bench("slot.changed", r->slot, change, &c.event);
    if (!e) e = store_write_event(s, put, &c, NULL, &c.event);
    event_record_dispose(&c.event);
    return e;
}

static void read_row(struct query *q, struct hold_record *out)
{
    char state[16];
    query_get_text(q, out->slot, sizeof out->slot);
    query_get_text(q, state, sizeof state);
    out->since_ms = query_get_int(q);
    query_get_text(q, out->actor, sizeof out->actor);
    out->state = strcmp(state, names[HOLD_DRAINING]) == 0 ? HOLD_DRAINING : HOLD_PAUSED;
}

/* @param list  with room for @p count */
static enum err read_rows(struct db *db, struct hold_record *list, size_t count, size_t *n_out)
{
    struct query q;
    bool row;
    enum err e;
    query_begin(&q, db, "SELECT slot, state, since_ms, actor FROM slot_hold ORDER BY slot LIMIT ?");
    query_put_int(&q, (int64_t)count);
    while (!(e = query_next(&q, &row)) && row)
        read_row(&q, &list[(*n_out)++]);
    query_end(&q);
    return e;
}

enum err store_hold_list(struct store *s, struct hold_record **list_out, size_t *n_out)
{
    struct db *db;
    int64_t count = 0;
    *list_out = NULL;
    *n_out = 0;
    enum err e = store_reader(s, &db);
    if (e) return e;
    e = db_number(db, "SELECT count(*) FROM slot_hold", &count);
    if (!e) {
        *list_out = calloc((size_t)count + 1, sizeof **list_out);
        e = *list_out ? read_rows(db, *list_out, (size_t)count, n_out)
                      : err_set(ERR_MEM, "out of memory");
    }
    store_reader_done(s, db);
    if (!e) return ERR_OK;
    free(*list_out);
    *list_out = NULL;
    *n_out = 0;
    return e;
}
