/* Design: the key decides which certificate is the leaf; without help from a key it is the first
 * that is no CA. A root is a CA whose issuer was not sent: that is the self-signed ones, and the
 * top of a chain whose root is missing, which mbedTLS trusts just as well. The way from leaf to
 * root is then OpenSSL's to find. Dates play no part in that: they are a check of their own, and an
 * expired link must be reported as expired, not as broken. */
#include "service/pki/roles.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

bool roles_is_ca(X509 *x)
{
    return X509_check_ca(x) != 0;
}

static bool issued(X509 *issuer, X509 *subject)
{
    return X509_check_issued(issuer, subject) == X509_V_OK;
}

static bool is_in(const struct upload_cert *c, const struct upload_cert *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == c) return true;
    return false;
}

static bool fits_key(const struct upload *u, X509 *x)
{
    if (!u->key.pkey) return false;
    EVP_PKEY *public_key = X509_get0_pubkey(x);
    return public_key && EVP_PKEY_eq(public_key, u->key.pkey) == 1;
}

/* A higher rank is a better leaf; 0 is none at all. */
static int rank_of(const struct upload *u, X509 *x)
{
    bool ca = roles_is_ca(x);
    if (fits_key(u, x)) return ca ? 2 : 3;
    return ca ? 0 : 1;
}

static void find_leaf(const struct upload *u, struct roles *out)
{
    int best = 0;
    for (size_t i = 0; i < u->cert_count; i++) {
        int rank = rank_of(u, u->certs[i].x);
        if (rank && rank == best && rank > 1) out->leaf_ambiguous = true;
        if (rank <= best) continue;
        best = rank;
        out->leaf = &u->certs[i];
        out->leaf_ambiguous = false;
    }
    out->leaf_matches = best > 1;
}

static bool issuer_was_sent(const struct upload *u, const struct roles *r,
                            const struct upload_cert *c)
{
    for (size_t i = 0; i < u->cert_count; i++) {
        const struct upload_cert *other = &u->certs[i];
        if (other != c && other != r->leaf && roles_is_ca(other->x) && issued(other->x, c->x))
            return true;
    }
    return false;
}

static void find_roots(const struct upload *u, struct roles *out)
{
    for (size_t i = 0; i < u->cert_count; i++) {
        const struct upload_cert *c = &u->certs[i];
        if (c == out->leaf || !roles_is_ca(c->x)) continue;
        if (issued(c->x, c->x) || !issuer_was_sent(u, out, c)) out->roots[out->root_count++] = c;
    }
    /* One self-signed certificate that was sent as both: it is meant as both. */
    if (!out->root_count && out->leaf && out->leaf->copies > 1 && roles_is_ca(out->leaf->x) &&
        issued(out->leaf->x, out->leaf->x))
        out->roots[out->root_count++] = out->leaf;
}

static const struct upload_cert *entry_of(const struct upload *u, const X509 *x)
{
    for (size_t i = 0; i < u->cert_count; i++)
        if (!X509_cmp(u->certs[i].x, x)) return &u->certs[i];
    return NULL;
}

static void root_to_front(struct roles *r, const struct upload_cert *root)
{
    const struct upload_cert *before = root; /* each moves up by one until the root's old place */
    for (size_t i = 0; i < r->root_count; i++) {
        const struct upload_cert *here = r->roots[i];
        r->roots[i] = before;
        if (here == root) return;
        before = here;
    }
}

/* Keep what OpenSSL found: leaf, then the chain, then the root. A root that is not self-signed
 * stays in the chain too, because the broker may only know the CA above it. */
static void keep_chain(const struct upload *u, STACK_OF(X509) * found, struct roles *out)
{
    int n = sk_X509_num(found);
    for (int i = 1; i < n; i++) {
        const struct upload_cert *c = entry_of(u, sk_X509_value(found, i));
        bool top = i == n - 1;
        if (!c || (top && issued(c->x, c->x))) continue;
        out->chain[out->chain_count++] = c;
    }
    const struct upload_cert *root = entry_of(u, sk_X509_value(found, n - 1));
    if (root) root_to_front(out, root);
}

/* Where the way up ends when it does not reach a root: follow issuers by name. Keeps the CAs on
 * that way as chain, so that nothing the user meant for the broker is lost. */
static void keep_broken_chain(const struct upload *u, struct roles *out)
{
    const struct upload_cert *at = out->leaf;
    while (at && out->chain_count < u->cert_count) {
        const struct upload_cert *next = NULL;
        for (size_t i = 0; i < u->cert_count && !next; i++) {
            const struct upload_cert *c = &u->certs[i];
            if (c != out->leaf && !is_in(c, out->chain, out->chain_count) && roles_is_ca(c->x) &&
                issued(c->x, at->x))
                next = c;
        }
        if (!next || issued(next->x, next->x)) return;
        out->chain[out->chain_count++] = next;
        at = next;
    }
}

static enum err verify(const struct upload *u, X509_STORE_CTX *ctx, X509_STORE *store,
                       STACK_OF(X509) * others, struct roles *out)
{
    for (size_t i = 0; i < out->root_count; i++)
        if (!X509_STORE_add_cert(store, out->roots[i]->x)) return ERR_MEM;
    for (size_t i = 0; i < u->cert_count; i++)
        if (&u->certs[i] != out->leaf && !sk_X509_push(others, u->certs[i].x)) return ERR_MEM;
    if (!X509_STORE_CTX_init(ctx, store, out->leaf->x, others)) return ERR_MEM;
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
                                X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
    out->chained = X509_verify_cert(ctx) == 1;
    if (out->chained) {
        keep_chain(u, X509_STORE_CTX_get0_chain(ctx), out);
        return ERR_OK;
    }
    out->verify_error = X509_STORE_CTX_get_error(ctx);
    const X509 *last = X509_STORE_CTX_get_current_cert(ctx);
    const struct upload_cert *entry = last ? entry_of(u, last) : NULL;
    out->verify_last = entry ? entry->x : NULL; /* of ours: the context's own goes with it */
    keep_broken_chain(u, out);
    return ERR_OK;
}

static enum err find_chain(const struct upload *u, struct roles *out)
{
    if (!out->leaf || !out->root_count) {
        out->verify_error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
        keep_broken_chain(u, out);
        return ERR_OK;
    }
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    enum err e = store && ctx && others ? verify(u, ctx, store, others, out) : ERR_MEM;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(others);
    ERR_clear_error();
    return e ? err_set(e, "out of memory for the chain") : ERR_OK;
}

static void find_left_out(const struct upload *u, struct roles *out)
{
    for (size_t i = 0; i < u->cert_count; i++) {
        const struct upload_cert *c = &u->certs[i];
        if (c == out->leaf || is_in(c, out->chain, out->chain_count) ||
            is_in(c, out->roots, out->root_count))
            continue;
        out->left_out[out->left_out_count++] = c;
    }
}

enum err roles_find(const struct upload *u, struct roles *out)
{
    memset(out, 0, sizeof *out);
    find_leaf(u, out);
    find_roots(u, out);
    enum err e = find_chain(u, out);
    if (!e) find_left_out(u, out);
    return e;
}
