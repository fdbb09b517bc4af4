#include "api/idempotency.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/body_file.h"
#include "api/field.h"
#include "api/handlers.h"
#include "service/base/clock.h"
#include "service/base/digest.h"
#include "service/base/limits.h"
#include "service/base/log.h"

enum { KEY_MAX = 255, ANSWER_MAX = 4 * 1024 * 1024 };

/* On the stack of the thread that works on it. */
struct idempotency_claim {
    const char *key;
    struct idempotency_claim *next;
};

void idempotency_init(struct idempotency *s)
{
    pthread_mutex_init(&s->lock, NULL);
    s->first = NULL;
}

void idempotency_dispose(struct idempotency *s)
{
    pthread_mutex_destroy(&s->lock);
}

/* @return false when another has it now */
static bool claim(struct idempotency *s, struct idempotency_claim *mine)
{
    pthread_mutex_lock(&s->lock);
    const struct idempotency_claim *c = s->first;
    while (c && strcmp(c->key, mine->key) != 0)
        c = c->next;
    if (!c) {
        mine->next = s->first;
        s->first = mine;
    }
    pthread_mutex_unlock(&s->lock);
    return c == NULL;
}

static void release(struct idempotency *s, const struct idempotency_claim *mine)
{
    pthread_mutex_lock(&s->lock);
    struct idempotency_claim **at = &s->first;
    while (*at != mine)
        at = &(*at)->next;
    *at = mine->next;
    pthread_mutex_unlock(&s->lock);
}

/* --- what was asked: who under which key, and what --- */

static void add_text(struct sha256 *sum, const char *text)
{
    sha256_add(sum, text, strlen(text) + 1);
}

/* Each try of a form has another boundary; all else is compared. */
static void add_body(struct sha256 *sum, const struct request *rq)
{
    char boundary[FIELD_BOUNDARY_MAX + 1];
    const char *at = buf_str(&rq->body), *end = at + rq->body.len, *found;
    if (rq->content_type && field_boundary(rq->content_type, boundary)) {
        size_t n = strlen(boundary);
        for (; (found = memmem(at, (size_t)(end - at), boundary, n)); at = found + n)
            sha256_add(sum, at, (size_t)(found - at));
    }
    sha256_add(sum, at, (size_t)(end - at));
}

static void add_request(struct sha256 *sum, const struct request *rq)
{
    add_text(sum, rq->match.route->operation);
    for (size_t i = 0; i < rq->match.var_count; i++)
        add_text(sum, rq->match.vars[i].value);
    for (size_t i = 0; i < rq->query_count; i++) {
        add_text(sum, rq->query[i].name);
        add_text(sum, rq->query[i].value);
    }
    if (rq->file) {
        add_text(sum, rq->file->name);
        add_text(sum, rq->file->sha256);
    } else {
        add_body(sum, rq);
    }
}

static enum err digest_request(struct request *rq, const struct service *svc)
{
    struct buf who;
    uint8_t digest[SHA256_BYTES];
    struct sha256 *sum = sha256_new();
    if (!sum) return err_set(ERR_MEM, "out of memory");
    add_request(sum, rq);
    sha256_end(sum, digest);
    sha256_free(sum);
    store_digest(svc->store, digest, sizeof digest, rq->body_digest);
    buf_init(&who, sizeof rq->actor + KEY_MAX + 2);
    buf_printf(&who, "%s\n%s\n%s", rq->actor.token, rq->actor.name, rq->idempotency_key);
    enum err e = buf_ok(&who);
    if (!e) store_digest(svc->store, who.data, who.len, rq->idempotency);
    buf_dispose(&who);
    return e;
}

/* --- what was answered --- */

