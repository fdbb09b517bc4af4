#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

#define SLOT_COLUMNS                                                                               \
    "name, download_port, at_port, reset, download_baud, flash_baud, at_baud, changed_ms"

struct change {
    const struct slot_record *record; /* to put, or */
    const char *name;                 /* to delete */
    struct event_record event;
};

static enum err put(struct db *db, void *arg)
{
    struct change *c = arg;
    const struct slot_record *r = c->record;
    struct query q;
    query_begin(&q, db, "REPLACE INTO slot (" SLOT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->name);
    query_put_text(&q, r->download_port);
    query_put_text(&q, r->at_port);
    query_put_text(&q, r->reset);
    query_put_int(&q, r->download_baud);
    query_put_int(&q, r->flash_baud);
    query_put_int(&q, r->at_baud);
    query_put_int(&q, r->changed_ms);
    enum err e = query_run(&q);
    return e ? e : event_add(db, &c->event);
}

static enum err write_change(struct store *s, write_fn fn, struct change *c)
{
    const char *name = c->record ? c->record->name : c->name;
    const char *change = c->record ? "stored" : "deleted";
    enum err e = event_of_bench("slot.changed", name, change, &c->event);
    if (!e) e = store_write_event(s, fn, c, NULL, &c->event);
    event_record_dispose(&c->event);
    return e;
}

enum err store_slot_put(struct store *s, const struct slot_record *r)
{
    struct change c = {.record = r};
    return write_change(s, put, &c);
}

static enum err read_row(struct query *q, void *item)
{
    struct slot_record *out = item;
    query_get_text(q, out->name, sizeof out->name);
    query_get_text(q, out->download_port, sizeof out->download_port);
    query_get_text(q, out->at_port, sizeof out->at_port);
    query_get_text(q, out->reset, sizeof out->reset);
    out->download_baud = (uint32_t)query_get_int(q);
    out->flash_baud = (uint32_t)query_get_int(q);
    out->at_baud = (uint32_t)query_get_int(q);
    out->changed_ms = query_get_int(q);
    return ERR_OK;
}

static enum err not_found(const char *name)
{
    return err_fail(ERR_NOT_FOUND, "slot_not_found",
                    "GET /v1/slots and /v1/ports list what is there.", "there is no slot \"%s\"",
                    name);
}

enum err store_slot_get(struct store *s, const char *name, struct slot_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " SLOT_COLUMNS " FROM slot WHERE name = ?", name,
                                      read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(name) : e;
}

static enum err delete_slot(struct db *db, void *arg)
{
    struct change *c = arg;
    struct query q;
    query_begin(&q, db, "DELETE FROM slot WHERE name = ?");
    query_put_text(&q, c->name);
    enum err e = query_run(&q);
    if (!e && !sqlite3_changes(db->handle)) e = not_found(c->name);
    return e ? e : event_add(db, &c->event);
}

enum err store_slot_delete(struct store *s, const char *name)
{
    struct change c = {.name = name};
    return write_change(s, delete_slot, &c);
}

/* A bench has few slots, so the list grows by doubling without a limit of its own.
 * @return room for item @p n, NULL when there is no memory */
static struct slot_record *room_for(struct slot_record **list, size_t n, size_t *cap)
{
    if (n >= *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        struct slot_record *grown = reallocarray(*list, more, sizeof **list);
        if (!grown) return NULL;
        *list = grown;
        *cap = more;
    }
    return &(*list)[n];
}

enum err store_slot_list(struct store *s, struct slot_record **list_out, size_t *n_out)
{
    struct db *db;
    struct query q;
    struct slot_record *list = NULL;
    size_t n = 0, cap = 0;
    bool row;
    *list_out = NULL;
    *n_out = 0;
    enum err e = store_reader(s, &db);
    if (e) return e;
    query_begin(&q, db, "SELECT " SLOT_COLUMNS " FROM slot ORDER BY name");
    while (!(e = query_next(&q, &row)) && row) {
        struct slot_record *item = room_for(&list, n, &cap);
        if (!item) {
            e = err_set(ERR_MEM, "out of memory");
            break;
        }
        read_row(&q, item);
        n++;
    }
    query_end(&q);
    store_reader_done(s, db);
    if (e) {
        free(list);
        return e;
    }
    *list_out = list;
    *n_out = n;
    return ERR_OK;
}
