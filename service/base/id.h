/* id: names for things: sortable by the time they were made, and not to be guessed. */
#ifndef SERVICE_BASE_ID_H
#define SERVICE_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

enum { ID_TEXT = 32 };

/** prefix + '_' + 9 characters of time + 16 of chance (Crockford base 32, lower case), e.g.
 * "job_01jd…".
 *  @param prefix  at most 4 letters  @return @p out */
const char *id_new(const char *prefix, char out[ID_TEXT]);
/** Only letters, digits, '-', '_' and '.', 1 to @p max characters, not starting with '.'. */
bool id_is_name(const char *s, size_t max);
#endif
