/* libmosquitto with a context of ours verifies nothing and sets no version, name or ALPN, so all of
 * that is here. TLS is capped at 1.2, which is what ESP-AT speaks: host and board then fail alike,
 * and a refused certificate shows inside the handshake instead of after it.
 *
 * Why a connection failed has an order of evidence: our own verification, then the alert of the
 * broker, then the library's text. Alerts that we sent ourselves say nothing new, because OpenSSL
 * also sends one after an abrupt close.
 *
 * The key is read straight from the caller's memory: a read-only memory BIO copies nothing, and
 * OpenSSL wipes what it decodes. */
#include "service/cloud/mqtt_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "service/base/deadline.h"
#include "service/cloud/tls_trust.h"

static void name_text(const X509_NAME *name, char *out, size_t cap)
{
    out[0] = '\0';
    BIO *b = BIO_new(BIO_s_mem());
    if (!b) return;
    if (name && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(b, out, (int)cap - 1);
        out[n > 0 ? n : 0] = '\0';
    }
    BIO_free(b);
}

static void date_text(const ASN1_TIME *when, char *out, size_t cap)
{
    out[0] = '\0';
    BIO *b = BIO_new(BIO_s_mem());
    if (!b) return;
    if (ASN1_TIME_print(b, when) == 1) {
        int n = BIO_read(b, out, (int)cap - 1);
        out[n > 0 ? n : 0] = '\0';
    }
    BIO_free(b);
}

/* Keeps the first failure. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
    if (ok) return ok;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct mqtt_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (t->verify_error != X509_V_OK) return 0;
    t->verify_error = X509_STORE_CTX_get_error(store);
    t->verify_depth = X509_STORE_CTX_get_error_depth(store);
    const X509 *cert = X509_STORE_CTX_get_current_cert(store);
    if (!cert) return 0;
    name_text(X509_get_subject_name(cert), t->verify_subject, sizeof t->verify_subject);
    bool early = t->verify_error == X509_V_ERR_CERT_NOT_YET_VALID;
    date_text(early ? X509_get0_notBefore(cert) : X509_get0_notAfter(cert), t->verify_date,
              sizeof t->verify_date);
    return 0;
}

static void keep_session(struct mqtt_tls *t, const SSL *ssl)
{
    t->done = true;
    t->done_ns = deadline_now_ns();
    snprintf(t->version, sizeof t->version, "%s", SSL_get_version(ssl));
    snprintf(t->cipher, sizeof t->cipher, "%s", SSL_get_cipher_name(ssl));
    const X509 *peer = SSL_get0_peer_certificate(ssl);
    if (peer) name_text(X509_get_subject_name(peer), t->subject, sizeof t->subject);
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct mqtt_tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (where == SSL_CB_HANDSHAKE_START) {
        /* The library names the address that it was told to connect to. This is the last moment
         * before the ClientHello is made. The cast is OpenSSL's own: it calls with its SSL. */
        SSL *own = (SSL *)(uintptr_t)ssl;
        SSL_set_tlsext_host_name(own, t->name_is_address ? NULL : t->name);
    } else if (where == SSL_CB_HANDSHAKE_DONE) {
        keep_session(t, ssl);
    } else if (where == SSL_CB_READ_ALERT) {
        if (value >> 8 == SSL3_AL_FATAL && t->alert_received < 0) t->alert_received = value & 0xff;
    } else if (where == SSL_CB_CONNECT_LOOP) {
        OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
        if (state == TLS_ST_CR_SRVR_HELLO) t->hello_received = true;
        if (state == TLS_ST_CW_CERT) t->certificate_sent = t->sends_certificate;
    }
}

static enum err load_certificates(struct mqtt_tls *t, const char *pem)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    if (!b) return err_set(ERR_MEM, "out of memory");
    enum err e = ERR_OK;
    X509 *cert = PEM_read_bio_X509(b, NULL, tls_no_passphrase, NULL);
    if (!cert || SSL_CTX_use_certificate(t->ctx, cert) != 1)
        e = err_fail(ERR_CRYPTO, "certificate_unusable",
                     "Use a certificate with an RSA key of 2048 bits or more, or a P-256 key.",
                     "the certificate cannot be used: %s", tls_reason());
    X509_free(cert);
    while (!e) {
        X509 *link = PEM_read_bio_X509(b, NULL, tls_no_passphrase, NULL);
        if (!link) break;
        if (SSL_CTX_add0_chain_cert(t->ctx, link) != 1) {
            X509_free(link);
            e = err_fail(ERR_CRYPTO, "certificate_unusable", NULL,
                         "a certificate of the chain cannot be used: %s", tls_reason());
        }
    }
    ERR_clear_error();
    BIO_free(b);
    return e;
}

