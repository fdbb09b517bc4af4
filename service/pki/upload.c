/* Design: a file is a zip, JSON, PEM or DER, by its content: where a BEGIN line stands anywhere it
 * is text and is read block by block, any other file must be one DER value. What holds other files
 * is taken apart and each piece goes the same way. The bytes inside decide what a piece is, not the
 * label above them, because labels are edited by hand too. A bad piece is noted and the reading
 * goes on: the user should learn of all that is wrong at once. */
#include "service/pki/upload.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "service/base/archive.h"
#include "service/base/limits.h"
#include "service/pki/pieces.h"
#include "service/pki/unpack.h"

enum { PROBLEMS_MAX = 100 }; /* then a text is not worth reading on */

/* ---- text ---- */

static enum err block_decode(struct upload *u, const struct pem_block *b, struct buf *der,
                             unsigned *untidy)
{
    if (!b->encrypted) return pem_decode(b, der, untidy);
    enum err e = unlock_pem(&u->unlock, b, der);
    if (!e) u->changes |= CHANGE_DECRYPTED;
    return e;
}

/* Decode one block and add what is in it. @return only ERR_MEM is an error */
static enum err block_add(struct upload *u, const struct pem_block *b, unsigned *untidy,
                          const struct place *at)
{
    if (!strcmp(b->label, "EC PARAMETERS")) {
        u->changes |= CHANGE_EC_PARAMETERS;
        return ERR_OK;
    }
    if (!strcmp(b->label, "RSA PUBLIC KEY")) { /* the one kind that its content does not tell */
        piece_public_key(u, at);
        return ERR_OK;
    }
    struct buf der;
    buf_init_secret(&der, LIMIT_PEM_BYTES);
    enum err e = block_decode(u, b, &der, untidy);
    if (!e)
        e = piece_add(u, &(struct credential_input){at->file, der.data, der.len}, b->label, at);
    else if (e == ERR_CRYPTO && !err_is(e, "bad_pem"))
        piece_locked(u, false, at);
    else if (e != ERR_MEM)
        piece_refuse_error(u, at);
    buf_dispose(&der);
    return e == ERR_MEM ? e : ERR_OK;
}

static enum err text_read(struct upload *u, const struct credential_input *in,
                          const struct place *at)
{
    struct pem_reader r;
    pem_reader_init(&r, in->data, in->len);
    for (bool found = true; found;) {
        struct pem_block b;
        enum err e = pem_next(&r, &b, &found);
        if (e) {
            piece_refuse_error(u, at);
            found = u->problem.count < PROBLEMS_MAX; /* there may be more behind the damage */
            continue;
        }
        if (found) e = block_add(u, &b, &r.untidy, at);
        if (e) return e;
        if (u->problem.count >= PROBLEMS_MAX) break;
    }
    /* Of a text in JSON its last line end is of no interest. */
    u->changes |= at->held ? r.untidy & ~(unsigned)PEM_NO_FINAL_NEWLINE : r.untidy;
    return ERR_OK;
}

/* ---- other files ---- */

static bool starts_with(const struct credential_input *in, const char *mark, size_t n)
{
    return in->len >= n && !memcmp(in->data, mark, n);
}

/* Files that people send by mistake. @return whether it was one of them */
static bool refuse_known_file(struct upload *u, const struct credential_input *in,
                              const struct place *at)
{
    if (starts_with(in, "\xFF\xFE", 2) || starts_with(in, "\xFE\xFF", 2))
        piece_refuse(u, "bad_pem", "%s is UTF-16 text: save it as plain text (UTF-8 or ASCII).",
                     at->file);
    else if (starts_with(in, "\xFE\xED\xFE\xED", 4))
        piece_refuse(u, "not_pki",
                     "%s is a Java key store: export the certificate and the key as PEM.",
                     at->file);
    else if (unpack_is_base64(in->data, in->len))
        piece_refuse(u, "bad_pem",
                     "%s is base64 text without its BEGIN and END lines: send the whole PEM file.",
                     at->file);
    else
        return false;
    return true;
}

