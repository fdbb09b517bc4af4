/* inbox: unsolicited lines of the board, kept in order until somebody asks for them. Pure. */
#ifndef SERVICE_AT_INBOX_H
#define SERVICE_AT_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

enum { INBOX_LINES = 64 }; /* when full, the oldest line goes */

struct inbox_line {
    char *text;   /* owned */
    uint8_t *raw; /* owned; NULL when the line carries no counted bytes */
    size_t raw_len;
};

struct inbox {
    struct inbox_line lines[INBOX_LINES];
    size_t n;
    struct inbox_line taken; /* lent to the last caller of inbox_take() */
};

void inbox_init(struct inbox *b);
void inbox_dispose(struct inbox *b);
/** Copy a line in. @param raw  NULL for none @return ERR_OK, ERR_MEM */
enum err inbox_put(struct inbox *b, const char *text, const uint8_t *raw, size_t raw_len);
/** Take the first line that begins with one of @p prefixes (NULL-ended). @return the line, borrowed
 * until the next call; NULL when there is none */
const struct inbox_line *inbox_take(struct inbox *b, const char *const *prefixes, int *which_out);
/** Forget every line that begins with @p prefix ("" = all). */
void inbox_drop(struct inbox *b, const char *prefix);
#endif
