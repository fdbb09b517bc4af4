/* credentials. The private key is sealed under
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