/* Length of the DER value at the start when nothing but line ends, NUL or erased flash follows it;
 * 0 when it is not so. */
static size_t der_length(const uint8_t *data, size_t len)
{
    if (len < 2 || data[0] != 0x30) return 0;
    size_t head = 2, n = data[1];
    if (n > 0x80) {
        size_t bytes = n & 0x7F;
        if (bytes > 3 || len < head + bytes) return 0;
        for (n = 0; bytes; bytes--)
            n = n << 8 | data[head++];
    }
    if (n > len - head) return 0;
    for (size_t i = head + n; i < len; i++)
        if (data[i] && data[i] != 0xFF && !isspace(data[i])) return 0;
    return head + n;
}

/* DER, and base64 of DER. */
static enum err der_read(struct upload *u, const struct credential_input *in,
                         const struct place *at)
{
    struct credential_input der = *in;
    size_t whole = der_length(in->data, in->len);
    if (whole) der.len = whole;
    if (memchr(in->data + der.len, 0, in->len - der.len)) u->changes |= PEM_NUL;
    return piece_add(u, &der, "", at);
}

static bool decode_base64(const struct credential_input *in, struct buf *out)
{
    const struct pem_block all = {.body = in->data, .body_len = in->len};
    unsigned untidy = 0;
    return unpack_is_base64(in->data, in->len) && !pem_decode(&all, out, &untidy) &&
           der_length(out->data, out->len) == out->len;
}

static enum err binary_read(struct upload *u, const struct credential_input *in,
                            const struct place *at)
{
    struct place inside = *at;
    struct buf der;
    enum err e = ERR_OK;
    buf_init_secret(&der, LIMIT_PEM_BYTES);
    if (decode_base64(in, &der)) {
        inside.held = true;
        u->changes |= CHANGE_BASE64;
        e = der_read(u, &(struct credential_input){in->name, der.data, der.len}, &inside);
    } else if (at->in_others || !refuse_known_file(u, in, at)) {
        e = der_read(u, in, at);
    }
    buf_dispose(&der);
    return e;
}

/* ---- files ---- */

/* @return whether it need not be looked at */
static bool is_dropped(struct upload *u, const struct credential_input *in, const struct place *at)
{
    size_t text = 0; /* anything but white space and NUL? */
    while (text < in->len && (!in->data[text] || isspace(in->data[text])))
        text++;
    bool empty = text == in->len, large = in->len > LIMIT_PEM_BYTES;
    if (!empty && !large) return false;
    if (at->in_others)
        u->changes |= CHANGE_OTHER_CONTENT;
    else if (empty)
        piece_refuse(u, "empty_file", "%s is empty: send the file with its content.", at->file);
    else
        piece_refuse(u, "file_too_large",
                     "%s has %zu bytes: a certificate or key has a few thousand, %d at the most.",
                     at->file, in->len, LIMIT_PEM_BYTES);
    return true;
}

static size_t findings(const struct upload *u)
{
    return u->found + u->problem.count;
}

/* Of a file that holds others. @param before  findings() before it was read */
static void expect_findings(struct upload *u, size_t before, const struct place *at)
{
    if (findings(u) != before) return;
    if (at->in_others)
        u->changes |= CHANGE_OTHER_CONTENT;
    else
        piece_refuse(u, "not_pki", "%s holds no certificate and no key: send the right file.",
                     at->file);
}

static bool is_json(const struct credential_input *in)
{
    size_t i = 0;
    while (i < in->len && isspace(in->data[i]))
        i++;
    return i < in->len && in->data[i] == '{';
}

static enum err json_text_read(const struct credential_input *text, void *arg)
{
    struct place at = {.in_others = true, .held = true};
    place_name(text->name, at.file);
    if (is_dropped(arg, text, &at)) return ERR_OK;
    if (pem_is_in(text->data, text->len)) return text_read(arg, text, &at);
    return binary_read(arg, text, &at);
}

