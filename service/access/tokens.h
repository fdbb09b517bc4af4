/* tokens: the bearer tokens of the service. All of them are held in memory, so that asking who
 * calls costs no query; the store is written when one is made or revoked, and once a minute with
 * the times of their last use. Thread-safe.
 *
 * A token's text is "egt_" and 256 bits of chance in hexadecimal. It is shown once; what is kept is
 * its SHA-256. Why no slow hash and no comparison in constant time: nobody can guess 256 bits, with
 * the digests at hand or without, and an attacker does not choose the digest of what he sends. */
#ifndef SERVICE_ACCESS_TOKENS_H
#define SERVICE_ACCESS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/access/actor.h"
#include "service/base/err.h"
#include "service/store/tokens.h"

enum { TOKEN_TEXT = 4 + 64 + 1 };

struct tokens; /* opaque */

/** Load them. @param store  borrowed until tokens_close() @return ERR_OK, ERR_IO, ERR_MEM */
enum err tokens_open(struct store *store, struct tokens **out);
/** Note the last uses, free. NULL allowed. */
void tokens_close(struct tokens *t);
/** Where no valid token has the scope admin, as at the first start, make one and write its text to
 * DIR/admin.token (0600). @return ERR_OK, ERR_IO */
enum err tokens_ensure_admin(struct tokens *t, const char *dir);

/** Whose is this text? Fills name, token and scope of @p out, nothing else.
 *  @return ERR_OK; ERR_ARG with code token_invalid, token_expired or token_revoked */
enum err tokens_find(struct tokens *t, const char *text, struct actor *out);
/** The same for a client certificate. @param sha256  of its DER, in lower-case hex */
enum err tokens_find_certificate(struct tokens *t, const char *sha256, struct actor *out);

struct token_order {
    const char *name;
    enum scope scope;
    int64_t lifetime_s;             /* 0 = for ever */
    const char *certificate_sha256; /* its certificate instead of a text; "" = none */
    const char *created_by;         /* name of the token that orders it */
};
/** @param[out] text_out  what to send; "" when a certificate stands for it. Wipe it.
 *  @return ERR_OK; ERR_CONFLICT with code too_many_tokens or certificate_in_use; ERR_IO, ERR_MEM */
enum err tokens_issue(struct tokens *t, const struct token_order *order, char text_out[TOKEN_TEXT],
                      struct token_record *out);
/** From now on it is refused; again is no error.
 *  @return ERR_OK; ERR_NOT_FOUND with code token_not_found; ERR_IO */
enum err tokens_revoke(struct tokens *t, const char *id);
/** May it still be used? @param id  as in struct actor */
bool tokens_is_valid(struct tokens *t, const char *id);
/** @return ERR_OK; ERR_NOT_FOUND with code token_not_found */
enum err tokens_get(struct tokens *t, const char *id, struct token_record *out);
/** Newest first. Release the list with free(). @return ERR_OK, ERR_MEM */
enum err tokens_list(struct tokens *t, struct store_page *page, struct token_record **list_out,
                     size_t *n_out);
#endif
