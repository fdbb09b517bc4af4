/* credential: one device's identity: certificate (and chain), private key, root CA. Parsed, judged
 * and normalised by OpenSSL. The kind of each input is found from its content, never from its name.
 *
 * Checks, in this order, each present once its inputs exist; the codes of a fail, then of a warn:
 *
 * - syntax: every input is a certificate or private key, as PEM or DER, or holds such: PKCS#12,
 *   PKCS#7, JSON, a zip.
 *   empty_file, not_pki, bad_pem, file_too_large, certificate_request, openssh_key, pkcs12, pkcs7,
 *   zip_damaged, zip_unsupported, zip_too_large, zip_too_many_files, too_many_certificates;
 *   public_key (left out)
 * - encrypted_key: nothing has a password, or the one that was given opens it.
 *   encrypted_key, wrong_password, password_too_slow, password_method
 * - kinds: one key, a certificate for it, at least one root CA.
 *   missing_key, missing_certificate, missing_root_ca, two_keys, two_certificates;
 *   extra_certificate (left out), two_certificates (each judged apart), ca_as_device
 * - key_type: RSA of 2048 to 4096 bits, P-256 or P-384, as mbedTLS of ESP-AT reads them.
 *   key_type, weak_key; ec_key (ESP-AT v3.0 to v3.2 cannot use it)
 * - key_matches: the key signs what the certificate verifies. key_mismatch, key_damaged
 * - chain_to_root: signatures lead to the root, directly or through the chain. A certificate that
 *   AWS IoT issued is not signed by Amazon's public root: a pass that says so.
 *   chain_broken; root_not_amazon
 * - validity: certificate, chain and root are valid now.
 *   cert_expired, cert_not_yet_valid, ca_expired, ca_not_yet_valid, bad_date; the same for roots
 *   that are not needed, and cert_expires_soon, ca_expires_soon (fewer than 30 days left)
 * - fits_partition: each AtPKI image fits its partition. too_large_for_partition
 * - normalised: a note of what was rewritten, see changes.h */
#ifndef SERVICE_PKI_CREDENTIAL_H
#define SERVICE_PKI_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/pki/check.h"

struct credential; /* opaque, immutable once made */

struct credential_input {
    const char *name;    /* for messages only, e.g. the uploaded file's name; borrowed */
    const uint8_t *data; /* borrowed */
    size_t len;
};

struct credential_rules {
    const char *password;    /* of PKCS#12 files and encrypted keys; borrowed; NULL = none */
    int64_t now_unix_s;      /* the moment that the dates are judged at */
    size_t partition_size;   /* bytes; 0 = 8192 */
    bool allow_unrelated_ca; /* chain_to_root warns instead of failing (separate CAs for broker and
                                devices) */
    bool allow_dates;        /* validity warns instead of failing */
};

/** Parse, judge and normalise. All checks that can be made are made, whatever failed before.
 *  @param[out] checks_out  always filled
 *  @param[out] c_out       the credential, NULL unless no check failed; release with
 * credential_free()
 *  @return ERR_OK, ERR_CRYPTO (err_last() is the first failed check: its code and detail), ERR_MEM
 */
enum err credential_read(const struct credential_input *in, size_t n,
                         const struct credential_rules *rules, struct check_list *checks_out,
                         struct credential **c_out);

struct upload;
/** The same of files that are taken apart already (upload.h). */
enum err credential_judge(const struct upload *u, const struct credential_rules *rules,
                          struct check_list *checks_out, struct credential **c_out);

/** Rebuild from the three normalised PEM texts that credential_pem() gave (as the store kept them).
 * Judges nothing but the syntax. @return ERR_OK, ERR_CRYPTO, ERR_MEM */
enum err credential_restore(const char *certificate_pem, const char *root_ca_pem,
                            const char *key_pem, size_t key_len, struct credential **c_out);
void credential_free(struct credential *c); /* wipes the key; NULL allowed */

enum credential_part { CREDENTIAL_CERTIFICATE, CREDENTIAL_KEY, CREDENTIAL_ROOT_CA };

/** Clean PEM with LF and a final newline; certificate: leaf first, then its chain. Borrowed,
 * NUL-terminated, valid while @p c lives. */
const char *credential_pem(const struct credential *c, enum credential_part part, size_t *len_out);

struct credential_info {
    char subject[256], issuer[256], common_name[128]; /* RFC 2253 */
    char serial_hex[64];
    char fingerprint_sha256[65]; /* of the leaf's DER, lower-case hex: the principal id that AWS IoT
                                    uses */
    char
        key_sha256[65]; /* of the SubjectPublicKeyInfo: the same for every certificate of one key */
    int64_t not_before_unix_s, not_after_unix_s;
    char key_type[16];   /* "RSA-2048", "P-256" … */
    size_t chain_length; /* certificates after the leaf */
    char root_subject[256], root_fingerprint_sha256[65];
    unsigned changes; /* what normalising rewrote: a set, see changes.h; 0 for nothing */
};
/** Borrowed, valid while @p c lives. */
const struct credential_info *credential_info(const struct credential *c);
#endif
