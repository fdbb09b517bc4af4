#include "service/pki/keys.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "service/pki/made.h"

const char *const key_kind_names[] = {"RSA-2048", "P-256", NULL};

const char *const subject_part_names[] = {[SUBJECT_C] = "C",
                                          [SUBJECT_ST] = "ST",
                                          [SUBJECT_L] = "L",
                                          [SUBJECT_O] = "O",
                                          [SUBJECT_OU] = "OU",
                                          [SUBJECT_CN] = "CN",
                                          [SUBJECT_SERIAL] = "serialNumber"};

const size_t subject_part_max[] = {
    [SUBJECT_C] = 2,   [SUBJECT_ST] = 128, [SUBJECT_L] = 128,    [SUBJECT_O] = 64,
    [SUBJECT_OU] = 64, [SUBJECT_CN] = 64,  [SUBJECT_SERIAL] = 64};

enum err made_failed(const char *what)
{
    unsigned long code = ERR_get_error();
    bool memory = ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    ERR_clear_error();
    if (memory) return err_set(ERR_MEM, "out of memory");
    return err_set(ERR_INTERNAL, "%s could not be made (OpenSSL error %08lx)", what, code);
}

/* The BIO's memory is its own: it is wiped before it goes. */
static enum err key_text(EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    enum err e = ERR_OK;
    if (bio && PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long n = BIO_get_mem_data(bio, &text);
        e = buf_append(out, text, (size_t)n);
        OPENSSL_cleanse(text, (size_t)n);
    } else {
        e = made_failed("the text of a key");
    }
    BIO_free(bio);
    return e;
}

enum err key_make(enum key_kind kind, struct buf *pem_out)
{
    EVP_PKEY *key = kind == KEY_P256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    enum err e = key ? key_text(key, pem_out) : made_failed("a key");
    EVP_PKEY_free(key);
    return e;
}

enum err made_key(const char *pem, size_t n, EVP_PKEY **out)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)n);
    *out = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return *out ? ERR_OK : made_failed("a key of its text");
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f) return true;
    return false;
}

enum err made_name(const struct subject *subject, X509_NAME *out)
{
    for (int i = 0; i < SUBJECT_PARTS; i++) {
        const char *text = subject->parts[i];
        if (!text[0]) continue;
        /* the library knows which kind of string each part has, and how long it may be */
        if (!has_control(text) &&
            X509_NAME_add_entry_by_txt(out, subject_part_names[i], MBSTRING_UTF8,
                                       (const uint8_t *)text, -1, -1, 0) == 1)
            continue;
        ERR_clear_error();
        return err_fail(ERR_ARG, "bad_subject",
                        "C has two letters, serialNumber only letters, digits, blanks and "
                        "'()+,-./:=?.",
                        "the subject's %s is too long, too short or holds a character that it may "
                        "not hold",
                        subject_part_names[i]);
    }
    if (subject->parts[SUBJECT_CN][0]) return ERR_OK;
    return err_fail(ERR_ARG, "bad_subject", NULL, "the subject has no CN");
}
