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
    RETRY_AFTER_S = 60, /* for how long one answer stops all calls of its operation, at most */
    CLOCK_OFF_S = 240,  /* AWS bears five minutes */
    TEXT_MAX = 256 * 1024,
    TOKEN_HEAD = 13,
};

/* One call, from its first attempt to its last. */
struct call {
    struct aws_account *account;
    struct cancel *cancel;
    struct deadline until;
    struct aws_letter letter;
    uint64_t generation; /* of its keys */
    int faults, refusals;
    bool renewed, clock_set, service_set;
    bool maybe_done; /* by an attempt that was not answered, and was repeated */
    struct aws_incoming in;
    struct aws_said said;
};

/* --- one attempt */

static enum err keep_rate(struct call *c)
{
    struct aws_account *a = c->account;
    int64_t now_ns = deadline_now_ns();
    if (now_ns > c->until.at_ns)
        return err_fail(ERR_TIMEOUT, "aws_timeout", "Try again later.", "no time was left for it");
    pthread_mutex_lock(&a->lock);
    int64_t at_ns = aws_rates_take(&a->rates, c->letter.request->operation, now_ns, c->until.at_ns);
    pthread_mutex_unlock(&a->lock);
    if (at_ns < 0)
        return err_fail(ERR_BUSY, "aws_throttled",
                        "Try again later, or raise the rate of this cloud if AWS grants it more.",
                        "more calls wait than AWS's rate lets through in time");
    return at_ns > now_ns ? cancel_wait(c->cancel, (struct deadline){at_ns}) : ERR_OK;
}

static enum err attempt(struct call *c)
{
    struct aws_account *a = c->account;
    c->in = (struct aws_incoming){0};
    enum err e = keep_rate(c);
    /* Afterwards, since that may take longer than they last. */
    if (!e) e = aws_keys_take(a, 0, c->cancel, c->until, &c->letter.keys, &c->generation);
    if (e) return e;
    c->letter.unix_s = clock_now_ms() / 1000 + atomic_load(&a->clock_used_s);
    return aws_send_signed(a, &c->letter, c->cancel, c->until, &c->in);
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
    int64_t off = c->in.date_unix_s - c->letter.unix_s;
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
    snprintf(c->letter.service, sizeof c->letter.service, "%s", c->said.service);
    if (!c->letter.request->service) {
        pthread_mutex_lock(&c->account->lock);
        memcpy(c->account->service, c->letter.service, sizeof c->letter.service);
        pthread_mutex_unlock(&c->account->lock);
    }
    return c->service_set = true;
}

static bool may_renew_keys(struct call *c)
{
    uint64_t refused = c->generation;
    if (c->renewed) return false;
    c->renewed = true;
    return !aws_keys_take(c->account, refused, c->cancel, c->until, &c->letter.keys,
                          &c->generation) &&
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
    bool odd = c->in.retry_after_s > RETRY_AFTER_S;
    int64_t wait_ns = (odd ? RETRY_AFTER_S : c->in.retry_after_s) * 1000000000;
    metrics_add(METRIC_CLOUD_THROTTLED, 1);
    pthread_mutex_lock(&a->lock);
    aws_rates_refused(&a->rates, c->letter.request->operation, deadline_now_ns(), wait_ns);
    pthread_mutex_unlock(&a->lock);
    return ++c->refusals < REFUSALS && may_wait(c, jitter_ms(REFUSAL_MS, c->refusals - 1));
}

static bool may_repeat(struct call *c)
{
    if (c->letter.request->once && c->in.sent) return false;
    c->maybe_done |= c->in.sent && strcmp(c->letter.request->method, "GET") != 0;
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
                    "%s: it is not known whether it was done: %s", c->letter.request->operation,
                    why);
}

static enum err refused(const struct call *c)
{
    struct aws_said said = c->said;
    if (said.meaning == AWS_SIGNATURE && is_clock_off(c)) said.meaning = AWS_CLOCK;
    if (said.meaning == AWS_SERVER && c->letter.request->once)
        return aws_error_device(unknown_outcome(c, "AWS failed"), &said);
    return aws_error_raise(&said, c->letter.request, c->in.status);
}

