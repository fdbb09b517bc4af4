/* firmwares: what is known of an upload. One content is kept once. */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

#define FIRMWARE_COLUMNS "id, created_ms, name, size, sha256, info"

void firmware_record_dispose(struct firmware_record *r)
{
    free(r->info_json);
    *r = (struct firmware_record){0};
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "firmware_not_found", "GET /v1/firmware lists them.",
                    "there is no firmware \"%s\"", id);
}

static enum err insert(struct db *db, void *arg)
{
    const struct firmware_record *r = arg;
    struct query q;
    query_begin(&q, db, "INSERT INTO firmware (" FIRMWARE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->name);
    query_put_int(&q, (int64_t)r->size);
    query_put_text(&q, r->sha256);
    query_put_text(&q, r->info_json);
    return query_run(&q);
}

enum err store_firmware_add(struct store *s, const struct firmware_record *r)
{
    return store_write(s, insert, (void *)r);
}

static enum err read_row(struct query *q, void *item)
{
    struct firmware_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->name, sizeof out->name);
    out->size = (uint64_t)query_get_int(q);
    query_get_text(q, out->sha256, sizeof out->sha256);
    return query_get_heap(q, &out->info_json);
}

static enum err find(struct store *s, const char *sql, const char *key, struct firmware_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {sql, key, read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(key) : e;
}

enum err store_firmware_get(struct store *s, const char *id, struct firmware_record *out)
{
    return find(s, "SELECT " FIRMWARE_COLUMNS " FROM firmware WHERE id = ?", id, out);
}

enum err store_firmware_find(struct store *s, const char *sha256, struct firmware_record *out)
{
    return find(s, "SELECT " FIRMWARE_COLUMNS " FROM firmware WHERE sha256 = ?", sha256, out);
}

static enum err delete_firmware(struct db *db, void *arg)
{
    struct query q;
    enum err e = need_refuse(db, arg, "firmware");
    if (e) return e;
    query_begin(&q, db, "DELETE FROM firmware WHERE id = ?");
    query_put_text(&q, arg);
    e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : not_found(arg);
}

enum err store_firmware_delete(struct store *s, const char *id)
{
    return store_write(s, delete_firmware, (void *)id);
}

static void dispose_item(void *item)
{
    firmware_record_dispose(item);
}

enum err store_firmware_list(struct store *s, struct store_page *page,
                             struct firmware_record **list_out, size_t *n_out)
{
    const struct row_list l = {
        .sql = "SELECT " FIRMWARE_COLUMNS
               " FROM firmware WHERE " ROWS_BEHIND("firmware", "id") " ORDER BY seq DESC LIMIT ?2",
        .read = read_row,
        .dispose = dispose_item,
        .item_bytes = sizeof **list_out,
        .id_at = offsetof(struct firmware_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
