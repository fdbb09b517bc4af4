/* An address that a webhook may have must be the same address to the library that calls it: host,
 * scheme, and whether it is this machine. */
#include <assert.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service/base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A part as the library reads it; curl_free() it. */
static char *part(CURLU *u, CURLUPart which)
{
    char *text = NULL;
    return curl_url_get(u, which, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool is_this_machine(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static void check(const char *url, bool local)
{
    CURLU *u = curl_url();
    assert(u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK);
    char *scheme = part(u, CURLUPART_SCHEME), *host = part(u, CURLUPART_HOST);
    assert(scheme && host);
    assert(!local || is_this_machine(host));
    assert(strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && local));
    assert(!part(u, CURLUPART_USER) && !part(u, CURLUPART_PASSWORD));
    assert(!part(u, CURLUPART_FRAGMENT));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool local = false;
    char *url = strndup((const char *)data, size);
    assert(url);
    const char *why = url_refusal(url, &local);
    if (why)
        assert(why[0]);
    else
        check(url, local);
    free(url);
    return 0;
}
