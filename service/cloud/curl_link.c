#include "service/cloud/curl_link.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool set_pem(const struct curl_library *curl, CURL *easy, CURLoption option, const char *pem,
                    unsigned how)
{
    struct curl_blob blob = {(void *)pem, strlen(pem), how};
    return curl->curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

/* Who we are, and whom we trust. */
static bool identify(const struct curl_library *curl, CURL *easy, const struct curl_link *l)
{
    bool ok = true;
    if (l->certificate_pem) {
        ok &= set_pem(curl, easy, CURLOPT_SSLCERT_BLOB, l->certificate_pem, CURL_BLOB_NOCOPY);
        ok &= set_pem(curl, easy, CURLOPT_SSLKEY_BLOB, l->key_pem, CURL_BLOB_NOCOPY);
        /* For an encrypted one OpenSSL would ask on the terminal. */
        ok &= curl->curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "") == CURLE_OK;
    }
    if (!l->ca_pem) return ok;
    /* This authority instead of all others, not beside them. */
    ok &= set_pem(curl, easy, CURLOPT_CAINFO_BLOB, l->ca_pem, CURL_BLOB_COPY);
    return ok && curl->curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

bool curl_link_set(const struct curl_library *curl, CURL *easy, const struct curl_link *l)
{
    __typeof__(curl_easy_setopt) *set = curl->curl_easy_setopt;
    bool ok = set(easy, CURLOPT_ERRORBUFFER, l->why_out) == CURLE_OK;
    ok &= set(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    /* A name server that is silent must not hold up others, nor our end. */
    ok &= set(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    ok &= set(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    ok &= set(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok &= set(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    ok &= set(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok &= set(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok &= set(easy, CURLOPT_CONNECTTIMEOUT_MS, l->connect_ms) == CURLE_OK;
    if (l->local) ok &= set(easy, CURLOPT_PROXY, "") == CURLE_OK;
    return ok && identify(curl, easy, l);
}

bool curl_link_header(const char *line, size_t n, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    if (n <= len || strncasecmp(line, name, len) != 0 || line[len] != ':') return false;
    line += len + 1;
    n -= len + 1;
    for (; n && (*line == ' ' || *line == '\t'); n--)
        line++;
    while (n && strchr("\r\n \t", line[n - 1]))
        n--;
    snprintf(out, cap, "%.*s", (int)(n < cap ? n : cap - 1), line);
    return true;
}
