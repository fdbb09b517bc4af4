/* tls: what the server shows to its clients (certificate and key), and whose clients it lets in,
 * by GnuTLS, which is what libmicrohttpd speaks TLS with. Thread-safe.
 *
 * Every connection holds the credentials that it began with, so that files can be read again while
 * connections live. */
#ifndef API_TLS_H
#define API_TLS_H

#include <microhttpd.h>

#include "api/peer.h"
#include "service/base/err.h"

/** PEM files. */
struct tls_files {
    const char *cert; /* the server's certificate first, then those between it and its root */
    const char *key;
    const char *client_ca; /* NULL: clients are not asked for a certificate */
};

struct tls;             /* opaque: the credentials of connections that begin now */
struct tls_credentials; /* opaque: those that a connection holds */

/** Read the files. @param files  what it points to is borrowed
 *  @return ERR_OK; ERR_IO, ERR_CRYPTO with code tls_certificate, tls_key or client_ca; ERR_MEM */
enum err tls_new(const struct tls_files *files, struct tls **out);
/** No connection may be left. NULL allowed. */
void tls_free(struct tls *t);
/** Read the files again. An error leaves the old credentials in force. @return as tls_new() */
enum err tls_reload(struct tls *t);
/** What MHD_start_daemon() is told, for MHD_OPTION_ARRAY. @param t  NULL: no TLS */
const struct MHD_OptionItem *tls_options(const struct tls *t);
/** When the certificate that is shown now ends, seconds since 1970. */
long long tls_expires_s(struct tls *t);

/** Give the session (a gnutls_session_t) the present credentials, before its handshake.
 *  @return NULL when that fails; else tls_release() them when the connection is closed */
struct tls_credentials *tls_use(struct tls *t, void *session);
void tls_release(struct tls *t, struct tls_credentials *c); /* NULL allowed */

/** After the handshake: where clients need a certificate, does he have a good one? It is put
 * into @p out.
 *  @return ERR_OK; ERR_CRYPTO with code client_certificate_missing or client_certificate_refused */
enum err tls_check_peer(const struct tls_credentials *c, void *session, struct peer *out);
#endif
