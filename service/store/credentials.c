/* credentials and the image sets that are built from them. The private key is sealed under
 * "credential:<id>" before it reaches the database; nothing but store_credential_key() opens it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"

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

static enum err read_row(struct query *q, struct credential_record *out)
{
    memset(out, 0, sizeof *out);
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
    struct db *db;
    struct query q;
    bool row;
    memset(out, 0, sizeof *out);
    enum err e = store_reader(s, &db);
    if (e) return e;
    query_begin(&q, db, "SELECT " CREDENTIAL_COLUMNS " FROM credential WHERE id = ?");
    query_put_text(&q, id);
    e = query_next(&q, &row);
    if (row) e = read_row(&q, out);
    query_end(&q);
    store_reader_done(s, db);
    return e ? e : row ? ERR_OK : not_found(id);
}

enum err store_credential_key(struct store *s, const char *id, struct buf *key_out)
{
    char context[CONTEXT];
    struct db *db;
    struct query q;
    struct buf sealed;
    bool row;
    enum err e = store_reader(s, &db);
    if (e) return e;
    buf_init(&sealed, LIMIT_UPLOAD_BODY);
    query_begin(&q, db, "SELECT key FROM credential WHERE id = ?");
    query_put_text(&q, id);
    e = query_next(&q, &row);
    if (row) e = query_get_blob(&q, &sealed);
    query_end(&q);
    store_reader_done(s, db);
    if (!e && !row) e = not_found(id);
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

static void dispose_list(struct credential_record *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        credential_record_dispose(&list[i]);
    free(list);
}

enum err store_credential_list(struct store *s, const struct store_page *page,
                               struct credential_record **list_out, size_t *n_out,
                               char next_out[ID_TEXT * 2])
{
    struct db *db;
    struct query q;
    bool row;
    size_t n = 0, limit = page_limit(page);
    *list_out = NULL;
    *n_out = 0;
    next_out[0] = '\0';
    struct credential_record *list = calloc(limit + 1, sizeof *list);
    if (!list) return err_set(ERR_MEM, "out of memory");
    enum err e = store_reader(s, &db);
    if (e) {
        free(list);
        return e;
    }
    query_begin(&q, db,
                "SELECT " CREDENTIAL_COLUMNS " FROM credential WHERE " PAGE_BEHIND(
                    "credential", "id") " ORDER BY seq DESC LIMIT ?2");
    query_put_text(&q, page->cursor);
    query_put_int(&q, (int64_t)limit + 1);
    while (!(e = query_next(&q, &row)) && row && n <= limit) {
        e = read_row(&q, &list[n]);
        if (e) break;
        n++;
    }
    query_end(&q);
    store_reader_done(s, db);
    if (e) {
        dispose_list(list, n);
        return e;
    }
    *n_out = page_end(page, n, list[limit - 1].id, next_out);
    if (n > *n_out) credential_record_dispose(&list[n - 1]);
    *list_out = list;
    return ERR_OK;
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

enum err store_image_get(struct store *s, const char *id, struct image_record *out)
{
    struct db *db;
    struct query q;
    bool row;
    memset(out, 0, sizeof *out);
    enum err e = store_reader(s, &db);
    if (e) return e;
    query_begin(&q, db, "SELECT id, created_ms, credential, layout FROM image WHERE id = ?");
    query_put_text(&q, id);
    e = query_next(&q, &row);
    if (row) {
        query_get_text(&q, out->id, sizeof out->id);
        out->created_ms = query_get_int(&q);
        query_get_text(&q, out->credential, sizeof out->credential);
        e = query_get_heap(&q, &out->layout_json);
    }
    query_end(&q);
    store_reader_done(s, db);
    if (e) memset(out, 0, sizeof *out);
    if (!e && !row)
        return err_fail(ERR_NOT_FOUND, "image_not_found", "POST /v1/images makes one.",
                        "there is no image set \"%s\"", id);
    return e;
}
