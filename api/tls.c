/* Why the certificate of a client is judged when his first request has come, and not in the
 * handshake: libmicrohttpd 0.9.75 ends a handshake that fails without an alert, so that the client
 * could not be told what is wrong. No byte of a request is acted on before. */
#include "api/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/tls_library.h"
#include "service/base/buf.h"
#include "service/base/digest.h"
#include "service/base/file.h"
#include "service/base/log.h"
#include "service/base/wipe.h"

enum { PEM_MAX = 1024 * 1024 };

struct tls_credentials {
    gnutls_certificate_credentials_t gnutls;
    bool ask_client;
    long long expires_s;
    size_t
        users; /* connections, and one for being the present ones; under the lock of struct tls */
};

struct tls {
    struct tls_files files;
    pthread_mutex_t lock;
    struct tls_credentials *now;
};

static enum err read_pem(const char *path, const char *code, struct buf *out)
{
    buf_init_secret(out, PEM_MAX);
    enum err e = file_read(path, out);
    if (!e) return ERR_OK;
    struct err_info why = *err_last();
    buf_dispose(out);
    return err_fail(e, code, "Name a PEM file that espgate may read.", "%s", why.detail);
}

static enum err bad_pair(const struct tls_files *f, int rc)
{
    if (rc == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return err_fail(ERR_CRYPTO, "tls_key", "Put the key that the certificate was made for.",
                        "%s is not the key of %s", f->key, f->cert);
    return err_fail(ERR_CRYPTO, "tls_certificate",
                    "Both are PEM, the key without a password, the server's certificate first.",
                    "%s and %s cannot be used: %s", f->cert, f->key, gnutls_strerror(rc));
}

static enum err load_pair(const struct tls_files *f, struct tls_credentials *c)
{
    struct buf cert, key;
    enum err e = read_pem(f->cert, "tls_certificate", &cert);
    if (e) return e;
    e = read_pem(f->key, "tls_key", &key);
    if (!e) {
        const gnutls_datum_t cert_pem = {cert.data, (unsigned)cert.len};
        const gnutls_datum_t key_pem = {key.data, (unsigned)key.len};
        int rc = gnutls_certificate_set_x509_key_mem2(c->gnutls, &cert_pem, &key_pem,
                                                      GNUTLS_X509_FMT_PEM, NULL, 0);
        if (rc < 0) e = bad_pair(f, rc);
        buf_dispose(&key);
    }
    buf_dispose(&cert);
    return e;
}

static enum err load_client_ca(const struct tls_files *f, struct tls_credentials *c)
{
    struct buf pem;
    if (!f->client_ca) return ERR_OK;
    enum err e = read_pem(f->client_ca, "client_ca", &pem);
    if (e) return e;
    const gnutls_datum_t data = {pem.data, (unsigned)pem.len};
    int n = gnutls_certificate_set_x509_trust_mem(c->gnutls, &data, GNUTLS_X509_FMT_PEM);
    buf_dispose(&pem);
    c->ask_client = true;
    if (n > 0) return ERR_OK;
    return err_fail(ERR_CRYPTO, "client_ca", "Name a PEM file with the clients' authorities.",
                    "%s has no certificate that can be used", f->client_ca);
}

/* A certificate out of its time is used all the same: to refuse it would take away the service, and
 * with it the way to look at what is wrong. */
static void look_at_times(const struct tls_files *f, struct tls_credentials *c)
{
    gnutls_x509_crt_t *chain;
    unsigned n = 0;
    if (gnutls_certificate_get_x509_crt(c->gnutls, 0, &chain, &n) != 0) return;
    c->expires_s = gnutls_x509_crt_get_expiration_time(chain[0]);
    time_t now = time(NULL);
    if (now > c->expires_s)
        log_warn("TLS certificate has expired", "file=\"%s\"", f->cert);
    else if (now < gnutls_x509_crt_get_activation_time(chain[0]))
        log_warn("TLS certificate is not valid yet", "file=\"%s\"", f->cert);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
}

static void credentials_free(struct tls_credentials *c)
{
    if (c->gnutls) gnutls_certificate_free_credentials(c->gnutls);
    free(c);
}

static enum err load(const struct tls_files *f, struct tls_credentials **out)
{
    struct tls_credentials *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return err_set(ERR_MEM, "out of memory");
    enum err e = gnutls_certificate_allocate_credentials(&c->gnutls) == 0
                     ? ERR_OK
                     : err_set(ERR_MEM, "out of memory");
    if (!e) e = load_pair(f, c);
    if (!e) e = load_client_ca(f, c);
    if (e) {
        credentials_free(c);
        return e;
    }
    look_at_times(f, c);
    c->users = 1;
    *out = c;
    return ERR_OK;
}

enum err tls_new(const struct tls_files *files, struct tls **out)
{
    *out = NULL;
    struct tls *t = calloc(1, sizeof *t);
    if (!t) return err_set(ERR_MEM, "out of memory");
    t->files = *files;
    /* Its records hold what clients send. */
    gnutls_free = wipe_free;
    gnutls_realloc = wipe_realloc;
    enum err e = tls_library_start();
    if (!e) e = load(files, &t->now);
    if (e) {
        free(t);
        return e;
    }
    pthread_mutex_init(&t->lock, NULL);
    *out = t;
    return ERR_OK;
}

void tls_free(struct tls *t)
{
    if (!t) return;
    tls_release(t, t->now);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

enum err tls_reload(struct tls *t)
{
    struct tls_credentials *fresh;
    enum err e = load(&t->files, &fresh);
    if (e) return e;
    pthread_mutex_lock(&t->lock);
    struct tls_credentials *old = t->now;
    t->now = fresh;
    pthread_mutex_unlock(&t->lock);
    tls_release(t, old);
    return ERR_OK;
}

long long tls_expires_s(struct tls *t)
{
    pthread_mutex_lock(&t->lock);
    long long at = t->now->expires_s;
    pthread_mutex_unlock(&t->lock);
    return at;
}

/* Never called: each connection gets its credentials when it begins. But MHD does not start TLS
 * without having some of its own. */
static int no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **certs, unsigned *cert_count, gnutls_ocsp_data_st **ocsp,
                          unsigned *ocsp_count, gnutls_privkey_t *key, unsigned *flags)
{
    (void)session, (void)info, (void)certs, (void)cert_count;
    (void)ocsp, (void)ocsp_count, (void)key, (void)flags;
    return -1;
}

const struct MHD_OptionItem *tls_options(const struct tls *t)
{
    static char priorities[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    static const struct MHD_OptionItem items[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)no_certificate},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    return t ? items : &items[2];
}

struct tls_credentials *tls_use(struct tls *t, void *session)
{
    pthread_mutex_lock(&t->lock);
    struct tls_credentials *c = t->now;
    c->users++;
    pthread_mutex_unlock(&t->lock);
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->gnutls) != 0) {
        tls_release(t, c);
        return NULL;
    }
    gnutls_certificate_server_set_request(session,
                                          c->ask_client ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
    return c;
}

