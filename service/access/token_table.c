#include "service/access/token_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool token_has_ended(const struct token_record *r, int64_t now_ms)
{
    return r->revoked_ms || (r->expires_ms && r->expires_ms <= now_ms);
}

const char *token_key(const struct token_record *r)
{
    return r->digest[0] ? r->digest : r->certificate_sha256;
}

enum err token_entry_new(const struct token_record *r, struct token_entry **out)
{
    enum scope scope;
    *out = NULL;
    enum err e = scope_parse(r->scope, &scope);
    if (e) return e;
    *out = calloc(1, sizeof **out);
    if (!*out) return err_set(ERR_MEM, "out of memory");
    (*out)->record = *r;
    (*out)->scope = scope;
    atomic_init(&(*out)->used_ms, r->used_ms);
    return ERR_OK;
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

/* Keys are hexadecimal. */
static size_t bucket_of(const char *key)
{
    return digit(key[0]) << 4 | digit(key[1]);
}

struct token_entry *token_table_by_id(const struct token_table *t, const char *id)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->list[i]->record.id, id) == 0) return t->list[i];
    return NULL;
}

struct token_entry *token_table_by_key(const struct token_table *t, const char *key,
                                       bool is_certificate, int64_t now_ms)
{
    struct token_entry *ended = NULL;
    for (struct token_entry *e = t->buckets[bucket_of(key)]; e; e = e->next) {
        bool for_certificate = !e->record.digest[0];
        if (for_certificate != is_certificate || strcmp(token_key(&e->record), key) != 0) continue;
        if (!token_has_ended(&e->record, now_ms)) return e;
        ended = e;
    }
    return ended;
}

bool token_table_has_admin(const struct token_table *t, int64_t now_ms)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->list[i]->scope == SCOPE_ADMIN && !token_has_ended(&t->list[i]->record, now_ms))
            return true;
    return false;
}

struct token_entry *token_table_oldest_ended(const struct token_table *t, int64_t now_ms)
{
    for (size_t i = 0; i < t->count; i++)
        if (token_has_ended(&t->list[i]->record, now_ms)) return t->list[i];
    return NULL;
}

void token_table_put(struct token_table *t, struct token_entry *e)
{
    struct token_entry **bucket = &t->buckets[bucket_of(token_key(&e->record))];
    assert(t->count < LIMIT_TOKENS);
    e->next = *bucket;
    *bucket = e;
    t->list[t->count++] = e;
}

void token_table_remove(struct token_table *t, struct token_entry *e)
{
    struct token_entry **at = &t->buckets[bucket_of(token_key(&e->record))];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    size_t i = 0;
    while (t->list[i] != e)
        i++;
    for (t->count--; i < t->count; i++)
        t->list[i] = t->list[i + 1];
    free(e);
}

void token_table_dispose(struct token_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->list[i]);
    *t = (struct token_table){.count = 0};
}
