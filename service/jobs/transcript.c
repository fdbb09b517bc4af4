/* transcript: bytes gather in a burst until the direction or the port changes, 5 ms pass, or the
 * burst is full; then the burst becomes a line. Lines fill the head; after that they go to the
 * tail, which loses its oldest lines when it is full. So the connect sequence and the failure are
 * both kept, and the memory of a job is bounded whatever it flashes. */
#include "service/jobs/transcript.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/deadline.h"
#include "service/base/digest.h"
#include "service/base/limits.h"
#include "service/store/text.h"

enum {
    BURST = 256,
    BURST_GAP_NS = 5 * 1000 * 1000,
    LINE = 2 * BURST + 128,
    NOTE = 512,
    HEAD_MAX = LIMIT_TRANSCRIPT / 2,
    TAIL_MAX = LIMIT_TRANSCRIPT / 2 - LINE,
};

struct transcript {
    atomic_int refs;
    int64_t start_ns;
    pthread_mutex_t lock; /* guards all below; no other lock is taken under it */
    struct buf head, tail;
    size_t dropped_lines;
    struct burst {
        const char *port; /* NULL: none */
        bool from_board, secret;
        int64_t first_ns, last_ns;
        uint8_t bytes[BURST];
        size_t n;
    } burst;
};

struct transcript *transcript_new(void)
{
    struct transcript *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    t->start_ns = deadline_now_ns();
    pthread_mutex_init(&t->lock, NULL);
    buf_init(&t->head, HEAD_MAX);
    buf_init(&t->tail, TAIL_MAX);
    return t;
}

struct transcript *transcript_ref(struct transcript *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void transcript_unref(struct transcript *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1) return;
    buf_dispose(&t->head);
    buf_dispose(&t->tail);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static int64_t ms_of(const struct transcript *t, int64_t ns)
{
    return (ns - t->start_ns) / 1000000;
}

/* Let the oldest quarter go at once, so that a long job does not move the tail for every line. */
static void shorten_tail(struct transcript *t)
{
    size_t drop = 0;
    while (drop < t->tail.len && drop < TAIL_MAX / 4) {
        const uint8_t *end = memchr(t->tail.data + drop, '\n', t->tail.len - drop);
        drop = end ? (size_t)(end - t->tail.data) + 1 : t->tail.len;
        t->dropped_lines++;
    }
    buf_consume(&t->tail, drop);
}

static void keep_line(struct transcript *t, const char *line, size_t n)
{
    if (!t->tail.len && !t->dropped_lines && n <= HEAD_MAX - t->head.len) {
        if (buf_append(&t->head, line, n) == ERR_OK) return;
        buf_reset(&t->head); /* no memory: what is lost is counted */
        t->dropped_lines++;
        return;
    }
    if (n > TAIL_MAX - t->tail.len) shorten_tail(t);
    if (buf_append(&t->tail, line, n) == ERR_OK) return;
    buf_reset(&t->tail);
    t->dropped_lines++;
}

static size_t burst_line(const struct transcript *t, char out[LINE])
{
    const struct burst *b = &t->burst;
    char hex[2 * BURST + 1];
    int n = snprintf(out, LINE, "{\"ms\":%" PRId64 ",\"dir\":\"%s\",\"port\":\"%s\",",
                     ms_of(t, b->first_ns), b->from_board ? "board" : "host", b->port);
    if (b->secret)
        n += snprintf(out + n, LINE - (size_t)n, "\"secret\":%zu}\n", b->n);
    else
        n += snprintf(out + n, LINE - (size_t)n, "\"hex\":\"%s\"}\n",
                      digest_hex(b->bytes, b->n, hex));
    return (size_t)n;
}

static void end_burst(struct transcript *t)
{
    char line[LINE];
    if (!t->burst.port) return;
    keep_line(t, line, burst_line(t, line));
    t->burst.port = NULL;
    t->burst.n = 0;
}

static bool joins(const struct burst *b, const char *port, bool from_board, bool secret,
                  int64_t now_ns)
{
    return b->port && strcmp(b->port, port) == 0 && b->from_board == from_board &&
           b->secret == secret && now_ns - b->last_ns <= BURST_GAP_NS;
}

void transcript_bytes(struct transcript *t, const char *port, bool from_board, const uint8_t *data,
                      size_t n)
{
    pthread_mutex_lock(&t->lock);
    int64_t now = deadline_now_ns();
    struct burst *b = &t->burst;
    if (!joins(b, port, from_board, !data, now)) end_burst(t);
    while (n) {
        if (!b->port) {
            b->port = port;
            b->from_board = from_board;
            b->secret = !data;
            b->first_ns = now;
        }
        size_t part = data && n > BURST - b->n ? BURST - b->n : n;
        if (data) memcpy(b->bytes + b->n, data, part);
        b->n += part;
        b->last_ns = now;
        if (data) data += part;
        n -= part;
        if (data && b->n == BURST) end_burst(t);
    }
    pthread_mutex_unlock(&t->lock);
}

/* @return length, 0 when there is no memory */
static size_t note_line(const struct transcript *t, int64_t now_ns, const char *text, char *out,
                        size_t cap)
{
    char clean[NOTE];
    snprintf(clean, sizeof clean, "%s", text);
    text_clean(clean);
    json_t *string = json_string(clean);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    json_decref(string);
    if (!quoted) return 0;
    int n = snprintf(out, cap, "{\"ms\":%" PRId64 ",\"note\":%s}\n", ms_of(t, now_ns), quoted);
    free(quoted);
    return n > 0 && (size_t)n < cap ? (size_t)n : 0;
}

void transcript_note(struct transcript *t, const char *text)
{
    char line[6 * NOTE + 64]; /* the longest escape of a character is six */
    pthread_mutex_lock(&t->lock);
    end_burst(t);
    size_t n = note_line(t, deadline_now_ns(), text, line, sizeof line);
    if (n) keep_line(t, line, n);
    pthread_mutex_unlock(&t->lock);
}

enum err transcript_render(struct transcript *t, struct buf *out)
{
    char line[LINE], gap[96];
    pthread_mutex_lock(&t->lock);
    enum err e = buf_append(out, t->head.data, t->head.len);
    if (!e && t->dropped_lines) {
        snprintf(gap, sizeof gap, "%zu lines of the transcript were dropped here",
                 t->dropped_lines);
        e = buf_append(out, line, note_line(t, deadline_now_ns(), gap, line, sizeof line));
    }
    if (!e) e = buf_append(out, t->tail.data, t->tail.len);
    if (!e && t->burst.port) e = buf_append(out, line, burst_line(t, line));
    pthread_mutex_unlock(&t->lock);
    return e;
}