static enum err keep(const struct request *rq, const struct service *svc, const struct reply *r)
{
    struct buf answer;
    buf_init_secret(&answer, ANSWER_MAX);
    const char *location = reply_find(r, "Location");
    buf_printf(&answer, "%d\n%s\n", r->status, location ? location : "");
    buf_append(&answer, r->body.data, r->body.len);
    enum err e = buf_ok(&answer);
    if (!e)
        e = store_answer_put(svc->store, rq->idempotency, rq->body_digest, answer.data, answer.len);
    buf_dispose(&answer);
    return e;
}

/* @param text  as keep() made it */
static struct reply answer_again(const struct buf *text)
{
    char *rest, location[REPLY_HEADER_MAX];
    struct buf body;
    long status = strtol(buf_str(text), &rest, 10);
    size_t n = strcspn(++rest, "\n");
    snprintf(location, sizeof location, "%.*s", (int)n, rest);
    rest += n + 1;
    buf_init_secret(&body, ANSWER_MAX);
    buf_puts(&body, rest);
    if (buf_ok(&body)) return reply_json((int)status, NULL);
    struct reply r = reply_bytes((int)status, "application/json", &body);
    if (location[0]) reply_header(&r, "Location", "%s", location);
    return r;
}

static struct reply replay(struct request *rq, const struct service *svc,
                           const struct answer_record *a)
{
    struct reply r;
    struct buf text;
    if (strcmp(a->body_digest, rq->body_digest) != 0) {
        err_fail(ERR_UNSUPPORTED, "idempotency_key_reused",
                 "Use a new key for each thing that is asked for.",
                 "this Idempotency-Key came with another request before");
        return reply_error(rq);
    }
    if (a->job[0]) {
        memcpy(rq->job, a->job, sizeof rq->job);
        r = handle_job_repeat(rq, svc);
    } else {
        buf_init_secret(&text, ANSWER_MAX);
        r = store_answer_get(svc->store, rq->idempotency, &text) ? reply_error(rq)
                                                                 : answer_again(&text);
        buf_dispose(&text);
    }
    if (r.status && r.status < 300) reply_header(&r, "Idempotent-Replayed", "true");
    return r;
}

static bool is_young(const struct answer_record *a)
{
    return a->at_ms > clock_now_ms() - (int64_t)LIMIT_IDEMPOTENCY_S * 1000;
}

/* The key is claimed. */
static struct reply ask_once(struct request *rq, const struct service *svc)
{
    struct answer_record a;
    enum err e = store_answer_find(svc->store, rq->idempotency, &a);
    if (!e && is_young(&a)) return replay(rq, svc, &a);
    if (e && e != ERR_NOT_FOUND) return reply_error(rq);
    struct reply r = rq->match.route->handler(rq, svc);
    if (rq->answer_is_job || r.status < 200 || r.status > 299) return r;
    /* It is done, whatever becomes of this: the answer goes out. */
    if (keep(rq, svc, &r))
        log_warn("answer not kept", "operation=%s detail=\"%s\"", rq->match.route->operation,
                 err_last()->detail);
    return r;
}

static bool is_key(const char *key)
{
    size_t n = 0;
    while (key[n] > 0x20 && key[n] < 0x7f)
        n++;
    return !key[n] && n >= 1 && n <= KEY_MAX;
}

struct reply idempotency_ask(struct idempotency *s, struct request *rq, const struct service *svc)
{
    struct idempotency_claim mine = {.key = rq->idempotency};
    if (!is_key(rq->idempotency_key)) {
        err_fail(ERR_ARG, "bad_idempotency_key", "A UUID is a good one.",
                 "Idempotency-Key must be 1 to %d printable characters without blanks", KEY_MAX);
        return reply_error(rq);
    }
    if (digest_request(rq, svc)) return reply_error(rq);
    if (!claim(s, &mine)) {
        err_fail(ERR_CONFLICT, "request_in_progress", "Send it again a little later.",
                 "a request with this Idempotency-Key is being worked on");
        return reply_error(rq);
    }
    struct reply r = ask_once(rq, svc);
    release(s, &mine);
    return r;
}
