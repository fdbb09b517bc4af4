/* pty: a pseudo-terminal that a host program takes for a serial port: raw, in packet mode (so that
 * a change of speed or lines wakes the board), behind a symbolic link, with a file of modem
 * lines. */
#ifndef TESTS_BOARD_PTY_H
#define TESTS_BOARD_PTY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct modem_file;

struct pty {
    int master; /* non-blocking */
    int slave;  /* kept open, so that a client that closes does not hang up the line */
    uint64_t edges_seen;
    struct modem_file *modem;
    char modem_path[PATH_MAX];
    char slave_path[64];
    char link[PATH_MAX];
};

struct pty_edge {
    bool dtr, rts; /* true = asserted */
    uint64_t at_ns;
};

/** A terminal that no link leads to yet. Made while an older one is still open, it has another
 * name than that. @return false with a message on stderr; nothing is left behind then. */
bool pty_make(struct pty *p);
/** Makes the link to it. @return as pty_make(); it is closed then */
bool pty_show(struct pty *p, const char *link);
/** Hangs up: the client sees POLLHUP. The link and the line file are removed. Harmless when not
 * open. */
void pty_close(struct pty *p);

/** The speed that the host has set last. */
uint32_t pty_host_baud(const struct pty *p);
/** Read what the host sent. @return bytes, 0 when the host changed speed or lines instead, -1 when
 * there is nothing. */
ssize_t pty_read(struct pty *p, uint8_t *buf, size_t n);
/** @return bytes taken, 0 when the host's buffer is full. */
size_t pty_write(struct pty *p, const uint8_t *data, size_t n);
/** The next change of DTR and RTS, oldest first; false when there is none. */
bool pty_next_edge(struct pty *p, struct pty_edge *out);
#endif
