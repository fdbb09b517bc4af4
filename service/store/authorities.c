/* authorities: local certificate authorities. The key is sealed under "authority:<id>". */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

#define AUTHORITY_COLUMNS "id, created_ms, name, certificate, meta"

static const char kind[] = "authority";

void authority_record_dispose(struct authority_record *r)
{
    free(r->certificate_pem);
    free(r->meta_json);
    *r = (struct authority_record){.id = ""};
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "authority_not_found", "GET /v1/authorities lists them.",
                    "there is no authority \"%s\"", id);
}

static enum err insert(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct authority_record *r = row->record;
    struct query q;
    query_begin(&q, db,
                "INSERT INTO authority (" AUTHORITY_COLUMNS ", key) VALUES (?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->name);
    query_put_text(&q, r->certificate_pem);
    query_put_text(&q, r->meta_json);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    enum err e = query_run(&q);
    if (e && sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_UNIQUE)
        return err_fail(ERR_CONFLICT, "authority_exists", "Use it, or choose another name.",
                        "there is an authority \"%s\" already", r->name);
    return e;
}

enum err store_authority_add(struct store *s, const struct authority_record *r, const char *key_pem,
                             size_t key_len)
{
    return store_put_sealed(s, kind, r->id, key_pem, key_len, insert, r);
}

static enum err read_row(struct query *q, void *item)
{
    struct authority_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->name, sizeof out->name);
    enum err e = query_get_heap(q, &out->certificate_pem);
    if (!e) e = query_get_heap(q, &out->meta_json);
    if (e) authority_record_dispose(out);
    return e;
}

enum err store_authority_get(struct store *s, const char *id, struct authority_record *out)
{
    *out = (struct authority_record){.id = ""};
    const struct row_search search = {"SELECT " AUTHORITY_COLUMNS " FROM authority WHERE id = ?",
                                      id, read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_authority_key(struct store *s, const char *id, struct buf *key_out)
{
    enum err e = store_sealed(s, "SELECT key FROM authority WHERE id = ?", kind, id, key_out);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_authority_delete(struct store *s, const char *id)
{
    enum err e = store_delete(s, "DELETE FROM authority WHERE id = ?", id);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

static void dispose_item(void *item)
{
    authority_record_dispose(item);
}

enum err store_authority_list(struct store *s, struct store_page *page,
                              struct authority_record **list_out, size_t *n_out)
{
    const struct row_list l = {.sql =
                                   "SELECT " AUTHORITY_COLUMNS " FROM authority WHERE " ROWS_BEHIND(
                                       "authority", "id") " ORDER BY seq DESC LIMIT ?2",
                               .read = read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct authority_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
