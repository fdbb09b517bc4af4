#include "service/cloud/tcp_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_MS = 5000 };

static enum err failed(const char *host, const struct resolve_address *a, int error)
{
    /* sin_port and sin6_port lie at the same place. */
    int port = ntohs(((const struct sockaddr_in *)(const void *)&a->sa)->sin_port);
    if (error == ETIMEDOUT)
        return err_fail(ERR_NETWORK, "mqtt_tcp_timeout",
                        "A firewall may drop the packets, or the address is not in use: check host "
                        "and port, and that this machine may reach it (AWS IoT: outgoing TCP 8883, "
                        "or 443 with ALPN x-amzn-mqtt-ca).",
                        "%s (%s) port %d does not answer", host, a->text, port);
    if (error == ECONNREFUSED)
        return err_fail(ERR_NETWORK, "mqtt_tcp_refused",
                        "No broker listens there, or a firewall refuses: check host and port.",
                        "%s (%s) refuses connections to port %d", host, a->text, port);
    return err_fail(ERR_NETWORK, "mqtt_tcp_unreachable",
                    "Check the network, the route and the firewall of this machine.",
                    "%s (%s) port %d cannot be reached: %s", host, a->text, port, strerror(error));
}

/* @return 0 with a connected socket, an errno, or ECANCELED */
static int try_address(const struct resolve_address *a, struct cancel *cancel,
                       struct deadline until, int *fd_out)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return errno;
    int error = 0;
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) != 0) error = errno;
    struct pollfd p[2] = {{fd, POLLOUT, 0}, {cancel ? cancel->fd : -1, POLLIN, 0}};
    while (error == EINPROGRESS) {
        if (cancel_is_raised(cancel)) {
            error = ECANCELED;
        } else if (deadline_passed(until)) {
            error = ETIMEDOUT;
        } else if (poll(p, 2, deadline_left_ms(until)) > 0 && p[0].revents) {
            socklen_t n = sizeof error;
            if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0) error = errno;
        }
    }
    if (error)
        close(fd);
    else
        *fd_out = fd;
    return error;
}

/* Of several addresses' failures the one that tells most: somebody said no, nobody answered, no
 * way there. */
static int worth(int error)
{
    return error == ECONNREFUSED ? 2 : error == ETIMEDOUT ? 1 : 0;
}

enum err tcp_connect(const struct resolve_result *found, const char *host, struct cancel *cancel,
                     struct deadline until, const struct resolve_address **address_out, int *fd_out)
{
    const struct resolve_address *told = &found->items[0];
    int error = 0;
    *address_out = NULL;
    *fd_out = -1;
    for (size_t i = 0; i < found->count; i++) {
        const struct resolve_address *a = &found->items[i];
        int now = try_address(a, cancel, deadline_within_ms(until, ADDRESS_MS), fd_out);
        if (now == 0) {
            *address_out = a;
            return ERR_OK;
        }
        if (now == ECANCELED) return err_set(ERR_CANCELLED, "cancelled");
        if (error == 0 || worth(now) > worth(error)) {
            error = now;
            told = a;
        }
    }
    return failed(host, told, error);
}

enum err tcp_probe(const struct resolve_result *found, const char *host, struct cancel *cancel,
                   struct deadline until, const struct resolve_address **address_out)
{
    int fd;
    enum err e = tcp_connect(found, host, cancel, until, address_out, &fd);
    if (!e) close(fd);
    return e;
}
