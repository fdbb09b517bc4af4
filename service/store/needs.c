/* needs: what jobs that have not ended work with, a row for each credential, firmware and backup.
 * The rows go when their job ends, so one that is there is a reason not to delete. */
#include <stdio.h>

#include "service/store/internal.h"

static const struct {
    const char *sql, *name, *code, *hint;
} kinds[] = {
    [NEED_CREDENTIAL] = {"SELECT id, '' FROM credential WHERE id = ?", "credential",
                         "credential_not_found", "GET /v1/credentials lists them."},
    [NEED_FIRMWARE] = {"SELECT '', id FROM firmware WHERE id = ?", "firmware", "firmware_not_found",
                       "GET /v1/firmware lists them."},
    [NEED_BACKUP] = {"SELECT id, '' FROM backup WHERE id = ?", "backup", "backup_not_found",
                     "GET /v1/backups lists them."},
    [NEED_IMAGES] = {"SELECT credential, firmware FROM image WHERE id = ?", "image set",
                     "image_not_found", "POST /v1/images makes one."},
};

enum err need_find(struct db *db, const struct job_need *need, char ids_out[2][ID_TEXT])
{
    struct query q;
    bool row;
    ids_out[0][0] = ids_out[1][0] = '\0';
    query_begin(&q, db, kinds[need->kind].sql);
    query_put_text(&q, need->id);
    enum err e = query_next(&q, &row);
    for (int i = 0; row && i < 2; i++)
        query_get_text(&q, ids_out[i], ID_TEXT);
    query_end(&q);
    if (e || row) return e;
    return err_fail(ERR_NOT_FOUND, kinds[need->kind].code, kinds[need->kind].hint,
                    "there is no %s \"%s\"", kinds[need->kind].name, need->id);
}

enum err need_add(struct db *db, const char *job, const struct job_need *need)
{
    char ids[2][ID_TEXT];
    struct query q;
    enum err e = need_find(db, need, ids);
    for (int i = 0; !e && i < 2; i++) {
        if (!ids[i][0]) continue;
        query_begin(&q, db, "INSERT OR IGNORE INTO job_need (id, job) VALUES (?, ?)");
        query_put_text(&q, ids[i]);
        query_put_text(&q, job);
        e = query_run(&q);
    }
    return e;
}

enum err need_end(struct db *db, const char *job)
{
    struct query q;
    query_begin(&q, db, "DELETE FROM job_need WHERE job = ?");
    query_put_text(&q, job);
    return query_run(&q);
}

enum err need_refuse(struct db *db, const char *id, const char *what)
{
    struct query q;
    bool row;
    char job[ID_TEXT] = "", code[32];
    query_begin(&q, db, "SELECT job FROM job_need WHERE id = ? LIMIT 1");
    query_put_text(&q, id);
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, job, sizeof job);
    query_end(&q);
    if (e || !row) return e;
    snprintf(code, sizeof code, "%s_in_use", what);
    return err_fail(ERR_CONFLICT, code, "Wait for the job, or cancel it.", "%s has this %s", job,
                    what);
}
