/* Design: a file with a BEGIN line anywhere is text and is read block by block; any other file must
 * be one DER value. Either way the bytes inside decide what a piece is, not the label above them,
 * because labels are edited by hand too. A bad piece is noted and the reading goes on: the user
 * should learn of all that is wrong at once. */
#include "service/pki/upload.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/sniff.h"

enum { PROBLEMS_MAX = 100 }; /* then a text is not worth reading on */

static void note(struct upload_note *n, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct upload_note *n, const char *code, const char *fmt, ...)
{
    if (n->count++) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(n->detail, sizeof n->detail, fmt, ap);
    va_end(ap);
    snprintf(n->code, sizeof n->code, "%s", code);
}

/* Names come from outside and go into JSON and logs. */
static void name_copy(const char *name, char out[UPLOAD_NAME])
{
    if (!name || !*name) name = "a file without name";
    snprintf(out, UPLOAD_NAME, "%s", name);
    for (char *p = out; *p; p++)
        if (*p < 0x20 || *p > 0x7E) *p = '?';
}

static void cert_add(struct upload *u, X509 *x, const char *file)
{
    for (size_t i = 0; i < u->cert_count; i++) {
        if (X509_cmp(u->certs[i].x, x) != 0) continue;
        u->certs[i].copies++;
        u->untidy |= UPLOAD_TWICE;
        X509_free(x);
        return;
    }
    if (u->cert_count == UPLOAD_CERTS_MAX) {
        note(&u->problem, "too_many_certificates",
             "There are more than %d certificates: send only those of one device and its root CA.",
             UPLOAD_CERTS_MAX);
        X509_free(x);
        return;
    }
    struct upload_cert *c = &u->certs[u->cert_count++];
    c->x = x;
    c->copies = 1;
    memcpy(c->file, file, UPLOAD_NAME);
}

static enum err key_add(struct upload *u, struct sniff *s, const uint8_t *der, size_t n,
                        const char *file)
{
    if (u->key.pkey) {
        if (EVP_PKEY_eq(u->key.pkey, s->pkey) == 1)
            u->untidy |= UPLOAD_TWICE;
        else
            memcpy(u->second_key_file, file, UPLOAD_NAME);
        EVP_PKEY_free(s->pkey);
        return ERR_OK;
    }
    u->key.pkey = s->pkey;
    u->key.label = s->label;
    memcpy(u->key.file, file, UPLOAD_NAME);
    buf_init_secret(&u->key.der, LIMIT_PEM_BYTES);
    return buf_append(&u->key.der, der, n);
}

/* Say what a piece is that cannot be used, and what to send instead. */
static void refuse(struct upload *u, enum sniff_kind kind, const char *label, const char *file)
{
    struct upload_note *p = &u->problem;
    if (kind == SNIFF_REQUEST || strstr(label, "CERTIFICATE REQUEST"))
        note(p, "certificate_request",
             "%s is a certificate signing request: send the certificate that the CA made from it.",
             file);
    else if (kind == SNIFF_PKCS12)
        note(p, "pkcs12",
             "%s is a PKCS#12 file: take it apart with \"openssl pkcs12 -in FILE -nodes -out "
             "all.pem\" and send all.pem.",
             file);
    else if (kind == SNIFF_PKCS7 || !strcmp(label, "PKCS7") || !strcmp(label, "CMS"))
        note(p, "pkcs7",
             "%s is a PKCS#7 file: take it apart with \"openssl pkcs7 -in FILE -print_certs -out "
             "certs.pem\" and send certs.pem.",
             file);
    else if (!strcmp(label, "OPENSSH PRIVATE KEY"))
        note(p, "openssh_key",
             "%s is a private key in OpenSSH's own form: convert it with \"ssh-keygen -p -m PEM -f "
             "FILE\".",
             file);
    else if (strstr(label, "CERTIFICATE") || strstr(label, "PRIVATE KEY"))
        note(p, "bad_pem",
             "The block %s in %s does not decode: the file is damaged, send it again.", label,
             file);
    else if (*label)
        note(p, "not_pki", "The block %s in %s is no part of a credential: leave it out.", label,
             file);
    else
        note(p, "not_pki",
             "%s is neither a certificate nor a private key, in PEM or DER: send the right file.",
             file);
}

