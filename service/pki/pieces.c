#include "service/pki/pieces.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/sniff.h"
#include "service/pki/unpack.h"

static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7E) *text = '?';
}

void place_name(const char *name, char out[UPLOAD_NAME])
{
    enum { HEAD = 12, TAIL = UPLOAD_NAME - 1 - HEAD - 3 };
    if (!name || !*name) name = "a file without name";
    size_t n = strlen(name);
    if (n < UPLOAD_NAME)
        snprintf(out, UPLOAD_NAME, "%s", name);
    else /* AWS puts 64 digits in front and what it is at the end */
        snprintf(out, UPLOAD_NAME, "%.*s...%s", HEAD, name, name + n - TAIL);
    make_printable(out);
}

/* ---- findings ---- */

void piece_refuse(struct upload *u, const char *code, const char *fmt, ...)
{
    struct upload_note *n = &u->problem;
    if (n->count++) return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(n->detail, sizeof n->detail, fmt, ap);
    va_end(ap);
    make_printable(n->detail); /* there may be names out of a zip in it */
    snprintf(n->code, sizeof n->code, "%s", code);
}

void piece_refuse_error(struct upload *u, const struct place *at)
{
    const struct err_info *e = err_last();
    piece_refuse(u, e->code, "%s: %s. %s", at->file, e->detail,
                 e->hint[0] ? e->hint : "Send it again.");
}

void piece_locked(struct upload *u, bool whole, const struct place *at)
{
    struct upload_locked *l = &u->locked;
    u->found++;
    if (l->file[0]) return;
    memcpy(l->file, at->file, UPLOAD_NAME);
    snprintf(l->code, sizeof l->code, "%s", err_last()->code);
    snprintf(l->why, sizeof l->why, "%.*s", (int)sizeof l->why - 1, err_last()->detail);
    l->whole = whole;
}

void piece_public_key(struct upload *u, const struct place *at)
{
    u->found++;
    memcpy(u->public_key_file, at->file, UPLOAD_NAME);
}

/* What no credential is made of. */
static bool is_foreign(enum sniff_kind kind, const char *label)
{
    return kind == SNIFF_REQUEST || strstr(label, "CERTIFICATE REQUEST") ||
           (!strstr(label, "CERTIFICATE") && !strstr(label, "PRIVATE KEY"));
}

/* Say what a piece is that cannot be used, and what to send instead. */
static void refuse(struct upload *u, enum sniff_kind kind, const char *label,
                   const struct place *at)
{
    const char *file = at->file;
    if (at->in_others && is_foreign(kind, label))
        u->changes |= CHANGE_OTHER_CONTENT;
    else if (kind == SNIFF_REQUEST || strstr(label, "CERTIFICATE REQUEST"))
        piece_refuse(
            u, "certificate_request",
            "%s is a certificate signing request: send the certificate that the CA made from it.",
            file);
    else if (!strcmp(label, "OPENSSH PRIVATE KEY"))
        piece_refuse(
            u, "openssh_key",
            "%s is a private key in OpenSSH's own form: convert it with \"ssh-keygen -p -m PEM -f "
            "FILE\".",
            file);
    else if (!is_foreign(kind, label) || !strcmp(label, "PKCS7") || !strcmp(label, "CMS"))
        piece_refuse(u, "bad_pem",
                     "The block %s in %s does not decode: the file is damaged, send it again.",
                     label, file);
    else if (*label)
        piece_refuse(u, "not_pki", "The block %s in %s is no part of a credential: leave it out.",
                     label, file);
    else
        piece_refuse(
            u, "not_pki",
            "%s is neither a certificate nor a private key, in PEM or DER: send the right file.",
            file);
}

/* ---- what can be used ---- */

static void cert_add(struct upload *u, X509 *x, const struct place *at)
{
    u->found++;
    for (size_t i = 0; i < u->cert_count; i++) {
        if (X509_cmp(u->certs[i].x, x) != 0) continue;
        u->certs[i].copies++;
        u->changes |= CHANGE_TWICE;
        X509_free(x);
        return;
    }
    if (u->cert_count == UPLOAD_CERTS_MAX) {
        piece_refuse(
            u, "too_many_certificates",
            "There are more than %d certificates: send only those of one device and its root CA.",
            UPLOAD_CERTS_MAX);
        X509_free(x);
        return;
    }
    struct upload_cert *c = &u->certs[u->cert_count++];
    c->x = x;
    c->copies = 1;
    memcpy(c->file, at->file, UPLOAD_NAME);
}

