/* modem: the modem lines of a pseudo-terminal, which the kernel does not have. The board makes one
 * file a port, `pts-<n>` in the folder that modem_dir() names, and maps it; the host's program,
 * with shim/ptymodem.so preloaded, maps it too and writes each change of DTR, RTS or break into it.
 * Both sides are built from this header; there is no other protocol.
 *
 * One 64-bit word holds the number of edges so far and the lines after the last one, so a
 * compare-and-swap gives every change its place in the ring, whatever the threads and processes. A
 * slot is filled after that, and is valid once its `ready` is its edge's number plus one. */
#ifndef TESTS_BOARD_MODEM_H
#define TESTS_BOARD_MODEM_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MODEM_MAGIC = 0x4d444d32, MODEM_RING = 256 };
enum modem_line { MODEM_DTR = 1, MODEM_RTS = 2, MODEM_BREAK = 4 };

struct modem_edge {
    _Atomic uint64_t ready;
    uint64_t at_ns; /* CLOCK_MONOTONIC */
    uint32_t lines; /* after the edge */
    uint32_t baud;  /* the host's speed then */
};

struct modem_file {
    uint32_t magic;
    int32_t board_pid;       /* a file whose board is gone is ignored */
    _Atomic uint32_t inputs; /* TIOCM_CTS and so on, as the host reads them */
    uint32_t reserved;
    uint64_t link_device, link_inode; /* the symbolic link that leads to the port */
    _Atomic uint64_t state;           /* edges so far << 8 | lines */
    struct modem_edge ring[MODEM_RING];
};

/** The folder of the line files: $PTYMODEM_DIR, else one of the user's own. */
static inline void modem_dir(char *out, size_t n)
{
    const char *dir = getenv("PTYMODEM_DIR");
    if (dir && *dir)
        snprintf(out, n, "%s", dir);
    else
        snprintf(out, n, "/tmp/ptymodem-%u", (unsigned)geteuid());
}

static inline void modem_path(char *out, size_t n, unsigned pts)
{
    char dir[512];
    modem_dir(dir, sizeof dir);
    snprintf(out, n, "%s/pts-%u", dir, pts);
}
#endif
