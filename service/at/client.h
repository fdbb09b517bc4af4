/* client: one ESP-AT port. Sends a command, waits for its end, keeps what came between, and keeps
 * the unsolicited lines. Nothing is sent blind: data only after its prompt, a command only when the
 * one before has ended. Not thread-safe: one client belongs to one worker thread. */
#ifndef SERVICE_AT_CLIENT_H
#define SERVICE_AT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/port/port.h"

struct at_client; /* opaque */

/** Borrows @p port, which must outlive it. @return ERR_OK, ERR_MEM */
enum err at_client_new(struct port *port, struct at_client **c_out);
void at_client_free(struct at_client *c); /* NULL allowed */

/** Get into step with the board: send AT until it answers (also out of a device that still waits
 * for the bytes of an interrupted write: it is fed 0xFF), echo off, AT+SYSLOG=1 for error codes.
 * Give it 10 s: finding out that a board only listens takes 6.
 *  @return ERR_OK; ERR_TIMEOUT with code at_silent or at_busy; ERR_PROTOCOL with code at_garbage;
 * port errors */
enum err at_client_start(struct at_client *c, struct deadline until);
/** Wait for the "ready" of a boot that somebody else caused (EN pulse); then as at_client_start().
 */
enum err at_client_wait_ready(struct at_client *c, struct deadline until);
/** AT+RST and wait for "ready"; then as at_client_start(). Also ends a command that hangs.
 *  @return as at_client_start(); ERR_TIMEOUT with code at_not_ready (also at_client_wait_ready) */
enum err at_client_reset(struct at_client *c, struct deadline until);

/** Send one command (without CR LF) and wait for OK. The answer's lines are then at_answer().
 *  @return ERR_OK; ERR_ARG with code at_line_too_long (256 bytes) or at_line_break; ERR_DEVICE with
 * code at_error: ERROR came, detail names the command and the ERR CODEs in words; ERR_DEVICE with
 * code board_rebooted; ERR_TIMEOUT with code at_timeout, or at_busy when an earlier command never
 * ended; port errors. "busy p..." is waited out and the command sent again */
enum err at_command(struct at_client *c, struct deadline until, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** The same; the transcript sees only the length (a Wi-Fi or MQTT password is in it). */
enum err at_command_secret(struct at_client *c, struct deadline until, const char *line);

/** One command whose answer is secret (a key is read back): the transcript sees only lengths. */
enum err at_read_secret(struct at_client *c, struct deadline until, const char *line);

/** What a command that takes data does: line, prompt, data, final result.
 *  @param final  line that ends it besides OK, e.g. "+MQTTPUB:OK"; NULL for none. */
struct at_data_command {
    const char *line;
    const uint8_t *data; /* borrowed */
    size_t n;
    bool secret; /* keep the data out of the transcript */
    const char *final;
};
enum err at_command_data(struct at_client *c, const struct at_data_command *d,
                         struct deadline until);

/** Lines of the last answer that begin with @p prefix ("+CWJAP:"): number @p i, counted from 0;
 * NULL when there is none. Without the prefix. Borrowed until the next command. */
const char *at_answer(const struct at_client *c, const char *prefix, size_t i);
/** Counted raw bytes of the last answer (SYSFLASH read). Borrowed until the next command; NULL when
 * there were none. */
const struct buf *at_answer_raw(const struct at_client *c);
/** First ERR CODE of the last answer, 0 when there was none. */
uint32_t at_error_code(const struct at_client *c);
/** Was @p code one of the ERR CODEs of the last answer? */
bool at_said_code(const struct at_client *c, uint32_t code);
/** Did the last command end with ERROR (rather than with silence, a restart, a lost port)? */
bool at_was_refused(const struct at_client *c);
/** Was the last command refused because this firmware does not have it? An ERROR without a code
 * counts when the firmware gives no codes at all. */
bool at_is_unknown_command(const struct at_client *c);

/** Wait for an unsolicited line that begins with one of @p prefixes (NULL-ended); lines that came
 * before and were not taken count too. @param[out] which_out  index into prefixes @param line_out
 * whole line; cut at @p cap
 *  @return ERR_OK, ERR_TIMEOUT, port errors */
enum err at_wait_line(struct at_client *c, const char *const *prefixes, struct deadline until,
                      int *which_out, char *line_out, size_t cap);
/** One unsolicited line with its counted bytes, if it has any. */
struct at_message {
    const char *line;   /* borrowed until the next call that waits or sends */
    const uint8_t *raw; /* NULL when the line carries none */
    size_t raw_len;
};
/** As at_wait_line(), for lines with counted bytes (+MQTTSUBRECV). */
enum err at_wait_message(struct at_client *c, const char *const *prefixes, struct deadline until,
                         int *which_out, struct at_message *out);
/** Forget unsolicited lines and messages that were not taken. */
void at_forget(struct at_client *c);
/** The same for those that begin with @p prefix. */
void at_forget_lines(struct at_client *c, const char *prefix);

/** Put a value between the quotes of a command: escapes \ " and , as ESP-AT wants. @return ERR_OK,
 * ERR_ARG (CR, LF, NUL) */
enum err at_quote(const char *value, struct buf *out);
struct port *at_port(struct at_client *c);
/** Time from sending the last command to the first unsolicited line after it, ms; -1 when none
 * came. Evidence: a failed AT+MQTTCONN gives no other (at-observed.md). */
int at_first_urc_ms(const struct at_client *c);
#endif
