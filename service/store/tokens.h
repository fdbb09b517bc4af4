/* tokens: who may call, in the store. Here are digests only; service/access knows what they mean.
 */
#ifndef SERVICE_STORE_TOKENS_H
#define SERVICE_STORE_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/base/id.h"
#include "service/store/store.h"

struct token_record {
    char id[ID_TEXT]; /* "tok_…" */
    char name[64], scope[12];
    char digest[65];             /* SHA-256 of the token's text in hex; "" = it has none */
    char certificate_sha256[65]; /* of the client certificate that stands for it; "" = none */
    char created_by[64];         /* name of the token that made it; "" = espgate itself */
    int64_t created_ms;
    int64_t expires_ms, revoked_ms, used_ms; /* 0 = never */
};
/** @param instead  id of one that goes with the same commit; "" = none
 *  @return ERR_OK; ERR_CONFLICT with code store_conflict (its digest is there); ERR_IO */
enum err store_token_add(struct store *s, const struct token_record *r, const char *instead);
enum err store_token_revoke(struct store *s, const char *id, int64_t revoked_ms);
struct token_use {
    char id[ID_TEXT];
    int64_t used_ms;
};
/** When they were used last. */
enum err store_token_used(struct store *s, const struct token_use *uses, size_t n);
/** Newest first. Release the list with free(). */
enum err store_token_list(struct store *s, struct store_page *page, struct token_record **list_out,
                          size_t *n_out);
#endif
