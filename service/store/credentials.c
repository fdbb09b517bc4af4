/* credentials and the image sets that are built from them. The private key is sealed under
 * "credential:<id>" before it reaches the database; nothing but store_credential_key() opens it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { CONTEXT = 64 };

#define CREDENTIAL_COLUMNS "id, created_ms, fingerprint, key_digest, certificate, root_ca, meta"

void credential_record_dispose(struct credential_record *r)
{
    free(r->certificate_pem);
    free(r->root_ca_pem);
    free(r->meta_json);
    *r = (struct credential_record){0};
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "credential_not_found", "GET /v1/credentials lists them.",
                    "there is no credential \"%s\"", id);
}

static const char *context_of(const char *id, char out[CONTEXT])
{
    snprintf(out, CONTEXT, "credential:%s", id);
    return out;
}

struct addition {
    const struct credential_record *record;
    const struct buf *sealed;
};

static enum err insert(struct db *db, void *arg)
{
    const struct addition *a = arg;
    struct query q;
    query_begin(&q, db,
                "INSERT INTO credential (" CREDENTIAL_COLUMNS ", key)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, a->record->id);
    query_put_int(&q, a->record->created_ms);
    query_put_text(&q, a->record->fingerprint_sha256);
    query_put_text(&q, a->record->key_sha256);
    query_put_text(&q, a->record->certificate_pem);
    query_put_text(&q, a->record->root_ca_pem);
    query_put_text(&q, a->record->meta_json);
    query_put_blob(&q, a->sealed->data, a->sealed->len);
    return query_run(&q);
}

enum err store_credential_add(struct store *s, const struct credential_record *r,
                              const char *key_pem, size_t key_len)
{
    char context[CONTEXT];
    struct buf sealed;
    buf_init(&sealed, key_len + 64);
    enum err e = vault_seal(store_vault(s), context_of(r->id, context), key_pem, key_len, &sealed);
    struct addition a = {r, &sealed};
    if (!e) e = store_write(s, insert, &a);
    buf_dispose(&sealed);
    return e;
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
    if (e) credential_record_dispose(out);
    return e;
}

enum err store_credential_get(struct store *s, const char *id, struct credential_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " CREDENTIAL_COLUMNS " FROM credential WHERE id = ?",
                                      id, read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

static enum err read_blob(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_credential_key(struct store *s, const char *id, struct buf *key_out)
{
    char context[CONTEXT];
    struct buf sealed;
    buf_init(&sealed, LIMIT_UPLOAD_BODY);
    const struct row_search search = {"SELECT key FROM credential WHERE id = ?", id, read_blob,
                                      &sealed};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND) e = not_found(id);
    if (!e)
        e = vault_unseal(store_vault(s), context_of(id, context), sealed.data, sealed.len, key_out);
    buf_dispose(&sealed);
    return e;
}

static enum err refuse_used(struct db *db, const char *id)
{
    struct query q;
    bool row;
    char job[ID_TEXT] = "";
    query_begin(&q, db,
                "SELECT id FROM job WHERE credential = ? AND state IN ('queued', 'running')"
                " LIMIT 1");
    query_put_text(&q, id);
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, job, sizeof job);
    query_end(&q);
    if (e || !row) return e;
    return err_fail(ERR_CONFLICT, "credential_in_use", "Wait for the job, or cancel it.",
                    "%s has this credential", job);
}

static enum err delete_credential(struct db *db, void *arg)
{
    struct query q;
    enum err e = refuse_used(db, arg);
    if (e) return e;
    query_begin(&q, db, "DELETE FROM credential WHERE id = ?");
    query_put_text(&q, arg);
    e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : not_found(arg);
}

enum err store_credential_delete(struct store *s, const char *id)
{
    return store_write(s, delete_credential, (void *)id);
}

static void dispose_item(void *item)
{
    credential_record_dispose(item);
}

enum err store_credential_list(struct store *s, struct store_page *page,
                               struct credential_record **list_out, size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " CREDENTIAL_COLUMNS
                                      " FROM credential WHERE " ROWS_BEHIND(
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

void image_record_dispose(struct image_record *r)
{
    free(r->layout_json);
    *r = (struct image_record){0};
}

static enum err insert_image(struct db *db, void *arg)
{
    const struct image_record *r = arg;
    struct query q;
    query_begin(&q, db,
                "INSERT INTO image (id, created_ms, credential, layout) VALUES (?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->credential);
    query_put_text(&q, r->layout_json);
    enum err e = query_run(&q);
    if (e && sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_FOREIGNKEY)
        return not_found(r->credential);
    return e;
}

enum err store_image_add(struct store *s, const struct image_record *r)
{
    return store_write(s, insert_image, (void *)r);
}

static enum err read_image(struct query *q, void *item)
{
    struct image_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->credential, sizeof out->credential);
    return query_get_heap(q, &out->layout_json);
}

enum err store_image_get(struct store *s, const char *id, struct image_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {
        "SELECT id, created_ms, credential, layout FROM image WHERE id = ?", id, read_image, out};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND)
        e = err_fail(ERR_NOT_FOUND, "image_not_found", "POST /v1/images makes one.",
                     "there is no image set \"%s\"", id);
    return e;
}
