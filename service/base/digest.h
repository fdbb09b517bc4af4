/* digest: MD5 (what the ROM speaks) and SHA-256 (what records and signatures use), by OpenSSL. */
#ifndef SERVICE_BASE_DIGEST_H
#define SERVICE_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MD5_BYTES = 16, SHA256_BYTES = 32, MD5_HEX = 33, SHA256_HEX = 65 };

void digest_md5(const void *data, size_t n, uint8_t out[MD5_BYTES]);
/** Of @p n bytes and, behind them, 0xFF up to @p total: of flash that was erased and written. */
void digest_md5_erased(const void *data, size_t n, size_t total, uint8_t out[MD5_BYTES]);
void digest_sha256(const void *data, size_t n, uint8_t out[SHA256_BYTES]);

/** SHA-256 of bytes that come one after the other. */
struct sha256;                   /* opaque */
struct sha256 *sha256_new(void); /* NULL: out of memory */
void sha256_add(struct sha256 *s, const void *data, size_t n);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]); /* once */
void sha256_free(struct sha256 *s);                           /* NULL allowed */

/** HMAC-SHA256 of @p n bytes. */
void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t n,
                        uint8_t out[SHA256_BYTES]);

enum { SHA256_BASE64 = 45 };
/** Base 64, padded, with a NUL: 4 × ⌈n / 3⌉ + 1 characters. @return @p out */
const char *digest_base64(const uint8_t *bytes, size_t n, char *out);
/** Lower-case hexadecimal with a NUL: 2 × @p n + 1 characters. @return @p out */
const char *digest_hex(const uint8_t *bytes, size_t n, char *out);
/** Is it a SHA-256 as digest_hex() writes it? */
bool digest_is_sha256(const char *text);
#endif
