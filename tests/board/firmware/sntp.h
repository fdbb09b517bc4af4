/* sntp: one question to an SNTP server (RFC 4330), on a thread of its own because names may take
 * long to resolve. The answer comes back on the board's loop through an eventfd. */
#ifndef TESTS_BOARD_FIRMWARE_SNTP_H
#define TESTS_BOARD_FIRMWARE_SNTP_H

#include <stdint.h>

struct loop;
struct sntp;

/** @param unix_ns  the server's time; -1 when no usable answer came within 15 s */
typedef void (*sntp_fn)(int64_t unix_ns, void *arg);

/** Ask @p host on port 123, or on ESPBOARD_SNTP_PORT when the environment has it. @p fn is called
 *  once, unless the question is dropped first. @return NULL when the system refuses */
struct sntp *sntp_ask(struct loop *l, const char *host, sntp_fn fn, void *arg);
/** End a question, answered or not: stops and joins its thread. NULL allowed. Call it also after
 * the answer, but not from inside @p fn. */
void sntp_drop(struct sntp *s);
#endif
