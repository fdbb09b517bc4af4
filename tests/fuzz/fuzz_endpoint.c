/* Where a request may be signed for: what passes must be AWS's, or this machine, to the library
 * that calls it, too. */
#include <assert.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service/cloud/iot_endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_this_machine(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), e = strlen(end);
    return n > e && strcasecmp(text + n - e, end) == 0;
}

static bool is_of_aws(const char *host)
{
    return ends_with(host, ".amazonaws.com") || ends_with(host, ".amazonaws.com.cn");
}

/* A part as the library reads it; curl_free() it. */
static char *part(CURLU *u, CURLUPart which)
{
    char *text = NULL;
    return curl_url_get(u, which, &text, 0) == CURLUE_OK ? text : NULL;
}

static void check_url(const char *url, const char *service)
{
    CURLU *u = curl_url();
    assert(u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK);
    char *scheme = part(u, CURLUPART_SCHEME), *host = part(u, CURLUPART_HOST);
    char *path = part(u, CURLUPART_PATH);
    assert(scheme && host && path && strcmp(path, "/") == 0);
    assert(is_this_machine(host) ||
           (strcmp(scheme, "https") == 0 && strstr(host, service) && is_of_aws(host)));
    assert(!part(u, CURLUPART_USER) && !part(u, CURLUPART_QUERY) && !part(u, CURLUPART_FRAGMENT));
    curl_free(scheme);
    curl_free(host);
    curl_free(path);
    curl_url_cleanup(u);
}

static void check_data(const char *host)
{
    assert(host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789-.:")] == '\0');
    assert(is_of_aws(host) || is_this_machine(host) || strcmp(host, "::1") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    assert(text);
    if (iot_control_url_check(text) == ERR_OK) check_url(text, "iot");
    if (iot_provider_check(text) == ERR_OK) {
        char url[300];
        assert(snprintf(url, sizeof url, "https://%s", text) < (int)sizeof url);
        check_url(url, ".credentials.iot.");
    }
    if (iot_data_endpoint_check(text, "") == ERR_OK) check_data(text);
    if (iot_data_endpoint_check(text, "us-east-2") == ERR_OK) check_data(text);
    if (iot_region_is_valid(text)) {
        char host[64], url[80];
        iot_control_host(text, host, sizeof host);
        snprintf(url, sizeof url, "https://%s", host);
        assert(iot_control_url_check(url) == ERR_OK);
        check_url(url, "iot.");
    }
    free(text);
    return 0;
}
