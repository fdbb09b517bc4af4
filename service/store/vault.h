/* vault: seals secrets for the disk: AES-256-GCM under a key that is not in the database: the
 * systemd credential "espgate.vault-key" when there is one, else the file DIR/vault.key (made at
 * first start, mode 0600). */
#ifndef SERVICE_STORE_VAULT_H
#define SERVICE_STORE_VAULT_H

#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/digest.h"
#include "service/base/err.h"

struct vault; /* opaque; thread-safe */

/** @return ERR_OK; ERR_IO with code vault_key (wrong size, readable by others …), ERR_MEM */
enum err vault_open(const char *dir, struct vault **out);
/** The same, but the key must be there. @return also ERR_IO with code vault_key when it is not */
enum err vault_open_existing(const char *dir, struct vault **out);
/** Is the key still where the next start will look for it? @return ERR_OK; ERR_IO with code
 * vault_key */
enum err vault_check(struct vault *v);
void vault_close(struct vault *v); /* wipes the key; NULL allowed */
/** @param context  bound to the sealed bytes ("credential:<id>"): they open only with the same one.
 * Appends to @p out. */
enum err vault_seal(struct vault *v, const char *context, const void *data, size_t n,
                    struct buf *out);
/** Appends to @p out (init it with buf_init_secret). @return ERR_OK; ERR_CRYPTO with code
 * vault_broken */
enum err vault_unseal(struct vault *v, const char *context, const void *sealed, size_t n,
                      struct buf *out);
/** HMAC-SHA256 under a key of its own that comes from the vault's: tells whether two things are the
 * same, and to those who have only the database nothing more (a hash could be tried out). */
void vault_digest(struct vault *v, const void *data, size_t n, uint8_t out[SHA256_BYTES]);
#endif
