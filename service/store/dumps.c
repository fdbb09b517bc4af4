/* dumps: what jobs have read from flashes, sealed under "dump:<job>". They are large, so only the
 * newest are kept. */
#include <stdio.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

static const char kind[] = "dump";

static enum err not_found(const char *job)
{
    return err_fail(ERR_NOT_FOUND, "dump_not_found", "Read it from the board again.",
                    "nothing that the job \"%s\" has read is kept", job);
}

static enum err put(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const char *job = row->record;
    struct query q;
    query_begin(&q, db, "REPLACE INTO dump (job, data) VALUES (?, ?)");
    query_put_text(&q, job);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    enum err e = query_run(&q);
    if (e && sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_FOREIGNKEY)
        return err_fail(ERR_NOT_FOUND, "job_not_found", NULL, "there is no job \"%s\"", job);
    if (e) return e;
    query_begin(&q, db,
                "DELETE FROM dump WHERE seq <="
                " (SELECT seq FROM dump ORDER BY seq DESC LIMIT 1 OFFSET ?)");
    query_put_int(&q, LIMIT_DUMPS);
    return query_run(&q);
}

enum err store_dump_put(struct store *s, const char *job, const void *data, size_t n)
{
    if (n > LIMIT_DUMP_BYTES)
        return err_fail(ERR_TOO_LARGE, "dump_too_large", "Read it in parts.",
                        "%zu bytes were read, at most %d are kept", n, (int)LIMIT_DUMP_BYTES);
    return store_put_sealed(s, kind, job, data, n, put, job);
}

enum err store_dump_get(struct store *s, const char *job, struct buf *out)
{
    enum err e = store_sealed(s, "SELECT data FROM dump WHERE job = ?", kind, job, out);
    return e == ERR_NOT_FOUND ? not_found(job) : e;
}

enum err store_dump_delete(struct store *s, const char *job)
{
    enum err e = store_delete(s, "DELETE FROM dump WHERE job = ?", job);
    return e == ERR_NOT_FOUND ? not_found(job) : e;
}
