/* Design: three steps, each in a file of its own: upload.h takes the files apart, roles.h decides
 * what each piece is for, judge.h says what is wrong. Here they are put in order and what passed
 * becomes three clean texts. Nothing of OpenSSL's is kept: a credential is text and facts, so that
 * it can be shared between threads and its key lives in one place. */
#include "service/pki/credential.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/pki/changes.h"
#include "service/pki/describe.h"
#include "service/pki/judge.h"
#include "service/pki/secret.h"

struct credential {
    struct buf certificate, root_ca;
    struct secret key;
    struct credential_info info;
};

static enum err credential_new(struct credential **c_out)
{
    struct credential *c = calloc(1, sizeof *c);
    *c_out = c;
    if (!c) return err_set(ERR_MEM, "out of memory for a credential");
    buf_init(&c->certificate, (size_t)UPLOAD_CERTS_MAX * LIMIT_PEM_BYTES);
    buf_init(&c->root_ca, (size_t)UPLOAD_CERTS_MAX * LIMIT_PEM_BYTES);
    return ERR_OK;
}

void credential_free(struct credential *c)
{
    if (!c) return;
    buf_dispose(&c->certificate);
    buf_dispose(&c->root_ca);
    secret_dispose(&c->key);
    free(c);
}

const char *credential_pem(const struct credential *c, enum credential_part part, size_t *len_out)
{
    switch (part) {
    case CREDENTIAL_CERTIFICATE:
        *len_out = c->certificate.len;
        return buf_str(&c->certificate);
    case CREDENTIAL_KEY:
        *len_out = c->key.len;
        return c->key.data ? (const char *)c->key.data : "";
    case CREDENTIAL_ROOT_CA:
        break;
    }
    *len_out = c->root_ca.len;
    return buf_str(&c->root_ca);
}

const struct credential_info *credential_info(const struct credential *c)
{
    return &c->info;
}

/* ---- what it says of itself ---- */

static void info_fill(struct credential_info *info, const X509 *leaf, const X509 *root)
{
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
    upload_subject(X509_get_subject_name(leaf), info->subject, sizeof info->subject);
    upload_subject(X509_get_issuer_name(leaf), info->issuer, sizeof info->issuer);
    describe_common_name(leaf, info->common_name, sizeof info->common_name);
    describe_serial(leaf, info->serial_hex, sizeof info->serial_hex);
    describe_fingerprint(leaf, info->fingerprint_sha256);
    describe_key_digest(X509_get_X509_PUBKEY(leaf), info->key_sha256);
    info->not_before_unix_s = judge_unix_s(X509_get0_notBefore(leaf));
    info->not_after_unix_s = judge_unix_s(X509_get0_notAfter(leaf));
    if (key) judge_key_name(key, info->key_type);
    upload_subject(X509_get_subject_name(root), info->root_subject, sizeof info->root_subject);
    describe_fingerprint(root, info->root_fingerprint_sha256);
}

/* ---- the three texts ---- */

static enum err key_text(const struct upload_key *key, struct secret *out)
{
    struct buf text;
    buf_init_secret(&text, (size_t)2 * LIMIT_PEM_BYTES);
    enum err e = pem_encode(key->label, key->der.data, key->der.len, &text);
    if (!e) e = secret_copy(text.data, text.len, out);
    buf_dispose(&text);
    return e;
}

static enum err texts_build(const struct upload *u, const struct roles *r, struct credential *c)
{
    enum err e = r->leaf ? upload_cert_pem(r->leaf->x, &c->certificate) : ERR_OK;
    for (size_t i = 0; !e && r->leaf && i < r->chain_count; i++)
        e = upload_cert_pem(r->chain[i]->x, &c->certificate);
    for (size_t i = 0; !e && i < r->root_count; i++)
        e = upload_cert_pem(r->roots[i]->x, &c->root_ca);
    if (!e && u->key.pkey) e = key_text(&u->key, &c->key);
    return e;
}

/* Leaf, chain and roots are in order when they were sent in that order. */
static unsigned more_changes(const struct roles *r)
{
    unsigned flags = r->left_out_count ? CHANGE_LEFT_OUT : 0;
    const struct upload_cert *last = r->leaf;
    for (size_t i = 0; i < r->chain_count; i++) {
        if (last && r->chain[i] < last) flags |= CHANGE_ORDER;
        last = r->chain[i];
    }
    return flags;
}

