/* credentials. The private key is sealed under "credential:<id>" before it reaches the database;
 * nothing but store_credential_key() opens it. One that was purged is an empty blob: secure_delete
 * wipes its page, and the log is folded in at once so that no copy stays there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/store/internal.h"
#include "service/store/rows.h"

#define PUBLIC_COLUMNS "id, created_ms, fingerprint, key_digest, certificate, root_ca, meta"
#define READ_COLUMNS   PUBLIC_COLUMNS ", purged_ms"

void credential_record_dispose(struct credential_record *r)
{
    free(r->certificate_pem);
    free(r->root_ca_pem);
    free(r->meta_json);
    *r = (struct credential_record){0};
}

static const char kind[] = "credential";

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "credential_not_found", "GET /v1/credentials lists them.",
                    "there is no credential \"%s\"", id);
}

struct addition {
    const struct credential_record *record;
    struct credential_duplicate *duplicate;
};

/* The one that makes it a duplicate. Where the key may be there, only one that is the same in all
 * that a board gets. @param same_out  it has the same certificate, not only the same key */
static enum err find_earlier(struct db *db, const struct addition *a, bool *same_out)
{
    const struct credential_record *r = a->record;
    struct query q;
    bool row;
    a->duplicate->earlier[0] = '\0';
    query_begin(&q, db,
                "SELECT id, fingerprint = ?1 FROM credential"
                " WHERE (fingerprint = ?1 OR key_digest = ?2)"
                " AND (NOT ?3 OR (certificate = ?4 AND root_ca = ?5))"
                " ORDER BY 2 DESC, seq DESC LIMIT 1");
    query_put_text(&q, r->fingerprint_sha256);
    query_put_text(&q, r->key_sha256);
    query_put_int(&q, a->duplicate->allowed);
    query_put_text(&q, r->certificate_pem);
    query_put_text(&q, r->root_ca_pem);
    enum err e = query_next(&q, &row);
    if (row) {
        query_get_text(&q, a->duplicate->earlier, sizeof a->duplicate->earlier);
        *same_out = query_get_int(&q) != 0;
    }
    query_end(&q);
    return e;
}

static enum err refuse_duplicate(struct db *db, const struct addition *a)
{
    bool same = false;
    const char *earlier = a->duplicate->earlier;
    enum err e = find_earlier(db, a, &same);
    if (e || !*earlier) return e;
    if (same)
        return err_fail(ERR_CONFLICT, "credential_exists",
                        "Use the one that is there, or delete it first; with another chain or root "
                        "CA send it with ?allow=duplicate_key.",
                        "%s has this certificate", earlier);
    return err_fail(ERR_CONFLICT, "key_in_use",
                    "Make a key of its own for each device; send a renewed certificate with "
                    "?allow=duplicate_key.",
                    "%s has this private key, with another certificate", earlier);
}

static enum err insert(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct addition *a = row->record;
    struct query q;
    enum err e = refuse_duplicate(db, a);
    if (e) return e;
    query_begin(&q, db,
                "INSERT INTO credential (" PUBLIC_COLUMNS ", key)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, a->record->id);
    query_put_int(&q, a->record->created_ms);
    query_put_text(&q, a->record->fingerprint_sha256);
    query_put_text(&q, a->record->key_sha256);
    query_put_text(&q, a->record->certificate_pem);
    query_put_text(&q, a->record->root_ca_pem);
    query_put_text(&q, a->record->meta_json);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

enum err store_credential_add(struct store *s, const struct credential_record *r,
                              const char *key_pem, size_t key_len,
                              struct credential_duplicate *duplicate)
{
    struct credential_duplicate none = {.allowed = false};
    const struct addition a = {r, duplicate ? duplicate : &none};
    return store_put_sealed(s, kind, r->id, key_pem, key_len, insert, &a);
}

static enum err read_row(struct query *q, void *item)
{
    struct credential_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->fingerprint_sha256, sizeof out->fingerprint_sha256);
    query_get_text(q, out->key_sha256, sizeof out->key_sha256);
    enum err e = query_get_heap(q, &out->certificate_pem);
    if (!e) e = query_get_heap(q, &out->root_ca_pem);
    if (!e) e = query_get_heap(q, &out->meta_json);
    out->purged_ms = query_get_int(q);
    if (e) credential_record_dispose(out);
    return e;
}

enum err store_credential_get(struct store *s, const char *id, struct credential_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " READ_COLUMNS " FROM credential WHERE id = ?", id,
                                      read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

static enum err read_id(struct query *q, void *item)
{
    query_get_text(q, item, ID_TEXT);
    return ERR_OK;
}

enum err store_credential_find(struct store *s, const char *fingerprint_sha256,
                               char id_out[ID_TEXT])
{
    const struct row_search search = {
        "SELECT id FROM credential WHERE fingerprint = ? ORDER BY seq DESC LIMIT 1",
        fingerprint_sha256, read_id, id_out};
    id_out[0] = '\0';
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err read_blob(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_credential_key(struct store *s, const char *id, struct buf *key_out)
{
    struct buf sealed;
    buf_init(&sealed, LIMIT_UPLOAD_BODY);
    const struct row_search search = {"SELECT key FROM credential WHERE id = ?", id, read_blob,
                                      &sealed};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND) e = not_found(id);
    if (!e && !sealed.len)
        e = err_fail(ERR_NOT_FOUND, "key_purged",
                     "Delete the credential and upload it again, with its key.",
                     "the private key of %s was purged", id);
    if (!e) e = store_unseal(s, kind, id, &sealed, key_out);
    buf_dispose(&sealed);
    return e;
}

static enum err purge_key(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db,
                "UPDATE credential SET key = x'',"
                " purged_ms = CASE purged_ms WHEN 0 THEN ? ELSE purged_ms END WHERE id = ?");
    query_put_int(&q, clock_now_ms());
    query_put_text(&q, arg);
    enum err e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : not_found(arg);
}

enum err store_credential_purge_key(struct store *s, const char *id)
{
    enum err e = store_write(s, purge_key, (void *)id);
    if (!e) store_fold_log(s);
    return e;
}

static enum err delete_credential(struct db *db, void *arg)
{
    struct query q;
    enum err e = need_refuse(db, arg, "credential");
    if (e) return e;
    query_begin(&q, db, "DELETE FROM credential WHERE id = ?");
    query_put_text(&q, arg);
    e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : not_found(arg);
}

enum err store_credential_delete(struct store *s, const char *id)
{
    enum err e = store_write(s, delete_credential, (void *)id);
    if (!e) store_fold_log(s);
    return e;
}

static void dispose_item(void *item)
{
    credential_record_dispose(item);
}

enum err store_credential_list(struct store *s, struct store_page *page,
                               struct credential_record **list_out, size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " READ_COLUMNS " FROM credential WHERE " ROWS_BEHIND(
                                   "credential", "id") " ORDER BY seq DESC LIMIT ?2",
                               .read = read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct credential_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
