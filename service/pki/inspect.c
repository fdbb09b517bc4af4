/* Design: one struct upload takes the files apart, one after the other, and is emptied after each
 * into growing lists: so a file is read exactly as credential.h reads it, and there is one end to
 * what all the passwords may cost. */
#include "service/pki/inspect.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/archive.h"
#include "service/base/limits.h"
#include "service/pki/describe.h"
#include "service/pki/inspect_parts.h"
#include "service/pki/judge.h"
#include "service/pki/pieces.h"
#include "service/pki/roles.h"
#include "service/pki/unpack.h"

const char *inspect_kind_name(enum inspect_kind kind)
{
    static const char *const names[] = {
        [INSPECT_CERTIFICATE] = "certificate", [INSPECT_CA_CERTIFICATE] = "ca_certificate",
        [INSPECT_PRIVATE_KEY] = "private_key", [INSPECT_ENCRYPTED_KEY] = "encrypted_private_key",
        [INSPECT_PUBLIC_KEY] = "public_key",   [INSPECT_REQUEST] = "certificate_request",
        [INSPECT_PKCS12] = "pkcs12",           [INSPECT_OTHER] = "other",
    };
    return names[kind];
}

static enum err no_memory(void)
{
    return err_set(ERR_MEM, "out of memory for the files");
}

/* Room for one more behind @p count, doubling at each power of two. */
static bool grow(void *list, size_t count, size_t item_bytes)
{
    void **at = list;
    if (count & (count - 1)) return true;
    void *p = reallocarray(*at, count ? 2 * count : 1, item_bytes);
    if (p) *at = p;
    return p != NULL;
}

/* ---- pieces ---- */

static enum err place_add(struct inspect_places *l, size_t file)
{
    if (!grow(&l->files, l->count, sizeof *l->files)) return no_memory();
    l->files[l->count++] = file;
    return ERR_OK;
}

static enum err too_many(void)
{
    return err_fail(ERR_TOO_LARGE, "too_many_certificates", "Send the files of fewer boards.",
                    "there are more than %d certificates, or keys", LIMIT_DROP_PIECES);
}

/* The same for a private key and every form of its public half: of an elliptic curve the point may
 * be written in several. */
static void key_id(const EVP_PKEY *key, char out[SHA256_HEX])
{
    uint8_t point[2][128] = {{0}}, md[SHA256_BYTES], *der = NULL;
    BIGNUM *x = NULL, *y = NULL;
    out[0] = '\0';
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
        BN_bn2binpad(x, point[0], sizeof point[0]) > 0 &&
        BN_bn2binpad(y, point[1], sizeof point[1]) > 0) {
        digest_sha256(point, sizeof point, md);
        digest_hex(md, sizeof md, out);
    } else {
        int n = i2d_PUBKEY(key, &der);
        if (n > 0) {
            digest_sha256(der, (size_t)n, md);
            digest_hex(md, sizeof md, out);
        }
        OPENSSL_free(der);
    }
    BN_free(x);
    BN_free(y);
}

/* @param found  its certificate is taken */
static enum err cert_put(struct inspection *s, struct upload_cert *found, size_t file,
                         size_t *piece_out)
{
    X509 *x = found->x;
    char fingerprint[SHA256_HEX];
    size_t i = 0;
    found->x = NULL;
    describe_fingerprint(x, fingerprint);
    while (i < s->cert_count && strcmp(s->certs[i].fingerprint, fingerprint) != 0)
        i++;
    enum err e = i < s->cert_count                      ? ERR_OK
                 : i == LIMIT_DROP_PIECES               ? too_many()
                 : grow(&s->certs, i, sizeof *s->certs) ? ERR_OK
                                                        : no_memory();
    if (e || i < s->cert_count) {
        X509_free(x);
    } else {
        const EVP_PKEY *public_key = X509_get0_pubkey(x);
        struct inspect_cert *c = &s->certs[s->cert_count++];
        *c = (struct inspect_cert){.x = x, .ca = roles_is_ca(x)};
        memcpy(c->fingerprint, fingerprint, sizeof fingerprint);
        if (public_key) key_id(public_key, c->key_id);
    }
    if (e) return e;
    s->certs[i].copies += found->copies;
    *piece_out = i;
    return place_add(&s->certs[i].places, file);
}

