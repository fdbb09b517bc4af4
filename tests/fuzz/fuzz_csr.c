/* Any bytes as a request for a certificate: signed, or refused with a code. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/authority.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct buf key, certificate;

static void make_authority(void)
{
    static const struct subject lab = {.parts = {[SUBJECT_CN] = "lab"}};
    struct certificate_info info;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    buf_init(&certificate, LIMIT_PEM_BYTES);
    enum err e = authority_make(&(struct authority_spec){KEY_P256, &lab, 1800000000, 3650}, &key,
                                &certificate, &info);
    assert(!e);
    (void)e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct certificate_info info;
    struct buf out;
    const struct certificate_order order = {
        .request_pem = (const char *)data, .request_len = n, .now_unix_s = 1800000000};
    if (!n) return 0;
    if (!key.len) make_authority();
    buf_init(&out, LIMIT_PEM_BYTES);
    enum err e = authority_sign(buf_str(&certificate), buf_str(&key), key.len, &order, &out, &info);
    assert(!e == (out.len > 0));
    assert(!e || e == ERR_CRYPTO || e == ERR_MEM || e == ERR_TOO_LARGE);
    assert(!e || err_last()->code[0]);
    buf_dispose(&out);
    return 0;
}
