#include "service/cloud/aws_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "service/base/clock.h"
#include "service/base/metrics.h"
#include "service/base/wipe.h"
#include "service/cloud/aws_core.h"
#include "service/cloud/sigv4.h"

/* As AWS's own SDKs: three attempts for what fails, full jitter from 100 ms on; more for what is
 * refused as too many, from 500 ms on, since waiting is all that this takes. */
enum {
    FAULTS = 3,
    REFUSALS = 10,
    FAULT_MS = 100,
    REFUSAL_MS = 500,
    LONGEST_MS = 20000,
    CLOCK_OFF_S = 240, /* AWS bears five minutes */
    TEXT_MAX = 256 * 1024,
};

/* One call, from its first attempt to its last. */
struct call {
    struct aws_account *account;
    const struct aws_request *request;
    struct cancel *cancel;
    struct deadline until;
    struct buf body;
    const char *content_type; /* NULL = no body */
    struct aws_keys keys;
    uint64_t generation;
    char service[AWS_SERVICE];
    int64_t signed_unix_s;
    int faults, refusals;
    bool renewed, clock_set, service_set;
    struct aws_incoming in;
    struct aws_said said;
};

/* --- one attempt */

static enum err keep_rate(struct call *c)
{
    struct aws_account *a = c->account;
    int64_t now_ns = deadline_now_ns();
    pthread_mutex_lock(&a->lock);
    int64_t at_ns = aws_rates_take(&a->rates, c->request->operation, now_ns, c->until.at_ns);
    pthread_mutex_unlock(&a->lock);
    if (at_ns < 0)
        return err_fail(ERR_BUSY, "aws_throttled",
                        "Try again later, or raise the rate of this cloud if AWS grants it more.",
                        "%s: more calls wait than AWS's rate lets through in time",
                        c->request->operation);
    return at_ns > now_ns ? cancel_wait(c->cancel, (struct deadline){at_ns}) : ERR_OK;
}

static const struct aws_host *host(const struct call *c)
{
    bool sts = c->request->service && strcmp(c->request->service, "sts") == 0;
    return sts ? &c->account->sts : &c->account->control;
}

/* What is signed is sent: one list for both. Host is libcurl's own, and the same. */
static size_t list_headers(const struct call *c, const char *time,
                           struct sigv4_header out[AWS_LINES])
{
    size_t n = 0;
    out[n++] = (struct sigv4_header){"Host", host(c)->name};
    out[n++] = (struct sigv4_header){"X-Amz-Date", time};
    if (c->content_type) out[n++] = (struct sigv4_header){"Content-Type", c->content_type};
    if (c->keys.session_token[0])
        out[n++] = (struct sigv4_header){"X-Amz-Security-Token", c->keys.session_token};
    if (c->request->principal)
        out[n++] = (struct sigv4_header){"x-amzn-principal", c->request->principal};
    return n;
}

static enum err sign(struct call *c, const char *time, const struct sigv4_header *headers, size_t n,
                     struct buf *out)
{
    struct sigv4_request r = {.method = c->request->method,
                              .path = c->request->path,
                              .query = c->request->query,
                              .headers = headers,
                              .n_headers = n,
                              .body = buf_str(&c->body),
                              .body_len = c->body.len};
    struct sigv4_scope s = {.access_key_id = c->keys.access_key_id,
                            .secret_access_key = c->keys.secret_access_key,
                            .region = c->account->region,
                            .service = c->service};
    memcpy(s.time, time, sizeof s.time);
    return sigv4_authorization(&r, &s, out);
}

static enum err send_signed(struct call *c, const struct sigv4_header *headers, size_t n,
                            const char *authorization)
{
    const char *query = c->request->query;
    struct buf target, lines[AWS_LINES];
    struct aws_outgoing o = {.host = host(c),
                             .method = c->request->method,
                             .body = c->content_type ? &c->body : NULL,
                             .once = c->request->once};
    size_t used = 0;
    buf_init(&target, TEXT_MAX);
    enum err e = buf_printf(&target, "%s%s%s", c->request->path, query[0] ? "?" : "", query);
    for (size_t i = 1; i <= n && !e; i++) {
        buf_init_secret(&lines[used++], TEXT_MAX);
        struct buf *line = &lines[i - 1];
        if (i < n)
            e = buf_printf(line, "%s: %s", headers[i].name, headers[i].value);
        else
            e = buf_printf(line, "Authorization: %s", authorization);
        o.lines[i - 1] = buf_str(line);
    }
    /* Else libcurl says that the empty body of a POST is a form. */
    if (!c->content_type) o.lines[used] = "Content-Type:";
    o.target = buf_str(&target);
    if (!e) e = aws_send(c->account, &o, c->cancel, c->until, &c->in);
    buf_dispose(&target);
    for (size_t i = 0; i < used; i++)
        buf_dispose(&lines[i]);
    return e;
}