static enum err piece_add(struct upload *u, const struct buf *der, const char *label,
                          const char *file)
{
    struct sniff s = sniff_der(der->data, der->len);
    switch (s.kind) {
    case SNIFF_TRUSTED_CERTIFICATE:
        u->untidy |= UPLOAD_TRUST;
        cert_add(u, s.x, file);
        return ERR_OK;
    case SNIFF_CERTIFICATE:
        if (*label && strcmp(label, "CERTIFICATE") != 0) u->untidy |= UPLOAD_LABEL;
        cert_add(u, s.x, file);
        return ERR_OK;
    case SNIFF_KEY:
        if (*label && strcmp(label, s.label) != 0) u->untidy |= UPLOAD_LABEL;
        return key_add(u, &s, der->data, der->len, file);
    case SNIFF_ENCRYPTED_KEY:
        memcpy(u->encrypted_file, file, UPLOAD_NAME);
        return ERR_OK;
    case SNIFF_PUBLIC_KEY:
        memcpy(u->public_key_file, file, UPLOAD_NAME);
        return ERR_OK;
    case SNIFF_NOTHING:
    case SNIFF_REQUEST:
    case SNIFF_PKCS12:
    case SNIFF_PKCS7:
        refuse(u, s.kind, label, file);
        return ERR_OK;
    }
    return ERR_OK;
}

/* Decode one block and add what is in it. @return only ERR_MEM is an error */
static enum err block_add(struct upload *u, const struct pem_block *b, unsigned *untidy,
                          const char *file)
{
    if (b->encrypted || !strcmp(b->label, "ENCRYPTED PRIVATE KEY")) {
        memcpy(u->encrypted_file, file, UPLOAD_NAME);
        return ERR_OK;
    }
    if (!strcmp(b->label, "EC PARAMETERS")) {
        u->untidy |= UPLOAD_EC_PARAMETERS;
        return ERR_OK;
    }
    if (!strcmp(b->label, "RSA PUBLIC KEY")) { /* the one kind that its content does not tell */
        memcpy(u->public_key_file, file, UPLOAD_NAME);
        return ERR_OK;
    }
    struct buf der;
    buf_init_secret(&der, LIMIT_PEM_BYTES);
    enum err e = pem_decode(b, &der, untidy);
    if (!e) e = piece_add(u, &der, b->label, file);
    buf_dispose(&der);
    if (e == ERR_MEM) return e;
    if (e) note(&u->problem, "bad_pem", "%s: %s: send it again.", file, err_last()->detail);
    return ERR_OK;
}

static enum err text_read(struct upload *u, const uint8_t *data, size_t len, const char *file)
{
    struct pem_reader r;
    pem_reader_init(&r, data, len);
    for (bool found = true; found;) {
        struct pem_block b;
        enum err e = pem_next(&r, &b, &found);
        if (e) {
            note(&u->problem, "bad_pem", "%s: %s: send the whole file.", file, err_last()->detail);
            found = u->problem.count < PROBLEMS_MAX; /* there may be more behind the damage */
            continue;
        }
        if (found) e = block_add(u, &b, &r.untidy, file);
        if (e) return e;
        if (u->problem.count >= PROBLEMS_MAX) break;
    }
    u->untidy |= r.untidy;
    return ERR_OK;
}

static bool starts_with(const uint8_t *data, size_t len, const char *mark, size_t n)
{
    return len >= n && !memcmp(data, mark, n);
}

static bool is_bare_base64(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum(data[i]) && !isspace(data[i]) && !strchr("+/=", data[i] ? data[i] : ' '))
            return false;
    return len > 64;
}

