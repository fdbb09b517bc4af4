/* sealed: what is the same for every kind of thing that is kept with a secret. */
#include <stdio.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { CONTEXT = 96, SEAL = 64 /* at most what sealing adds */ };

static const char *context_of(const char *kind, const char *id, char out[CONTEXT])
{
    snprintf(out, CONTEXT, "%s:%s", kind, id);
    return out;
}

enum err store_seal(struct store *s, const char *kind, const char *id, const void *data, size_t n,
                    struct buf *sealed_out)
{
    char context[CONTEXT];
    buf_init(sealed_out, n + SEAL);
    return vault_seal(store_vault(s), context_of(kind, id, context), data, n, sealed_out);
}

enum err store_put_sealed(struct store *s, const char *kind, const char *id, const void *data,
                          size_t n, write_fn put, const void *record)
{
    struct buf sealed;
    enum err e = store_seal(s, kind, id, data, n, &sealed);
    struct sealed_row row = {record, &sealed};
    if (!e) e = store_write(s, put, &row);
    buf_dispose(&sealed);
    return e;
}

enum err store_unseal(struct store *s, const char *kind, const char *id, const struct buf *sealed,
                      struct buf *out)
{
    char context[CONTEXT];
    return vault_unseal(store_vault(s), context_of(kind, id, context), sealed->data, sealed->len,
                        out);
}

static enum err read_blob(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_sealed(struct store *s, const char *sql, const char *kind, const char *id,
                      struct buf *out)
{
    struct buf sealed;
    buf_init(&sealed, out->max + SEAL);
    const struct row_search search = {sql, id, read_blob, &sealed};
    enum err e = rows_find(s, &search);
    if (!e) e = store_unseal(s, kind, id, &sealed, out);
    buf_dispose(&sealed);
    return e;
}

struct deletion {
    const char *sql, *key;
};

static enum err run_delete(struct db *db, void *arg)
{
    const struct deletion *d = arg;
    struct query q;
    query_begin(&q, db, d->sql);
    query_put_text(&q, d->key);
    enum err e = query_run(&q);
    if (!e && !sqlite3_changes(db->handle)) e = err_set(ERR_NOT_FOUND, "there is no such row");
    return e;
}

enum err store_delete(struct store *s, const char *sql, const char *key)
{
    enum err e = store_write(s, run_delete, &(struct deletion){sql, key});
    if (!e) store_fold_log(s);
    return e;
}
