#include "service/base/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { HOST = 254 };

static bool is_address(int family, const char *text)
{
    unsigned char address[16];
    return inet_pton(family, text, address) == 1;
}

static bool is_name(const char *host)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    return host[0] && host[0] != '.' && host[0] != '-' && host[strspn(host, allowed)] == '\0';
}

static bool is_local(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && is_address(AF_INET, host));
}

/* @return what follows the host, NULL when there is none that can be one */
static const char *take_host(const char *s, char out[HOST])
{
    char inner[HOST];
    size_t n = *s == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":/?");
    if (n >= HOST || memchr(s, '\0', n)) return NULL;
    memcpy(out, s, n);
    out[n] = '\0';
    if (*s != '[') return is_name(out) ? s + n : NULL;
    memcpy(inner, s + 1, n - 2);
    inner[n - 2] = '\0';
    return is_address(AF_INET6, inner) ? s + n : NULL;
}

/* ":" and a number, or nothing. */
static const char *skip_port(const char *s)
{
    unsigned port = 0;
    if (*s != ':') return s;
    const char *first = ++s;
    while (isdigit((unsigned char)*s) && port <= 65535)
        port = port * 10 + (unsigned)(*s++ - '0');
    return s != first && port >= 1 && port <= 65535 ? s : NULL;
}

static bool is_plain(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`{|}#", *s)) return false;
    return true;
}

const char *url_refusal(const char *url, bool *local_out)
{
    char host[HOST];
    bool safe = strncmp(url, "https://", 8) == 0;
    if (!safe && strncmp(url, "http://", 7) != 0) return "must begin with https://";
    const char *rest = url + (safe ? 8 : 7);
    if (rest[strcspn(rest, "@/?")] == '@') return "must not hold a user or a password";
    rest = take_host(rest, host);
    if (!rest) return "has no host name or address";
    rest = skip_port(rest);
    if (!rest || (*rest && *rest != '/' && *rest != '?')) return "has a bad port";
    if (!is_plain(rest)) return "holds characters that must be percent-encoded, or a fragment";
    bool local = is_local(host);
    if (!safe && !local) return "must begin with https://: http:// is for this machine only";
    if (local_out) *local_out = local;
    return NULL;
}