/* Files without a BEGIN line that people send by mistake. @return whether it was one of them */
static bool refuse_known_file(struct upload *u, const uint8_t *data, size_t len, const char *file)
{
    if (starts_with(data, len, "\xFF\xFE", 2) || starts_with(data, len, "\xFE\xFF", 2))
        note(&u->problem, "bad_pem", "%s is UTF-16 text: save it as plain text (UTF-8 or ASCII).",
             file);
    else if (starts_with(data, len, "PK\x03\x04", 4))
        note(&u->problem, "not_pki", "%s is a zip archive: unpack it and send its files.", file);
    else if (starts_with(data, len, "\xFE\xED\xFE\xED", 4))
        note(&u->problem, "not_pki",
             "%s is a Java key store: export the certificate and the key as PEM.", file);
    else if (is_bare_base64(data, len))
        note(&u->problem, "bad_pem",
             "%s is base64 text without its BEGIN and END lines: send the whole PEM file.", file);
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

static enum err der_read(struct upload *u, const uint8_t *data, size_t len, const char *file)
{
    size_t whole = der_length(data, len);
    for (size_t i = whole; i < len; i++)
        if (data[i] == 0) u->untidy |= PEM_NUL;
    if (whole) len = whole;
    if (refuse_known_file(u, data, len, file)) return ERR_OK;
    struct buf der;
    buf_init_secret(&der, LIMIT_PEM_BYTES);
    enum err e = buf_append(&der, data, len);
    size_t before = u->problem.count;
    if (!e) e = piece_add(u, &der, "", file);
    if (!e && before == u->problem.count) u->untidy |= UPLOAD_DER;
    buf_dispose(&der);
    return e;
}

static enum err file_read_pieces(struct upload *u, const struct credential_input *in)
{
    char file[UPLOAD_NAME];
    name_copy(in->name, file);
    size_t text = 0; /* anything but white space and NUL? */
    while (text < in->len && (!in->data[text] || isspace(in->data[text])))
        text++;
    if (text == in->len) {
        note(&u->problem, "empty_file", "%s is empty: send the file with its content.", file);
        return ERR_OK;
    }
    if (in->len > LIMIT_PEM_BYTES) {
        note(&u->problem, "file_too_large",
             "%s has %zu bytes: a certificate or key has a few thousand, %d at the most.", file,
             in->len, LIMIT_PEM_BYTES);
        return ERR_OK;
    }
    if (pem_is_in(in->data, in->len)) return text_read(u, in->data, in->len, file);
    return der_read(u, in->data, in->len, file);
}

enum err upload_read(const struct credential_input *in, size_t n, struct upload *out)
{
    memset(out, 0, sizeof *out);
    if (!n)
        note(&out->problem, "empty_file", "Nothing was sent: send certificate, key and root CA.");
    for (size_t i = 0; i < n; i++) {
        enum err e = file_read_pieces(out, &in[i]);
        if (e) return e;
    }
    return ERR_OK;
}

void upload_dispose(struct upload *u)
{
    for (size_t i = 0; i < u->cert_count; i++)
        X509_free(u->certs[i].x);
    EVP_PKEY_free(u->key.pkey);
    buf_dispose(&u->key.der);
    memset(u, 0, sizeof *u);
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

void upload_untidy_text(unsigned untidy, char *out, size_t cap)
{
    static const struct {
        unsigned flag;
        const char *text;
    } names[] = {
        {UPLOAD_DER, "DER"},
        {PEM_CRLF, "CRLF"},
        {PEM_BOM, "byte order mark"},
        {PEM_BAG, "bag attributes"},
        {PEM_TEXT, "text around the PEM blocks"},
        {PEM_NO_FINAL_NEWLINE, "no final newline"},
        {PEM_NUL, "NUL bytes"},
        {PEM_LINES, "line lengths"},
        {UPLOAD_EC_PARAMETERS, "EC PARAMETERS"},
        {UPLOAD_LABEL, "wrong label"},
        {UPLOAD_TRUST, "trust settings"},
        {UPLOAD_TWICE, "duplicates"},
        {UPLOAD_ORDER, "order of the chain"},
        {UPLOAD_LEFT_OUT, "certificates that are not needed"},
    };
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(untidy & names[i].flag)) continue;
        int n = snprintf(out + len, cap - len, "%s%s", len ? ", " : "", names[i].text);
        len += (size_t)n;
        if (len >= cap) return;
    }
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