static enum err load_key(struct mqtt_tls *t, const char *pem)
{
    BIO *b = BIO_new_mem_buf(pem, -1);
    if (!b) return err_set(ERR_MEM, "out of memory");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, tls_no_passphrase, NULL);
    BIO_free(b);
    enum err e = ERR_OK;
    if (!key)
        e = err_fail(ERR_CRYPTO, "key_unreadable",
                     "Use an unencrypted PEM key; an encrypted one cannot go to a board either.",
                     "the private key cannot be read: %s", tls_reason());
    else if (SSL_CTX_use_PrivateKey(t->ctx, key) != 1 || SSL_CTX_check_private_key(t->ctx) != 1)
        e = err_fail(ERR_CRYPTO, "key_mismatch",
                     "Upload the key that this certificate was made for.",
                     "the private key does not belong to the certificate: %s", tls_reason());
    EVP_PKEY_free(key);
    return e;
}

static enum err expect_server(struct mqtt_tls *t, bool any_name)
{
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, on_verify);
    return any_name ? ERR_OK : tls_trust_name(SSL_CTX_get0_param(t->ctx), t->name);
}

static enum err offer_alpn(struct mqtt_tls *t, const char *name)
{
    unsigned char wire[256];
    size_t n = strlen(name);
    if (n > 255) return err_set(ERR_ARG, "the ALPN name is longer than 255 bytes");
    wire[0] = (unsigned char)n;
    memcpy(wire + 1, name, n);
    /* 0 is success here. */
    if (SSL_CTX_set_alpn_protos(t->ctx, wire, (unsigned)n + 1) != 0)
        return err_set(ERR_MEM, "ALPN: %s", tls_reason());
    return ERR_OK;
}

enum err mqtt_tls_init(struct mqtt_tls *t, const struct mqtt_check_args *args)
{
    *t = (struct mqtt_tls){.alert_received = -1, .verify_error = X509_V_OK};
    const char *name = args->sni && *args->sni ? args->sni : args->host;
    snprintf(t->name, sizeof t->name, "%s", name);
    t->name_is_address = tls_trust_is_address(t->name);
    t->sends_certificate = args->client_certificate;
    ERR_clear_error();
    t->ctx = SSL_CTX_new(TLS_client_method());
    if (!t->ctx) return err_set(ERR_MEM, "TLS context: %s", tls_reason());
    SSL_CTX_set_app_data(t->ctx, t);
    SSL_CTX_set_info_callback(t->ctx, on_info);
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(t->ctx, TLS1_2_VERSION);
    enum err e = ERR_OK;
    if (args->verify_server) {
        e = tls_trust_pem(t->ctx, args->root_ca_pem);
        if (!e) e = expect_server(t, args->ignore_name);
    }
    if (!e && args->client_certificate) {
        e = load_certificates(t, args->certificate_pem);
        if (!e) e = load_key(t, args->key_pem);
    }
    if (!e && args->alpn && *args->alpn) e = offer_alpn(t, args->alpn);
    if (e) mqtt_tls_dispose(t);
    return e;
}

void mqtt_tls_report(const struct mqtt_tls *t, struct mqtt_check_result *out)
{
    snprintf(out->tls_version, sizeof out->tls_version, "%s", t->version);
    snprintf(out->cipher, sizeof out->cipher, "%s", t->cipher);
    snprintf(out->server_subject, sizeof out->server_subject, "%s", t->subject);
    out->alert = t->alert_received > SSL_AD_CLOSE_NOTIFY ? t->alert_received : -1;
    out->hello_received = t->hello_received;
    out->certificate_sent = t->certificate_sent;
    out->self_signed = t->verify_error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    out->not_yet_valid = t->verify_error == X509_V_ERR_CERT_NOT_YET_VALID;
    out->of_a_ca = t->verify_error != X509_V_OK && t->verify_depth > 0;
}