static bool key_is_here(const struct upload *u, const EVP_PKEY *key)
{
    bool here = u->key.pkey && EVP_PKEY_eq(u->key.pkey, key) == 1;
    for (size_t i = 0; !here && i < u->other_key_count; i++)
        here = EVP_PKEY_eq(u->other_keys[i].pkey, key) == 1;
    return here;
}

static enum err key_add(struct upload *u, const struct sniff *s, const struct credential_input *der,
                        const struct place *at)
{
    struct upload_key *k = u->key.pkey ? &u->other_keys[u->other_key_count] : &u->key;
    u->found++;
    bool twice = key_is_here(u, s->pkey);
    if (twice || u->other_key_count == UPLOAD_KEYS_MAX) {
        if (twice)
            u->changes |= CHANGE_TWICE;
        else
            piece_refuse(u, "two_keys", "%s is one private key too many: there are more than %d.",
                         at->file, UPLOAD_KEYS_MAX);
        EVP_PKEY_free(s->pkey);
        return ERR_OK;
    }
    if (k != &u->key) u->other_key_count++;
    k->pkey = s->pkey;
    k->label = s->label;
    memcpy(k->file, at->file, UPLOAD_NAME);
    buf_init_secret(&k->der, LIMIT_PEM_BYTES);
    return buf_append(&k->der, der->data, der->len);
}

static enum err encrypted_add(struct upload *u, const struct credential_input *der,
                              const struct place *at)
{
    struct buf plain;
    buf_init_secret(&plain, LIMIT_PEM_BYTES);
    enum err e = unlock_pkcs8(&u->unlock, der->data, der->len, &plain);
    if (!e) {
        u->changes |= CHANGE_DECRYPTED;
        const struct credential_input key = {at->file, plain.data, plain.len};
        e = piece_add(u, &key, "PRIVATE KEY", at);
    } else if (e != ERR_MEM) {
        piece_locked(u, false, at);
        e = ERR_OK;
    }
    buf_dispose(&plain);
    return e;
}

/* ---- files that hold others ---- */

struct holder {
    struct upload *u;
    struct place at;
};

static enum err take_held(const struct credential_input *piece, void *arg)
{
    const struct holder *h = arg;
    return piece_add(h->u, piece, "", &h->at);
}

static enum err pkcs12_add(struct upload *u, const struct credential_input *in, struct holder *h)
{
    enum err e = unpack_pkcs12(in, &u->unlock, take_held, h);
    u->changes |= CHANGE_PKCS12;
    if (!e || e == ERR_MEM) return e;
    if (err_is(e, "pkcs12"))
        piece_refuse_error(u, &h->at);
    else
        piece_locked(u, true, &h->at);
    return ERR_OK;
}

static enum err pkcs7_add(struct upload *u, const struct credential_input *in, struct holder *h)
{
    enum err e = unpack_pkcs7(in, take_held, h);
    u->changes |= CHANGE_PKCS7;
    if (!e || e == ERR_MEM) return e;
    piece_refuse_error(u, &h->at);
    return ERR_OK;
}

enum err piece_add(struct upload *u, const struct credential_input *der, const char *label,
                   const struct place *at)
{
    const struct credential_input in = {at->file, der->data, der->len};
    struct holder h = {u, *at};
    struct sniff s = sniff_der(der->data, der->len);
    bool bare = !*label && !at->held;
    h.at.held = true;
    switch (s.kind) {
    case SNIFF_TRUSTED_CERTIFICATE:
        u->changes |= CHANGE_TRUST | (bare ? CHANGE_DER : 0);
        cert_add(u, s.x, at);
        return ERR_OK;
    case SNIFF_CERTIFICATE:
        if (*label && strcmp(label, "CERTIFICATE") != 0) u->changes |= CHANGE_LABEL;
        if (bare) u->changes |= CHANGE_DER;
        cert_add(u, s.x, at);
        return ERR_OK;
    case SNIFF_KEY:
        if (*label && strcmp(label, s.label) != 0) u->changes |= CHANGE_LABEL;
        if (bare) u->changes |= CHANGE_DER;
        return key_add(u, &s, der, at);
    case SNIFF_ENCRYPTED_KEY:
        return encrypted_add(u, der, at);
    case SNIFF_PUBLIC_KEY:
        piece_public_key(u, at);
        return ERR_OK;
    case SNIFF_PKCS12:
        return pkcs12_add(u, &in, &h);
    case SNIFF_PKCS7:
        return pkcs7_add(u, &in, &h);
    case SNIFF_NOTHING:
    case SNIFF_REQUEST:
        refuse(u, s.kind, label, at);
        return ERR_OK;
    }
    return ERR_OK;
}
