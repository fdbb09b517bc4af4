#include "service/cloud/https_post.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/curl_link.h"
#include "service/cloud/tls_trust.h"

enum {
    CONNECT_MS = 10000,
    KEPT_CONNECTIONS = 8,
};

struct poster {
    const struct curl_library *curl;
    CURLM *multi;
    struct transfer *first;
};

struct transfer {
    struct transfer *next;
    CURL *easy;
    struct curl_slist *headers;
    void *owner;
    size_t answer_bytes;
    struct post_answer *answer; /* NULL = not asked for */
    char why[CURL_ERROR_SIZE];
};

enum err poster_open(struct poster **out)
{
    *out = NULL;
    struct poster *p = calloc(1, sizeof *p);
    if (!p) return err_set(ERR_MEM, "out of memory");
    enum err e = curl_library_load(&p->curl);
    if (!e && !(p->multi = p->curl->curl_multi_init())) e = err_set(ERR_MEM, "out of memory");
    if (e) {
        free(p);
        return e;
    }
    p->curl->curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    *out = p;
    return ERR_OK;
}

static void end(struct poster *p, struct transfer *t)
{
    struct transfer **at = &p->first;
    while (*at && *at != t)
        at = &(*at)->next;
    if (*at) *at = t->next;
    if (t->easy) {
        p->curl->curl_multi_remove_handle(p->multi, t->easy);
        p->curl->curl_easy_cleanup(t->easy);
    }
    p->curl->curl_slist_free_all(t->headers);
    free(t);
}

void poster_close(struct poster *p)
{
    if (!p) return;
    while (p->first)
        end(p, p->first);
    p->curl->curl_multi_cleanup(p->multi);
    free(p);
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    t->answer_bytes += size * n;
    if (t->answer && buf_append(&t->answer->body, data, size * n)) return 0;
    return t->answer_bytes > POST_ANSWER ? 0 : size * n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct post_answer *a = arg;
    curl_link_header(data, size * n, "x-amzn-ErrorType", a->error_type, sizeof a->error_type);
    return size * n;
}

static bool add_headers(const struct curl_library *curl, struct transfer *t,
                        const struct post *post)
{
    for (size_t i = 0; i < POST_HEADERS && post->headers[i]; i++) {
        struct curl_slist *longer = curl->curl_slist_append(t->headers, post->headers[i]);
        if (!longer) return false;
        t->headers = longer;
    }
    return true;
}

/* @return is every option known and set? */
static bool configure(const struct curl_library *curl, struct transfer *t, const struct post *post)
{
    __typeof__(curl_easy_setopt) *set = curl->curl_easy_setopt;
    bool ok = set(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_TIMEOUT_MS, post->timeout_ms) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_URL, post->url) == CURLE_OK;
    ok &= set(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
    if (post->body) {
        ok &= set(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_len) == CURLE_OK;
        ok &= set(t->easy, CURLOPT_COPYPOSTFIELDS, post->body) == CURLE_OK;
    }
    if (post->answer) {
        ok &= set(t->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
        ok &= set(t->easy, CURLOPT_HEADERDATA, post->answer) == CURLE_OK;
    }
    return ok && curl_link_set(curl, t->easy,
                               &(struct curl_link){.local = post->local,
                                                   .connect_ms = CONNECT_MS,
                                                   .ca_pem = post->ca_pem,
                                                   .certificate_pem = post->certificate_pem,
                                                   .key_pem = post->key_pem,
                                                   .why_out = t->why});
}

enum err poster_send(struct poster *p, const struct post *post, void *owner)
{
    const struct curl_library *curl = p->curl;
    struct transfer *t = calloc(1, sizeof *t);
    if (!t) return err_set(ERR_MEM, "out of memory");
    t->owner = owner;
    t->answer = post->answer;
    t->easy = curl->curl_easy_init();
    if (!t->easy || !add_headers(curl, t, post)) {
        end(p, t);
        return err_set(ERR_MEM, "out of memory");
    }
    if (!configure(curl, t, post) || curl->curl_multi_add_handle(p->multi, t->easy)) {
        end(p, t);
        return err_set(ERR_NETWORK, "this libcurl cannot make the call");
    }
    t->next = p->first;
    p->first = t;
    return ERR_OK;
}

/* The status line decides: a receiver that has said 200 has taken it, whatever becomes of the rest
 * of its answer. */
static void judge(const struct curl_library *curl, const struct transfer *t, CURLcode rc,
                  struct post_result *out)
{
    long status = 0;
    curl_off_t retry_after = 0;
    curl->curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl->curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    *out = (struct post_result){.owner = t->owner};
    if (status >= 200) out->status = (int)status;
    if (retry_after > 0 && retry_after < 1000000) out->retry_after_s = (int)retry_after;
    if (!out->status)
        snprintf(out->error, sizeof out->error, "%s",
                 t->why[0] ? t->why : curl->curl_easy_strerror(rc));
}

static bool take_ended(struct poster *p, struct post_result *out)
{
    int left;
    const CURLMsg *m;
    while ((m = p->curl->curl_multi_info_read(p->multi, &left))) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE) continue;
        CURLcode rc = m->data.result; /* gone with its handle */
        p->curl->curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        judge(p->curl, t, rc, out);
        end(p, t);
        return true;
    }
    return false;
}

bool poster_wait(struct poster *p, int wake_fd, struct deadline until, struct post_result *out)
{
    for (;;) {
        int running;
        p->curl->curl_multi_perform(p->multi, &running);
        if (take_ended(p, out)) return true;
        if (deadline_passed(until)) return false;
        struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
        p->curl->curl_multi_poll(p->multi, &wake, 1, deadline_left_ms(until), NULL);
        if (wake.revents) return false;
    }
}

enum err post_once(const struct post *post, struct cancel *cancel, struct deadline until,
                   struct post_result *out)
{
    struct poster *p;
    struct post own = *post;
    own.timeout_ms = deadline_left_ms(until);
    *out = (struct post_result){0};
    enum err e = poster_open(&p);
    if (!p) return e;
    e = poster_send(p, &own, NULL);
    while (!e && !poster_wait(p, cancel ? cancel->fd : -1, until, out)) {
        if (cancel_is_raised(cancel)) {
            e = err_set(ERR_CANCELLED, "cancelled");
        } else if (deadline_passed(until)) {
            snprintf(out->error, sizeof out->error, "no answer in time");
            break;
        }
    }
    poster_close(p);
    return e;
}

enum err post_ca_check(const char *pem)
{
    size_t count = 0;
    BIO *b = BIO_new_mem_buf(pem, -1);
    if (!b) return err_set(ERR_MEM, "out of memory");
    ERR_clear_error();
    for (X509 *one; (one = PEM_read_bio_X509(b, NULL, tls_no_passphrase, NULL)); count++)
        X509_free(one);
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(b);
    if (count && at_end) return ERR_OK;
    return err_fail(ERR_CRYPTO, "bad_ca", "Send the certificates of the authority in PEM.",
                    count ? "after %zu certificates there is one that cannot be read"
                          : "there is no certificate in it",
                    count);
}
