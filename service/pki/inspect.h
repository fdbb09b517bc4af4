/* inspect: what each of many files is, and every credential among them: for a drop of the files of
 * many boards. There is a set for each device certificate; its key is found by the public key, root
 * CAs and chain are shared. A file that is of no use spoils nothing. Judging is credential.h's. */
#ifndef SERVICE_PKI_INSPECT_H
#define SERVICE_PKI_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/base/mac.h"
#include "service/pki/credential.h"

enum inspect_kind {
    INSPECT_CERTIFICATE, /* of a device */
    INSPECT_CA_CERTIFICATE,
    INSPECT_PRIVATE_KEY,
    INSPECT_ENCRYPTED_KEY, /* closed, for want of its password */
    INSPECT_PUBLIC_KEY,
    INSPECT_REQUEST,
    INSPECT_PKCS12, /* closed */
    INSPECT_OTHER,  /* of no use, or damaged */
};
/** "certificate", "ca_certificate", … as the contract has them. */
const char *inspect_kind_name(enum inspect_kind kind);

/* "" and 0: does not apply. */
struct inspect_content {
    enum inspect_kind kind;
    char subject[256], common_name[128];
    char fingerprint_sha256[SHA256_HEX], key_sha256[SHA256_HEX];
    char key_type[16];
    int64_t not_after_unix_s;
    char detail[320]; /* why it is of no use, in a sentence */
    size_t piece;     /* private: which of the certificates or keys it is */
};

struct inspect_file {
    char *name;  /* as it was sent; out of a zip "a.zip/folder/device.crt" */
    size_t part; /* which input it is, or was in */
    size_t size; /* bytes; of a file in a zip at most one more than LIMIT_PEM_BYTES */
    struct inspect_content *contents;
    size_t content_count;
    bool used; /* a set needs it, or another file with the same content */
};

struct inspect_set {
    char common_name[128], fingerprint_sha256[SHA256_HEX];
    char mac[MAC_TEXT]; /* "" = none was found */
    size_t *files;      /* each once: certificate, key, chain, root CAs */
    size_t file_count;
};

struct inspection; /* opaque, immutable once made; holds private keys until it is freed */

/** Take @p n inputs apart, zips among them too.
 *  @param password  of PKCS#12 files and keys, NULL = none; not kept
 *  @return ERR_OK; ERR_TOO_LARGE with code too_many_files or too_many_certificates; ERR_MEM */
enum err inspect_read(const struct credential_input *in, size_t n, const char *password,
                      struct inspection **out);
void inspect_free(struct inspection *s); /* NULL allowed; wipes the keys */

/** Borrowed, in the order in which they were sent. */
const struct inspect_file *inspect_files(const struct inspection *s, size_t *n_out);
/** Borrowed, in the order of their certificates. */
const struct inspect_set *inspect_sets(const struct inspection *s, size_t *n_out);

/** Find the set of a device certificate.
 *  @param fingerprint_sha256  as in struct inspect_set
 *  @param[out] set_out  its index
 *  @return ERR_OK; ERR_CRYPTO with code certificate_not_found */
enum err inspect_find(const struct inspection *s, const char *fingerprint_sha256, size_t *set_out);

/** Judge a set by the checks of credential.h. @param set  its index; where there is none any number
 * does, and all the files are judged as one credential
 *  @return as credential_read() */
enum err inspect_judge(const struct inspection *s, size_t set, const struct credential_rules *rules,
                       struct check_list *checks_out, struct credential **c_out);
#endif
