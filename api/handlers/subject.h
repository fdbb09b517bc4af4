/* subject: the name in a certificate, as requests give it: a template, and what is filled in. */
#ifndef API_HANDLERS_SUBJECT_H
#define API_HANDLERS_SUBJECT_H

#include <jansson.h>

#include "service/base/json_in.h"
#include "service/base/template.h"
#include "service/pki/keys.h"

/** Read {"CN","O","OU","L","ST","C","serialNumber"}, each a text with words in braces, and fill in
 * the words.
 *  @param at  its pointer, "/subject"
 *  @param words  those that may be used; one without a value must not be; no
 * other brace may open
 *  @param errors  every field that is wrong is added */
void subject_read(const json_t *value, const char *at, const struct template_word *words, size_t n,
                  struct subject *out, struct field_errors *errors);
#endif
