#include "service/store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err db_error(struct db *db, int rc)
{
    int primary = rc & 0xff;
    const char *text = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    bool no_space = db->handle && sqlite3_system_errno(db->handle) == ENOSPC;
    if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && no_space))
        return err_fail(ERR_IO, "store_full", "Free space on the disk of the data directory.",
                        "the disk is full");
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return err_fail(ERR_IO, "store_busy",
                        "Another program holds the database: close it and try again.",
                        "the database is locked");
    if (primary == SQLITE_NOMEM) return err_set(ERR_MEM, "out of memory in the database");
    if (primary == SQLITE_CONSTRAINT)
        return err_fail(ERR_CONFLICT, "store_conflict", NULL, "%s", text);
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
        return err_fail(ERR_IO, "store_corrupt", "Restore the data directory from a backup.", "%s",
                        text);
    if (primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN || primary == SQLITE_PERM)
        return err_fail(ERR_IO, "store_denied",
                        "Check owner and mode of the data directory and its files.", "%s", text);
    return err_fail(ERR_IO, "store_io", "Check the disk of the data directory.", "%s (%d)", text,
                    rc);
}

static enum err open_with(const char *path, int flags, struct db *out)
{
    *out = (struct db){0};
    int rc = sqlite3_open_v2(path, &out->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc) {
        enum err e = db_error(out, rc);
        db_close(out);
        return e;
    }
    sqlite3_extended_result_codes(out->handle, 1);
    sqlite3_busy_timeout(out->handle, DB_BUSY_MS);
    return ERR_OK;
}

enum err db_open(const char *path, struct db *out)
{
    return open_with(path, SQLITE_OPEN_READWRITE, out);
}

enum err db_open_reading(const char *path, struct db *out)
{
    return open_with(path, SQLITE_OPEN_READONLY, out);
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < db->cached; i++)
        sqlite3_finalize(db->cache[i].st);
    sqlite3_close(db->handle);
    *db = (struct db){0};
}

enum err db_exec(struct db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc ? db_error(db, rc) : ERR_OK;
}

enum err db_number(struct db *db, const char *sql, int64_t *out)
{
    struct query q;
    bool row;
    *out = 0;
    query_begin_once(&q, db, sql);
    enum err e = query_next(&q, &row);
    if (row) *out = query_get_int(&q);
    query_end(&q);
    return e;
}

static sqlite3_stmt *find_cached(struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->cached; i++)
        if (db->cache[i].sql == sql) return db->cache[i].st;
    return NULL;
}

void query_begin(struct query *q, struct db *db, const char *sql)
{
    *q = (struct query){.db = db, .st = find_cached(db, sql)};
    if (q->st) return;
    q->rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->st, NULL);
    if (q->rc) return;
    assert(db->cached < DB_STATEMENTS);
    db->cache[db->cached++] = (struct db_statement){sql, q->st};
}

void query_begin_once(struct query *q, struct db *db, const char *sql)
{
    *q = (struct query){.db = db, .own = true};
    q->rc = sqlite3_prepare_v2(db->handle, sql, -1, &q->st, NULL);
}

void query_put_text(struct query *q, const char *text)
{
    q->put++;
    if (!q->rc) q->rc = sqlite3_bind_text(q->st, q->put, text ? text : "", -1, SQLITE_STATIC);
}

void query_put_int(struct query *q, int64_t v)
{
    q->put++;
    if (!q->rc) q->rc = sqlite3_bind_int64(q->st, q->put, v);
}

void query_put_blob(struct query *q, const void *data, size_t n)
{
    q->put++;
    /* A null pointer would bind NULL, not an empty blob. */
    if (!q->rc) q->rc = sqlite3_bind_blob64(q->st, q->put, n ? data : "", n, SQLITE_STATIC);
}

void query_put_null(struct query *q)
{
    q->put++;
    if (!q->rc) q->rc = sqlite3_bind_null(q->st, q->put);
}

void query_put_named_text(struct query *q, const char *name, const char *text)
{
    int at = q->rc ? 0 : sqlite3_bind_parameter_index(q->st, name);
    if (at) q->rc = sqlite3_bind_text(q->st, at, text, -1, SQLITE_STATIC);
}

enum err query_next(struct query *q, bool *row_out)
{
    *row_out = false;
    q->get = 0;
    if (!q->rc) q->rc = sqlite3_step(q->st);
    if (q->rc == SQLITE_ROW) {
        *row_out = true;
        q->rc = SQLITE_OK;
        return ERR_OK;
    }
    if (q->rc == SQLITE_DONE) return ERR_OK;
    return db_error(q->db, q->rc);
}

enum err query_run(struct query *q)
{
    bool row;
    enum err e = query_next(q, &row);
    query_end(q);
    return e;
}

void query_get_text(struct query *q, char *out, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(q->st, q->get++);
    snprintf(out, cap, "%s", text ? (const char *)text : "");
}

int64_t query_get_int(struct query *q)
{
    return sqlite3_column_int64(q->st, q->get++);
}

enum err query_get_heap(struct query *q, char **out)
{
    int column = q->get++;
    *out = NULL;
    if (sqlite3_column_type(q->st, column) == SQLITE_NULL) return ERR_OK;
    const unsigned char *text = sqlite3_column_text(q->st, column);
    *out = text ? strdup((const char *)text) : NULL;
    return *out ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

enum err query_get_blob(struct query *q, struct buf *out)
{
    int column = q->get++;
    const void *data = sqlite3_column_blob(q->st, column);
    size_t n = (size_t)sqlite3_column_bytes(q->st, column);
    return n ? buf_append(out, data, n) : ERR_OK;
}

void query_end(struct query *q)
{
    if (q->own) {
        sqlite3_finalize(q->st);
    } else if (q->st) {
        sqlite3_reset(q->st);
        sqlite3_clear_bindings(q->st);
    }
    q->st = NULL;
}
