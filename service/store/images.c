/* image sets: which credential in which layout, perhaps in which firmware. */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

void image_record_dispose(struct image_record *r)
{
    free(r->layout_json);
    *r = (struct image_record){0};
}

static enum err insert(struct db *db, void *arg)
{
    const struct image_record *r = arg;
    const struct job_need parts[] = {{NEED_CREDENTIAL, r->credential},
                                     {NEED_FIRMWARE, r->firmware}};
    size_t n = r->firmware[0] ? 2 : 1;
    char ids[2][ID_TEXT];
    struct query q;
    for (size_t i = 0; i < n; i++) { /* a foreign key does not say which one is missing */
        enum err e = need_find(db, &parts[i], ids);
        if (e) return e;
    }
    query_begin(&q, db,
                "INSERT INTO image (id, created_ms, credential, layout, target, firmware)"
                " VALUES (?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->credential);
    query_put_text(&q, r->layout_json);
    query_put_text(&q, r->target);
    if (r->firmware[0])
        query_put_text(&q, r->firmware);
    else
        query_put_null(&q);
    return query_run(&q);
}

enum err store_image_add(struct store *s, const struct image_record *r)
{
    return store_write(s, insert, (void *)r);
}

static enum err read_row(struct query *q, void *item)
{
    struct image_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->credential, sizeof out->credential);
    query_get_text(q, out->firmware, sizeof out->firmware);
    query_get_text(q, out->target, sizeof out->target);
    return query_get_heap(q, &out->layout_json);
}

enum err store_image_get(struct store *s, const char *id, struct image_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {
        "SELECT id, created_ms, credential, firmware, target, layout FROM image WHERE id = ?", id,
        read_row, out};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND)
        e = err_fail(ERR_NOT_FOUND, "image_not_found", "POST /v1/images makes one.",
                     "there is no image set \"%s\"", id);
    return e;
}
