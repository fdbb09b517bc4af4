/* job_logs: the transcripts of jobs. */
#include "service/store/internal.h"
#include "service/store/rows.h"

struct transcript_change {
    const char *id;
    const void *text;
    size_t n;
};

static enum err put_log(struct db *db, void *arg)
{
    const struct transcript_change *c = arg;
    struct query q;
    query_begin(&q, db, "REPLACE INTO job_log (job, text) VALUES (?, ?)");
    query_put_text(&q, c->id);
    query_put_blob(&q, c->text, c->n);
    enum err e = query_run(&q);
    if (e && sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_FOREIGNKEY)
        return job_not_found(c->id);
    return e;
}

enum err store_job_log_put(struct store *s, const char *id, const void *text, size_t n)
{
    struct transcript_change c = {id, text, n};
    return store_write(s, put_log, &c);
}

static enum err read_log(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_job_log_get(struct store *s, const char *id, struct buf *out)
{
    const struct row_search search = {"SELECT coalesce(job_log.text, x'') FROM job"
                                      " LEFT JOIN job_log ON job_log.job = job.id WHERE job.id = ?",
                                      id, read_log, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? job_not_found(id) : e;
}