static enum err attempt(struct call *c)
{
    struct sigv4_header headers[AWS_LINES];
    char time[SIGV4_TIME];
    struct buf authorization;
    enum err e = keep_rate(c);
    if (e) return e;
    c->signed_unix_s = clock_now_ms() / 1000 + atomic_load(&c->account->clock_used_s);
    sigv4_time(c->signed_unix_s, time);
    size_t n = list_headers(c, time, headers);
    buf_init(&authorization, TEXT_MAX);
    e = sign(c, time, headers, n, &authorization);
    if (!e) e = send_signed(c, headers, n, buf_str(&authorization));
    buf_dispose(&authorization);
    return e;
}

/* --- and then? */

static int64_t jitter_ms(int first_ms, int before)
{
    uint32_t chance = 0;
    int64_t most = first_ms;
    for (int i = 0; i < before && most < LONGEST_MS; i++)
        most *= 2;
    if (most > LONGEST_MS) most = LONGEST_MS;
    (void)!getrandom(&chance, sizeof chance, 0); /* four bytes never come short */
    return (int64_t)(chance % (uint64_t)(most + 1));
}

static bool is_clock_off(const struct call *c)
{
    int64_t off = c->in.date_unix_s - c->signed_unix_s;
    return c->in.date_unix_s && (off > CLOCK_OFF_S || off < -CLOCK_OFF_S);
}

static void hear_clock(struct call *c)
{
    if (!c->in.date_unix_s) return;
    atomic_store(&c->account->clock_heard_s, c->in.date_unix_s - clock_now_ms() / 1000);
}

static bool may_set_clock(struct call *c)
{
    if (c->clock_set || !is_clock_off(c)) return false;
    atomic_store(&c->account->clock_used_s, atomic_load(&c->account->clock_heard_s));
    return c->clock_set = true;
}

static bool may_set_service(struct call *c)
{
    if (c->service_set) return false;
    snprintf(c->service, sizeof c->service, "%s", c->said.service);
    if (!c->request->service) {
        pthread_mutex_lock(&c->account->lock);
        memcpy(c->account->service, c->service, sizeof c->service);
        pthread_mutex_unlock(&c->account->lock);
    }
    return c->service_set = true;
}

static bool may_renew_keys(struct call *c)
{
    uint64_t refused = c->generation;
    if (c->renewed) return false;
    c->renewed = true;
    return !aws_keys_take(c->account, refused, c->cancel, c->until, &c->keys, &c->generation) &&
           c->generation != refused;
}

static bool may_wait(const struct call *c, int64_t ms)
{
    if (ms < c->in.retry_after_s * 1000) ms = c->in.retry_after_s * 1000;
    return ms < deadline_left_ms(c->until) && !cancel_wait(c->cancel, deadline_in_ms(ms));
}

static bool may_wait_for_rate(struct call *c)
{
    struct aws_account *a = c->account;
    int64_t wait_ns = c->in.retry_after_s * 1000000000;
    metrics_add(METRIC_CLOUD_THROTTLED, 1);
    pthread_mutex_lock(&a->lock);
    aws_rates_refused(&a->rates, c->request->operation, deadline_now_ns(), wait_ns);
    pthread_mutex_unlock(&a->lock);
    return ++c->refusals < REFUSALS && may_wait(c, jitter_ms(REFUSAL_MS, c->refusals - 1));
}

static bool may_repeat(struct call *c)
{
    if (c->request->once && c->in.sent) return false;
    return ++c->faults < FAULTS && may_wait(c, jitter_ms(FAULT_MS, c->faults - 1));
}

/* @return is there reason to think that another attempt goes better? */
static bool may_go_on(struct call *c, enum err e)
{
    if (e == ERR_NETWORK || e == ERR_TIMEOUT) return !deadline_passed(c->until) && may_repeat(c);
    if (e) return false;
    switch (c->said.meaning) {
    case AWS_THROTTLED:
        return may_wait_for_rate(c);
    case AWS_SERVER:
        return may_repeat(c);
    case AWS_SIGNATURE:
    case AWS_CLOCK:
        return may_set_clock(c);
    case AWS_SERVICE_NAME:
        return may_set_service(c);
    case AWS_KEY:
    case AWS_TOKEN_ENDED:
        return may_renew_keys(c);
    case AWS_OTHER:
    case AWS_STRANGE:
    case AWS_REGION_NAME:
    case AWS_PERMISSION:
    case AWS_QUOTA:
    case AWS_NOT_FOUND:
    case AWS_EXISTS:
    case AWS_CONFLICT:
    case AWS_STATE:
    case AWS_INVALID:
        return false;
    }
    return false;
}

/* --- the end */

static enum err unknown_outcome(const struct call *c, const char *why)
{
    return err_fail(ERR_TIMEOUT, "aws_outcome_unknown",
                    "Look in the account whether it was done before doing it again.",
                    "%s: it is not known whether it was done: %s", c->request->operation, why);
}

static enum err refused(const struct call *c)
{
    struct aws_said said = c->said;
    if (said.meaning == AWS_SIGNATURE && is_clock_off(c)) said.meaning = AWS_CLOCK;
    if (said.meaning == AWS_SERVER && c->request->once)
        return aws_error_device(unknown_outcome(c, "AWS failed"), &said);
    return aws_error_raise(&said, c->request, c->in.status);
}

