/* vault: sealed bytes are  version (1) | nonce (12) | ciphertext | tag (16).  The version and the
 * caller's context are authenticated with them, so a sealed key that is moved to another row does
 * not open. The nonce is random: 96 bits are enough for the few secrets that one bench ever seals.
 * The key lives in one page of its own that is locked and kept out of core dumps. */
#include "service/store/vault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/file.h"

enum { KEY = 32, NONCE = 12, TAG = 16, HEAD = 1 + NONCE, VERSION_1 = 1, PAGE = 4096 };

struct vault {
    uint8_t *key; /* a locked page */
    char dir[PATH_MAX];
};

static enum err bad_key(const char *path, const char *why, const char *hint)
{
    return err_fail(ERR_IO, "vault_key", hint, "%s: %s", path, why);
}

static enum err page_new(uint8_t **out)
{
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return err_set(ERR_MEM, "mmap: %s", strerror(errno));
    /* Both are best effort: a low RLIMIT_MEMLOCK is no reason not to start. */
    (void)mlock(p, PAGE);
    (void)madvise(p, PAGE, MADV_DONTDUMP);
    *out = p;
    return ERR_OK;
}

static void page_free(uint8_t *p)
{
    if (!p) return;
    explicit_bzero(p, PAGE);
    munlock(p, PAGE);
    munmap(p, PAGE);
}

/* @param modes_refused  permission bits that the file must not have */
static enum err key_load(const char *path, mode_t modes_refused, uint8_t *key)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return err_set(ERR_NOT_FOUND, "%s is not there", path);
    if (fd < 0) return bad_key(path, strerror(errno), NULL);
    struct stat st;
    enum err e = ERR_OK;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        e = bad_key(path, "is not a file", NULL);
    else if (st.st_mode & modes_refused)
        e = bad_key(path, "others may read it",
                    "Check who had access to it, then set its mode to 0600.");
    else if (st.st_size != KEY || read(fd, key, KEY) != KEY)
        e = bad_key(path, "does not hold exactly 32 bytes", "Restore the file from your backup.");
    close(fd);
    return e;
}

static enum err key_make(const char *path, uint8_t *key)
{
    if (getrandom(key, KEY, 0) != KEY) return bad_key(path, "no random bytes", NULL);
    enum err e = file_replace(path, key, KEY, 0600);
    if (e) return bad_key(path, err_last()->detail, NULL);
    return ERR_OK;
}

static enum err key_find(const char *dir, bool make, uint8_t *key)
{
    char path[PATH_MAX];
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    if (credentials) {
        snprintf(path, sizeof path, "%s/espgate.vault-key", credentials);
        /* systemd may show the bits of an access list as those of the group. */
        enum err e = key_load(path, S_IRWXO, key);
        if (e != ERR_NOT_FOUND) return e;
    }
    if (snprintf(path, sizeof path, "%s/vault.key", dir) >= (int)sizeof path)
        return bad_key(dir, "the path is too long", NULL);
    enum err e = key_load(path, S_IRWXG | S_IRWXO, key);
    if (e != ERR_NOT_FOUND) return e;
    return make ? key_make(path, key) : bad_key(path, "is not there", NULL);
}

static enum err open_vault(const char *dir, bool make, struct vault **out)
{
    *out = NULL;
    struct vault *v = calloc(1, sizeof *v);
    if (!v) return err_set(ERR_MEM, "out of memory");
    enum err e = page_new(&v->key);
    if (!e) e = key_find(dir, make, v->key);
    snprintf(v->dir, sizeof v->dir, "%s", dir);
    if (e) {
        vault_close(v);
        return e;
    }
    *out = v;
    return ERR_OK;
}

enum err vault_open(const char *dir, struct vault **out)
{
    return open_vault(dir, true, out);
}

enum err vault_open_existing(const char *dir, struct vault **out)
{
    return open_vault(dir, false, out);
}

enum err vault_check(struct vault *v)
{
    uint8_t key[KEY];
    enum err e = key_find(v->dir, false, key);
    if (!e && memcmp(key, v->key, KEY) != 0)
        e = bad_key(v->dir, "its vault key is another one than that in use", NULL);
    explicit_bzero(key, sizeof key);
    return e ? err_hint(e, "Put the file back from your backup before espgate is started again: "
                           "without it no secret can be read.")
             : ERR_OK;
}

