/* args: one AT command line taken apart. Pure: no I/O, no allocation.
 * The real parser cuts at every comma that no backslash protects and looks at quotes only
 * afterwards, so a bare comma inside a quoted string breaks that parameter; this one does the same.
 */
#ifndef TESTS_BOARD_FIRMWARE_ARGS_H
#define TESTS_BOARD_FIRMWARE_ARGS_H

#include <stdbool.h>
#include <stddef.h>

enum { ARGS_MAX = 16, ARGS_LINE_MAX = 256 /* with its CR LF */ };

enum at_op { AT_EXEC, AT_QUERY, AT_TEST, AT_SET };
enum arg_status { ARG_OK, ARG_MISSING, ARG_EMPTY, ARG_BAD };

struct at_args {
    size_t count;
    struct {
        const char *text; /* raw, quotes and backslashes included; borrowed from the line */
        size_t n;
    } v[ARGS_MAX + 1]; /* one more than any command takes, so that a surplus one is seen */
};

/** Split what follows "AT" (without CR LF): name, kind of command, parameters.
 *  @param[out] name  at least ARGS_LINE_MAX bytes */
enum at_op args_split(const char *rest, size_t n, char *name, struct at_args *out);

/** A number: decimal, or hexadecimal after 0x; a minus sign is allowed. */
enum arg_status args_int(const struct at_args *a, size_t i, long *out);

/** A quoted string without its quotes and escapes.
 *  @return ARG_BAD also when it does not fit into @p cap with its NUL */
enum arg_status args_str(const struct at_args *a, size_t i, char *out, size_t cap);

/** Is the parameter left out (beyond the last one, or nothing between two commas)? */
bool args_absent(const struct at_args *a, size_t i);
#endif
