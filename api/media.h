/* media: the media types that a route takes. */
#ifndef API_MEDIA_H
#define API_MEDIA_H

#include <stdbool.h>

/** @param content_type  NULL = none was sent  @param kinds  sum of enum body_kind */
bool media_is_taken(const char *content_type, unsigned kinds);
/** Set the error bad_media_type; its hint names those that are taken. */
void media_not_taken(unsigned kinds);
#endif