static void judge_normalised(const struct judge *j, unsigned changes)
{
    struct change list[CHANGES_MAX];
    char text[256] = "";
    size_t n = changes_list(changes, list), len = 0;
    for (size_t i = 0; i < n && len < sizeof text; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? ", " : "", list[i].text);
    if (n)
        check_add(j->out, "normalised", CHECK_PASS, "", "Rewritten as clean PEM, because of: %s.",
                  text);
    else
        check_add(j->out, "normalised", CHECK_PASS, "", "The files were clean PEM already.");
}

static enum err judge_all(const struct judge *j, struct credential *c)
{
    const struct upload *u = j->upload;
    const struct roles *r = j->roles;
    judge_files(j);
    judge_key(j);
    judge_chain(j);
    judge_dates(j);
    enum err e = texts_build(u, r, c);
    if (e) return e;
    const size_t lengths[3] = {c->certificate.len, c->key.len, c->root_ca.len};
    judge_sizes(j, lengths);
    c->info.changes = u->changes | more_changes(r);
    if (u->cert_count || u->key.pkey) judge_normalised(j, c->info.changes);
    c->info.chain_length = r->chain_count;
    if (r->leaf && r->root_count) info_fill(&c->info, r->leaf->x, r->roots[0]->x);
    const struct check *failure = check_first_failure(j->out);
    if (!failure) return ERR_OK;
    return err_fail(ERR_CRYPTO, failure->code, judge_hint(failure->code), "%s", failure->detail);
}

enum err credential_judge(const struct upload *u, const struct credential_rules *rules,
                          struct check_list *checks_out, struct credential **c_out)
{
    struct roles r;
    struct credential *c = NULL;
    *c_out = NULL;
    memset(checks_out, 0, sizeof *checks_out);
    enum err e = roles_find(u, &r);
    if (!e) e = credential_new(&c);
    if (!e) e = judge_all(&(struct judge){u, &r, rules, checks_out}, c);
    if (!e) {
        *c_out = c;
        c = NULL;
    }
    credential_free(c);
    ERR_clear_error(); /* this thread's queue of OpenSSL is not ours to leave filled */
    return e;
}

enum err credential_read(const struct credential_input *in, size_t n,
                         const struct credential_rules *rules, struct check_list *checks_out,
                         struct credential **c_out)
{
    struct upload u;
    *c_out = NULL;
    memset(checks_out, 0, sizeof *checks_out);
    enum err e = upload_read(in, n, rules->password, &u);
    if (!e) e = credential_judge(&u, rules, checks_out, c_out);
    upload_dispose(&u);
    ERR_clear_error();
    return e;
}

/* ---- from the store ---- */

static enum err stored_read(const char *text, size_t len, const char *name, struct upload *out)
{
    struct credential_input in = {name, (const uint8_t *)text, len};
    enum err e = upload_read(&in, 1, NULL, out);
    if (!e && out->problem.count)
        e = err_fail(ERR_CRYPTO, out->problem.code, NULL, "%s", out->problem.detail);
    return e;
}

static enum err restore(const struct upload *cert, const struct upload *root,
                        const struct upload *key, struct credential *c)
{
    if (!cert->cert_count || !root->cert_count || !key->key.pkey)
        return err_fail(ERR_CRYPTO, "not_pki", "Upload the credential again.",
                        "the stored credential lacks its certificate, key or root CA");
    struct roles r = {.leaf = &cert->certs[0], .chain_count = cert->cert_count - 1};
    for (size_t i = 0; i < r.chain_count; i++)
        r.chain[i] = &cert->certs[i + 1];
    for (; r.root_count < root->cert_count; r.root_count++)
        r.roots[r.root_count] = &root->certs[r.root_count];
    c->info.chain_length = r.chain_count;
    info_fill(&c->info, r.leaf->x, r.roots[0]->x);
    return texts_build(key, &r, c);
}

enum err credential_restore(const char *certificate_pem, const char *root_ca_pem,
                            const char *key_pem, size_t key_len, struct credential **c_out)
{
    struct upload cert = {0}, root = {0}, key = {0};
    struct credential *c = NULL;
    *c_out = NULL;
    enum err e = stored_read(certificate_pem, strlen(certificate_pem), "certificate", &cert);
    if (!e) e = stored_read(root_ca_pem, strlen(root_ca_pem), "root CA", &root);
    if (!e) e = stored_read(key_pem, key_len, "private key", &key);
    if (!e) e = credential_new(&c);
    if (!e) e = restore(&cert, &root, &key, c);
    if (!e) {
        *c_out = c;
        c = NULL;
    }
    credential_free(c);
    upload_dispose(&cert);
    upload_dispose(&root);
    upload_dispose(&key);
    ERR_clear_error();
    return e;
}
