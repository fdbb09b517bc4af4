/* kept: a folder that stays while the store in it is closed, opened again or changed from outside.
 */
#ifndef TESTS_UNIT_STORE_KEPT_H
#define TESTS_UNIT_STORE_KEPT_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "service/store/store.h"
#include "tests/unit/store/folder.h"

static inline int setup(void **state)
{
    static struct folder f;
    *state = &f;
    return folder_make(&f);
}

static inline int teardown(void **state)
{
    folder_remove(*state);
    return 0;
}

static inline struct store *open_good(const struct folder *f)
{
    struct store *s;
    enum err e = store_open(f->path, &s);
    if (e) print_message("%s: %s\n", err_last()->code, err_last()->detail);
    assert_int_equal(e, ERR_OK);
    return s;
}

static inline void refuse_open(const struct folder *f, const char *code)
{
    struct store *s = (struct store *)1;
    assert_int_equal(store_open(f->path, &s), ERR_IO);
    assert_string_equal(err_last()->code, code);
    assert_null(s);
}

static inline void new_job(struct job_record *r, const char *id)
{
    memset(r, 0, sizeof *r);
    snprintf(r->id, sizeof r->id, "%s", id);
    snprintf(r->kind, sizeof r->kind, "reset");
    snprintf(r->slot, sizeof r->slot, "a");
    r->created_ms = 1;
}

static inline enum err add_job(struct store *s, const char *id, const char *command)
{
    struct job_record r;
    new_job(&r, id);
    return store_job_add(s, &r, command, NULL, 0);
}

static inline void run_sql(const struct folder *f, const char *sql)
{
    char path[FOLDER_FILE];
    sqlite3 *db;
    assert_int_equal(sqlite3_open(folder_file(f, "espgate.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#endif
