/* stream_read: what one stream tells: from the store what lies before the ring, then what is in the
 * ring, and when that is told, it is parked. */
#include <stdio.h>
#include <stdlib.h>

#include "api/stream_parts.h"
#include "service/base/deadline.h"
#include "service/base/log.h"
#include "service/base/metrics.h"

enum { PAGE = 32 }; /* events that are read from the store at a time */
static const char heartbeat[] = ":\n\n";

enum err stream_put_text(struct buf *out, int64_t seq, const char *type, const char *data)
{
    if (seq) buf_printf(out, "id: %lld\n", (long long)seq);
    return buf_printf(out, "event: %s\ndata: %s\n\n", type, data);
}

static bool wants(const struct stream *s, const char *job, const char *slot, unsigned type)
{
    const struct stream_wish *w = &s->wish;
    return (!w->job[0] || strcmp(w->job, job) == 0) &&
           (!w->slot[0] || strcmp(w->slot, slot) == 0) && (!w->types || (w->types & type));
}

/* Under the lock. */
static bool fell_out(const struct stream *s)
{
    return s->hub->head - s->at > STREAM_RING;
}

/* Is there something in the ring for it? What is not is passed over. Under the lock. */
bool stream_has_news(struct stream *s)
{
    const struct stream_hub *h = s->hub;
    if (fell_out(s)) return true;
    for (; s->at < h->head; s->at++) {
        const struct entry *e = &h->ring[s->at % STREAM_RING];
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
    while (!s->over && stream_has_news(s)) {
        const struct entry *e = &s->hub->ring[s->at % STREAM_RING];
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

static size_t take_pending(struct stream *s, char *out, size_t cap)
{
    size_t n = s->pending.len - s->sent;
    if (n > cap) n = cap;
    if (n) memcpy(out, s->pending.data + s->sent, n);
    s->sent += n;
    if (s->sent == s->pending.len) {
        buf_dispose(&s->pending);
        buf_init(&s->pending, STREAM_PENDING_MAX);
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
            stream_put_text(&s->pending, r->seq, r->type, r->data_json);
        s->over = s->over || (s->wish.job[0] && stream_is_end(r->type));
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
        if (s->barred) {
            log_info("event stream ended", "token=%s why=\"it was revoked, or has expired\"",
                     s->wish.token);
            return STREAM_END;
        }
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
        pthread_mutex_lock(&h->thread.lock);
        n = go_on(s, out, cap);
        bool parked = s->parked;
        if (n > 0) s->told_ns = deadline_now_ns();
        pthread_mutex_unlock(&h->thread.lock);
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
    pthread_cond_signal(&h->thread.wake); /* there may have been none to look at */
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
    if (!h->ring) h->ring = calloc(STREAM_RING, sizeof *h->ring);
    if (!h->ring) return err_set(ERR_MEM, "out of memory");
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
    buf_init(&s->pending, STREAM_PENDING_MAX);
    pthread_mutex_lock(&h->thread.lock);
    enum err e = enter(h, s);
    pthread_mutex_unlock(&h->thread.lock);
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
    pthread_mutex_lock(&h->thread.lock);
    if (s->prev)
        s->prev->next = s->next;
    else
        h->first = s->next;
    if (s->next) s->next->prev = s->prev;
    h->count--;
    pthread_mutex_unlock(&h->thread.lock);
    buf_dispose(&s->pending);
    free(s);
}
