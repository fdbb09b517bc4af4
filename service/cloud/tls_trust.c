#include "service/cloud/tls_trust.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

const char *tls_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason ? reason : "not a PEM text";
}

int tls_no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

enum err tls_trust_pem(SSL_CTX *ctx, const char *pem)
{
    int count = 0;
    BIO *b = BIO_new_mem_buf(pem, -1);
    if (!b) return err_set(ERR_MEM, "out of memory");
    for (;;) {
        X509 *root = PEM_read_bio_X509(b, NULL, tls_no_passphrase, NULL);
        if (!root) break;
        count += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root);
        X509_free(root);
    }
    BIO_free(b);
    const char *why = tls_reason();
    if (count == 0)
        return err_fail(ERR_CRYPTO, "root_ca_unreadable", "Upload the broker's root CA as PEM.",
                        "the root CA cannot be read: %s", why);
    return ERR_OK;
}

bool tls_trust_is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

enum err tls_trust_name(X509_VERIFY_PARAM *param, const char *name)
{
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int ok = tls_trust_is_address(name) ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                                        : X509_VERIFY_PARAM_set1_host(param, name, 0);
    return ok == 1 ? ERR_OK
                   : err_set(ERR_ARG, "a certificate cannot be checked for the name %s", name);
}
