/* dumps: what jobs have read from flashes, sealed under "dump:<job>". They are large, so only the
 * newest are kept. */
#include <stdio.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { CONTEXT = 64, SEAL = 64 /* at most what sealing adds */ };

static enum err not_found(const char *job)
{
    return err_fail(ERR_NOT_FOUND, "dump_not_found", "Read it from the board again.",
                    "nothing that the job \"%s\" has read is kept", job);
}

static const char *context_of(const char *job, char out[CONTEXT])
{
    snprintf(out, CONTEXT, "dump:%s", job);
    return out;
}

struct addition {
    const char *job;
    const struct buf *sealed;
};

static enum err put(struct db *db, void *arg)
{
    const struct addition *a = arg;
    struct query q;
    query_begin(&q, db, "REPLACE INTO dump (job, data) VALUES (?, ?)");
    query_put_text(&q, a->job);
    query_put_blob(&q, a->sealed->data, a->sealed->len);
    enum err e = query_run(&q);
    if (e && sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_FOREIGNKEY)
        return err_fail(ERR_NOT_FOUND, "job_not_found", NULL, "there is no job \"%s\"", a->job);
    if (e) return e;
    query_begin(&q, db,
                "DELETE FROM dump WHERE seq <="
                " (SELECT seq FROM dump ORDER BY seq DESC LIMIT 1 OFFSET ?)");
    query_put_int(&q, LIMIT_DUMPS);
    return query_run(&q);
}

enum err store_dump_put(struct store *s, const char *job, const void *data, size_t n)
{
    char context[CONTEXT];
    struct buf sealed;
    if (n > LIMIT_DUMP_BYTES)
        return err_fail(ERR_TOO_LARGE, "dump_too_large", "Read it in parts.",
                        "%zu bytes were read, at most %d are kept", n, (int)LIMIT_DUMP_BYTES);
    buf_init(&sealed, n + SEAL);
    enum err e = vault_seal(store_vault(s), context_of(job, context), data, n, &sealed);
    struct addition a = {job, &sealed};
    if (!e) e = store_write(s, put, &a);
    buf_dispose(&sealed);
    return e;
}

static enum err read_row(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_dump_get(struct store *s, const char *job, struct buf *out)
{
    char context[CONTEXT];
    struct buf sealed;
    buf_init(&sealed, LIMIT_DUMP_BYTES + SEAL);
    const struct row_search search = {"SELECT data FROM dump WHERE job = ?", job, read_row,
                                      &sealed};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND) e = not_found(job);
    if (!e)
        e = vault_unseal(store_vault(s), context_of(job, context), sealed.data, sealed.len, out);
    buf_dispose(&sealed);
    return e;
}

static enum err delete_dump(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db, "DELETE FROM dump WHERE job = ?");
    query_put_text(&q, arg);
    enum err e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : not_found(arg);
}

enum err store_dump_delete(struct store *s, const char *job)
{
    return store_write(s, delete_dump, (void *)job);
}