/* What AWS says may repeat what was sent. */
static void hide_token(struct call *c)
{
    const char *token = c->keys.session_token;
    if (token[0] && strstr(c->said.text, token)) snprintf(c->said.text, AWS_TEXT, "(not shown)");
}

static void take_answer(struct call *c, struct aws_answer *out)
{
    struct buf *body = &c->in.body;
    aws_answer_dispose(out);
    *out = (struct aws_answer){.status = c->in.status};
    memcpy(out->request_id, c->in.request_id, sizeof out->request_id);
    if (body->len) {
        out->body = json_loadb(buf_str(body), body->len, 0, NULL);
        out->text = (char *)body->data;
        *body = (struct buf){0};
    }
    memset(&c->said, 0, sizeof c->said);
    if (c->in.status < 300) return;
    aws_error_read(&(struct aws_refusal){c->in.status, c->in.type, c->in.request_id,
                                         out->text ? out->text : "", out->body},
                   &c->said);
    hide_token(c);
    aws_error_short(c->said.name, out->error);
    memcpy(out->resource_id, c->said.resource_id, sizeof out->resource_id);
    memcpy(out->resource_arn, c->said.resource_arn, sizeof out->resource_arn);
}

static enum err finish(const struct call *c, enum err e, const struct aws_answer *answer)
{
    bool unknown = c->request->once && c->in.sent;
    if (e == ERR_TIMEOUT || e == ERR_PROTOCOL)
        return unknown ? unknown_outcome(c, err_last()->detail)
                       : err_wrap(e, "%s", c->request->operation);
    if (e) return e == ERR_CANCELLED ? e : err_wrap(e, "%s", c->request->operation);
    if (c->in.status >= 300) return refused(c);
    if (!answer->text || answer->body || c->request->form) return ERR_OK;
    if (unknown) return unknown_outcome(c, "the answer is not JSON");
    return aws_error_raise(&(struct aws_said){.meaning = AWS_STRANGE}, c->request, c->in.status);
}

static enum err work(struct call *c, struct aws_answer *out)
{
    enum err e = aws_keys_take(c->account, 0, c->cancel, c->until, &c->keys, &c->generation);
    bool again = !e;
    while (again) {
        e = attempt(c);
        if (!e) {
            hear_clock(c);
            take_answer(c, out);
        }
        struct err_info why = *err_last();
        bool done = !e && c->in.status < 300;
        again = !done && may_go_on(c, e);
        if (again) metrics_add(METRIC_CLOUD_RETRIES, 1);
        buf_dispose(&c->in.body);
        if (!done && !again && cancel_is_raised(c->cancel))
            return err_set(ERR_CANCELLED, "cancelled");
        if (e) err_restore(&why);
    }
    return finish(c, e, out);
}

static enum err write_body(struct call *c)
{
    const struct aws_request *r = c->request;
    buf_init_secret(&c->body, TEXT_MAX);
    if (r->form) {
        c->content_type = "application/x-www-form-urlencoded";
        return buf_puts(&c->body, r->form);
    }
    if (!r->body) return ERR_OK;
    c->content_type = "application/json";
    json_malloc_t unused;
    json_free_t release;
    json_get_alloc_funcs(&unused, &release);
    char *text = json_dumps(r->body, JSON_COMPACT);
    enum err e = text ? buf_puts(&c->body, text) : err_set(ERR_MEM, "out of memory");
    release(text);
    return e;
}

enum err aws_call(struct aws_account *a, const struct aws_request *r, struct cancel *cancel,
                  struct deadline until, struct aws_answer *out)
{
    struct call c = {.account = a, .request = r, .cancel = cancel, .until = until};
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&a->lock);
    snprintf(c.service, sizeof c.service, "%s", r->service ? r->service : a->service);
    pthread_mutex_unlock(&a->lock);
    enum err e = write_body(&c);
    if (!e) e = work(&c, out);
    struct tally_row *row =
        tally_row(metrics_cloud_calls(), r->operation, e ? err_last()->code : "ok");
    atomic_fetch_add_explicit(&row->count, 1, memory_order_relaxed);
    buf_dispose(&c.body);
    explicit_bzero(&c.keys, sizeof c.keys);
    return e;
}

void aws_answer_dispose(struct aws_answer *a)
{
    json_decref(a->body);
    wipe_free(a->text);
    a->body = NULL;
    a->text = NULL;
}

enum err aws_encode(const char *text, char *out, size_t cap)
{
    struct buf b;
    out[0] = '\0';
    buf_init(&b, cap - 1);
    enum err e = sigv4_encode(text, strlen(text), '\0', &b);
    if (!e) snprintf(out, cap, "%s", buf_str(&b));
    buf_dispose(&b);
    return e;
}

void aws_counts_get(struct aws_counts *out)
{
    *out = (struct aws_counts){.calls = metrics_get(METRIC_CLOUD_REQUESTS),
                               .connections = metrics_get(METRIC_CLOUD_CONNECTIONS),
                               .retries = metrics_get(METRIC_CLOUD_RETRIES),
                               .throttled = metrics_get(METRIC_CLOUD_THROTTLED)};
}
