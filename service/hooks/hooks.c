/* hooks: Design: what is due is asked of the store each time, so a crash loses nothing; kept here
 * is only what is on its way. Waits are monotonic, and a wall clock that was put back is noticed,
 * so its jumps neither lose a delivery nor hold it up; for the same reason the end comes by the
 * number of tries and not by the age. */
#include "service/hooks/hooks.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/base/metrics.h"
#include "service/base/thread.h"
#include "service/cloud/https_post.h"
#include "service/hooks/backoff.h"
#include "service/hooks/signature.h"
#include "service/base/url.h"
#include "service/store/webhooks.h"

enum { BODY_MAX = 64 * 1024, STORE_RETRY_MS = 1000, CLOCK_BACK_MS = 1000, HEADER = 160 };

/* One webhook's turn. */
struct flight {
    enum { FREE, ON_ITS_WAY, UNSAVED /* it ended, and the store does not know yet */ } phase;
    struct delivery_record record;
};

struct hooks {
    struct hooks_config config;
    pthread_mutex_t lock; /* of starting the thread */
    pthread_t thread;
    bool running; /* from when there is a webhook */
    atomic_bool stopping;
    int bell;              /* eventfd: look again */
    int64_t clock_ms;      /* how far the wall clock is from the monotonic one */
    struct poster *poster; /* NULL until the first delivery */
    struct flight flights[LIMIT_WEBHOOKS];
};

static void ring(struct hooks *h)
{
    const uint64_t one = 1;
    ssize_t n = write(h->bell, &one, sizeof one);
    (void)n; /* a full counter rings all the same */
}

static struct flight *find_flight(struct hooks *h, const char *webhook)
{
    struct flight *unused = NULL;
    for (size_t i = 0; i < LIMIT_WEBHOOKS; i++) {
        struct flight *f = &h->flights[i];
        if (f->phase == FREE)
            unused = f;
        else if (strcmp(f->record.webhook, webhook) == 0)
            return f;
    }
    return unused;
}

/* --- how an attempt ended --- */

static bool save(struct hooks *h, struct flight *f)
{
    enum err e = store_delivery_save(h->config.store, &f->record);
    if (e && e != ERR_NOT_FOUND) { /* not found: its webhook was deleted */
        if (f->phase != UNSAVED)
            log_error("delivery not stored, trying on", "code=%s", err_last()->code);
        f->phase = UNSAVED;
        return false;
    }
    f->phase = FREE;
    return true;
}

static void judge(const struct hooks *h, const struct post_result *result,
                  struct delivery_record *r)
{
    const struct backoff b = {h->config.first_ms, h->config.longest_ms};
    bool taken = result->status >= 200 && result->status < 300;
    r->attempts++;
    r->tried_ms = clock_now_ms();
    r->status = result->status;
    r->error[0] = '\0';
    if (!taken && result->status)
        snprintf(r->error, sizeof r->error, "the receiver answered %d", result->status);
    else if (!taken)
        snprintf(r->error, sizeof r->error, "%s", result->error);
    /* 410: the receiver wants to hear of it no more. */
    if (!taken && result->status != 410 && r->attempts < h->config.attempts) {
        r->next_ms = r->tried_ms + backoff_ms(&b, r->attempts, result->retry_after_s);
        return;
    }
    r->state = taken ? DELIVERY_DELIVERED : DELIVERY_FAILED;
    r->next_ms = 0;
    r->ended_ms = r->tried_ms;
}

static void settle(struct hooks *h, const struct post_result *result)
{
    struct flight *f = result->owner;
    judge(h, result, &f->record);
    log_at(f->record.state == DELIVERY_DELIVERED ? LOG_DEBUG : LOG_WARN, "webhook called",
           "webhook=%s delivery=%s attempt=%d status=%d state=%s error=\"%s\"", f->record.webhook,
           f->record.id, f->record.attempts, f->record.status, delivery_state_name(f->record.state),
           f->record.error);
    metrics_add(
        f->record.state == DELIVERY_DELIVERED ? METRIC_WEBHOOKS_TAKEN : METRIC_WEBHOOKS_FAILED, 1);
    save(h, f);
}

/* --- an attempt --- */

struct parts {
    struct webhook_record hook;
    struct buf body, key;
};

static enum err load(struct hooks *h, const struct delivery_record *r, struct parts *out)
{
    struct store *s = h->config.store;
    buf_init(&out->body, BODY_MAX);
    buf_init_secret(&out->key, SIGNATURE_KEY);
    enum err e = store_webhook_get(s, r->webhook, &out->hook);
    if (!e) e = store_webhook_secret(s, r->webhook, &out->key);
    if (!e) e = store_delivery_body(s, r->id, &out->body);
    if (!e && !h->poster) e = poster_open(&h->poster);
    return e;
}

