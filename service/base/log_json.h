/* log_json: a line of the log as one JSON object. Pure; used by log.c alone. */
#ifndef SERVICE_BASE_LOG_JSON_H
#define SERVICE_BASE_LOG_JSON_H

#include <stddef.h>

struct log_line {
    const char *time, *level, *thread, *message;
    const char *request, *job; /* "" = none */
    const char *fmt;           /* "key=%d key=\"%s\"": names the values; NULL = none */
    const char *values;        /* what it became */
};

/** The object, without an end of line. A value that is numbered in @p fmt is a number, all others
 * are strings; bytes that are not UTF-8 become U+FFFD. Members for which there is no room are left
 * out. @return its length, below @p cap */
size_t log_json(const struct log_line *l, char *out, size_t cap);
#endif
