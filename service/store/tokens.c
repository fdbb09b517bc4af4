/* tokens: who may call. Their texts are not here, only digests of them. */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"
#include "service/store/tokens.h"

#define TOKEN_COLUMNS                                                                              \
    "id, name, scope, digest, certificate, created_ms, created_by, expires_ms, revoked_ms, "       \
    "used_ms"

struct addition {
    const struct token_record *record;
    const char *instead;
};

static enum err drop(struct db *db, const char *id)
{
    struct query q;
    query_begin(&q, db, "DELETE FROM token WHERE id = ?");
    query_put_text(&q, id);
    return query_run(&q);
}

static enum err insert(struct db *db, const struct token_record *r)
{
    struct query q;
    query_begin(&q, db,
                "INSERT INTO token (" TOKEN_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_text(&q, r->name);
    query_put_text(&q, r->scope);
    query_put_text(&q, r->digest);
    query_put_text(&q, r->certificate_sha256);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->created_by);
    query_put_int(&q, r->expires_ms);
    query_put_int(&q, r->revoked_ms);
    query_put_int(&q, r->used_ms);
    return query_run(&q);
}

static enum err add(struct db *db, void *arg)
{
    const struct addition *a = arg;
    enum err e = *a->instead ? drop(db, a->instead) : ERR_OK;
    return e ? e : insert(db, a->record);
}

enum err store_token_add(struct store *s, const struct token_record *r, const char *instead)
{
    return store_write(s, add, &(struct addition){r, instead});
}

static enum err mark_revoked(struct db *db, void *arg)
{
    const struct token_record *r = arg;
    struct query q;
    query_begin(&q, db, "UPDATE token SET revoked_ms = ? WHERE id = ?");
    query_put_int(&q, r->revoked_ms);
    query_put_text(&q, r->id);
    return query_run(&q);
}

enum err store_token_revoke(struct store *s, const char *id, int64_t revoked_ms)
{
    struct token_record r = {.revoked_ms = revoked_ms};
    memcpy(r.id, id, strlen(id) + 1);
    return store_write(s, mark_revoked, &r);
}

struct uses {
    const struct token_use *items;
    size_t n;
};

static enum err mark_used(struct db *db, void *arg)
{
    const struct uses *uses = arg;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < uses->n; i++) {
        struct query q;
        query_begin(&q, db, "UPDATE token SET used_ms = ? WHERE id = ?");
        query_put_int(&q, uses->items[i].used_ms);
        query_put_text(&q, uses->items[i].id);
        e = query_run(&q);
    }
    return e;
}

enum err store_token_used(struct store *s, const struct token_use *uses, size_t n)
{
    return store_write(s, mark_used, &(struct uses){uses, n});
}

static enum err read_row(struct query *q, void *item)
{
    struct token_record *out = item;
    query_get_text(q, out->id, sizeof out->id);
    query_get_text(q, out->name, sizeof out->name);
    query_get_text(q, out->scope, sizeof out->scope);
    query_get_text(q, out->digest, sizeof out->digest);
    query_get_text(q, out->certificate_sha256, sizeof out->certificate_sha256);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->created_by, sizeof out->created_by);
    out->expires_ms = query_get_int(q);
    out->revoked_ms = query_get_int(q);
    out->used_ms = query_get_int(q);
    return ERR_OK;
}

enum err store_token_list(struct store *s, struct store_page *page, struct token_record **list_out,
                          size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " TOKEN_COLUMNS " FROM token WHERE " ROWS_BEHIND(
                                   "token", "id") " ORDER BY seq DESC LIMIT ?2",
                               .read = read_row,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct token_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
