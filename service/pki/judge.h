/* judge: the named checks of credential.h. Each adds one sentence to a list; none stops the others.
 */
#ifndef SERVICE_PKI_JUDGE_H
#define SERVICE_PKI_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "service/pki/check.h"
#include "service/pki/credential.h"
#include "service/pki/roles.h"
#include "service/pki/upload.h"

struct judge {
    const struct upload *upload;
    const struct roles *roles;
    const struct credential_rules *rules;
    struct check_list *out;
};

/** Files and kinds: syntax, encrypted_key, kinds. */
void judge_files(const struct judge *j);
/** key_type, key_matches; present once there is a key. */
void judge_key(const struct judge *j);
/** chain_to_root; present once there is a certificate and a root CA. */
void judge_chain(const struct judge *j);
/** validity; present once there is a certificate. */
void judge_dates(const struct judge *j);
/** fits_partition. @param text_len  bytes of the normalised PEM of each part, 0 for none */
void judge_sizes(const struct judge *j, const size_t text_len[3]);

/** What to do about @p code in general; NULL when the sentence of the check says it all. */
const char *judge_hint(const char *code);
/** "RSA-2048", "P-256" …; the library's name for a kind that is not allowed. @return @p out */
const char *judge_key_name(const EVP_PKEY *key, char out[16]);
/** What mbedTLS of ESP-AT reads. @param name  as judge_key_name() gave it @return "" for an allowed
 * key, else the code: weak_key, key_type */
const char *judge_key_refusal(const EVP_PKEY *key, const char *name);
/** Seconds since 1970; INT64_MIN when it is no date. */
int64_t judge_unix_s(const ASN1_TIME *t);
#endif
