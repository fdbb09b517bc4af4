/* mqtt_tls: the TLS side of an MQTT check: a context made from PEM text in memory, what was seen
 * during the handshake, and what that says about a failure. One per check, used by its thread
 * only. */
#ifndef SERVICE_CLOUD_MQTT_TLS_H
#define SERVICE_CLOUD_MQTT_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/cloud/mqtt_check.h"

struct mqtt_tls {
    SSL_CTX *ctx;
    char name[256];
    bool name_is_address; /* then it is not sent, but the certificate must still have it */
    bool sends_certificate;
    bool certificate_sent; /* the broker asked for it */
    bool hello_received;
    bool done;
    int64_t done_ns;
    int alert_received; /* -1: none */
    int verify_error;   /* X509_V_OK: none */
    int verify_depth;   /* 0: the broker's own certificate, else one of its CAs */
    char verify_subject[256], verify_date[64];
    char version[16], cipher[64], subject[256];
};

/** Make the context: key and certificate are compared here, before any network.
 *  @return ERR_OK, ERR_CRYPTO, ERR_MEM, ERR_ARG (ALPN) */
enum err mqtt_tls_init(struct mqtt_tls *t, const struct mqtt_check_args *args);
/** Copy what was seen of the handshake. */
void mqtt_tls_report(const struct mqtt_tls *t, struct mqtt_check_result *out);
void mqtt_tls_dispose(struct mqtt_tls *t);
/** Say why the connection ended, from the evidence: the failed verification, then the broker's
 *  alert, then @p library_text (what libmosquitto logged, "" for nothing).
 *  @return ERR_NETWORK; ERR_OK when TLS has nothing to do with it: the handshake was over and no
 *          alert came */
enum err mqtt_tls_explain(const struct mqtt_tls *t, const char *library_text);
#endif
