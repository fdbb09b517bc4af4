#include "service/cloud/https_ask.h"

#include <string.h>

#include "service/cloud/curl_library.h"

enum { CONNECT_MS = 5000 };

struct transfer {
    const struct curl_library *curl;
    CURL *easy;
    CURLM *multi;
    struct curl_slist header;
    struct buf *answer;
    char why[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    return buf_append(arg, data, size * n) ? 0 : size * n;
}

static bool set_blob(struct transfer *t, CURLoption option, const char *pem)
{
    struct curl_blob blob = {(void *)pem, strlen(pem), CURL_BLOB_NOCOPY};
    return t->curl->curl_easy_setopt(t->easy, option, &blob) == CURLE_OK;
}

static bool configure_tls(struct transfer *t, const struct https_question *q)
{
    __typeof__(curl_easy_setopt) *set = t->curl->curl_easy_setopt;
    bool ok = set(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_SSLCERTTYPE, "PEM") == CURLE_OK;
    ok &= set(t->easy, CURLOPT_SSLKEYTYPE, "PEM") == CURLE_OK;
    ok &= set_blob(t, CURLOPT_SSLCERT_BLOB, q->certificate_pem);
    ok &= set_blob(t, CURLOPT_SSLKEY_BLOB, q->key_pem);
    if (!q->ca_pem) return ok;
    /* This authority instead of all others, not beside them. */
    return ok && set_blob(t, CURLOPT_CAINFO_BLOB, q->ca_pem) &&
           set(t->easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

/* @return is every option known and set? */
static bool configure(struct transfer *t, const struct https_question *q)
{
    __typeof__(curl_easy_setopt) *set = t->curl->curl_easy_setopt;
    bool ok = set(t->easy, CURLOPT_URL, q->url) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    /* A name server that is silent must not hold us up once the time is over. */
    ok &= set(t->easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
    ok &= set(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_ERRORBUFFER, t->why) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_WRITEDATA, t->answer) == CURLE_OK;
    if (q->local) ok &= set(t->easy, CURLOPT_PROXY, "") == CURLE_OK;
    if (q->header) {
        t->header.data = (char *)q->header;
        ok &= set(t->easy, CURLOPT_HTTPHEADER, &t->header) == CURLE_OK;
    }
    if (q->body) {
        ok &= set(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len) == CURLE_OK;
        ok &= set(t->easy, CURLOPT_POSTFIELDS, q->body) == CURLE_OK;
    }
    return ok && configure_tls(t, q);
}

static enum err judge(const struct transfer *t, CURLcode rc)
{
    if (rc == CURLE_OK) return ERR_OK;
    if (t->answer->failed) return buf_ok(t->answer);
    const char *hint = rc == CURLE_PEER_FAILED_VERIFICATION
                           ? "Check this machine's clock, and the authorities that are trusted."
                           : "Check the address, and the network of this machine.";
    return err_fail(ERR_NETWORK, "https_failed", hint, "%s",
                    t->why[0] ? t->why : t->curl->curl_easy_strerror(rc));
}

static enum err run(struct transfer *t, struct cancel *cancel, struct deadline until)
{
    for (;;) {
        int running, left;
        t->curl->curl_multi_perform(t->multi, &running);
        const CURLMsg *m = t->curl->curl_multi_info_read(t->multi, &left);
        if (m && m->msg == CURLMSG_DONE) return judge(t, m->data.result);
        if (cancel_is_raised(cancel)) return err_set(ERR_CANCELLED, "cancelled");
        if (deadline_passed(until)) return err_set(ERR_TIMEOUT, "no answer in time");
        struct curl_waitfd wake = {.fd = cancel ? cancel->fd : -1, .events = CURL_WAIT_POLLIN};
        t->curl->curl_multi_poll(t->multi, &wake, cancel ? 1 : 0, deadline_left_ms(until), NULL);
    }
}

static enum err ask(struct transfer *t, const struct https_question *q, struct cancel *cancel,
                    struct deadline until, int *status_out)
{
    long status = 0;
    if (!t->easy || !t->multi) return err_set(ERR_MEM, "out of memory");
    if (!configure(t, q))
        return err_fail(ERR_UNSUPPORTED, "no_libcurl", "Install the package libcurl4.",
                        "this libcurl cannot make the call");
    if (t->curl->curl_multi_add_handle(t->multi, t->easy)) return err_set(ERR_MEM, "out of memory");
    enum err e = run(t, cancel, until);
    t->curl->curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->curl->curl_multi_remove_handle(t->multi, t->easy);
    *status_out = (int)status;
    return e;
}

enum err https_ask(const struct https_question *q, struct cancel *cancel, struct deadline until,
                   int *status_out, struct buf *answer)
{
    struct transfer t = {.answer = answer};
    *status_out = 0;
    enum err e = curl_library_load(&t.curl);
    if (e) return e;
    t.easy = t.curl->curl_easy_init();
    t.multi = t.curl->curl_multi_init();
    e = ask(&t, q, cancel, until, status_out);
    if (t.easy) t.curl->curl_easy_cleanup(t.easy);
    if (t.multi) t.curl->curl_multi_cleanup(t.multi);
    return e;
}
