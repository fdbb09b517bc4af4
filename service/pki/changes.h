/* changes: what was rewritten of an upload to make three clean PEM texts of it, as a set of flags
 * with their names. */
#ifndef SERVICE_PKI_CHANGES_H
#define SERVICE_PKI_CHANGES_H

#include <stddef.h>

#include "service/pki/pem.h"

/* Beyond the PEM_ flags of pem.h, in the same set. */
enum {
    CHANGE_DER = 1 << 8,
    CHANGE_EC_PARAMETERS = 1 << 9, /* the block that openssl ecparam writes before a key */
    CHANGE_LABEL = 1 << 10,        /* a block whose label did not fit its content */
    CHANGE_TRUST = 1 << 11,        /* trust settings of openssl beside a certificate */
    CHANGE_TWICE = 1 << 12,        /* the same certificate or key more than once */
    CHANGE_ORDER = 1 << 13,        /* the chain was not in order */
    CHANGE_LEFT_OUT = 1 << 14,     /* certificates that nobody needs */
    CHANGE_PKCS12 = 1 << 15,
    CHANGE_PKCS7 = 1 << 16,
    CHANGE_BASE64 = 1 << 17,        /* DER as text */
    CHANGE_DECRYPTED = 1 << 18,     /* a key that had a password */
    CHANGE_OTHER_CONTENT = 1 << 19, /* of a zip or JSON: no certificate and no key */
};

struct change {
    const char *code; /* stable: "der" */
    const char *text; /* for a sentence: "DER instead of PEM" */
};

enum { CHANGES_MAX = 24 };
/** What the flags in @p changes say, from the file as a whole to its lines.
 *  @return how many were put into @p out */
size_t changes_list(unsigned changes, struct change out[CHANGES_MAX]);
#endif
