/* listener: the socket that the server listens on: its own, or one that it was given. */
#ifndef API_LISTENER_H
#define API_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "service/base/err.h"

enum { LISTENER_NAME = 144 };

struct listener {
    int fd;
    uint16_t port;            /* 0 = it is a local one, with a path */
    bool loopback;            /* only this machine reaches it */
    char name[LISTENER_NAME]; /* "127.0.0.1:8080", "[::1]:8080", "unix:/run/espgate.sock" */
};

/** Bind and listen. @param address  numeric  @param port  0 = any free one
 *  @return ERR_OK; ERR_IO with code listen_failed */
enum err listener_open(const char *address, uint16_t port, struct listener *out);
/** Take a stream socket that listens, TCP or AF_UNIX, as a supervisor hands it over.
 *  @param fd  closed on error  @return as listener_open() */
enum err listener_adopt(int fd, struct listener *out);
#endif