/* @param key  taken, and left empty */
static enum err key_put(struct inspection *s, struct upload_key *key, size_t file,
                        size_t *piece_out)
{
    struct inspect_note *note = &s->notes[file];
    char id[SHA256_HEX];
    size_t i = 0;
    key_id(key->pkey, id);
    while (i < s->key_count && strcmp(s->keys[i].id, id) != 0)
        i++;
    note->key_count++;
    note->a_key = i;
    *piece_out = i;
    if (i == s->key_count) {
        if (i == LIMIT_DROP_PIECES) return too_many();
        if (!grow(&s->keys, i, sizeof *s->keys)) return no_memory();
        struct inspect_key *k = &s->keys[s->key_count++];
        *k = (struct inspect_key){.key = *key};
        memcpy(k->id, id, sizeof id);
        *key = (struct upload_key){.pkey = NULL};
    }
    return place_add(&s->keys[i].places, file);
}

/* ---- what is told of a file ---- */

static struct inspect_content *content_add(struct inspect_file *f, enum inspect_kind kind)
{
    struct inspect_content *c = &f->contents[f->content_count++];
    c->kind = kind;
    return c;
}

static void tell_cert(struct inspect_file *f, X509 *x)
{
    const EVP_PKEY *key = X509_get0_pubkey(x);
    struct inspect_content *c =
        content_add(f, roles_is_ca(x) ? INSPECT_CA_CERTIFICATE : INSPECT_CERTIFICATE);
    upload_subject(X509_get_subject_name(x), c->subject, sizeof c->subject);
    describe_common_name(x, c->common_name, sizeof c->common_name);
    describe_fingerprint(x, c->fingerprint_sha256);
    describe_key_digest(X509_get_X509_PUBKEY(x), c->key_sha256);
    int64_t until = judge_unix_s(X509_get0_notAfter(x));
    c->not_after_unix_s = until == INT64_MIN ? 0 : until;
    if (key) judge_key_name(key, c->key_type);
}

static void tell_key(struct inspect_file *f, EVP_PKEY *key)
{
    struct inspect_content *c = content_add(f, INSPECT_PRIVATE_KEY);
    X509_PUBKEY *public_key = NULL;
    judge_key_name(key, c->key_type);
    if (X509_PUBKEY_set(&public_key, key) == 1) describe_key_digest(public_key, c->key_sha256);
    X509_PUBKEY_free(public_key);
}

static void tell_rest(struct inspect_file *f, const struct upload *u)
{
    const struct upload_note *p = &u->problem;
    if (u->locked.file[0]) {
        struct inspect_content *c =
            content_add(f, u->locked.whole ? INSPECT_PKCS12 : INSPECT_ENCRYPTED_KEY);
        const char *hint = judge_hint(u->locked.code);
        snprintf(c->detail, sizeof c->detail, "%s: %s. %s", u->locked.file, u->locked.why,
                 hint ? hint : "");
    }
    if (u->public_key_file[0]) {
        struct inspect_content *c = content_add(f, INSPECT_PUBLIC_KEY);
        snprintf(c->detail, sizeof c->detail,
                 "%s is a public key: the board does not need it, it is left out.",
                 u->public_key_file);
    }
    if (p->count || !f->content_count) {
        bool request = !strcmp(p->code, "certificate_request");
        struct inspect_content *c = content_add(f, request ? INSPECT_REQUEST : INSPECT_OTHER);
        snprintf(c->detail, sizeof c->detail, "%s",
                 p->count ? p->detail : "There is no certificate and no key in it.");
    }
}

/* @return its contents, certificates and keys first; NULL: out of memory */
static struct inspect_content *tell_all(struct inspect_file *f, const struct upload *u)
{
    enum { REST = 3 };
    const size_t most = u->cert_count + 1 + u->other_key_count + REST;
    f->contents = calloc(most, sizeof *f->contents);
    if (!f->contents) return NULL;
    for (size_t i = 0; i < u->cert_count; i++)
        tell_cert(f, u->certs[i].x);
    if (u->key.pkey) tell_key(f, u->key.pkey);
    for (size_t i = 0; i < u->other_key_count; i++)
        tell_key(f, u->other_keys[i].pkey);
    tell_rest(f, u);
    return f->contents;
}

/* ---- files ---- */

struct reading {
    struct inspection *s;
    struct upload upload;    /* of one file at a time */
    struct unpack_room room; /* of all zips */
    const char *zip;         /* NULL: not in one */
    size_t part;
};

