/* tls_trust: what clients made with OpenSSL here have in common: whom they trust, under which name,
 * and what OpenSSL says. */
#ifndef SERVICE_CLOUD_TLS_TRUST_H
#define SERVICE_CLOUD_TLS_TRUST_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "service/base/err.h"

/** Trust these certificates, too. @return ERR_OK; ERR_CRYPTO with code root_ca_unreadable; ERR_MEM
 */
enum err tls_trust_pem(SSL_CTX *ctx, const char *pem);
/** The server's certificate must name it: a host or an address. @return ERR_OK, ERR_ARG */
enum err tls_trust_name(X509_VERIFY_PARAM *param, const char *name);
/** An address is not sent as the name of the server. */
bool tls_trust_is_address(const char *name);

/** The last reason of this thread's queue of errors, which is emptied. */
const char *tls_reason(void);
/** For PEM_read_…(): without it OpenSSL would ask for a passphrase on the terminal. */
int tls_no_passphrase(char *buf, int size, int writing, void *arg);
#endif
