/* pieces: an upload's certificates, keys and findings, gathered one by one. Between upload.c, which
 * takes files apart, and what becomes of their pieces. */
#ifndef SERVICE_PKI_PIECES_H
#define SERVICE_PKI_PIECES_H

#include "service/pki/upload.h"

/* Where a piece was found. */
struct place {
    char file[UPLOAD_NAME];
    bool in_others; /* in a zip or JSON: what is no certificate and no key only lies beside */
    bool held;      /* in a file that was decoded: its own form is of no interest */
};

/** @param name  from outside, NULL allowed: made printable, and cut in the middle */
void place_name(const char *name, char out[UPLOAD_NAME]);

/** Note a piece that cannot be used; the first one is kept, the others are counted. */
void piece_refuse(struct upload *u, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** The same with the error of this thread, which came of unlocking or unpacking @p at. */
void piece_refuse_error(struct upload *u, const struct place *at);
/** Note what a password keeps closed: the error of this thread says why. @param whole  it is a file
 * that may hold everything, not a key alone */
void piece_locked(struct upload *u, bool whole, const struct place *at);
/** Note a public key, which nobody needs. */
void piece_public_key(struct upload *u, const struct place *at);
/** Take in what DER bytes are: certificate, key, or a file that holds such.
 *  @param der  its name is of no interest
 *  @param label  of the PEM block that they stood in; "" = of none
 *  @return ERR_OK, also when it was refused; ERR_MEM */
enum err piece_add(struct upload *u, const struct credential_input *der, const char *label,
                   const struct place *at);
#endif