void tls_release(struct tls *t, struct tls_credentials *c)
{
    if (!c) return;
    pthread_mutex_lock(&t->lock);
    bool last = --c->users == 0;
    pthread_mutex_unlock(&t->lock);
    if (last) credentials_free(c);
}

static void read_name(const gnutls_datum_t *der, char *out, size_t cap)
{
    gnutls_x509_crt_t crt;
    size_t n = cap;
    out[0] = '\0';
    if (gnutls_x509_crt_init(&crt) != 0) return;
    if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) != 0 ||
        gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &n) != 0)
        out[0] = '\0';
    gnutls_x509_crt_deinit(crt);
    for (char *c = out; *c; c++)
        if (*c < 0x20 || *c == 0x7f) *c = '?';
}

static enum err refused(gnutls_session_t session, int rc, unsigned status)
{
    gnutls_datum_t why = {NULL, 0};
    if (rc == 0)
        gnutls_certificate_verification_status_print(
            status, gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS), &why, 0);
    enum err e = err_fail(ERR_CRYPTO, "client_certificate_refused",
                          "Show a certificate for clients, of an authority that this server knows.",
                          "%s", why.data ? (const char *)why.data : gnutls_strerror(rc));
    gnutls_free(why.data);
    return e;
}

enum err tls_check_peer(const struct tls_credentials *c, void *session, struct peer *out)
{
    if (!c->ask_client) return ERR_OK;
    unsigned n = 0, status = 0;
    const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &n);
    if (!certs || n == 0)
        return err_fail(ERR_CRYPTO, "client_certificate_missing",
                        "Show the certificate that you were given for this server.",
                        "this server wants a certificate of its clients");
    char client[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)client, .size = 0};
    int rc = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (rc != 0 || status != 0) return refused(session, rc, status);
    uint8_t digest[SHA256_BYTES];
    digest_sha256(certs[0].data, certs[0].size, digest);
    digest_hex(digest, sizeof digest, out->certificate_sha256);
    read_name(&certs[0], out->common_name, sizeof out->common_name);
    return ERR_OK;
}
