/* vault: seals secrets for the disk: AES-256-GCM under a key that is not in the database: the
 * systemd credential "espgate.vault-key" when there is one, else the file DIR/vault.key (made at
 * first start, mode 0600). */
#ifndef SERVICE_STORE_VAULT_H
#define SERVICE_STORE_VAULT_H

#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/err.h"

struct vault; /* opaque; thread-safe */

/** @return ERR_OK; ERR_IO with code vault_key (wrong size, readable by others …), ERR_MEM */
enum err vault_open(const char *dir, struct vault **out);
void vault_close(struct vault *v); /* wipes the key; NULL allowed */
/** @param context  bound to the sealed bytes ("credential:<id>"): they open only with the same one.
 * Appends to @p out. */
enum err vault_seal(struct vault *v, const char *context, const void *data, size_t n,
                    struct buf *out);
/** Appends to @p out (init it with buf_init_secret). @return ERR_OK; ERR_CRYPTO with code
 * vault_broken */
enum err vault_unseal(struct vault *v, const char *context, const void *sealed, size_t n,
                      struct buf *out);
#endif
