#include "service/store/named.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/store/rows.h"

void named_settings_dispose(struct named_settings *r)
{
    if (r->settings_json) explicit_bzero(r->settings_json, strlen(r->settings_json));
    free(r->settings_json);
    *r = (struct named_settings){.name = ""};
}

void named_settings_begin(const char *name, const struct named_settings *former,
                          struct named_settings *out)
{
    *out = (struct named_settings){.changed_ms = clock_now_ms()};
    /* also its version: it grows even when the clock does not */
    if (former && out->changed_ms <= former->changed_ms) out->changed_ms = former->changed_ms + 1;
    snprintf(out->name, sizeof out->name, "%s", name);
}

static enum err missing(const struct named_kind *kind, const char *name)
{
    char code[48];
    snprintf(code, sizeof code, "%s_not_found", kind->kind);
    return err_fail(ERR_NOT_FOUND, code, kind->where, "there is no %s \"%s\"", kind->kind, name);
}

struct put {
    const struct named_kind *kind;
    const struct named_settings *record;
    bool guarded;
};

static enum err put(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct put *p = row->record;
    struct query q;
    enum err e = p->guarded ? p->kind->guard(db, p->record->name) : ERR_OK;
    if (e) return e;
    query_begin(&q, db, p->kind->put);
    query_put_text(&q, p->record->name);
    query_put_int(&q, p->record->changed_ms);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

enum err named_put(struct store *s, const struct named_kind *kind, const struct named_settings *r,
                   bool guarded)
{
    const struct put p = {kind, r, guarded};
    return store_put_sealed(s, kind->kind, r->name, r->settings_json, strlen(r->settings_json), put,
                            &p);
}

/* As it lies in the database. */
struct row {
    struct named_settings record; /* without its settings */
    struct buf sealed;
};

static void dispose_row(void *item)
{
    struct row *r = item;
    buf_dispose(&r->sealed);
}

static enum err read_row(struct query *q, void *item)
{
    struct row *r = item;
    query_get_text(q, r->record.name, sizeof r->record.name);
    r->record.changed_ms = query_get_int(q);
    buf_init(&r->sealed, LIMIT_UPLOAD_BODY);
    return query_get_blob(q, &r->sealed);
}

static enum err open_row(struct store *s, const struct named_kind *kind, const struct row *r,
                         struct named_settings *out)
{
    struct buf settings;
    buf_init_secret(&settings, LIMIT_UPLOAD_BODY);
    *out = r->record;
    enum err e = store_unseal(s, kind->kind, out->name, &r->sealed, &settings);
    if (!e) out->settings_json = strdup(buf_str(&settings));
    if (!e && !out->settings_json) e = err_set(ERR_MEM, "out of memory");
    buf_dispose(&settings);
    return e;
}

/* @param[out] list_out  heap, NULL on error */
static enum err open_rows(struct store *s, const struct named_kind *kind, const struct row *rows,
                          size_t n, struct named_settings **list_out)
{
    enum err e = ERR_OK;
    struct named_settings *list = calloc(n + 1, sizeof *list);
    if (!list) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; !e && i < n; i++)
        e = open_row(s, kind, &rows[i], &list[i]);
    if (!e) {
        *list_out = list;
        return ERR_OK;
    }
    for (size_t i = 0; i < n; i++)
        named_settings_dispose(&list[i]);
    free(list);
    return e;
}

enum err named_get(struct store *s, const struct named_kind *kind, const char *name,
                   struct named_settings *out)
{
    struct row row = {.record.name = ""};
    const struct row_search search = {kind->get, name, read_row, &row};
    *out = (struct named_settings){.name = ""};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND) e = missing(kind, name);
    if (!e) e = open_row(s, kind, &row, out);
    dispose_row(&row);
    return e;
}

struct removal {
    const struct named_kind *kind;
    const char *name;
};

static enum err run_removal(struct db *db, void *arg)
{
    const struct removal *r = arg;
    struct query q;
    enum err e = r->kind->guard ? r->kind->guard(db, r->name) : ERR_OK;
    if (e) return e;
    query_begin(&q, db, r->kind->remove);
    query_put_text(&q, r->name);
    e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : missing(r->kind, r->name);
}

enum err named_delete(struct store *s, const struct named_kind *kind, const char *name)
{
    enum err e = store_write(s, run_removal, &(struct removal){kind, name});
    if (!e) store_fold_log(s);
    return e;
}

enum err named_list(struct store *s, const struct named_kind *kind, struct store_page *page,
                    struct named_settings **list_out, size_t *n_out)
{
    const struct row_list l = {.sql = kind->list,
                               .read = read_row,
                               .dispose = dispose_row,
                               .item_bytes = sizeof(struct row),
                               .id_at = offsetof(struct row, record.name)};
    void *rows;
    size_t n;
    *list_out = NULL;
    *n_out = 0;
    enum err e = rows_list(s, &l, page, &rows, &n);
    if (e) return e;
    e = open_rows(s, kind, rows, n, list_out);
    for (size_t i = 0; i < n; i++)
        dispose_row((struct row *)rows + i);
    free(rows);
    if (!e) *n_out = n;
    return e;
}
