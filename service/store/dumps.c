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
    struct buf sealed;
    if (n > LIMIT_DUMP_BYTES)
        return err_fail(ERR_TOO_LARGE, "dump_too_large", "Read it in parts.",
                        "%zu bytes were read, at most %d are kept", n, (int)LIMIT_DUMP_BYTES);
    enum err e = store_seal(s, kind, job, data, n, &sealed);
    struct addition a = {job, &sealed};
    if (!e) e = store_write(s, put, &a);
    buf_dispose(&sealed);
    return e;
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
