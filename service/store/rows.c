#include "service/store/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/store/internal.h"

enum err rows_find(struct store *s, const struct row_search *search)
{
    struct db *db;
    struct query q;
    bool row;
    enum err e = store_reader(s, &db);
    if (e) return e;
    query_begin(&q, db, search->sql);
    query_put_text(&q, search->key);
    e = query_next(&q, &row);
    if (row) e = search->read(&q, search->item);
    query_end(&q);
    store_reader_done(s, db);
    return e ? e : row ? ERR_OK : ERR_NOT_FOUND;
}

static size_t limit_of(const struct store_page *page)
{
    return page->limit < 1 ? 1 : page->limit > LIMIT_PAGE ? LIMIT_PAGE : page->limit;
}

static void *item_at(const struct row_list *l, void *list, size_t i)
{
    return (char *)list + i * l->item_bytes;
}

static void dispose(const struct row_list *l, void *list, size_t from, size_t to)
{
    for (; l->dispose && from < to; from++)
        l->dispose(item_at(l, list, from));
}

static void begin(struct query *q, struct db *db, const struct row_list *l,
                  const struct store_page *page)
{
    if (l->once)
        query_begin_once(q, db, l->sql);
    else
        query_begin(q, db, l->sql);
    query_put_text(q, page->cursor);
    query_put_int(q, (int64_t)limit_of(page) + 1);
    if (l->put) l->put(q, l->arg);
}

/* Up to @p max rows. @param[out] n_out  how many items hold something, also on error */
static enum err read_rows(struct query *q, const struct row_list *l, void *list, size_t max,
                          size_t *n_out)
{
    enum err e;
    bool row;
    *n_out = 0;
    while (!(e = query_next(q, &row)) && row && *n_out < max) {
        e = l->read(q, item_at(l, list, *n_out));
        if (e) break;
        ++*n_out;
    }
    return e;
}

/* One row more than the limit was read: it tells that there is a next page, and is not part of
 * this one. */
enum err rows_list(struct store *s, const struct row_list *l, struct store_page *page,
                   void **list_out, size_t *n_out)
{
    struct db *db;
    struct query q;
    size_t n, limit = limit_of(page);
    *list_out = NULL;
    *n_out = 0;
    page->next[0] = '\0';
    void *list = calloc(limit + 1, l->item_bytes);
    if (!list) return err_set(ERR_MEM, "out of memory");
    enum err e = store_reader(s, &db);
    if (e) {
        free(list);
        return e;
    }
    begin(&q, db, l, page);
    e = read_rows(&q, l, list, limit + 1, &n);
    query_end(&q);
    store_reader_done(s, db);
    if (e) {
        dispose(l, list, 0, n);
        free(list);
        return e;
    }
    if (n > limit) {
        const char *last = item_at(l, list, limit - 1);
        snprintf(page->next, sizeof page->next, "%s", last + l->id_at);
        dispose(l, list, limit, n);
        n = limit;
    }
    *list_out = list;
    *n_out = n;
    return ERR_OK;
}
