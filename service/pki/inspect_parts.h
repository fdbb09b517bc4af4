/* inspect_parts: what an inspection is made of. Private to inspect.c, which takes the files apart,
 * and inspect_sets.c, which puts the pieces together. */
#ifndef SERVICE_PKI_INSPECT_PARTS_H
#define SERVICE_PKI_INSPECT_PARTS_H

#include "service/pki/inspect.h"
#include "service/pki/upload.h"

/* The files that have something. */
struct inspect_places {
    size_t *files;
    size_t count;
};

/* Certificates and keys are told once, however many files have them. */
struct inspect_cert {
    X509 *x;
    char fingerprint[SHA256_HEX], key_id[SHA256_HEX];
    struct inspect_places places;
    unsigned copies;
    bool ca;
    bool top;    /* a CA that no other one here has issued */
    bool device; /* its set is here */
    bool used;
};

struct inspect_key {
    struct upload_key key;
    char id[SHA256_HEX]; /* as inspect_cert.key_id of its certificates */
    struct inspect_places places;
    bool used;
};

/* What is said of a file beside its certificates and keys. */
struct inspect_note {
    unsigned changes;
    struct upload_note problem;
    struct upload_locked locked;
    char public_key_file[UPLOAD_NAME];
    size_t key_count, a_key; /* keys in it, and one of them */
};

/* What a set is known by: a certificate, and its key; INSPECT_NONE where there is none. */
struct inspect_core {
    size_t cert, key;
};
#define INSPECT_NONE SIZE_MAX

struct inspection {
    struct inspect_file *files;
    struct inspect_note *notes; /* of each file */
    size_t file_count;
    struct inspect_cert *certs;
    size_t cert_count;
    struct inspect_key *keys;
    size_t key_count;
    struct inspect_set *sets;
    struct inspect_core *cores; /* of each set */
    size_t set_count;
};

/** Find the sets, once all files are in. @return ERR_OK, ERR_MEM */
enum err inspect_find_sets(struct inspection *s);
#endif
