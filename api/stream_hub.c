#include "api/stream_hub.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/buf.h"
#include "service/base/log.h"
#include "service/base/metrics.h"
#include "service/base/thread.h"

enum {
    RING = 2048,           /* events; half a minute of a busy bench */
    PAGE = 32,             /* events that are read from the store at a time */
    PENDING_MAX = 1 << 20, /* bytes of a page, or of one event */
    TICK_MS = 1000,        /* how often clients and clocks are looked at, at least */
    ROUND_MS = 2,          /* between two rounds, and so many microseconds for each stream that */
    ROUND_STREAM_US = 20,  /* was woken: what happens in between is told together */
};
static const char heartbeat[] = ":\n\n";

struct entry {
    int64_t seq; /* 0 = not stored */
    unsigned type;
    bool ends; /* its job */
    char job[ID_TEXT], slot[64];
    char *text;
    size_t len;
};

struct stream_hub {
    struct stream_limits limits;
    struct store *store;
    pthread_t thread;
    struct pollfd *fds; /* the thread's own: room for all streams */
    pthread_mutex_t lock;
    /* guarded by lock: */
    pthread_cond_t wake;
    struct entry ring[RING];
    uint64_t head;  /* events that ever came; the newest RING are in the ring */
    int64_t newest; /* seq of the newest event that came or was there before */
    struct stream *first;
    size_t count;
    uint64_t opened;
    bool news, serving, closed, ending;
};

struct stream {
    struct stream_hub *hub;
    struct stream_wish wish;
    struct stream_host host;
    struct buf pending; /* text that waits to be read */
    size_t sent;        /* of it */
    int64_t last;       /* events up to this seq are told or not wanted */
    int64_t replay_to;  /* up to here they come from the store, then from the ring: */
    uint64_t at;        /* the next in the ring */
    bool live;          /* has once caught up with the ring */
    bool over;          /* nothing more to tell */
    bool slow;          /* fell out of the ring */
    int64_t told_ns;
    struct stream *next, *prev; /* guarded by the hub's lock, as are: */
    bool parked;
    bool beat;         /* it was woken for a sign of life */
    bool looks_gone;   /* its client has closed, or half closed, the connection */
    struct stream *up; /* next of those that are resumed */
};

static bool wants(const struct stream *s, const char *job, const char *slot, unsigned type)
{
    const struct stream_wish *w = &s->wish;
    return (!w->job[0] || strcmp(w->job, job) == 0) &&
           (!w->slot[0] || strcmp(w->slot, slot) == 0) && (!w->types || (w->types & type));
}

static bool is_end(const char *type)
{
    return strcmp(type, "job.ended") == 0;
}

static enum err put_text(struct buf *out, int64_t seq, const char *type, const char *data)
{
    if (seq) buf_printf(out, "id: %lld\n", (long long)seq);
    return buf_printf(out, "event: %s\ndata: %s\n\n", type, data);
}

/* ---- the ring ---- */

/* Under the lock. @return the entry that the next event takes */
static struct entry *push(struct stream_hub *h)
{
    struct entry *e = &h->ring[h->head++ % RING];
    free(e->text);
    return e;
}

void stream_hub_publish(struct stream_hub *h, const struct event_record *event)
{
    struct buf text;
    struct entry e = {
        .seq = event->seq, .type = event_type_bit(event->type), .ends = is_end(event->type)};
    memcpy(e.job, event->job, sizeof e.job);
    memcpy(e.slot, event->slot, sizeof e.slot);
    buf_init(&text, PENDING_MAX);
    put_text(&text, event->seq, event->type, event->data_json);
    e.text = buf_ok(&text) ? NULL : (char *)text.data;
    e.len = text.len;
    pthread_mutex_lock(&h->lock);
    if (e.text)
        *push(h) = e;
    else if (e.seq) /* no memory for it: all who follow the ring fall out of it, and come back */
        h->head += RING + 1;
    if (e.seq > h->newest) h->newest = e.seq;
    if (h->count && !h->news) {
        h->news = true;
        pthread_cond_signal(&h->wake);
    }
    pthread_mutex_unlock(&h->lock);
}

/* Under the lock. */
static bool fell_out(const struct stream *s)
{
    return s->hub->head - s->at > RING;
}

/* Is there something in the ring for it? What is not is passed over. Under the lock. */
static bool has_news(struct stream *s)
{
    const struct stream_hub *h = s->hub;
    if (fell_out(s)) return true;
    for (; s->at < h->head; s->at++) {
        const struct entry *e = &h->ring[s->at % RING];
        if (e->seq && e->seq <= s->last) continue;
        if (wants(s, e->job, e->slot, e->type)) return true;
        if (e->ends && strcmp(s->wish.job, e->job) == 0) return true;
    }
    return false;
}

