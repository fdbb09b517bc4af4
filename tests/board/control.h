/* control: commands on standard input, one a line, each answered on standard output by "ok" or
 * "error TEXT", in order:
 *   unplug PORT, plug PORT   PORT is download or at
 *   power off, power on
 *   fault SPEC, nofault      one more fault; none from now on */
#ifndef TESTS_BOARD_CONTROL_H
#define TESTS_BOARD_CONTROL_H

#include <stdbool.h>

struct board;
struct control;
struct faults;
struct loop;
struct uart;

/** What is controlled, borrowed. */
struct control_parts {
    struct loop *loop;
    struct board *board;
    struct uart *download, *at;
    struct faults *faults;
    bool boot_download; /* where power-on leads */
};

/** @return NULL with a message on stderr when standard input cannot be waited for */
struct control *control_open(const struct control_parts *parts);
void control_close(struct control *c);
#endif
