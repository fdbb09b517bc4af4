/* curl_link: what all transfers with libcurl have in common. The server's certificate is checked,
 * redirects are not followed, proxies are taken from the environment (https_proxy, no_proxy). */
#ifndef SERVICE_CLOUD_CURL_LINK_H
#define SERVICE_CLOUD_CURL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "service/cloud/curl_library.h"

struct curl_link {
    bool local;         /* past any proxy */
    long connect_ms;    /* for DNS, TCP and TLS */
    const char *ca_pem; /* whom to trust instead of the system's authorities; NULL = those */
    /* Our own; NULL = none. They must stay as long as the transfer. */
    const char *certificate_pem, *key_pem;
    char *why_out; /* CURL_ERROR_SIZE; stays as long */
};
/** @return is every option known and set? */
bool curl_link_set(const struct curl_library *curl, CURL *easy, const struct curl_link *link);

/** Read one line of a header as libcurl gives it: without a NUL.
 *  @param[out] out  its value, trimmed, cut to @p cap; unchanged when it has another name
 *  @return has it this name? */
bool curl_link_header(const char *line, size_t n, const char *name, char *out, size_t cap);
#endif
