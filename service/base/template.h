/* template: text with words in braces, "{mac}", that are filled in. */
#ifndef SERVICE_BASE_TEMPLATE_H
#define SERVICE_BASE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"

struct template_word {
    const char *name;  /* with its braces: "{mac}" */
    const char *value; /* NULL: not known, which is an error where it is used */
};

/** Replace each word that is known by its value; other braces stay as they are.
 *  @return ERR_OK; ERR_TOO_LARGE; ERR_ARG with code template_word: a value that is used is not
 * known, its name is in the detail. @p out is "" on error */
enum err template_fill(const char *text, const struct template_word *words, size_t n, char *out,
                       size_t cap);
/** @return the first brace of @p text that begins none of the words, or NULL */
const char *template_stray(const char *text, const struct template_word *words, size_t n);
#endif
