/* Why its own listening socket, and not MHD's: the errors are ours to explain, it is bound to one
 * address, and it may be one that was there before this process. */
#include "api/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum err open_failed(const char *address, uint16_t port, const char *why)
{
    return err_fail(ERR_IO, "listen_failed", "Choose another --listen address or port.",
                    "cannot listen on %s port %u: %s", address, (unsigned)port, why);
}

static enum err adopt_failed(const char *why)
{
    return err_fail(ERR_IO, "listen_failed",
                    "Hand over one stream socket that listens: TCP, or AF_UNIX with a path.",
                    "the socket that was handed over cannot be used: %s", why);
}

/* @return the bound socket, -1 with errno */
static int bind_socket(const struct addrinfo *at)
{
    int one = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (at->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static void name_inet(const struct sockaddr *at, socklen_t n, struct listener *l)
{
    char host[64] = "?", port[8] = "0";
    getnameinfo(at, n, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = at->sa_family == AF_INET6;
    l->port = (uint16_t)strtoul(port, NULL, 10);
    l->loopback = v6 ? strcmp(host, "::1") == 0 : strncmp(host, "127.", 4) == 0;
    snprintf(l->name, sizeof l->name, v6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* @return false when it is of no kind that is known here */
static bool describe(struct listener *l)
{
    struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
    const struct sockaddr_un *un = (const struct sockaddr_un *)&at;
    socklen_t n = sizeof at;
    if (getsockname(l->fd, (struct sockaddr *)&at, &n) != 0) return false;
    if (at.ss_family == AF_INET || at.ss_family == AF_INET6) {
        name_inet((struct sockaddr *)&at, n, l);
        return true;
    }
    bool named = n > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0];
    if (at.ss_family != AF_UNIX || !named) return false;
    l->port = 0;
    l->loopback = true;
    snprintf(l->name, sizeof l->name, "unix:%.*s", (int)sizeof un->sun_path, un->sun_path);
    return true;
}

enum err listener_open(const char *address, uint16_t port, struct listener *out)
{
    char service[8];
    struct addrinfo wish = {.ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    int rc = getaddrinfo(address, service, &wish, &found);
    if (rc != 0) return open_failed(address, port, gai_strerror(rc));
    out->fd = bind_socket(found);
    enum err e = out->fd < 0 ? open_failed(address, port, strerror(errno)) : ERR_OK;
    freeaddrinfo(found);
    if (!e) describe(out);
    return e;
}

enum err listener_adopt(int fd, struct listener *out)
{
    int type = 0, listens = 0;
    socklen_t n = sizeof type, m = sizeof listens;
    const char *wrong = NULL;
    out->fd = fd;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &m) != 0)
        wrong = strerror(errno);
    else if (type != SOCK_STREAM || !listens || !describe(out))
        wrong = "it is of another kind";
    else if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        wrong = strerror(errno);
    if (!wrong) return ERR_OK;
    enum err e = adopt_failed(wrong);
    close(fd);
    return e;
}
