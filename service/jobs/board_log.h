/* board_log: what the firmware says of a failed connection on its other UART. Most builds say
 * little there, some nothing (at-observed.md): a line is a gift, its absence means nothing. Pure.
 */
#ifndef SERVICE_JOBS_BOARD_LOG_H
#define SERVICE_JOBS_BOARD_LOG_H

#include <jansson.h>

#include "service/jobs/verdict.h"

/** The most telling of its lines. @param text  NUL-terminated; other bytes than text may be in it
 */
enum log_says board_log_says(const char *text);
/** Its errors and warnings, the last ones, as strings; the caller owns the array. */
json_t *board_log_lines(const char *text);
#endif
