/* log: one line an event on standard error: RFC 3339 time, level, thread, message, key=value; or
 * all that as a JSON object. error: a human must act; warn: handled; info: state changes; debug:
 * transcripts. */
#ifndef SERVICE_BASE_LOG_H
#define SERVICE_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** Set once at start; lines above the level are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
/** One JSON object a line instead of text: time, level, thread, message, request, job, and the
 * values by their names. Set once at start. */
void log_set_json(bool on);
/** @return false when @p name is not error, warn, info or debug */
bool log_level_parse(const char *name, enum log_level *level_out);

/** Request and job that this thread works for ("" for none); added to every line of the thread. */
void log_context(const char *request_id, const char *job_id);

/** @p msg is a fixed text; @p fmt gives " key=value" pairs (NULL for none). Control characters are
 * escaped. */
void log_at(enum log_level level, const char *msg, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(msg, ...) log_at(LOG_ERROR, msg, __VA_ARGS__)
#define log_warn(msg, ...)  log_at(LOG_WARN, msg, __VA_ARGS__)
#define log_info(msg, ...)  log_at(LOG_INFO, msg, __VA_ARGS__)
#define log_debug(msg, ...) log_at(LOG_DEBUG, msg, __VA_ARGS__)
#endif
