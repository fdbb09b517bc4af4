/* keys: key pairs made here, and the names that are put into what they sign. */
#ifndef SERVICE_PKI_KEYS_H
#define SERVICE_PKI_KEYS_H

#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/err.h"

enum key_kind {
    KEY_RSA_2048, /* every ESP-AT can use it */
    KEY_P256      /* small and fast, but ESP-AT v3.0 to v3.2 cannot use it */
};
/** "RSA-2048", "P-256"; NULL-ended for json_in. */
extern const char *const key_kind_names[];

/** Make a pair. Takes milliseconds (P-256), or up to seconds on a small computer (RSA).
 *  @param pem_out  init it with buf_init_secret; the private key is appended as "RSA PRIVATE KEY"
 * or "EC PRIVATE KEY", the forms in which clouds hand keys out @return ERR_OK, ERR_MEM,
 * ERR_INTERNAL */
enum err key_make(enum key_kind kind, struct buf *pem_out);

/** The parts of a name, in the order in which they are written. */
enum subject_part {
    SUBJECT_C,
    SUBJECT_ST,
    SUBJECT_L,
    SUBJECT_O,
    SUBJECT_OU,
    SUBJECT_CN,
    SUBJECT_SERIAL,
    SUBJECT_PARTS
};
enum { SUBJECT_TEXT = 129 };

/** X.520 names: "C", "ST", "L", "O", "OU", "CN", "serialNumber". */
extern const char *const subject_part_names[SUBJECT_PARTS];
/** Most bytes of each: 2 for a country, 64 or 128 for the others. */
extern const size_t subject_part_max[SUBJECT_PARTS];

struct subject {
    char parts[SUBJECT_PARTS][SUBJECT_TEXT]; /* UTF-8; "" = not there */
};
#endif