/* One more file, with the name that it has for the user. @return ERR_OK, ERR_TOO_LARGE, ERR_MEM */
static enum err file_begin(struct reading *r, const struct credential_input *in)
{
    struct inspection *s = r->s;
    const char *name = in->name ? in->name : "";
    if (s->file_count == LIMIT_DROP_FILES)
        return err_fail(ERR_TOO_LARGE, "too_many_files", "Send the files of fewer boards.",
                        "there are more than %d files", LIMIT_DROP_FILES);
    if (!grow(&s->files, s->file_count, sizeof *s->files) ||
        !grow(&s->notes, s->file_count, sizeof *s->notes))
        return no_memory();
    struct inspect_file *f = &s->files[s->file_count];
    *f = (struct inspect_file){.part = r->part, .size = in->len};
    s->notes[s->file_count] = (struct inspect_note){.changes = 0};
    size_t room = strlen(name) + (r->zip ? strlen(r->zip) + 1 : 0) + 1;
    f->name = malloc(room);
    if (!f->name) return no_memory();
    s->file_count++;
    snprintf(f->name, room, "%s%s%s", r->zip ? r->zip : "", r->zip ? "/" : "", name);
    return ERR_OK;
}

/* What the upload has found becomes the inspection's. */
static enum err file_end(struct reading *r)
{
    struct inspection *s = r->s;
    struct upload *u = &r->upload;
    const size_t file = s->file_count - 1;
    struct inspect_note *note = &s->notes[file];
    note->changes = u->changes;
    note->problem = u->problem;
    note->locked = u->locked;
    memcpy(note->public_key_file, u->public_key_file, UPLOAD_NAME);
    struct inspect_content *c = tell_all(&s->files[file], u);
    enum err e = ERR_OK;
    if (!c) return no_memory();
    for (size_t i = 0; !e && i < u->cert_count; i++)
        e = cert_put(s, &u->certs[i], file, &c++->piece);
    if (!e && u->key.pkey) e = key_put(s, &u->key, file, &c++->piece);
    for (size_t i = 0; !e && i < u->other_key_count; i++)
        e = key_put(s, &u->other_keys[i], file, &c++->piece);
    upload_clear(u);
    return e;
}

static enum err file_read(const struct credential_input *in, void *arg)
{
    struct reading *r = arg;
    enum err e = file_begin(r, in);
    if (e) return e;
    const struct credential_input named = {r->s->files[r->s->file_count - 1].name, in->data,
                                           in->len};
    e = upload_take(&r->upload, &named);
    return e ? e : file_end(r);
}

/* The zip itself is told of only when something is wrong with it. */
static enum err zip_read(struct reading *r, const struct credential_input *in)
{
    struct place at = {.in_others = false};
    const size_t before = r->s->file_count;
    place_name(in->name, at.file);
    r->zip = in->name ? in->name : "";
    enum err e = unpack_zip(in, &r->room, file_read, r);
    r->zip = NULL;
    if (e == ERR_MEM || err_is(e, "too_many_files") || err_is(e, "too_many_certificates")) return e;
    if (e)
        piece_refuse_error(&r->upload, &at);
    else if (r->s->file_count == before)
        piece_refuse(&r->upload, "empty_file", "%s is empty: send the file with its content.",
                     at.file);
    else
        return ERR_OK;
    e = file_begin(r, in);
    return e ? e : file_end(r);
}

static enum err read_all(struct reading *r, const struct credential_input *in, size_t n)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < n; i++) {
        r->part = i;
        e = archive_is_zip(in[i].data, in[i].len) ? zip_read(r, &in[i]) : file_read(&in[i], r);
    }
    return e;
}

enum err inspect_read(const struct credential_input *in, size_t n, const char *password,
                      struct inspection **out)
{
    struct reading r = {.s = calloc(1, sizeof *r.s),
                        .room = {LIMIT_DROP_FILES, LIMIT_DROP_BODY, LIMIT_DROP_BODY}};
    *out = NULL;
    if (!r.s) return no_memory();
    upload_begin(password, &r.upload);
    enum err e = read_all(&r, in, n);
    upload_dispose(&r.upload);
    if (!e) e = inspect_find_sets(r.s);
    ERR_clear_error();
    if (e)
        inspect_free(r.s);
    else
        *out = r.s;
    return e;
}

void inspect_free(struct inspection *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->file_count; i++) {
        free(s->files[i].name);
        free(s->files[i].contents);
    }
    for (size_t i = 0; i < s->cert_count; i++) {
        X509_free(s->certs[i].x);
        free(s->certs[i].places.files);
    }
    for (size_t i = 0; i < s->key_count; i++) {
        upload_key_dispose(&s->keys[i].key);
        free(s->keys[i].places.files);
    }
    for (size_t i = 0; i < s->set_count; i++)
        free(s->sets[i].files);
    free(s->files);
    free(s->notes);
    free(s->certs);
    free(s->keys);
    free(s->sets);
    free(s->cores);
    free(s);
}

const struct inspect_file *inspect_files(const struct inspection *s, size_t *n_out)
{
    *n_out = s->file_count;
    return s->files;
}

const struct inspect_set *inspect_sets(const struct inspection *s, size_t *n_out)
{
    *n_out = s->set_count;
    return s->sets;
}
