#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/base/metrics.h"
#include "service/cloud/aws_core.h"
#include "service/cloud/curl_link.h"

enum {
    ANSWER_MAX = 1024 * 1024,
    URL_MAX = 16 * 1024,
    CONNECT_MS = 5000,
    ATTEMPT_MS = 10000,   /* AWS answers within one second, or not at all */
    KEPT_CONNECTIONS = 2, /* the control plane and, now and then, STS */
    DAY_S = 24 * 3600,
    IDLE_S = 20, /* a connection older than that may be closed by the other side at any moment */
};

struct exchange {
    const struct curl_library *curl;
    const struct aws_outgoing *o;
    struct aws_incoming *in;
    CURL *easy;
    struct curl_slist lines[AWS_LINES];
    char why[CURL_ERROR_SIZE];
};

/* Just before the request goes out. libcurl sends it again on a new connection when an old one
 * was closed before the first byte of the answer: AWS may have done it by then. */
static int on_ready(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct exchange *x = arg;
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    bool again = x->in->sent && x->o->once;
    x->in->sent = true;
    return again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    struct aws_incoming *in = x->in;
    char date[64];
    n *= size;
    if (n > 5 && memcmp(line, "HTTP/", 5) == 0) { /* of an interim answer were those before */
        in->request_id[0] = in->type[0] = '\0';
        in->date_unix_s = 0;
    }
    curl_link_header(line, n, "x-amzn-RequestId", in->request_id, sizeof in->request_id);
    curl_link_header(line, n, "x-amzn-ErrorType", in->type, sizeof in->type);
    if (curl_link_header(line, n, "Date", date, sizeof date)) {
        struct tm tm = {0};
        const char *end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        in->date_unix_s = end && !*end ? (int64_t)timegm(&tm) : 0;
    }
    return n;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    return buf_append(&x->in->body, data, size * n) ? 0 : size * n;
}

/* The lines stay in the caller's memory: libcurl reads the list, and does not keep it. */
static struct curl_slist *list_lines(struct exchange *x)
{
    size_t n = 0;
    for (; n < AWS_LINES && x->o->lines[n]; n++) {
        x->lines[n] = (struct curl_slist){(char *)x->o->lines[n], NULL};
        if (n) x->lines[n - 1].next = &x->lines[n];
    }
    return n ? x->lines : NULL;
}

static bool configure_request(struct exchange *x, const char *url)
{
    __typeof__(curl_easy_setopt) *set = x->curl->curl_easy_setopt;
    const struct aws_outgoing *o = x->o;
    bool gives = o->body || (strcmp(o->method, "GET") != 0 && strcmp(o->method, "DELETE") != 0);
    bool ok = set(x->easy, CURLOPT_URL, url) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_HTTPHEADER, list_lines(x)) == CURLE_OK;
    if (gives) {
        size_t n = o->body ? o->body->len : 0;
        ok &= set(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n) == CURLE_OK;
        ok &= set(x->easy, CURLOPT_POSTFIELDS, o->body ? buf_str(o->body) : "") == CURLE_OK;
    }
    return ok && set(x->easy, CURLOPT_CUSTOMREQUEST, o->method) == CURLE_OK;
}

static bool configure_link(struct exchange *x, const char *ca_pem)
{
    __typeof__(curl_easy_setopt) *set = x->curl->curl_easy_setopt;
    const struct curl_link link = {
        .local = x->o->host->local, .connect_ms = CONNECT_MS, .ca_pem = ca_pem, .why_out = x->why};
    bool ok = curl_link_set(x->curl, x->easy, &link);
    ok &= set(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK;
    return ok && set(x->easy, CURLOPT_MAXAGE_CONN, (long)IDLE_S) == CURLE_OK;
}

static bool configure_answer(struct exchange *x)
{
    __typeof__(curl_easy_setopt) *set = x->curl->curl_easy_setopt;
    bool ok = set(x->easy, CURLOPT_PREREQFUNCTION, on_ready) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_PREREQDATA, x) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_HEADERDATA, x) == CURLE_OK;
    ok &= set(x->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    return ok && set(x->easy, CURLOPT_WRITEDATA, x) == CURLE_OK;
}

/* @return ERR_OK: it has ended, with *rc_out; ERR_CANCELLED; ERR_TIMEOUT */
static enum err run(struct exchange *x, CURLM *multi, struct cancel *cancel, struct deadline until,
                    CURLcode *rc_out)
{
    for (;;) {
        int running, left;
        x->curl->curl_multi_perform(multi, &running);
        const CURLMsg *m = x->curl->curl_multi_info_read(multi, &left);
        if (m && m->msg == CURLMSG_DONE) {
            *rc_out = m->data.result;
            return ERR_OK;
        }
        if (cancel_is_raised(cancel)) return err_set(ERR_CANCELLED, "cancelled");
        if (deadline_passed(until)) return ERR_TIMEOUT;
        struct curl_waitfd wake = {.fd = cancel ? cancel->fd : -1, .events = CURL_WAIT_POLLIN};
        x->curl->curl_multi_poll(multi, &wake, cancel ? 1 : 0, deadline_left_ms(until), NULL);
    }
}

