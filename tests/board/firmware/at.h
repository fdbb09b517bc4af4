/* at: the AT command line: echo, line ends, one command at a time, results, counted raw input.
 * A command starts a moment after its line is complete and may finish much later (at_ok, at_error);
 * lines that come meanwhile are answered "busy p..." and dropped. */
#ifndef TESTS_BOARD_FIRMWARE_AT_H
#define TESTS_BOARD_FIRMWARE_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/board/firmware/args.h"

struct firmware;
struct timer;

enum {
    AT_HELD_MAX = 2048,            /* the AT UART's receive buffer */
    AT_ERR_LINE = 0x01030000,      /* no "AT", or too long a line */
    AT_ERR_VALUE = 0x01070001,     /* a value out of range */
    AT_ERR_PARAMETER = 0x01080000, /* + index: missing or unreadable */
    AT_ERR_UNKNOWN = 0x01090000,
    AT_ERR_EXECUTE = 0x010a0000, /* + the module's own code */
    AT_ERR_BUSY = 0x010b0000,
};

typedef void (*at_fn)(struct firmware *fw, const struct at_args *a);
typedef void (*at_data_fn)(struct firmware *fw, uint8_t *data, size_t n);

struct at_command {
    const char *name; /* what follows "AT" */
    unsigned since;   /* first release, see version.h */
    at_fn exec, query, set;
};

struct at {
    char line[ARGS_LINE_MAX];
    size_t len;
    bool overlong;               /* the line at hand is too long: only its end is looked for */
    char last;                   /* the byte before, to see CR LF of an overlong line */
    char command[ARGS_LINE_MAX]; /* the line being executed */
    size_t command_n;
    bool command_overlong;
    bool echo, log;         /* ATE, AT+SYSLOG */
    bool store;             /* AT+SYSSTORE: settings go to flash */
    uint8_t messages;       /* AT+SYSMSG; kept, and without effect here */
    bool running;           /* a command has not finished */
    bool ready;             /* the application listens */
    bool wired;             /* the port is on the pins where the host is */
    uint64_t commands;      /* since boot, for the fault "busy" */
    uint64_t busy_until_ns; /* lines of one burst get one "busy p..." */
    struct timer *start, *later, *hears;
    /* counted raw input of the running command */
    uint8_t *data;
    size_t want, got;
    at_data_fn data_fn;
    bool holding; /* further input waits: the data is complete, or nobody reads (at_deaf) */
    uint8_t held[AT_HELD_MAX];
    size_t held_n;
    void (*later_fn)(struct firmware *fw);
};

void at_init(struct firmware *fw);
void at_dispose(struct firmware *fw);
void at_input(struct firmware *fw, const uint8_t *data, size_t n);

/** Text on the AT port. */
void at_print(struct firmware *fw, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Bytes on the AT port. They go nowhere while its pins are not where the module has them. */
void at_send(struct firmware *fw, const void *data, size_t n);

/** End of the running command. */
void at_ok(struct firmware *fw);
/** Prints the error code first when AT+SYSLOG=1; @p code 0 prints none. */
void at_error(struct firmware *fw, uint32_t code);
/** End of the running command without a result line (the command printed its own). */
void at_end(struct firmware *fw);
/** An ERR CODE line that does not end the command. */
void at_code(struct firmware *fw, uint32_t code);

/** Collect exactly @p n bytes from the port, then call @p fn (which owns nothing; the data lives
 *  until the command ends). Input behind them waits until the command has ended.
 *  @return false when the module has no memory for so many */
bool at_collect(struct firmware *fw, size_t n, at_data_fn fn);
/** The data is taken: what comes now is read as lines again, which are answered "busy p...". */
void at_listen(struct firmware *fw);
/** Nobody reads the port for @p delay_ns, or until the running command has ended. */
void at_deaf(struct firmware *fw, uint64_t delay_ns);
/** Go on with the running command after @p delay_ns. One at a time. */
void at_later(struct firmware *fw, uint64_t delay_ns, void (*fn)(struct firmware *fw));

/** Parameters with the core's own error codes printed; false = missing, empty or unreadable. */
bool at_int(struct firmware *fw, const struct at_args *a, size_t i, long *out);
bool at_str(struct firmware *fw, const struct at_args *a, size_t i, char *out, size_t cap);

/** The command table (commands.c). @return NULL beyond the end */
const struct at_command *at_command_at(size_t i);
/** @return NULL when this release has no such command */
const struct at_command *at_command_named(const struct firmware *fw, const char *name);
#endif
