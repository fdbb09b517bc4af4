/* upload: what was found in the files that a user threw in: certificates, private keys, and notes
 * on all that is neither. The kind of each piece is found from its content. Judges nothing. */
#ifndef SERVICE_PKI_UPLOAD_H
#define SERVICE_PKI_UPLOAD_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/pki/credential.h"
#include "service/pki/changes.h"
#include "service/pki/unlock.h"

enum { UPLOAD_CERTS_MAX = 32, UPLOAD_KEYS_MAX = 32, UPLOAD_NAME = 48, UPLOAD_SUBJECT = 80 };

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

/* What a password keeps closed. */
struct upload_locked {
    char file[UPLOAD_NAME]; /* "" for none */
    char code[48], why[96]; /* as unlock.h has them */
    bool whole;             /* not a key alone, but a file that may hold everything */
};

struct upload {
    struct upload_cert certs[UPLOAD_CERTS_MAX];
    size_t cert_count;
    struct upload_key key;                         /* the first */
    struct upload_key other_keys[UPLOAD_KEYS_MAX]; /* each a different one */
    size_t other_key_count;
    char public_key_file[UPLOAD_NAME]; /* holds a public key; "" for none */
    char same_key_file[UPLOAD_NAME];   /* of another certificate for the key, which is judged apart;
                                          "" for none: only in an inspection */
    struct upload_locked locked;       /* the first */
    struct upload_note problem;        /* pieces that cannot be used */
    size_t found;                      /* pieces of any use, also those that are locked */
    unsigned changes;                  /* a set, see changes.h */
    struct unlock unlock;
};

/** Take @p n inputs apart. Pieces that cannot be used are noted in out->problem.
 *  @param password  for what has one; borrowed while @p out lives; NULL: none
 *  @return ERR_OK, ERR_MEM; *out must be disposed in both cases */
enum err upload_read(const struct credential_input *in, size_t n, const char *password,
                     struct upload *out);
/* The same step by step: upload_begin(), then one file after the other; a zip is none. */
void upload_begin(const char *password, struct upload *out);
/** @return ERR_OK, ERR_MEM */
enum err upload_take(struct upload *u, const struct credential_input *in);
/** Forget what was found, but not what opening it has cost. */
void upload_clear(struct upload *u);
void upload_dispose(struct upload *u);
void upload_key_dispose(struct upload_key *k);

/** Subject or issuer in RFC 2253, cut to its place; printable ASCII. @return @p out */
const char *upload_subject(const X509_NAME *name, char *out, size_t cap);
/** Certificate back to clean PEM. @return ERR_OK, ERR_TOO_LARGE, ERR_MEM */
enum err upload_cert_pem(const X509 *x, struct buf *out);
#endif