/* Take what fits of the ring. Under the lock. @return bytes; 0 with s->pending filled when the next
 * one alone is too long */
static size_t take_ring(struct stream *s, char *out, size_t cap)
{
    size_t n = 0;
    while (!s->over && has_news(s)) {
        const struct entry *e = &s->hub->ring[s->at % RING];
        bool wanted = wants(s, e->job, e->slot, e->type);
        if (wanted && e->len > cap - n) {
            if (n) break;
            s->over = buf_append(&s->pending, e->text, e->len) != ERR_OK;
        } else if (wanted) {
            memcpy(out + n, e->text, e->len);
            n += e->len;
        }
        s->at++;
        s->over = s->over || (e->ends && s->wish.job[0]);
        if (s->pending.len) break;
    }
    return n;
}

/* ---- one stream ---- */

static size_t take_pending(struct stream *s, char *out, size_t cap)
{
    size_t n = s->pending.len - s->sent;
    if (n > cap) n = cap;
    if (n) memcpy(out, s->pending.data + s->sent, n);
    s->sent += n;
    if (s->sent == s->pending.len) {
        buf_dispose(&s->pending);
        buf_init(&s->pending, PENDING_MAX);
        s->sent = 0;
    }
    return n;
}

/* A page of the store. */
static enum err replay(struct stream *s)
{
    struct event_record *list;
    size_t n;
    enum err e =
        store_event_list(s->hub->store, s->wish.job, s->last, s->replay_to, PAGE, &list, &n);
    if (e) return e;
    s->last = n < PAGE ? s->replay_to : list[n - 1].seq;
    for (size_t i = 0; i < n; i++) {
        const struct event_record *r = &list[i];
        if (!s->over && wants(s, r->job, r->slot, event_type_bit(r->type)))
            put_text(&s->pending, r->seq, r->type, r->data_json);
        s->over = s->over || (s->wish.job[0] && is_end(r->type));
        event_record_dispose(&list[i]);
    }
    free(list);
    return buf_ok(&s->pending);
}

/* What is stored up to now comes from the store, the rest from the ring. Under the lock. */
static void aim(struct stream *s)
{
    s->replay_to = s->hub->newest;
    s->at = s->hub->head;
}

/* Nothing waits, and all that had to come from the store has come. Under the lock. @return bytes,
 * 0: parked, or pending was filled, or to be replayed further; STREAM_END */
static ssize_t go_on(struct stream *s, char *out, size_t cap)
{
    if (s->hub->closed || s->wish.finite) return STREAM_END;
    if (fell_out(s) && !s->live) {
        aim(s);
        return 0;
    }
    s->slow = fell_out(s);
    if (s->slow) return STREAM_END;
    size_t n = take_ring(s, out, cap);
    if (n || s->pending.len || s->over) return (ssize_t)n;
    s->live = true;
    if (s->beat) {
        s->beat = false;
        n = sizeof heartbeat - 1;
        memcpy(out, heartbeat, n);
        return (ssize_t)n;
    }
    s->parked = true;
    s->host.park(s->host.arg);
    return 0;
}

ssize_t stream_read(struct stream *s, char *out, size_t cap)
{
    struct stream_hub *h = s->hub;
    for (;;) {
        ssize_t n = (ssize_t)take_pending(s, out, cap);
        if (n) {
            s->told_ns = deadline_now_ns();
            return n;
        }
        if (s->over) return STREAM_END;
        if (s->last < s->replay_to) {
            if (replay(s)) {
                log_warn("event stream ended", "code=%s", err_last()->code);
                return STREAM_END;
            }
            continue;
        }
        pthread_mutex_lock(&h->lock);
        n = go_on(s, out, cap);
        bool parked = s->parked;
        if (n > 0) s->told_ns = deadline_now_ns();
        pthread_mutex_unlock(&h->lock);
        if (s->slow) {
            metrics_add(METRIC_STREAMS_SLOW, 1);
            log_info("event stream too slow, ended", "address=%s", s->wish.address);
        }
        if (n || parked) return n;
    }
}

static size_t count_of(const struct stream_hub *h, const char *address)
{
    size_t n = 0;
    for (const struct stream *s = h->first; s; s = s->next)
        n += strcmp(s->wish.address, address) == 0;
    return n;
}

static void link_in(struct stream_hub *h, struct stream *s)
{
    s->next = h->first;
    if (s->next) s->next->prev = s;
    h->first = s;
    h->count++;
    pthread_cond_signal(&h->wake); /* there may have been none to look at */
}