static enum err single_read(struct upload *u, const struct credential_input *in,
                            const struct place *at)
{
    size_t before = findings(u);
    enum err e = is_json(in) ? unpack_json(in, json_text_read, u) : ERR_ARG;
    if (!e) expect_findings(u, before, at);
    if (!e || e == ERR_MEM) return e;
    return pem_is_in(in->data, in->len) ? text_read(u, in, at) : binary_read(u, in, at);
}

static enum err zip_file_read(const struct credential_input *in, void *arg)
{
    struct place at = {.in_others = true};
    const char *slash = strrchr(in->name, '/');
    place_name(slash ? slash + 1 : in->name, at.file);
    return is_dropped(arg, in, &at) ? ERR_OK : single_read(arg, in, &at);
}

enum err upload_take(struct upload *u, const struct credential_input *in)
{
    struct place at = {.in_others = false};
    place_name(in->name, at.file);
    return is_dropped(u, in, &at) ? ERR_OK : single_read(u, in, &at);
}

static enum err file_read_pieces(struct upload *u, const struct credential_input *in)
{
    struct place at = {.in_others = false};
    struct unpack_room room = {
        .files = LIMIT_UPLOAD_PARTS, .bytes = LIMIT_UPLOAD_BODY, .all_bytes = LIMIT_UPLOAD_BODY};
    size_t before = findings(u);
    if (!archive_is_zip(in->data, in->len)) return upload_take(u, in);
    place_name(in->name, at.file);
    if (is_dropped(u, in, &at)) return ERR_OK;
    enum err e = unpack_zip(in, &room, zip_file_read, u);
    if (e == ERR_MEM) return e;
    if (e) piece_refuse_error(u, &at);
    expect_findings(u, before, &at);
    return ERR_OK;
}

void upload_begin(const char *password, struct upload *out)
{
    memset(out, 0, sizeof *out);
    unlock_init(&out->unlock, password);
}

enum err upload_read(const struct credential_input *in, size_t n, const char *password,
                     struct upload *out)
{
    upload_begin(password, out);
    if (!n) piece_refuse(out, "empty_file", "Nothing was sent: send certificate, key and root CA.");
    for (size_t i = 0; i < n; i++) {
        enum err e = file_read_pieces(out, &in[i]);
        if (e) return e;
    }
    return ERR_OK;
}

void upload_key_dispose(struct upload_key *k)
{
    EVP_PKEY_free(k->pkey);
    buf_dispose(&k->der);
    *k = (struct upload_key){.pkey = NULL};
}

void upload_clear(struct upload *u)
{
    struct unlock unlock = u->unlock;
    for (size_t i = 0; i < u->cert_count; i++)
        X509_free(u->certs[i].x);
    upload_key_dispose(&u->key);
    for (size_t i = 0; i < u->other_key_count; i++)
        upload_key_dispose(&u->other_keys[i]);
    memset(u, 0, sizeof *u);
    u->unlock = unlock;
}

void upload_dispose(struct upload *u)
{
    upload_clear(u);
    unlock_dispose(&u->unlock);
}

const char *upload_subject(const X509_NAME *name, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n = 0;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
        n = BIO_get_mem_data(bio, &text);
    snprintf(out, cap, "%.*s", n > 0 ? (int)n : 0, n > 0 ? text : "");
    BIO_free(bio);
    for (char *p = out; *p; p++)
        if (*p < 0x20 || *p > 0x7E) *p = '?';
    return out;
}

enum err upload_cert_pem(const X509 *x, struct buf *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);
    if (n < 0) return err_set(ERR_MEM, "out of memory for a certificate");
    enum err e = pem_encode("CERTIFICATE", der, (size_t)n, out);
    OPENSSL_free(der);
    return e;
}
