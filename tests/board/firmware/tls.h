/* tls: an OpenSSL context that judges and behaves as the firmware's mbedTLS does: TLS 1.2 at most,
 * the dates judged by the board's own clock, the server's name never looked at. */
#ifndef TESTS_BOARD_FIRMWARE_TLS_H
#define TESTS_BOARD_FIRMWARE_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TLS_ALPN_MAX = 5, TLS_ALPN_NAME_MAX = 64 };

struct tls_config {
    const char *ca;                /* PEM; NULL: the server is not verified */
    const char *certificate, *key; /* PEM; NULL: no client certificate */
    bool no_ec_key;                /* the release cannot read one */
    const char *sni;               /* NULL: none is sent, as the firmware does without AT+MQTTSNI */
    size_t alpn_count;
    const char (*alpn)[TLS_ALPN_NAME_MAX];
    int64_t now_s; /* the board's clock */
};

/** Borrows @p config's sni for the life of the context, copies all else.
 *  @return NULL when a credential cannot be used (not PEM, damaged) */
SSL_CTX *tls_context(const struct tls_config *config);
#endif
