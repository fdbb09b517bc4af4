/* A server has a certificate for clients that take RSA, one for those that take ECDSA, or both; so
 * each kind is asked for in a handshake of its own, in TLS 1.2, where the cipher decides and which
 * is what ESP-AT speaks. What counts of a handshake is the chain that our verification ended in: an
 * endpoint wants a client's certificate, which nobody has yet, and ends it without one. */
#include "service/cloud/iot_roots.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include "service/cloud/resolve.h"
#include "service/cloud/tcp_probe.h"
#include "service/cloud/tls_trust.h"

enum { HANDSHAKE_MS = 10000, KINDS = 2 };
static const char *const kinds[KINDS] = {"aRSA", "aECDSA"};

static const char untrusted_hint[] =
    "The root certificates of this machine have to lead to the endpoint's (package "
    "ca-certificates); its clock has to be right; and nothing on the way may open the connection.";
static const char unreachable_hint[] =
    "Check the network and the firewall of this machine, and the address of the endpoint.";

struct search {
    const char *host;
    int port;
    struct cancel *cancel;
    struct deadline until;
    struct resolve_result found;
    SSL_CTX *ctx;
    X509 *roots[KINDS], **root; /* of each kind; of the handshake that is on */
    int verify_error;
};

/* In place of OpenSSL's own verification, which is called, to see the chain that it found. */
static int on_chain(X509_STORE_CTX *store, void *arg)
{
    struct search *s = arg;
    int ok = X509_verify_cert(store);
    if (ok != 1) {
        s->verify_error = X509_STORE_CTX_get_error(store);
        return 0;
    }
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
    *s->root = sk_X509_value(chain, sk_X509_num(chain) - 1);
    return X509_up_ref(*s->root);
}

static enum err prepare(struct search *s, const char *trusted_pem)
{
    s->ctx = SSL_CTX_new(TLS_client_method());
    if (!s->ctx) return err_set(ERR_MEM, "TLS context: %s", tls_reason());
    SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(s->ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(s->ctx, on_chain, s);
    if (trusted_pem) {
        enum err e = tls_trust_pem(s->ctx, trusted_pem);
        if (e) return e;
    } else {
        SSL_CTX_set_default_verify_paths(s->ctx);
    }
    return tls_trust_name(SSL_CTX_get0_param(s->ctx), s->host);
}

/* @return ERR_OK: it ended, one way or the other */
static enum err shake(const struct search *s, SSL *ssl, int fd)
{
    struct deadline until = deadline_within_ms(s->until, HANDSHAKE_MS);
    for (;;) {
        ERR_clear_error();
        int rc = SSL_connect(ssl);
        int want = SSL_get_error(ssl, rc);
        if (*s->root || (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE))
            return ERR_OK;
        short events = want == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
        struct pollfd p[2] = {{fd, events, 0}, {s->cancel ? s->cancel->fd : -1, POLLIN, 0}};
        poll(p, 2, deadline_left_ms(until));
        if (cancel_is_raised(s->cancel)) return err_set(ERR_CANCELLED, "cancelled");
        if (deadline_passed(until))
            return err_fail(
                ERR_NETWORK, "endpoint_unreachable", unreachable_hint,
                "%s port %d takes connections, but does not end the TLS handshake in time", s->host,
                s->port);
    }
}

static enum err unreachable(enum err e)
{
    if (e != ERR_NETWORK) return e;
    struct err_info why = *err_last();
    return err_fail(ERR_NETWORK, "endpoint_unreachable", unreachable_hint, "%s", why.detail);
}

static enum err look(struct search *s, int kind)
{
    const struct resolve_address *address;
    int fd;
    s->root = &s->roots[kind];
    enum err e = unreachable(tcp_connect(&s->found, s->host, s->cancel, s->until, &address, &fd));
    if (e) return e;
    SSL *ssl = SSL_new(s->ctx);
    if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_set_cipher_list(ssl, kinds[kind]) == 1) {
        if (!tls_trust_is_address(s->host)) SSL_set_tlsext_host_name(ssl, s->host);
        e = shake(s, ssl, fd);
    } else {
        e = err_set(ERR_MEM, "TLS: %s", tls_reason());
    }
    SSL_free(ssl);
    close(fd);
    if (!e && s->verify_error)
        e = err_fail(ERR_NETWORK, "endpoint_untrusted", untrusted_hint,
                     "the certificate of %s is not trusted: %s", s->host,
                     X509_verify_cert_error_string(s->verify_error));
    return e;
}

static enum err put(const X509 *root, struct buf *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n = b && PEM_write_bio_X509(b, root) == 1 ? BIO_get_mem_data(b, &text) : 0;
    enum err e = n > 0 ? buf_append(out, text, (size_t)n) : err_set(ERR_MEM, "out of memory");
    BIO_free(b);
    return e;
}

static enum err put_all(const struct search *s, struct buf *out)
{
    const X509 *one = s->roots[0], *other = s->roots[1];
    if (!one && !other)
        return err_fail(ERR_NETWORK, "endpoint_unreachable",
                        "The endpoint has to speak TLS 1.2, as boards do.",
                        "%s port %d shows no certificate in TLS 1.2: %s", s->host, s->port,
                        ERR_peek_last_error() ? tls_reason() : "the connection was closed");
    enum err e = one ? put(one, out) : ERR_OK;
    if (!e && other && (!one || X509_cmp(one, other) != 0)) e = put(other, out);
    return e;
}

enum err iot_roots_find(const char *host, int port, const char *trusted_pem, struct cancel *cancel,
                        struct deadline until, struct buf *out)
{
    struct search s = {.host = host, .port = port, .cancel = cancel, .until = until};
    enum err e = prepare(&s, trusted_pem);
    if (!e) e = unreachable(resolve_host(host, port, cancel, until, &s.found));
    for (int kind = 0; !e && kind < KINDS; kind++)
        e = look(&s, kind);
    if (!e) e = put_all(&s, out);
    for (int kind = 0; kind < KINDS; kind++)
        X509_free(s.roots[kind]);
    SSL_CTX_free(s.ctx);
    ERR_clear_error();
    return e;
}
