/* exchange: the lower half of the client, for client.c, start.c and uart.c alone. Sends one line
 * and turns what the board says into signs; keeps answer lines, unsolicited lines, error codes and
 * the words for error messages.
 *
 * Secrets: port->mute is set before a secret line or secret data leaves. It goes back when the
 * exchange has ended well. After one that did not, it stays until at_sync() has seen the board
 * idle, because the rest of a key may still be on its way. While it is set, only lines of known
 * form are kept. */
#ifndef SERVICE_AT_EXCHANGE_H
#define SERVICE_AT_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/at/client.h"
#include "service/at/inbox.h"
#include "service/at/line.h"

enum at_sign {
    SIGN_LINE,     /* something that decides nothing: already kept where it belongs */
    SIGN_OK,       /* OK */
    SIGN_ERROR,    /* ERROR */
    SIGN_BUSY,     /* busy p...: the line just sent was dropped */
    SIGN_PROMPT,   /* > */
    SIGN_END,      /* the extra line that ends the command well */
    SIGN_END_FAIL, /* its bad twin */
    SIGN_FORCED,   /* Will force to restart!!!: AT+RST met a running command */
    SIGN_READY,    /* the board has booted */
};

enum at_hide {
    HIDE_NOTHING,
    HIDE_ECHO, /* the line is secret, what is said about it is not */
    HIDE_ALL,  /* what is read is secret */
};

enum { AT_CODES = 8, AT_SAID_BYTES = 1024 };

struct at_client {
    struct port *port; /* borrowed */
    struct line_machine lines;
    uint8_t in[512]; /* read, not yet cut into lines */
    size_t in_at, in_len;

    struct buf line; /* the line being sent, without CR LF; to know its echo */
    enum at_hide hide;
    bool echo_seen;    /* of this line */
    bool echo;         /* what is known of the board: true until an answer came without one */
    bool running;      /* lines are its answer */
    const char *final; /* extra ending, or NULL */
    struct buf answer; /* its lines, each with a NUL */
    struct buf raw;
    bool has_raw;
    uint32_t codes[AT_CODES];
    size_t code_count;
    bool refused;   /* it ended with ERROR */
    bool has_codes; /* AT+SYSLOG=1 was accepted */
    bool panicked;  /* it prints the end of its program: "ready" will follow */
    struct buf said;

    struct inbox inbox;
    int64_t sent_ns, urc_ns; /* 0: none */
    bool owed;               /* an earlier command has not ended: at_sync() before the next */
    uint8_t heard[64];       /* last bytes since at_client_start() began, for its error */
    size_t heard_len;
};

/** Send @p text and CR LF; forget the answer before. */
enum err exchange_send(struct at_client *c, const char *text, enum at_hide hide,
                       struct deadline until);
/** Read up to the next sign. @return ERR_OK, ERR_TIMEOUT, ERR_MEM, port errors */
enum err exchange_next(struct at_client *c, struct deadline until, enum at_sign *sign_out);
/** Up to the first sign that says something, within @p ms; SIGN_LINE when none comes. @return
 * ERR_OK, ERR_MEM, port errors */
enum err exchange_first_sign(struct at_client *c, struct deadline until, int ms,
                             enum at_sign *sign_out);
/** The exchange is over. @param well  the board has ended it: nothing secret can follow */
void exchange_end(struct at_client *c, bool well);
/** Take in what has already arrived. */
enum err exchange_drain(struct at_client *c);
/** Add what the board said to the error of this thread. */
enum err exchange_words(struct at_client *c, enum err e);
/** The error of a board that booted by itself. */
enum err exchange_rebooted(struct at_client *c);

/** Find the board idle: AT until OK, through "busy p...", without feeding it anything (start.c).
 *  @param[out] silent_out  it said nothing to several AT: then the result is ERR_TIMEOUT */
enum err at_sync(struct at_client *c, struct deadline until, bool *silent_out);
#endif
