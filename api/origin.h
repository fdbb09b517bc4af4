/* origin: which page sent a browser here, and under which name it found us. Pure.
 *
 * A browser lets any page send requests to any address. What protects a service on loopback, or one
 * behind a firewall, is that it looks at two fields that a page cannot forge: Origin, which names
 * the page, and Host, which names us (a page that lets its own name point here, by DNS rebinding,
 * is of our origin to the browser). */
#ifndef API_ORIGIN_H
#define API_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

/** scheme://host[:port] as browsers send it: lower case, without a path. */
bool origin_is_valid(const char *text);
/** Is @p origin one of @p list? */
bool origin_is_listed(const char *origin, const char *const *list, size_t n);
/** Does @p origin name the server that Host @p host names? @p host NULL: no
 *  @param tls  we speak TLS: then a page that came without it is of another, and anybody on its way
 * may have written it. Without TLS a proxy before us may speak it. */
bool origin_is_own(const char *origin, const char *host, bool tls);
/** Is Host @p host an IP address, localhost, or the host of one of @p list? Nobody can make such a
 * name point here. NULL (HTTP/1.0, so no browser) is. */
bool origin_host_is_known(const char *host, const char *const *list, size_t n);
#endif
