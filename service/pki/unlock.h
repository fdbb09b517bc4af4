/* unlock: what a password protects: PKCS#12 files and private keys. How often a password is hashed
 * is up to the file, so each hash is counted and there is an end to it. Old ciphers (RC2, DES) are
 * read too, by a library context of its own: nothing else shall use them. */
#ifndef SERVICE_PKI_UNLOCK_H
#define SERVICE_PKI_UNLOCK_H

#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/pki/pem.h"

enum { UNLOCK_ROUNDS = 2000000 }; /* about a second of one core */

/* Of one upload; not thread-safe. */
struct unlock {
    const char *password; /* borrowed; NULL = none was given */
    uint64_t rounds_left;
    OSSL_LIB_CTX *library; /* made when it is first needed */
    OSSL_PROVIDER *providers[2];
};

void unlock_init(struct unlock *u, const char *password);
void unlock_dispose(struct unlock *u);

/* Each of these fails as: ERR_CRYPTO with code
 * - encrypted_key: there is a password and none was given
 * - wrong_password: the one that was given does not open it
 * - password_too_slow: it wants more rounds than are left
 * - password_method: it is protected in a way that is not known here
 * or ERR_MEM. The detail is a sentence without the file's name. */

/** The library context to read with. @return ERR_OK, ERR_MEM */
enum err unlock_library(struct unlock *u);
/* What a PKCS#12 file is opened with. */
struct unlocked {
    const char *password; /* borrowed */
    bool sure;            /* its seal has shown that it is the right one */
};
/** Find the password of a PKCS#12 file: where none was given "" and none at all are tried. */
enum err unlock_pkcs12(struct unlock *u, PKCS12 *p12, struct unlocked *out);
/** The error of something that did not decrypt. @param sure  the password is right */
enum err unlock_failed(const struct unlock *u, bool sure);
/** Count what a password-based algorithm costs before it is run. */
enum err unlock_charge(struct unlock *u, const X509_ALGOR *algorithm);
/** An encrypted PKCS#8 key (DER) to a plain one, appended to @p out (buf_init_secret). */
enum err unlock_pkcs8(struct unlock *u, const uint8_t *der, size_t n, struct buf *out);
/** The content of a PEM block with "DEK-Info", appended to @p out (buf_init_secret). Also
 * ERR_CRYPTO with code bad_pem. */
enum err unlock_pem(struct unlock *u, const struct pem_block *b, struct buf *out);

/** A private key as PKCS#8 without attributes, which only Windows has a use for, appended to @p
 * out.
 */
enum err unlock_write_key(const PKCS8_PRIV_KEY_INFO *info, struct buf *out);
#endif
