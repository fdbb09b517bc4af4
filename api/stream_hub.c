#include <stdlib.h>

#include "api/stream_parts.h"

enum {
    TICK_MS = 1000,       /* how often clients, clocks and tokens are looked at, at least */
    ROUND_MS = 2,         /* between two rounds, and so many microseconds for each stream that */
    ROUND_STREAM_US = 20, /* was woken: what happens in between is told together */
};

/* ---- the ring ---- */

/* Under the lock. @return the entry that the next event takes */
static struct entry *push(struct stream_hub *h)
{
    struct entry *e = &h->ring[h->head++ % STREAM_RING];
    free(e->text);
    return e;
}

/* @return false when there is none: those to come read from the store what is stored */
static bool has_listeners(struct stream_hub *h, int64_t seq)
{
    pthread_mutex_lock(&h->thread.lock);
    bool has = h->count > 0;
    if (!has && seq > h->newest) h->newest = seq;
    pthread_mutex_unlock(&h->thread.lock);
    return has;
}

void stream_hub_publish(struct stream_hub *h, const struct event_record *event)
{
    if (!has_listeners(h, event->seq)) return;
    struct buf text;
    struct entry e = {
        .seq = event->seq, .type = event_type_bit(event->type), .ends = stream_is_end(event->type)};
    memcpy(e.job, event->job, sizeof e.job);
    memcpy(e.slot, event->slot, sizeof e.slot);
    buf_init(&text, STREAM_PENDING_MAX);
    stream_put_text(&text, event->seq, event->type, event->data_json);
    e.text = buf_ok(&text) ? NULL : (char *)text.data;
    e.len = text.len;
    pthread_mutex_lock(&h->thread.lock);
    if (e.text)
        *push(h) = e;
    else if (e.seq) /* no memory for it: all who follow the ring fall out of it, and come back */
        h->head += STREAM_RING + 1;
    if (e.seq > h->newest) h->newest = e.seq;
    if (h->count && !h->news) {
        h->news = true;
        pthread_cond_signal(&h->thread.wake);
    }
    pthread_mutex_unlock(&h->thread.lock);
}

/* ---- the thread that wakes them ---- */

/* Clients that went away while their streams were parked: nobody else looks at their sockets. A
 * sign of life tells whether one has only half closed; when it has not, the next one fails. Under
 * the lock, as long as which a parked stream's socket stays open; it does not wait. */
static void look_at_clients(struct stream_hub *h)
{
    nfds_t n = 0;
    for (const struct stream *s = h->first; s; s = s->next)
        h->fds[n++] = (struct pollfd){s->parked ? s->host.fd : -1, POLLRDHUP, 0};
    if (poll(h->fds, n, 0) <= 0) return;
    n = 0;
    for (struct stream *s = h->first; s; s = s->next, n++) {
        short what = h->fds[n].revents;
        if (what & (POLLERR | POLLHUP) || (what && !s->looks_gone)) s->beat = true;
        s->looks_gone = s->looks_gone || what;
    }
}

static void look_at_clocks(struct stream_hub *h)
{
    int64_t due = deadline_now_ns() - h->limits.silence_ms * 1000000;
    for (struct stream *s = h->first; s; s = s->next)
        s->beat = s->beat || (s->parked && s->told_ns <= due);
}

/* Who was let in goes when he would not be let in any more. Under the lock. */
static void look_at_tokens(struct stream_hub *h)
{
    for (struct stream *s = h->tokens ? h->first : NULL; s; s = s->next)
        if (s->wish.token[0] && !tokens_is_valid(h->tokens, s->wish.token))
            atomic_store(&s->barred, true);
}

/* Under the lock. @return those that have something to say, parked no more */
static struct stream *take_ready(struct stream_hub *h)
{
    struct stream *ready = NULL;
    for (struct stream *s = h->first; s; s = s->next) {
        if (!s->parked || !(h->closed || s->barred || s->beat || stream_has_news(s))) continue;
        s->parked = false;
        s->up = ready;
        ready = s;
    }
    return ready;
}