void vault_close(struct vault *v)
{
    if (!v) return;
    page_free(v->key);
    free(v);
}

/* One way or the other; the tag is written or judged at `tag`. @return false when OpenSSL refuses
 */
struct crypt {
    bool seal;
    const uint8_t *key, *head; /* version and nonce */
    const char *context;
    const uint8_t *in;
    size_t n;
    uint8_t *out, *tag;
};

static bool crypt_run(EVP_CIPHER_CTX *ctx, const struct crypt *c)
{
    int n = 0, last = 0;
    uint8_t none[1];
    const uint8_t *aad = (const uint8_t *)c->context;
    if (EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, c->key, c->head + 1, c->seal) != 1)
        return false;
    if (EVP_CipherUpdate(ctx, NULL, &n, c->head, 1) != 1) return false;
    if (EVP_CipherUpdate(ctx, NULL, &n, aad, (int)strlen(c->context)) != 1) return false;
    if (c->n && EVP_CipherUpdate(ctx, c->out, &n, c->in, (int)c->n) != 1) return false;
    if (!c->seal && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, c->tag) != 1) return false;
    if (EVP_CipherFinal_ex(ctx, none, &last) != 1) return false;
    return !c->seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, c->tag) == 1;
}

static bool crypt_once(const struct crypt *c)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && crypt_run(ctx, c);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

enum err vault_seal(struct vault *v, const char *context, const void *data, size_t n,
                    struct buf *out)
{
    uint8_t head[HEAD] = {VERSION_1};
    if (n > INT_MAX) return err_set(ERR_TOO_LARGE, "too much to seal");
    if (getrandom(head + 1, NONCE, 0) != NONCE) return err_set(ERR_IO, "no random bytes");
    size_t start = out->len;
    enum err e = buf_append(out, head, sizeof head);
    if (!e) e = buf_fill(out, 0, n + TAG);
    if (e) return e;
    uint8_t *at = out->data + start;
    const struct crypt c = {true, v->key, at, context, data, n, at + HEAD, at + HEAD + n};
    if (crypt_once(&c)) return ERR_OK;
    out->len = start;
    return err_set(ERR_INTERNAL, "AES-256-GCM is not available");
}

enum err vault_unseal(struct vault *v, const char *context, const void *sealed, size_t n,
                      struct buf *out)
{
    static const char code[] = "vault_broken";
    static const char hint[] = "The stored secret was changed or belongs to another vault key: "
                               "restore the key or upload the credential again.";
    const uint8_t *in = sealed;
    if (n < HEAD + TAG || n > INT_MAX || in[0] != VERSION_1)
        return err_fail(ERR_CRYPTO, code, hint, "sealed bytes are not of this vault's form");
    size_t plain = n - HEAD - TAG, start = out->len;
    uint8_t tag[TAG];
    memcpy(tag, in + n - TAG, TAG);
    enum err e = buf_fill(out, 0, plain);
    if (e) return e;
    const struct crypt c = {false, v->key, in, context, in + HEAD, plain, out->data + start, tag};
    if (crypt_once(&c)) return ERR_OK;
    /* What does not authenticate is never shown. */
    explicit_bzero(out->data + start, plain);
    out->len = start;
    return err_fail(ERR_CRYPTO, code, hint, "sealed bytes do not open");
}

static void hmac(const uint8_t *key, const void *data, size_t n, uint8_t out[SHA256_BYTES])
{
    const void *made = HMAC(EVP_sha256(), key, SHA256_BYTES, data, n, out, NULL);
    assert(made); /* as in digest.c */
    (void)made;
}

void vault_digest(struct vault *v, const void *data, size_t n, uint8_t out[SHA256_BYTES])
{
    static const char purpose[] = "espgate digest";
    uint8_t key[SHA256_BYTES];
    hmac(v->key, purpose, sizeof purpose, key);
    hmac(key, data, n, out);
    explicit_bzero(key, sizeof key);
}
