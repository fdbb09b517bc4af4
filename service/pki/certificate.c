#include "service/pki/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "service/pki/describe.h"

enum err certificate_digests(const char *pem, char fingerprint_out[SHA256_HEX],
                             char key_out[SHA256_HEX])
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!x) return err_fail(ERR_CRYPTO, "bad_pem", NULL, "that is no certificate in PEM");
    describe_fingerprint(x, fingerprint_out);
    describe_key_digest(X509_get_X509_PUBKEY(x), key_out);
    X509_free(x);
    return ERR_OK;
}
