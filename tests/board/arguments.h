/* arguments: the command line of espboard. */
#ifndef TESTS_BOARD_ARGUMENTS_H
#define TESTS_BOARD_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/board/board.h"

struct chip;
struct faults;

struct arguments {
    struct board_options options;
    const struct chip *chip;
    const char *firmware, *module, *flash, *download, *at, *transcript;
    uint32_t flash_bytes; /* of a file that is made */
    bool boot_download;
    bool control;
    long usb_gap_ms, watchdog_ms; /* -1: as the pace says */
    struct faults *faults;        /* the caller's */
};

/** Fill @p a, whose faults are there already; the strings are those of @p argv.
 *  @return -1 to go on, else the exit status: all is said on the standard outputs then */
int arguments_parse(int argc, char **argv, struct arguments *a);
#endif
