/* profiles: settings sealed under "profile:<name>", since a Wi-Fi password is among them. */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

#define PROFILE_COLUMNS "name, changed_ms, settings"

static const char kind[] = "profile";

void profile_record_dispose(struct profile_record *r)
{
    if (r->settings_json) explicit_bzero(r->settings_json, strlen(r->settings_json));
    free(r->settings_json);
    *r = (struct profile_record){.name = ""};
}

static enum err not_found(const char *name)
{
    return err_fail(ERR_NOT_FOUND, "profile_not_found", "GET /v1/profiles lists them.",
                    "there is no profile \"%s\"", name);
}

static enum err put(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct profile_record *r = row->record;
    struct query q;
    query_begin(&q, db, "REPLACE INTO profile (" PROFILE_COLUMNS ") VALUES (?, ?, ?)");
    query_put_text(&q, r->name);
    query_put_int(&q, r->changed_ms);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

enum err store_profile_put(struct store *s, const struct profile_record *r)
{
    return store_put_sealed(s, kind, r->name, r->settings_json, strlen(r->settings_json), put, r);
}

/* As it lies in the database. */
struct row {
    struct profile_record record; /* without its settings */
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

static enum err open_row(struct store *s, const struct row *r, struct profile_record *out)
{
    struct buf settings;
    buf_init_secret(&settings, LIMIT_UPLOAD_BODY);
    *out = r->record;
    enum err e = store_unseal(s, kind, out->name, &r->sealed, &settings);
    if (!e) out->settings_json = strdup(buf_str(&settings));
    if (!e && !out->settings_json) e = err_set(ERR_MEM, "out of memory");
    buf_dispose(&settings);
    return e;
}

/* @param[out] list_out  heap, NULL on error */
static enum err open_rows(struct store *s, const struct row *rows, size_t n,
                          struct profile_record **list_out)
{
    enum err e = ERR_OK;
    struct profile_record *list = calloc(n + 1, sizeof *list);
    if (!list) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; !e && i < n; i++)
        e = open_row(s, &rows[i], &list[i]);
    if (!e) {
        *list_out = list;
        return ERR_OK;
    }
    for (size_t i = 0; i < n; i++)
        profile_record_dispose(&list[i]);
    free(list);
    return e;
}

enum err store_profile_get(struct store *s, const char *name, struct profile_record *out)
{
    struct row row = {.record.name = ""};
    const struct row_search search = {"SELECT " PROFILE_COLUMNS " FROM profile WHERE name = ?",
                                      name, read_row, &row};
    *out = (struct profile_record){.name = ""};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND) e = not_found(name);
    if (!e) e = open_row(s, &row, out);
    dispose_row(&row);
    return e;
}

enum err store_profile_delete(struct store *s, const char *name)
{
    enum err e = store_delete(s, "DELETE FROM profile WHERE name = ?", name);
    return e == ERR_NOT_FOUND ? not_found(name) : e;
}

enum err store_profile_list(struct store *s, struct store_page *page,
                            struct profile_record **list_out, size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " PROFILE_COLUMNS
                                      " FROM profile WHERE name > ?1 ORDER BY name LIMIT ?2",
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
    e = open_rows(s, rows, n, list_out);
    for (size_t i = 0; i < n; i++)
        dispose_row((struct row *)rows + i);
    free(rows);
    if (!e) *n_out = n;
    return e;
}
