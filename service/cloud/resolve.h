/* resolve: a host name to addresses, bounded in time and cancellable, although getaddrinfo() is
 * neither. */
#ifndef SERVICE_CLOUD_RESOLVE_H
#define SERVICE_CLOUD_RESOLVE_H

#include <stddef.h>
#include <sys/socket.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

enum { RESOLVE_MAX = 8 };

struct resolve_address {
    struct sockaddr_storage sa;
    socklen_t len;
    char text[64]; /* numeric, without the port */
};

struct resolve_result {
    struct resolve_address items[RESOLVE_MAX]; /* in the order in which to try them */
    size_t count;
};

/** Look up @p host, a name or a numeric address, for TCP.
 *  @return ERR_OK with at least one address, ERR_NETWORK ("dns_failed"), ERR_CANCELLED, ERR_MEM,
 *          ERR_IO */
enum err resolve_host(const char *host, int port, struct cancel *cancel, struct deadline until,
                      struct resolve_result *out);
/** Join the look-ups that were given up on. Once, after the last resolve_host(); waits at most
 * three seconds for a name server that is still silent. */
void resolve_end(void);
#endif
