/* upload: what was found in the files that a user threw in: certificates, private keys, and notes
 * on all that is neither. The kind of each piece is found from its content. Judges nothing. */
#ifndef SERVICE_PKI_UPLOAD_H
#define SERVICE_PKI_UPLOAD_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/pki/credential.h"
#include "service/pki/pem.h"

enum { UPLOAD_CERTS_MAX = 32, UPLOAD_NAME = 48, UPLOAD_SUBJECT = 80 };

/* What was untidy about the files beyond the PEM_ flags of pem.h, in the same set. */
enum {
    UPLOAD_DER = 1 << 8,
    UPLOAD_EC_PARAMETERS = 1 << 9, /* the block that openssl ecparam writes before a key */
    UPLOAD_LABEL = 1 << 10,        /* a block whose label did not fit its content */
    UPLOAD_TRUST = 1 << 11,        /* trust settings of openssl beside a certificate */
    UPLOAD_TWICE = 1 << 12,        /* the same certificate or key more than once */
    UPLOAD_ORDER = 1 << 13,        /* set by others: the chain was not in order */
    UPLOAD_LEFT_OUT = 1 << 14,     /* set by others: certificates that nobody needs */
};

struct upload_cert {
    X509 *x;
    char file[UPLOAD_NAME];
    unsigned copies;
};

struct upload_key {
    EVP_PKEY *pkey; /* NULL: none */
    const char *label;
    struct buf der; /* secret */
    char file[UPLOAD_NAME];
};

/* The first of a sort of finding, and how many there were. */
struct upload_note {
    size_t count;
    char code[48], detail[256];
};

struct upload {
    struct upload_cert certs[UPLOAD_CERTS_MAX];
    size_t cert_count;
    struct upload_key key;             /* the first */
    char second_key_file[UPLOAD_NAME]; /* of a different key; "" for none */
    char encrypted_file[UPLOAD_NAME];  /* holds a key with a password; "" for none */
    char public_key_file[UPLOAD_NAME]; /* holds a public key; "" for none */
    struct upload_note problem;        /* pieces that cannot be used */
    unsigned untidy;
};

/** Take @p n inputs apart. Pieces that cannot be used are noted in out->problem.
 *  @return ERR_OK, ERR_MEM; *out must be disposed in both cases */
enum err upload_read(const struct credential_input *in, size_t n, struct upload *out);
void upload_dispose(struct upload *u);

/** Subject or issuer in RFC 2253, cut to its place; printable ASCII. @return @p out */
const char *upload_subject(const X509_NAME *name, char *out, size_t cap);
/** The names of the flags in @p untidy, separated by commas; "" for none. */
void upload_untidy_text(unsigned untidy, char *out, size_t cap);
/** Certificate back to clean PEM. @return ERR_OK, ERR_TOO_LARGE, ERR_MEM */
enum err upload_cert_pem(const X509 *x, struct buf *out);
#endif
