/* token_table: the tokens in memory, found by id and by what is sent. No locks, no store. Private
 * to service/access. */
#ifndef SERVICE_ACCESS_TOKEN_TABLE_H
#define SERVICE_ACCESS_TOKEN_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/access/actor.h"
#include "service/base/err.h"
#include "service/base/limits.h"
#include "service/store/tokens.h"

struct token_entry {
    struct token_record record; /* its used_ms is what the store knows */
    enum scope scope;
    atomic_llong used_ms;
    struct token_entry *next; /* in its bucket */
};

enum { TOKEN_BUCKETS = 256 };

/** All zero is an empty one. */
struct token_table {
    struct token_entry *list[LIMIT_TOKENS]; /* oldest first */
    size_t count;
    struct token_entry *buckets[TOKEN_BUCKETS]; /* by the first byte of what is sent */
};

/** Expired or revoked? */
bool token_has_ended(const struct token_record *r, int64_t now_ms);
/** What is sent for it: the digest of a text, or that of a certificate. */
const char *token_key(const struct token_record *r);
/** @return ERR_OK, ERR_MEM; ERR_ARG for a scope that is none */
enum err token_entry_new(const struct token_record *r, struct token_entry **out);

/** @return NULL when there is none */
struct token_entry *token_table_by_id(const struct token_table *t, const char *id);
/** One that has ended is found only where no other has the same key: a certificate may be given a
 * new token. */
struct token_entry *token_table_by_key(const struct token_table *t, const char *key,
                                       bool is_certificate, int64_t now_ms);
/** Is there a valid one of scope admin? */
bool token_table_has_admin(const struct token_table *t, int64_t now_ms);
/** @return NULL when none has ended */
struct token_entry *token_table_oldest_ended(const struct token_table *t, int64_t now_ms);
/** @param e  taken; there is room for it */
void token_table_put(struct token_table *t, struct token_entry *e);
/** Take it out and free it. */
void token_table_remove(struct token_table *t, struct token_entry *e);
void token_table_dispose(struct token_table *t);
#endif
