/* db: one SQLite connection with its prepared statements, and a query as a chain of calls that is
 * tested once, at its step. Private to service/store. Not thread-safe: a connection has one user at
 * a time. */
#ifndef SERVICE_STORE_DB_H
#define SERVICE_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

enum { DB_STATEMENTS = 96, DB_BUSY_MS = 2000 };

struct vault;

struct db {
    sqlite3 *handle;
    struct vault *vault; /* for what is sealed within a transaction; borrowed, NULL: not needed */
    struct db_statement {
        const char *sql; /* a literal: found again by its address */
        sqlite3_stmt *st;
    } cache[DB_STATEMENTS];
    size_t cached;
};

/** Open (a file that exists). @return ERR_OK, ERR_IO with code store_open */
enum err db_open(const char *path, struct db *out);
/** Finalize all and close; safe on an empty one. */
void db_close(struct db *db);
/** The same, to read it only, also while another process writes it. */
enum err db_open_reading(const char *path, struct db *out);
/** Run statements without parameters. */
enum err db_exec(struct db *db, const char *sql);
/** The last failure of this connection as an error of this thread: store_full, store_busy,
 * store_conflict, store_corrupt, store_denied, store_io. */
enum err db_error(struct db *db, int rc);
/** A pragma's number. */
enum err db_number(struct db *db, const char *sql, int64_t *out);

struct query {
    struct db *db;
    sqlite3_stmt *st;
    bool own; /* not from the cache: finalized at its end */
    int rc, put, get;
};

/** @param sql  a literal; its statement is kept */
void query_begin(struct query *q, struct db *db, const char *sql);
/** The same for SQL that was put together; its statement is not kept. */
void query_begin_once(struct query *q, struct db *db, const char *sql);
/** Bind the next parameter; what is pointed to must live until query_end(). NULL text is ''. */
void query_put_text(struct query *q, const char *text);
void query_put_int(struct query *q, int64_t v);
void query_put_blob(struct query *q, const void *data, size_t n);
void query_put_null(struct query *q);
/** Bind a numbered parameter ("?3") when the statement has it. */
void query_put_named_text(struct query *q, const char *name, const char *text);
/** Next row. @param[out] row_out  false at the end and on error */
enum err query_next(struct query *q, bool *row_out);
/** Run a statement that gives no rows, and end it. */
enum err query_run(struct query *q);
/** Read the next column. */
void query_get_text(struct query *q, char *out, size_t cap);
int64_t query_get_int(struct query *q);
/** @return ERR_OK, ERR_MEM; NULL in the column gives NULL */
enum err query_get_heap(struct query *q, char **out);
enum err query_get_blob(struct query *q, struct buf *out);
void query_end(struct query *q);
#endif
