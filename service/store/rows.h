/* rows: reading the store: one row by its key, or one page of a list. */
#ifndef SERVICE_STORE_ROWS_H
#define SERVICE_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "service/store/db.h"
#include "service/store/store.h"

/** Fill @p item, which is zeroed. @return ERR_OK; else nothing of it is left to release */
typedef enum err (*row_read_fn)(struct query *q, void *item);

struct row_search {
    const char *sql; /* a literal with one parameter, the key */
    const char *key;
    row_read_fn read;
    void *item;
};
/** @return ERR_OK; ERR_NOT_FOUND without words: the caller knows what is missing; ERR_IO, ERR_MEM
 */
enum err rows_find(struct store *s, const struct row_search *search);

/** The rows behind the cursor (parameter 1) in a listing that goes from the newest to the oldest;
 * it holds its place also when the cursor's own row is gone. */
#define ROWS_BEHIND(table, id)                                                                     \
    "seq < CASE WHEN ?1 = '' THEN 9223372036854775807 ELSE coalesce("                              \
    "(SELECT seq FROM " table " WHERE " id " = ?1),"                                               \
    " (SELECT max(seq) + 1 FROM " table " WHERE " id " < ?1), 0) END"

struct row_list {
    const char *sql; /* ?1 is the cursor, ?2 the number of rows */
    bool once;       /* it was put together: its statement is not kept */
    void (*put)(struct query *q, const void *arg); /* binds the other parameters; NULL: none */
    const void *arg;
    row_read_fn read;
    void (*dispose)(void *item); /* NULL: free() of the list is enough */
    size_t item_bytes, id_at;    /* of an item; where in it its id stands */
};
/** One page; page->next is filled. @param[out] list_out  heap, NULL on error */
enum err rows_list(struct store *s, const struct row_list *l, struct store_page *page,
                   void **list_out, size_t *n_out);
#endif
