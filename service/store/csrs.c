/* csrs: keys made here whose certificate has not come yet. The key is sealed under "csr:<id>". */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

#define CSR_COLUMNS "id, created_ms, key_digest, request, meta"

static const char kind[] = "csr";

void csr_record_dispose(struct csr_record *r)
{
    free(r->request_pem);
    free(r->meta_json);
    *r = (struct csr_record){.id = ""};
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "csr_not_found",
                    "GET /v1/credentials/csr lists those that wait for their certificate.",
                    "there is no certificate request \"%s\"", id);
}

static enum err insert(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct csr_record *r = row->record;
    struct query q;
    query_begin(&q, db, "INSERT INTO csr (" CSR_COLUMNS ", key) VALUES (?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->key_sha256);
    query_put_text(&q, r->request_pem);
    query_put_text(&q, r->meta_json);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

enum err store_csr_add(struct store *s, const struct csr_record *r, const char *key_pem,
                       size_t key_len)
{
    return store_put_sealed(s, kind, r->id, key_pem, key_len, insert, r);
}

static enum err read_row(struct query *q, void *item)
{
    struct csr_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->key_sha256, sizeof out->key_sha256);
    enum err e = query_get_heap(q, &out->request_pem);
    if (!e) e = query_get_heap(q, &out->meta_json);
    if (e) csr_record_dispose(out);
    return e;
}

enum err store_csr_get(struct store *s, const char *id, struct csr_record *out)
{
    *out = (struct csr_record){.id = ""};
    const struct row_search search = {"SELECT " CSR_COLUMNS " FROM csr WHERE id = ?", id, read_row,
                                      out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_csr_key(struct store *s, const char *id, struct buf *key_out)
{
    enum err e = store_sealed(s, "SELECT key FROM csr WHERE id = ?", kind, id, key_out);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_csr_delete(struct store *s, const char *id)
{
    enum err e = store_delete(s, "DELETE FROM csr WHERE id = ?", id);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

static void dispose_item(void *item)
{
    csr_record_dispose(item);
}

enum err store_csr_list(struct store *s, struct store_page *page, struct csr_record **list_out,
                        size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " CSR_COLUMNS " FROM csr WHERE " ROWS_BEHIND(
                                   "csr", "id") " ORDER BY seq DESC LIMIT ?2",
                               .read = read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct csr_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
