/* backups: partitions as they were before a job changed them, sealed under "backup:<id>". Of each
 * partition of a board only the newest are kept, and those that a job is about to put back. */
#include <stdio.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

#define BACKUP_COLUMNS "id, created_ms, mac, job, slot, partition, offset, size, sha256"

static const char kind[] = "backup";

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "backup_not_found", "GET /v1/backups lists them.",
                    "there is no backup \"%s\"", id);
}

static enum err insert(struct db *db, const struct sealed_row *row)
{
    const struct backup_record *r = row->record;
    struct query q;
    query_begin(&q, db,
                "INSERT INTO backup (" BACKUP_COLUMNS ", data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->mac);
    query_put_text(&q, r->job);
    query_put_text(&q, r->slot);
    query_put_text(&q, r->partition);
    query_put_int(&q, r->offset);
    query_put_int(&q, r->size);
    query_put_text(&q, r->sha256);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

static enum err add(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct backup_record *r = row->record;
    struct query q;
    enum err e = insert(db, row);
    if (e) return e;
    query_begin(&q, db,
                "DELETE FROM backup WHERE mac = ?1 AND partition = ?2 AND seq <="
                " (SELECT seq FROM backup WHERE mac = ?1 AND partition = ?2"
                " ORDER BY seq DESC LIMIT 1 OFFSET ?3)"
                " AND id NOT IN (SELECT id FROM job_need)");
    query_put_text(&q, r->mac);
    query_put_text(&q, r->partition);
    query_put_int(&q, LIMIT_BACKUPS);
    return query_run(&q);
}

enum err store_backup_add(struct store *s, const struct backup_record *r, const void *data,
                          size_t n)
{
    if (n > LIMIT_BACKUP_BYTES)
        return err_fail(ERR_TOO_LARGE, "backup_too_large", NULL,
                        "%s has %zu bytes, a backup at most %d", r->partition, n,
                        (int)LIMIT_BACKUP_BYTES);
    return store_put_sealed(s, kind, r->id, data, n, add, r);
}

static enum err read_row(struct query *q, void *item)
{
    struct backup_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->mac, sizeof out->mac);
    query_get_text(q, out->job, sizeof out->job);
    query_get_text(q, out->slot, sizeof out->slot);
    query_get_text(q, out->partition, sizeof out->partition);
    out->offset = (uint32_t)query_get_int(q);
    out->size = (uint32_t)query_get_int(q);
    query_get_text(q, out->sha256, sizeof out->sha256);
    return ERR_OK;
}

enum err store_backup_get(struct store *s, const char *id, struct backup_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " BACKUP_COLUMNS " FROM backup WHERE id = ?", id,
                                      read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_backup_data(struct store *s, const char *id, struct buf *out)
{
    enum err e = store_sealed(s, "SELECT data FROM backup WHERE id = ?", kind, id, out);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

static enum err delete_backup(struct db *db, void *arg)
{
    struct query q;
    enum err e = need_refuse(db, arg, "backup");
    if (e) return e;
    query_begin(&q, db, "DELETE FROM backup WHERE id = ?");
    query_put_text(&q, arg);
    e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : not_found(arg);
}

enum err store_backup_delete(struct store *s, const char *id)
{
    enum err e = store_write(s, delete_backup, (void *)id);
    if (!e) store_fold_log(s);
    return e;
}

static void put_mac(struct query *q, const void *arg)
{
    query_put_text(q, arg);
}

enum err store_backup_list(struct store *s, const char *mac, struct store_page *page,
                           struct backup_record **list_out, size_t *n_out)
{
    const struct row_list l = {
        .sql = "SELECT " BACKUP_COLUMNS " FROM backup WHERE " ROWS_BEHIND(
            "backup", "id") " AND (?3 = '' OR mac = ?3) ORDER BY seq DESC LIMIT ?2",
        .put = put_mac,
        .arg = mac,
        .read = read_row,
        .item_bytes = sizeof **list_out,
        .id_at = offsetof(struct backup_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
