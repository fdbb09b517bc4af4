#include "service/pki/unlock.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "service/pki/sniff.h"

void unlock_init(struct unlock *u, const char *password)
{
    *u = (struct unlock){.password = password, .rounds_left = UNLOCK_ROUNDS};
}

void unlock_dispose(struct unlock *u)
{
    for (size_t i = 0; i < 2; i++)
        if (u->providers[i]) OSSL_PROVIDER_unload(u->providers[i]);
    OSSL_LIB_CTX_free(u->library);
    *u = (struct unlock){.password = NULL};
}

enum err unlock_library(struct unlock *u)
{
    if (u->library) return ERR_OK;
    u->library = OSSL_LIB_CTX_new();
    if (!u->library) return err_set(ERR_MEM, "out of memory");
    u->providers[0] = OSSL_PROVIDER_load(u->library, "default");
    u->providers[1] = OSSL_PROVIDER_load(u->library, "legacy"); /* not everywhere installed */
    return u->providers[0] ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

enum err unlock_failed(const struct unlock *u, bool sure)
{
    if (sure)
        return err_fail(ERR_CRYPTO, "password_method", NULL,
                        "it is encrypted in a way that is not known here");
    if (u->password)
        return err_fail(ERR_CRYPTO, "wrong_password", NULL, "the password does not open it");
    return err_fail(ERR_CRYPTO, "encrypted_key", NULL, "it has a password");
}

/* ---- what it costs ---- */

static enum err charge(struct unlock *u, uint64_t rounds)
{
    if (rounds > u->rounds_left)
        return err_fail(ERR_CRYPTO, "password_too_slow", NULL,
                        "its password would have to be hashed more than %d times", UNLOCK_ROUNDS);
    u->rounds_left -= rounds;
    return ERR_OK;
}

/* A number of rounds as files have it; what is none is more than anybody has. */
static uint64_t number(const ASN1_INTEGER *i)
{
    uint64_t v;
    return i && ASN1_INTEGER_get_uint64(&v, i) == 1 ? v : UINT64_MAX;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return a && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static uint64_t rounds_of_pbkdf2(const X509_ALGOR *a)
{
    PBKDF2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), a->parameter);
    uint64_t n = p ? number(p->iter) : 0;
    PBKDF2PARAM_free(p);
    return n;
}

/* A unit of its work takes about as long as a round of the others. */
static uint64_t rounds_of_scrypt(const X509_ALGOR *a)
{
    SCRYPT_PARAMS *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), a->parameter);
    uint64_t n = p ? times(number(p->costParameter),
                           times(number(p->blockSize), number(p->parallelizationParameter)))
                   : 0;
    SCRYPT_PARAMS_free(p);
    return n;
}

static uint64_t rounds_of_pbes2(const X509_ALGOR *a)
{
    PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), a->parameter);
    int kdf = p && p->keyfunc ? OBJ_obj2nid(p->keyfunc->algorithm) : NID_undef;
    uint64_t n = kdf == NID_id_pbkdf2   ? rounds_of_pbkdf2(p->keyfunc)
                 : kdf == NID_id_scrypt ? rounds_of_scrypt(p->keyfunc)
                                        : 0;
    PBE2PARAM_free(p);
    return n;
}

static uint64_t rounds_of_older(const X509_ALGOR *a)
{
    PBEPARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), a->parameter);
    uint64_t n = p ? number(p->iter) : 0;
    PBEPARAM_free(p);
    return n;
}

enum err unlock_charge(struct unlock *u, const X509_ALGOR *a)
{
    uint64_t n = OBJ_obj2nid(a->algorithm) == NID_pbes2 ? rounds_of_pbes2(a) : rounds_of_older(a);
    return n ? charge(u, n) : unlock_failed(u, true);
}

/* ---- PKCS#12 ---- */