static enum err unreachable(const struct exchange *x, CURLcode rc, const char *why)
{
    const char *hint = "Check the network, the proxy and the firewall of this machine.";
    if (rc == CURLE_COULDNT_RESOLVE_HOST)
        hint = "Check the region, and the name servers of this machine.";
    if (rc == CURLE_PEER_FAILED_VERIFICATION)
        hint = "Check this machine's clock and authorities, and whether a proxy opens TLS.";
    return err_fail(ERR_NETWORK, "aws_unreachable", hint, "%s: %s", x->o->host->name, why);
}

static enum err judge(const struct exchange *x, enum err e, CURLcode rc)
{
    const char *why = x->why[0] ? x->why : x->curl->curl_easy_strerror(rc);
    if (e == ERR_TIMEOUT) why = x->in->sent ? "no answer in time" : "no connection in time";
    if (rc == CURLE_ABORTED_BY_CALLBACK) why = "the connection was closed before an answer came";
    if (e == ERR_CANCELLED || (!e && rc == CURLE_OK)) return e;
    if (x->in->body.failed)
        return err_fail(ERR_PROTOCOL, "aws_bad_answer", NULL, "%s: more than %d bytes",
                        x->o->host->name, ANSWER_MAX);
    if (!x->in->sent) return unreachable(x, rc, why);
    return err_fail(ERR_TIMEOUT, "aws_timeout", "Try again later.", "%s: %s", x->o->host->name,
                    why);
}

static enum err transfer(struct exchange *x, CURLM *multi, struct cancel *cancel,
                         struct deadline until)
{
    long status = 0, connections = 0;
    curl_off_t retry_after = 0;
    CURLcode rc = CURLE_OK;
    if (x->curl->curl_multi_add_handle(multi, x->easy)) return err_set(ERR_MEM, "out of memory");
    enum err e = run(x, multi, cancel, deadline_within_ms(until, ATTEMPT_MS), &rc);
    x->curl->curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    x->curl->curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry_after);
    x->curl->curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connections);
    x->curl->curl_multi_remove_handle(multi, x->easy);
    x->in->status = (int)status;
    x->in->retry_after_s = retry_after < 0 ? 0 : retry_after < DAY_S ? retry_after : DAY_S;
    metrics_add(METRIC_CLOUD_CONNECTIONS, (uint64_t)connections);
    if (x->in->sent) metrics_add(METRIC_CLOUD_REQUESTS, 1);
    return judge(x, e, rc);
}

static CURLM *take_multi(struct aws_account *a)
{
    pthread_mutex_lock(&a->lock);
    CURLM *multi = a->n_idle ? a->idle[--a->n_idle] : NULL;
    pthread_mutex_unlock(&a->lock);
    if (multi || !(multi = a->curl->curl_multi_init())) return multi;
    a->curl->curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return multi;
}

static void give_multi(struct aws_account *a, CURLM *multi)
{
    pthread_mutex_lock(&a->lock);
    a->idle[a->n_idle++] = multi;
    pthread_mutex_unlock(&a->lock);
}

static enum err exchange(struct aws_account *a, struct exchange *x, struct cancel *cancel,
                         struct deadline until)
{
    struct buf url;
    buf_init(&url, URL_MAX);
    enum err e = buf_printf(&url, "%s%s", x->o->host->origin, x->o->target);
    CURLM *multi = take_multi(a);
    x->easy = a->curl->curl_easy_init();
    if (!e && (!multi || !x->easy)) e = err_set(ERR_MEM, "out of memory");
    if (!e && (!configure_request(x, buf_str(&url)) || !configure_link(x, a->ca_pem) ||
               !configure_answer(x)))
        e = err_fail(ERR_UNSUPPORTED, "no_libcurl", "Install the package libcurl4.",
                     "this libcurl cannot make the call");
    if (!e) e = transfer(x, multi, cancel, until);
    if (x->easy) a->curl->curl_easy_cleanup(x->easy);
    if (multi) give_multi(a, multi);
    buf_dispose(&url);
    return e;
}

enum err aws_send(struct aws_account *a, const struct aws_outgoing *o, struct cancel *cancel,
                  struct deadline until, struct aws_incoming *in)
{
    memset(in, 0, sizeof *in);
    buf_init_secret(&in->body, ANSWER_MAX);
    struct exchange x = {.curl = a->curl, .o = o, .in = in};
    enum err e = gate_enter(&a->connecting, cancel, until);
    if (e == ERR_TIMEOUT)
        return err_fail(e, "aws_timeout", "Try again later.",
                        "all %d connections to %s were busy for too long", AWS_CONNECTIONS,
                        o->host->name);
    if (e) return e;
    e = exchange(a, &x, cancel, until);
    gate_leave(&a->connecting);
    return e;
}
