#include "service/hooks/signature.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "service/base/buf.h"
#include "service/base/digest.h"

_Static_assert(SIGNATURE_SECRET > sizeof "whsec_" - 1 + SHA256_BASE64, "32 bytes, as a SHA-256");
_Static_assert(SIGNATURE_TEXT > sizeof "v1," - 1 + SHA256_BASE64, "and here it is one");

void signature_key_new(uint8_t out[SIGNATURE_KEY])
{
    ssize_t got = getrandom(out, SIGNATURE_KEY, 0); /* up to 256 bytes never come short */
    assert(got == SIGNATURE_KEY);
    (void)got;
}

const char *signature_secret(const uint8_t key[SIGNATURE_KEY], char out[SIGNATURE_SECRET])
{
    int n = snprintf(out, SIGNATURE_SECRET, "whsec_");
    digest_base64(key, SIGNATURE_KEY, out + n);
    return out;
}

enum err signature_make(const void *key, size_t key_len, const struct signed_message *m,
                        char out[SIGNATURE_TEXT])
{
    uint8_t mac[SHA256_BYTES];
    struct buf text;
    buf_init(&text, m->body_len + 128);
    buf_printf(&text, "%s.%lld.", m->id, (long long)m->unix_s);
    buf_append(&text, m->body, m->body_len);
    enum err e = buf_ok(&text);
    if (!e) {
        digest_hmac_sha256(key, key_len, text.data, text.len, mac);
        int n = snprintf(out, SIGNATURE_TEXT, "v1,");
        digest_base64(mac, sizeof mac, out + n);
    }
    buf_dispose(&text);
    return e;
}