/* Without the lock. The next one is read first: one that was resumed may be gone.
 * @return how many */
static unsigned resume_all(struct stream *ready)
{
    unsigned n = 0;
    for (struct stream *next; ready; ready = next, n++) {
        next = ready->up;
        ready->host.resume(ready->host.arg);
    }
    return n;
}

/* Until there is something to look at. Under the lock. */
static void wait_news(struct stream_hub *h, struct deadline tick)
{
    while (!h->thread.ending && !h->news && !(h->count && deadline_passed(tick)))
        sleeper_wait(&h->thread, h->count ? tick : deadline_never());
    h->news = false;
}

static struct deadline next_tick(const struct stream_hub *h)
{
    return deadline_in_ms(h->limits.silence_ms < TICK_MS ? h->limits.silence_ms : TICK_MS);
}

static void *hub_main(void *arg)
{
    struct stream_hub *h = arg;
    struct deadline tick = next_tick(h);
    pthread_mutex_lock(&h->thread.lock);
    while (!h->thread.ending) {
        wait_news(h, tick);
        if (deadline_passed(tick)) {
            look_at_clients(h);
            look_at_clocks(h);
            look_at_tokens(h);
            tick = next_tick(h);
        }
        struct stream *ready = take_ready(h);
        pthread_mutex_unlock(&h->thread.lock);
        unsigned woken = resume_all(ready);
        struct deadline pause = deadline_in_ms(ROUND_MS + woken * ROUND_STREAM_US / 1000);
        pthread_mutex_lock(&h->thread.lock);
        while (!h->thread.ending && !deadline_passed(pause))
            sleeper_wait(&h->thread, pause);
    }
    pthread_mutex_unlock(&h->thread.lock);
    return NULL;
}

/* ---- life ---- */

enum err stream_hub_new(const struct stream_limits *limits, struct stream_hub **out)
{
    *out = NULL;
    struct stream_hub *h = calloc(1, sizeof *h);
    struct pollfd *fds = calloc(limits->streams, sizeof *fds);
    if (!h || !fds) {
        free(h);
        free(fds);
        return err_set(ERR_MEM, "out of memory");
    }
    h->limits = *limits;
    h->fds = fds;
    enum err e = sleeper_start(&h->thread, "http-events", hub_main, h);
    if (!e) {
        *out = h;
        return ERR_OK;
    }
    free(fds);
    free(h);
    return e;
}

enum err stream_hub_serve(struct stream_hub *h, struct store *store, struct tokens *tokens)
{
    int64_t newest;
    enum err e = store_event_last(store, &newest);
    if (e) return e;
    pthread_mutex_lock(&h->thread.lock);
    h->store = store;
    h->tokens = tokens;
    /* Events may have come in already, and what is stored may not have come in yet. */
    if (newest > h->newest) h->newest = newest;
    h->serving = true;
    pthread_mutex_unlock(&h->thread.lock);
    return ERR_OK;
}

void stream_hub_look_at_tokens(struct stream_hub *h)
{
    pthread_mutex_lock(&h->thread.lock);
    look_at_tokens(h);
    h->news = true;
    pthread_cond_signal(&h->thread.wake);
    pthread_mutex_unlock(&h->thread.lock);
}

void stream_hub_close(struct stream_hub *h)
{
    pthread_mutex_lock(&h->thread.lock);
    h->closed = true;
    struct stream *ready = take_ready(h);
    pthread_mutex_unlock(&h->thread.lock);
    resume_all(ready);
}

void stream_hub_free(struct stream_hub *h)
{
    if (!h) return;
    sleeper_end(&h->thread);
    for (size_t i = 0; h->ring && i < STREAM_RING; i++)
        free(h->ring[i].text);
    free(h->ring);
    free(h->fds);
    free(h);
}

size_t stream_hub_count(struct stream_hub *h)
{
    pthread_mutex_lock(&h->thread.lock);
    size_t n = h->count;
    pthread_mutex_unlock(&h->thread.lock);
    return n;
}