void mqtt_tls_dispose(struct mqtt_tls *t)
{
    SSL_CTX_free(t->ctx);
    t->ctx = NULL;
}

static enum err explain_verify(const struct mqtt_tls *t)
{
    const char *whose = t->verify_depth == 0 ? "broker's certificate" : "CA certificate";
    switch (t->verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: {
        bool early = t->verify_error == X509_V_ERR_CERT_NOT_YET_VALID;
        return err_fail(ERR_NETWORK, "mqtt_tls_server_expired",
                        "Renew this certificate, or set the clock of this machine right.",
                        "the %s %s %s %s", whose, t->verify_subject,
                        early ? "is not valid before" : "expired on", t->verify_date);
    }
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return err_fail(ERR_NETWORK, "mqtt_tls_server_name",
                        "Use the name that stands in the broker's certificate as the host. ESP-AT "
                        "itself does not compare the name, so the board may connect all the same.",
                        "the broker's certificate %s does not name %s", t->verify_subject, t->name);
    default:
        return err_fail(ERR_NETWORK, "mqtt_tls_server_untrusted",
                        "The root CA of the credential has to be the one that signed this broker's "
                        "certificate; for AWS IoT: Amazon Root CA 1 or 3 and an endpoint with "
                        "-ats.",
                        "the broker is not trusted because of the %s %s: %s", whose,
                        t->verify_subject, X509_verify_cert_error_string(t->verify_error));
    }
}

/* Alerts by which a broker says no to a client's certificate. */
static bool alert_is_about_client(const struct mqtt_tls *t)
{
    switch (t->alert_received) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_DECRYPT_ERROR:
    case TLS13_AD_CERTIFICATE_REQUIRED:
        return true;
    case SSL_AD_HANDSHAKE_FAILURE:
        /* Before ServerHello it means no common cipher; after it, no certificate. */
        return t->hello_received;
    default:
        return false;
    }
}

static enum err explain_alert(const struct mqtt_tls *t)
{
    const char *name = SSL_alert_desc_string_long(t->alert_received);
    if (alert_is_about_client(t)) {
        if (!t->certificate_sent)
            return err_fail(ERR_NETWORK, "mqtt_tls_client_refused",
                            "Use an MQTT scheme with a client certificate: 4 or 5.",
                            "the broker wants a client certificate: alert %d, %s",
                            t->alert_received, name);
        return err_fail(ERR_NETWORK, "mqtt_tls_client_refused",
                        "Register this certificate with the broker and activate it there (AWS IoT: "
                        "state ACTIVE in the account and region of the endpoint), or use one of a "
                        "CA that the broker trusts; check its dates.",
                        "the broker refused the client certificate: alert %d, %s",
                        t->alert_received, name);
    }
    const char *hint = "Compare the TLS settings of the broker with what ESP-AT offers.";
    if (t->alert_received == SSL_AD_PROTOCOL_VERSION)
        hint = "The broker wants another version than TLS 1.2, which is the newest that ESP-AT "
               "speaks: allow TLS 1.2 there.";
    else if (t->alert_received == SSL_AD_UNRECOGNIZED_NAME)
        hint = "The broker does not serve this host name: check the host.";
    else if (t->alert_received == SSL_AD_NO_APPLICATION_PROTOCOL)
        hint = "The broker wants another ALPN name; AWS IoT on port 443: x-amzn-mqtt-ca.";
    return err_fail(ERR_NETWORK, "mqtt_tls_failed", hint,
                    "the broker ended the TLS handshake: alert %d, %s", t->alert_received, name);
}

enum err mqtt_tls_explain(const struct mqtt_tls *t, const char *library_text)
{
    if (t->verify_error != X509_V_OK) return explain_verify(t);
    if (t->alert_received > SSL_AD_CLOSE_NOTIFY) return explain_alert(t);
    if (t->done) return ERR_OK;
    const char *what = *library_text ? library_text : "the connection was closed";
    return err_fail(ERR_NETWORK, "mqtt_tls_failed",
                    t->certificate_sent
                        ? "The broker may not know this certificate, or it is not ACTIVE (AWS IoT)."
                        : "Does this port speak TLS? MQTT over TLS is mostly on 8883, plain MQTT "
                          "on 1883.",
                    "the TLS handshake failed%s: %s",
                    t->certificate_sent ? " after the client certificate was sent" : "", what);
}
