#include "service/store/audit_chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/vault.h"

enum { SEAL_TEXT = 96, SEALED = 2 * SEAL_TEXT };

static const char context[] = "meta:audit";

enum err audit_hash(const struct audit_entry *e, char out[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    json_t *entry = audit_entry_json(e);
    if (entry) json_object_del(entry, "hash");
    char *text = entry ? json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(entry);
    if (!text) return err_set(ERR_MEM, "out of memory");
    digest_sha256(text, strlen(text), digest);
    digest_hex(digest, sizeof digest, out);
    free(text);
    return ERR_OK;
}

enum err audit_seal(struct db *db, int64_t sequence, const char *hash)
{
    char text[SEAL_TEXT];
    struct buf sealed;
    struct query q;
    buf_init(&sealed, SEALED);
    int n = snprintf(text, sizeof text, "%" PRId64 " %s", sequence, hash);
    enum err e = vault_seal(db->vault, context, text, (size_t)n, &sealed);
    if (!e) {
        query_begin(&q, db, "REPLACE INTO meta (name, value) VALUES ('audit', ?)");
        query_put_blob(&q, sealed.data, sealed.len);
        e = query_run(&q);
    }
    buf_dispose(&sealed);
    return e;
}

enum err audit_last(struct db *db, int64_t *out)
{
    struct query q;
    bool row;
    query_begin(&q, db, "SELECT coalesce(max(seq), 0) FROM audit");
    enum err e = query_next(&q, &row);
    *out = row ? query_get_int(&q) : 0;
    query_end(&q);
    return e;
}

static enum err no_seal(const char *why)
{
    return err_fail(ERR_VERIFY, "audit_broken",
                    "Compare with a backup, and find out who could write this file.", "%s", why);
}

static enum err read_seal(struct db *db, struct buf *out)
{
    struct query q;
    bool row;
    query_begin(&q, db, "SELECT value FROM meta WHERE name = 'audit'");
    enum err e = query_next(&q, &row);
    if (row) e = query_get_blob(&q, out);
    query_end(&q);
    return e ? e : row ? ERR_OK : no_seal("the seal of the newest entry is gone");
}

enum err audit_unseal(struct db *db, int64_t *sequence_out, char hash_out[SHA256_HEX])
{
    struct buf sealed, plain;
    buf_init(&sealed, SEALED);
    buf_init(&plain, SEAL_TEXT);
    enum err e = read_seal(db, &sealed);
    if (!e && vault_unseal(db->vault, context, sealed.data, sealed.len, &plain))
        e = no_seal("the seal of the newest entry is not this vault's");
    if (!e) {
        char *end;
        *sequence_out = strtoll(buf_str(&plain), &end, 10);
        snprintf(hash_out, SHA256_HEX, "%s", *end ? end + 1 : "");
    }
    buf_dispose(&sealed);
    buf_dispose(&plain);
    return e;
}
