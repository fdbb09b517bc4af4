#include "api/origin.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 255 };

/* What stands behind "://"; NULL when nothing does. */
static const char *authority_of(const char *origin)
{
    const char *at = strstr(origin, "://");
    return at && at > origin && at[3] ? at + 3 : NULL;
}

bool origin_is_valid(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    const char *authority = authority_of(text);
    if (!authority || strlen(authority) > HOST_MAX) return false;
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    return text + scheme + 3 == authority && strspn(authority, allowed) == strlen(authority);
}

bool origin_is_listed(const char *origin, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(origin, list[i]) == 0) return true;
    return false;
}

bool origin_is_own(const char *origin, const char *host, bool tls)
{
    const char *authority = authority_of(origin);
    bool web = (strncmp(origin, "http://", 7) == 0 && !tls) || strncmp(origin, "https://", 8) == 0;
    return web && authority && host && strcasecmp(authority, host) == 0;
}

/* A host without its port and brackets. @return false when it has no legal length */
static bool take_host(const char *text, char out[HOST_MAX + 1])
{
    bool bracket = *text == '[';
    text += bracket;
    size_t n = strcspn(text, bracket ? "]" : ":");
    if (n == 0 || n > HOST_MAX) return false;
    memcpy(out, text, n);
    out[n] = '\0';
    return true;
}

static bool is_address(const char *host)
{
    unsigned char any[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

bool origin_host_is_known(const char *host, const char *const *list, size_t n)
{
    char name[HOST_MAX + 1], other[HOST_MAX + 1];
    if (!host) return true;
    if (!take_host(host, name)) return false;
    if (is_address(name) || strcasecmp(name, "localhost") == 0) return true;
    for (size_t i = 0; i < n; i++) {
        const char *authority = authority_of(list[i]);
        if (authority && take_host(authority, other) && strcasecmp(name, other) == 0) return true;
    }
    return false;
}
