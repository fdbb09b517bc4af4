/* roles: which certificate of an upload is the device's own, which lead up to the root, and which
 * are roots that the board shall trust. Decides, and leaves judging to judge.h. */
#ifndef SERVICE_PKI_ROLES_H
#define SERVICE_PKI_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"
#include "service/pki/upload.h"

struct roles {
    const struct upload_cert *leaf; /* NULL: none that could be the device's */
    bool leaf_matches;              /* the key's public half is in it */
    bool leaf_ambiguous;            /* several certificates fit the key equally well */
    const struct upload_cert *chain[UPLOAD_CERTS_MAX]; /* from the leaf's issuer upwards */
    size_t chain_count;
    const struct upload_cert *roots[UPLOAD_CERTS_MAX]; /* the one that signed comes first */
    size_t root_count;
    const struct upload_cert *left_out[UPLOAD_CERTS_MAX];
    size_t left_out_count;

    bool chained;            /* signatures lead from the leaf to roots[0] */
    int verify_error;        /* X509_V_ERR_…, when not */
    const X509 *verify_last; /* certificate at which it stopped; NULL when unknown */
};

/** Borrows from @p u, which must outlive @p out. @return ERR_OK, ERR_MEM */
enum err roles_find(const struct upload *u, struct roles *out);
/** May this certificate sign others, as mbedTLS sees it? */
bool roles_is_ca(X509 *x);
#endif
