/* answers: what was answered under an Idempotency-Key. That of a job is found by the job itself, so
 * that no crash can come between the two; others lie sealed under "idempotency:<key>", since some
 * hold a secret that is told once. */
#include "service/base/clock.h"
#include "service/store/internal.h"
#include "service/store/rows.h"

static const char kind[] = "idempotency";

static enum err read_row(struct query *q, void *item)
{
    struct answer_record *out = item;
    query_get_text(q, out->job, sizeof out->job);
    out->at_ms = query_get_int(q);
    query_get_text(q, out->body_digest, sizeof out->body_digest);
    return ERR_OK;
}

enum err store_answer_find(struct store *s, const char *key, struct answer_record *out)
{
    /* The newest: one that is too old to count may not have gone yet. */
    static const char sql[] =
        "SELECT id, created_ms AS at, body_digest FROM job"
        " WHERE idempotency = ?1 AND idempotency <> '' UNION ALL"
        " SELECT '', created_ms AS at, body_digest FROM idempotency WHERE key = ?1"
        " ORDER BY at DESC LIMIT 1";
    *out = (struct answer_record){.at_ms = 0};
    const struct row_search search = {sql, key, read_row, out};
    return rows_find(s, &search);
}

enum err store_answer_get(struct store *s, const char *key, struct buf *out)
{
    return store_sealed(s, "SELECT answer FROM idempotency WHERE key = ?", kind, key, out);
}

struct answer {
    const char *key, *body_digest;
};

static enum err put(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct answer *a = row->record;
    struct query q;
    query_begin(&q, db,
                "REPLACE INTO idempotency (key, created_ms, body_digest, answer)"
                " VALUES (?, ?, ?, ?)");
    query_put_text(&q, a->key);
    query_put_int(&q, clock_now_ms());
    query_put_text(&q, a->body_digest);
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

enum err store_answer_put(struct store *s, const char *key, const char *body_digest,
                          const void *answer, size_t n)
{
    return store_put_sealed(s, kind, key, answer, n, put, &(struct answer){key, body_digest});
}

void store_digest(struct store *s, const void *data, size_t n, char hex_out[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    vault_digest(store_vault(s), data, n, digest);
    digest_hex(digest, sizeof digest, hex_out);
}
