#include "service/base/digest.h"

#include <assert.h>
#include <openssl/evp.h>

static void run(const EVP_MD *md, const void *data, size_t n, uint8_t *out)
{
    /* Fails only without memory or in a provider that refuses the hash; neither leaves anything to
     * go on with. */
    int ok = EVP_Digest(data, n, out, NULL, md, NULL);
    assert(ok == 1);
    (void)ok;
}

void digest_md5(const void *data, size_t n, uint8_t out[MD5_BYTES])
{
    run(EVP_md5(), data, n, out);
}

void digest_sha256(const void *data, size_t n, uint8_t out[SHA256_BYTES])
{
    run(EVP_sha256(), data, n, out);
}

const char *digest_hex(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}
