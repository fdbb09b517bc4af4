#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/unpack.h"

enum { DEPTH_MAX = 4 };

static enum err damaged(void)
{
    return err_fail(ERR_CRYPTO, "pkcs12", NULL, "the PKCS#12 file is damaged");
}

static enum err hand_on_certificate(X509 *x, const char *name, unpack_fn fn, void *arg)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);
    if (n <= 0) return err_set(ERR_MEM, "out of memory for a certificate");
    enum err e = fn(&(struct credential_input){name, der, (size_t)n}, arg);
    OPENSSL_free(der);
    return e;
}

/* ---- PKCS#12 ---- */

/* A file on its way out. */
struct opening {
    struct unlock *unlock;
    struct unlocked with;
    const char *name;
    unpack_fn fn;
    void *arg;
};

static int length_of(const char *password)
{
    return password ? (int)strlen(password) : 0;
}

static enum err hand_on_key(const PKCS8_PRIV_KEY_INFO *info, const struct opening *o)
{
    struct buf der;
    buf_init_secret(&der, LIMIT_PEM_BYTES);
    enum err e = unlock_write_key(info, &der);
    if (!e) e = o->fn(&(struct credential_input){o->name, der.data, der.len}, o->arg);
    buf_dispose(&der);
    return e;
}

static enum err open_key(const PKCS12_SAFEBAG *bag, const struct opening *o)
{
    const X509_ALGOR *algorithm;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
    enum err e = unlock_charge(o->unlock, algorithm);
    if (e) return e;
    PKCS8_PRIV_KEY_INFO *info = PKCS12_decrypt_skey_ex(
        bag, o->with.password, length_of(o->with.password), o->unlock->library, NULL);
    e = info ? hand_on_key(info, o) : unlock_failed(o->unlock, o->with.sure);
    PKCS8_PRIV_KEY_INFO_free(info);
    return e;
}

static enum err open_certificate(const PKCS12_SAFEBAG *bag, const struct opening *o)
{
    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return ERR_OK;
    X509 *x = PKCS12_SAFEBAG_get1_cert(bag);
    enum err e = x ? hand_on_certificate(x, o->name, o->fn, o->arg) : damaged();
    X509_free(x);
    return e;
}

static enum err open_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, unsigned depth,
                          const struct opening *o)
{
    enum err e = depth > DEPTH_MAX ? damaged() : ERR_OK;
    for (int i = 0; !e && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_keyBag:
            e = hand_on_key(PKCS12_SAFEBAG_get0_p8inf(bag), o);
            break;
        case NID_pkcs8ShroudedKeyBag:
            e = open_key(bag, o);
            break;
        case NID_certBag:
            e = open_certificate(bag, o);
            break;
        case NID_safeContentsBag:
            e = open_bags(PKCS12_SAFEBAG_get0_safes(bag), depth + 1, o);
            break;
        default: /* revocation lists, secrets of other programs */
            break;
        }
    }
    return e;
}

static enum err open_safe(PKCS7 *safe, const struct opening *o)
{
    enum err e = ERR_OK;
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    if (PKCS7_type_is_data(safe)) {
        bags = PKCS12_unpack_p7data(safe);
        if (!bags) e = damaged();
    } else if (PKCS7_type_is_encrypted(safe)) {
        e = unlock_charge(o->unlock, safe->d.encrypted->enc_data->algorithm);
        if (!e) bags = PKCS12_unpack_p7encdata(safe, o->with.password, length_of(o->with.password));
        if (!e && !bags) e = unlock_failed(o->unlock, o->with.sure);
    } else {
        e = err_fail(ERR_CRYPTO, "password_method", NULL,
                     "it is encrypted with a certificate, not with a password");
    }
    if (!e) e = open_bags(bags, 0, o);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return e;
}

static enum err open_safes(PKCS12 *p12, const struct opening *o)
{
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    enum err e = safes ? ERR_OK : damaged();
    for (int i = 0; !e && i < sk_PKCS7_num(safes); i++)
        e = open_safe(sk_PKCS7_value(safes, i), o);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    return e;
}

enum err unpack_pkcs12(const struct credential_input *in, struct unlock *u, unpack_fn fn, void *arg)
{
    struct opening o = {.unlock = u, .name = in->name, .fn = fn, .arg = arg};
    const uint8_t *p = in->data;
    enum err e = unlock_library(u);
    /* One that is there already passes its library context on to what is read into it. */
    PKCS12 *p12 = e ? NULL : PKCS12_init_ex(NID_pkcs7_data, u->library, NULL);
    if (!e && !d2i_PKCS12(&p12, &p, (long)in->len)) e = damaged();
    if (!e) e = unlock_pkcs12(u, p12, &o.with);
    if (!e) e = open_safes(p12, &o);
    PKCS12_free(p12);
    ERR_clear_error();
    return e;
}

/* ---- PKCS#7 ---- */

static const STACK_OF(X509) * certificates_of(const PKCS7 *p7)
{
    if (PKCS7_type_is_signed(p7) && p7->d.sign) return p7->d.sign->cert;
    if (PKCS7_type_is_signedAndEnveloped(p7) && p7->d.signed_and_enveloped)
        return p7->d.signed_and_enveloped->cert;
    return NULL;
}

enum err unpack_pkcs7(const struct credential_input *in, unpack_fn fn, void *arg)
{
    const uint8_t *p = in->data;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)in->len);
    const STACK_OF(X509) *certs = p7 ? certificates_of(p7) : NULL;
    enum err e = ERR_OK;
    if (sk_X509_num(certs) <= 0)
        e = err_fail(ERR_CRYPTO, "pkcs7", NULL, "the PKCS#7 file holds no certificates");
    for (int i = 0; !e && i < sk_X509_num(certs); i++)
        e = hand_on_certificate(sk_X509_value(certs, i), in->name, fn, arg);
    PKCS7_free(p7);
    ERR_clear_error();
    return e;
}