enum err unlock_pkcs12(struct unlock *u, PKCS12 *p12, struct unlocked *out)
{
    const char *tries[] = {u->password ? u->password : "", NULL};
    const X509_ALGOR *digest = NULL;
    const ASN1_INTEGER *rounds = NULL;
    *out = (struct unlocked){.password = tries[0]};
    PKCS12_get0_mac(NULL, &digest, NULL, &rounds, p12);
    /* Without a seal of a kind that we know what is inside must tell. */
    if (!digest || !EVP_get_digestbyobj(digest->algorithm)) return ERR_OK;
    for (size_t i = 0; i < (u->password ? 1 : 2); i++) {
        const char *password = tries[i];
        enum err e = charge(u, rounds ? number(rounds) : 1);
        if (e) return e;
        *out = (struct unlocked){password, true};
        if (PKCS12_verify_mac(p12, password, password ? (int)strlen(password) : 0)) return ERR_OK;
    }
    return unlock_failed(u, false);
}

/* ---- keys ---- */

/* @param der  taken and wiped; NULL: out of memory */
static enum err append(uint8_t *der, int n, struct buf *out)
{
    if (n <= 0 || !der) return err_set(ERR_MEM, "out of memory for a key");
    enum err e = buf_append(out, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
    return e;
}

enum err unlock_write_key(const PKCS8_PRIV_KEY_INFO *info, struct buf *out)
{
    uint8_t *der = NULL;
    EVP_PKEY *key = sniff_pkcs8(info);
    PKCS8_PRIV_KEY_INFO *clean = key ? EVP_PKEY2PKCS8(key) : NULL;
    EVP_PKEY_free(key);
    int n = i2d_PKCS8_PRIV_KEY_INFO(clean ? clean : info, &der); /* let others say what it is */
    PKCS8_PRIV_KEY_INFO_free(clean);
    return append(der, n, out);
}

enum err unlock_pkcs8(struct unlock *u, const uint8_t *der, size_t n, struct buf *out)
{
    const uint8_t *p = der;
    const X509_ALGOR *algorithm;
    if (!u->password) return unlock_failed(u, false);
    enum err e = unlock_library(u);
    X509_SIG *sealed = e ? NULL : d2i_X509_SIG(NULL, &p, (long)n);
    if (!e && !sealed) e = unlock_failed(u, true);
    if (!e) X509_SIG_get0(sealed, &algorithm, NULL);
    if (!e) e = unlock_charge(u, algorithm);
    if (!e) {
        PKCS8_PRIV_KEY_INFO *info =
            PKCS8_decrypt_ex(sealed, u->password, (int)strlen(u->password), u->library, NULL);
        e = info ? unlock_write_key(info, out) : unlock_failed(u, false);
        PKCS8_PRIV_KEY_INFO_free(info);
    }
    X509_SIG_free(sealed);
    return e;
}

/* The library wants the two header lines without blanks around them. */
static void header_copy(const struct pem_block *b, char *out, size_t cap)
{
    size_t n = 0;
    bool begins = true;
    for (size_t i = 0; i < b->header_len && n + 1 < cap; i++) {
        uint8_t c = b->header[i];
        if (c == '\r' || (begins && isspace(c))) continue;
        out[n++] = (char)c;
        begins = c == '\n';
    }
    out[n] = '\0';
}

enum err unlock_pem(struct unlock *u, const struct pem_block *b, struct buf *out)
{
    char header[256];
    EVP_CIPHER_INFO cipher;
    unsigned untidy = 0;
    if (!u->password) return unlock_failed(u, false);
    enum err e = pem_decode(b, out, &untidy);
    if (e) return e;
    header_copy(b, header, sizeof header);
    if (out->len > INT_MAX || PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1 || !cipher.cipher)
        return unlock_failed(u, true);
    long n = (long)out->len;
    /* Without a callback it takes the text for the password. It hashes it once: nothing to count.
     */
    if (PEM_do_header(&cipher, out->data, &n, NULL, (void *)u->password) != 1)
        return unlock_failed(u, false);
    out->len = (size_t)n;
    /* One wrong password in some hundred leaves a proper end, and nonsense before it. */
    struct sniff s = sniff_der(out->data, out->len);
    X509_free(s.x);
    EVP_PKEY_free(s.pkey);
    return s.kind == SNIFF_KEY ? ERR_OK : unlock_failed(u, false);
}