/* What AWS says may repeat what was sent, also cut short: the beginning of the token tells. */
static void hide_token(struct call *c)
{
    char head[TOKEN_HEAD];
    snprintf(head, sizeof head, "%.*s", TOKEN_HEAD - 1, c->letter.keys.session_token);
    if (head[0] && strstr(c->said.text, head)) snprintf(c->said.text, AWS_TEXT, "(not shown)");
    explicit_bzero(head, sizeof head);
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
    bool unknown = c->letter.request->once && c->in.sent;
    if (e == ERR_TIMEOUT || e == ERR_PROTOCOL)
        return unknown ? unknown_outcome(c, err_last()->detail)
                       : err_wrap(e, "%s", c->letter.request->operation);
    if (e) return e == ERR_CANCELLED ? e : err_wrap(e, "%s", c->letter.request->operation);
    if (c->in.status >= 300) return refused(c);
    if (!answer->text || answer->body || c->letter.request->form) return ERR_OK;
    if (unknown) return unknown_outcome(c, "the answer is not JSON");
    return aws_error_raise(&(struct aws_said){.meaning = AWS_STRANGE}, c->letter.request,
                           c->in.status);
}

/* That the last attempt did nothing tells nothing of those before it. */
static enum err judge_all(const struct call *c, enum err e)
{
    static const char *const nothing[] = {"aws_unreachable", "aws_throttled",   "aws_clock",
                                          "aws_secret",      "aws_key_unknown", "aws_token_expired",
                                          "aws_permission",  "aws_region",      "aws_quota"};
    bool open = false;
    for (size_t i = 0; c->maybe_done && i < sizeof nothing / sizeof *nothing; i++)
        open |= err_is(e, nothing[i]);
    if (!open) return e;
    struct err_info last = *err_last();
    e = err_fail(ERR_TIMEOUT, "aws_timeout", last.hint,
                 "there was no answer at first, so that it may have been done; and then: %s",
                 last.detail);
    return last.device[0] ? err_device(e, last.device, strlen(last.device)) : e;
}

static enum err work(struct call *c, struct aws_answer *out)
{
    enum err e;
    for (bool again = true; again;) {
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
    return judge_all(c, finish(c, e, out));
}

static enum err write_body(struct call *c)
{
    const struct aws_request *r = c->letter.request;
    buf_init_secret(&c->letter.body, TEXT_MAX);
    if (r->form) {
        c->letter.content_type = "application/x-www-form-urlencoded";
        return buf_puts(&c->letter.body, r->form);
    }
    if (!r->body) return ERR_OK;
    c->letter.content_type = "application/json";
    json_malloc_t unused;
    json_free_t release;
    json_get_alloc_funcs(&unused, &release);
    char *text = json_dumps(r->body, JSON_COMPACT);
    enum err e = text ? buf_puts(&c->letter.body, text) : err_set(ERR_MEM, "out of memory");
    release(text);
    return e;
}

enum err aws_call(struct aws_account *a, const struct aws_request *r, struct cancel *cancel,
                  struct deadline until, struct aws_answer *out)
{
    struct call c = {.account = a, .letter.request = r, .cancel = cancel, .until = until};
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&a->lock);
    snprintf(c.letter.service, sizeof c.letter.service, "%s", r->service ? r->service : a->service);
    pthread_mutex_unlock(&a->lock);
    enum err e = write_body(&c);
    if (!e) e = work(&c, out);
    struct tally_row *row =
        tally_row(metrics_cloud_calls(), r->operation, e ? err_last()->code : "ok");
    atomic_fetch_add_explicit(&row->count, 1, memory_order_relaxed);
    buf_dispose(&c.letter.body);
    explicit_bzero(&c.letter.keys, sizeof c.letter.keys);
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