/* A place among the streams. Under the lock. */
static enum err enter(struct stream_hub *h, struct stream *s)
{
    const char *address = s->wish.address;
    if (h->closed || !h->serving)
        return err_fail(ERR_CONFLICT, "shutting_down", "Ask again when it runs.",
                        "espgate is stopping");
    if (h->count >= h->limits.streams)
        return err_fail(ERR_BUSY, "too_many_streams", "Close one, or ask again later.",
                        "there are %zu event streams already", h->count);
    if (address[0] && count_of(h, address) >= h->limits.of_address)
        return err_fail(ERR_BUSY, "too_many_streams", "Close one, or ask again later.",
                        "there are %zu event streams of %s already", h->limits.of_address, address);
    aim(s);
    /* An id that was never given: of a database that was restored, say. */
    bool unknown = s->wish.after == STREAM_FROM_NOW || s->wish.after > h->newest;
    s->last = unknown ? h->newest : s->wish.after;
    /* Clients that are cut off together do not come back together. */
    buf_printf(&s->pending, "retry: %u\n\n", 1000 + (unsigned)(h->opened++ * 617 % 2000));
    link_in(h, s);
    return ERR_OK;
}

enum err stream_open(struct stream_hub *h, const struct stream_wish *wish, struct stream **out)
{
    *out = NULL;
    struct stream *s = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    s->hub = h;
    s->wish = *wish;
    s->told_ns = deadline_now_ns();
    buf_init(&s->pending, PENDING_MAX);
    pthread_mutex_lock(&h->lock);
    enum err e = enter(h, s);
    pthread_mutex_unlock(&h->lock);
    if (e)
        free(s);
    else
        *out = s;
    return e;
}

void stream_bind(struct stream *s, const struct stream_host *host)
{
    s->host = *host;
}

void stream_close(struct stream *s)
{
    if (!s) return;
    struct stream_hub *h = s->hub;
    pthread_mutex_lock(&h->lock);
    if (s->prev)
        s->prev->next = s->next;
    else
        h->first = s->next;
    if (s->next) s->next->prev = s->prev;
    h->count--;
    pthread_mutex_unlock(&h->lock);
    buf_dispose(&s->pending);
    free(s);
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

/* Under the lock. @return those that have something to say, parked no more */
static struct stream *take_ready(struct stream_hub *h)
{
    struct stream *ready = NULL;
    for (struct stream *s = h->first; s; s = s->next) {
        if (!s->parked || !(h->closed || s->beat || has_news(s))) continue;
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
    while (!h->ending && !h->news && !(h->count && deadline_passed(tick)))
        thread_wait_until(&h->wake, &h->lock, h->count ? tick : deadline_never());
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
    pthread_mutex_lock(&h->lock);
    while (!h->ending) {
        wait_news(h, tick);
        if (deadline_passed(tick)) {
            look_at_clients(h);
            look_at_clocks(h);
            tick = next_tick(h);
        }
        struct stream *ready = take_ready(h);
        pthread_mutex_unlock(&h->lock);
        unsigned woken = resume_all(ready);
        struct deadline pause = deadline_in_ms(ROUND_MS + woken * ROUND_STREAM_US / 1000);
        pthread_mutex_lock(&h->lock);
        while (!h->ending && !deadline_passed(pause))
            thread_wait_until(&h->wake, &h->lock, pause);
    }
    pthread_mutex_unlock(&h->lock);
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
    pthread_mutex_init(&h->lock, NULL);
    thread_cond_init(&h->wake);
    enum err e = thread_start(&h->thread, "http-events", hub_main, h);
    if (!e) {
        *out = h;
        return ERR_OK;
    }
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(fds);
    free(h);
    return e;
}

enum err stream_hub_serve(struct stream_hub *h, struct store *store)
{
    int64_t newest;
    enum err e = store_event_last(store, &newest);
    if (e) return e;
    pthread_mutex_lock(&h->lock);
    h->store = store;
    /* Events may have come in already, and what is stored may not have come in yet. */
    if (newest > h->newest) h->newest = newest;
    h->serving = true;
    pthread_mutex_unlock(&h->lock);
    return ERR_OK;
}

void stream_hub_close(struct stream_hub *h)
{
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    struct stream *ready = take_ready(h);
    pthread_mutex_unlock(&h->lock);
    resume_all(ready);
}

void stream_hub_free(struct stream_hub *h)
{
    if (!h) return;
    pthread_mutex_lock(&h->lock);
    h->ending = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    for (size_t i = 0; i < RING; i++)
        free(h->ring[i].text);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    free(h->fds);
    free(h);
}

size_t stream_hub_count(struct stream_hub *h)
{
    pthread_mutex_lock(&h->lock);
    size_t n = h->count;
    pthread_mutex_unlock(&h->lock);
    return n;
}
