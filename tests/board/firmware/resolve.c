#include "tests/board/firmware/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool resolve_ipv4(const char *host, struct in_addr *out)
{
    if (inet_pton(AF_INET, host, out) == 1) return true;
    const char *fixed = getenv("ESPBOARD_RESOLVE");
    if (fixed) return inet_pton(AF_INET, fixed, out) == 1;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0 || !found) return false;
    struct sockaddr_in sin;
    memcpy(&sin, found->ai_addr, sizeof sin);
    freeaddrinfo(found);
    *out = sin.sin_addr;
    return true;
}
