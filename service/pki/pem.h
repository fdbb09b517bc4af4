/* pem: the text armour of certificates and keys (RFC 7468 and the older form with headers). Pure.
 * Reads what people really send: CRLF, indented lines, one long line, "\n" written as two
 * characters, text around the blocks; writes one clean form. Key bytes are only ever put into
 * buffers that are wiped. */
#ifndef SERVICE_PKI_PEM_H
#define SERVICE_PKI_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

/* What was untidy about a text: a set of these. */
enum {
    PEM_CRLF = 1 << 0,
    PEM_BOM = 1 << 1,
    PEM_TEXT = 1 << 2, /* text outside the blocks */
    PEM_BAG = 1 << 3,  /* … of the kind that openssl pkcs12 writes */
    PEM_NO_FINAL_NEWLINE = 1 << 4,
    PEM_NUL = 1 << 5,
    PEM_LINES = 1 << 6,   /* lines that are not 64 characters long */
    PEM_ESCAPES = 1 << 7, /* line ends that were written as two characters */
};

struct pem_reader {
    const uint8_t *at, *end;
    unsigned untidy; /* so far */
};

struct pem_block {
    char label[40];
    const uint8_t *body; /* borrowed: the base64 text */
    size_t body_len;
    bool encrypted;        /* has a header that says so: */
    const uint8_t *header; /* borrowed */
    size_t header_len;
};

/** Is there the start of a block anywhere? */
bool pem_is_in(const uint8_t *data, size_t len);
/** @p data is borrowed. */
void pem_reader_init(struct pem_reader *r, const uint8_t *data, size_t len);
/** Next block. @param[out] found  false at the end of the text
 *  @return ERR_OK; ERR_CRYPTO with code bad_pem: the detail says what is wrong, without file name
 */
enum err pem_next(struct pem_reader *r, struct pem_block *out, bool *found);
/** Append the bytes of a block to @p out.
 *  @param untidy  PEM_CRLF, PEM_LINES and PEM_ESCAPES are added where they apply
 *  @return ERR_OK; ERR_CRYPTO with code bad_pem; ERR_TOO_LARGE; ERR_MEM */
enum err pem_decode(const struct pem_block *b, struct buf *out, unsigned *untidy);
/** Append a block: 64 characters a line, LF, newline at the end. @return ERR_OK, ERR_TOO_LARGE,
 * ERR_MEM */
enum err pem_encode(const char *label, const uint8_t *der, size_t n, struct buf *out);
#endif
