#include "service/base/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <openssl/hmac.h>
#include <string.h>

/* Fails only without memory or in a provider that refuses the hash; neither leaves anything to go
 * on with. */
static void must(int ok)
{
    assert(ok == 1);
    (void)ok;
}

static void run(const EVP_MD *md, const void *data, size_t n, uint8_t *out)
{
    must(EVP_Digest(data, n, out, NULL, md, NULL));
}

void digest_md5(const void *data, size_t n, uint8_t out[MD5_BYTES])
{
    run(EVP_md5(), data, n, out);
}

void digest_md5_erased(const void *data, size_t n, size_t total, uint8_t out[MD5_BYTES])
{
    uint8_t erased[1024];
    memset(erased, 0xff, sizeof erased);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int ok = c && EVP_DigestInit_ex(c, EVP_md5(), NULL) && EVP_DigestUpdate(c, data, n);
    for (size_t part; n < total && ok; n += part) {
        part = total - n < sizeof erased ? total - n : sizeof erased;
        ok = EVP_DigestUpdate(c, erased, part);
    }
    ok = ok && EVP_DigestFinal_ex(c, out, NULL);
    assert(ok);
    (void)ok;
    EVP_MD_CTX_free(c);
}

/* OpenSSL would look it up anew for each hash, which takes longer than a short one. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(sha256 != NULL);
}

void digest_sha256(const void *data, size_t n, uint8_t out[SHA256_BYTES])
{
    pthread_once(&once, find_sha256);
    run(sha256, data, n, out);
}

/* struct sha256 is OpenSSL's own context under a name that headers may know. */
static EVP_MD_CTX *context(struct sha256 *s)
{
    return (EVP_MD_CTX *)s;
}

struct sha256 *sha256_new(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx) must(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    return (struct sha256 *)ctx;
}

void sha256_add(struct sha256 *s, const void *data, size_t n)
{
    must(EVP_DigestUpdate(context(s), data, n));
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES])
{
    must(EVP_DigestFinal_ex(context(s), out, NULL));
}

void sha256_free(struct sha256 *s)
{
    EVP_MD_CTX_free(context(s));
}

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t n,
                        uint8_t out[SHA256_BYTES])
{
    must(HMAC(EVP_sha256(), key, (int)key_len, data, n, out, NULL) != NULL);
}

const char *digest_base64(const uint8_t *bytes, size_t n, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
    return out;
}

static const char digits[] = "0123456789abcdef";

const char *digest_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

bool digest_is_sha256(const char *text)
{
    return strspn(text, digits) == SHA256_HEX - 1 && !text[SHA256_HEX - 1];
}