static enum err send_parts(struct hooks *h, struct flight *f, const struct parts *p)
{
    char id[HEADER], at[HEADER], signature[HEADER], agent[HEADER], text[SIGNATURE_TEXT];
    const struct signed_message m = {f->record.id, clock_now_ms() / 1000, buf_str(&p->body),
                                     p->body.len};
    struct post post = {.url = p->hook.url,
                        .ca_pem = p->hook.ca_pem,
                        .headers = {"Content-Type: application/json", agent, id, at, signature},
                        .body = m.body,
                        .body_len = m.body_len,
                        .timeout_ms = h->config.timeout_ms};
    enum err e = signature_make(p->key.data, p->key.len, &m, text);
    if (e) return e;
    const char *refusal = url_refusal(post.url, &post.local);
    if (refusal) return err_set(ERR_ARG, "the address %s", refusal);
    snprintf(agent, sizeof agent, "User-Agent: espgate/%s", h->config.version);
    snprintf(id, sizeof id, "webhook-id: %s", m.id);
    snprintf(at, sizeof at, "webhook-timestamp: %lld", (long long)m.unix_s);
    snprintf(signature, sizeof signature, "webhook-signature: %s", text);
    return poster_send(h->poster, &post, f);
}

/* What keeps it from being sent at all is a failed attempt too: it comes again, later. */
static void begin(struct hooks *h, struct flight *f, const struct delivery_record *r)
{
    struct parts p = {.hook = {.id = ""}};
    f->record = *r;
    f->phase = ON_ITS_WAY;
    enum err e = load(h, r, &p);
    if (!e) e = send_parts(h, f, &p);
    webhook_record_dispose(&p.hook);
    buf_dispose(&p.body);
    buf_dispose(&p.key);
    if (!e) return;
    struct post_result result = {.owner = f};
    snprintf(result.error, sizeof result.error, "%.255s", err_last()->detail);
    settle(h, &result);
    ring(h); /* there may be more for this webhook */
}

static bool save_unsaved(struct hooks *h)
{
    for (size_t i = 0; i < LIMIT_WEBHOOKS; i++)
        if (h->flights[i].phase == UNSAVED && !save(h, &h->flights[i])) return false;
    return true;
}

/* A clock that was put back, perhaps while espgate did not run. */
static bool heed_clock(struct hooks *h, int64_t now)
{
    int64_t apart = now - deadline_now_ns() / 1000000;
    if (apart < h->clock_ms - CLOCK_BACK_MS && store_delivery_clock_back(h->config.store, now))
        return false;
    h->clock_ms = apart;
    return true;
}

/* Begin what is due. @return when the next one will be, as far as is known now */
static struct deadline look(struct hooks *h)
{
    struct delivery_record *list;
    struct deadline next = deadline_never();
    size_t n;
    bool saved = save_unsaved(h);
    /* One reading for all: a clock that is put back from here on makes no wait longer. */
    int64_t now = clock_now_ms();
    if (!saved || !heed_clock(h, now) || store_delivery_next(h->config.store, &list, &n))
        return deadline_in_ms(STORE_RETRY_MS);
    for (size_t i = 0; i < n; i++) {
        struct flight *f = find_flight(h, list[i].webhook);
        if (!f || f->phase != FREE) continue;
        if (list[i].next_ms <= now)
            begin(h, f, &list[i]);
        else
            next = deadline_min(next, deadline_in_ms(list[i].next_ms - now));
    }
    free(list);
    return next;
}

/* --- the thread --- */

static void idle(const struct hooks *h, struct deadline until)
{
    struct pollfd p = {h->bell, POLLIN, 0};
    (void)poll(&p, 1, deadline_left_ms(until));
}

static void *hooks_main(void *arg)
{
    struct hooks *h = arg;
    while (!atomic_load(&h->stopping)) {
        struct post_result result;
        uint64_t rings;
        /* Silenced before looking: who rings from now on is heard. */
        ssize_t heard = read(h->bell, &rings, sizeof rings);
        (void)heard;
        struct deadline until = look(h);
        if (!h->poster)
            idle(h, until);
        else if (poster_wait(h->poster, h->bell, until, &result))
            settle(h, &result);
    }
    return NULL;
}

void hooks_begin(struct hooks *h)
{
    if (!h) return;
    pthread_mutex_lock(&h->lock);
    if (!h->running && store_has_webhooks(h->config.store)) {
        if (thread_start(&h->thread, "webhooks", hooks_main, h))
            log_error("webhooks are not called", "detail=\"%s\"", err_last()->detail);
        else
            h->running = true;
    }
    pthread_mutex_unlock(&h->lock);
    ring(h);
}

void hooks_wake(struct hooks *h)
{
    if (h) ring(h);
}

enum err hooks_start(const struct hooks_config *cfg, struct hooks **out)
{
    *out = NULL;
    struct hooks *h = calloc(1, sizeof *h);
    if (!h) return err_set(ERR_MEM, "out of memory");
    h->config = *cfg;
    h->clock_ms = INT64_MAX;
    if (!h->config.first_ms) h->config.first_ms = 5000;
    if (!h->config.longest_ms) h->config.longest_ms = 3600 * 1000;
    if (!h->config.attempts) h->config.attempts = 34;
    if (!h->config.timeout_ms) h->config.timeout_ms = 30000;
    h->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->bell < 0) {
        free(h);
        return err_set(ERR_IO, "eventfd: %s", strerror(errno));
    }
    pthread_mutex_init(&h->lock, NULL);
    *out = h;
    return ERR_OK;
}

void hooks_stop(struct hooks *h)
{
    if (!h) return;
    atomic_store(&h->stopping, true);
    ring(h);
    if (h->running) pthread_join(h->thread, NULL);
    poster_close(h->poster);
    close(h->bell);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

enum err hooks_ca_check(const char *pem)
{
    return post_ca_check(pem);
}
