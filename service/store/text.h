/* text: words from a device or the system may be cut in the middle of a character; JSON takes only
 * UTF-8. */
#ifndef SERVICE_STORE_TEXT_H
#define SERVICE_STORE_TEXT_H

#include <jansson.h>

#include "service/base/err.h"

/** Replace every byte that is not part of valid UTF-8 by '?'. */
void text_clean(char *text);
/** The same for all texts of an error. */
void text_clean_error(struct err_info *error);
/** The text, made clean, as a value; what is beyond its 2048th byte is left out. @return new
 * reference; NULL = no memory */
json_t *text_json(const char *text);
/** The same; null for "". */
json_t *text_json_or_null(const char *text);
#endif
