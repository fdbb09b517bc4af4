/* A serial port with a script and a clock of its own, for the tests of service/at. Time only passes
 * when somebody waits for bytes, so a test of a 60 s time-out takes microseconds and its figures
 * are exact. The code under test is the real one: only clock_gettime() is replaced, below
 * deadline.c. */
#ifndef TESTS_UNIT_AT_FAKE_H
#define TESTS_UNIT_AT_FAKE_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int fake_clock_gettime(clockid_t id, struct timespec *t);
#define clock_gettime fake_clock_gettime
#include "service/base/deadline.c" // NOLINT(bugprone-suspicious-include): the real one, other clock
#undef clock_gettime

#include "service/at/client.h"
#include "service/port/port.h"

static int64_t fake_now_ns = 1000000000;

int fake_clock_gettime(clockid_t id, struct timespec *t)
{
    (void)id;
    t->tv_sec = (time_t)(fake_now_ns / 1000000000);
    t->tv_nsec = (long)(fake_now_ns % 1000000000);
    return 0;
}

/* Bytes on their way to the host. */
struct fake_bytes {
    int64_t at_ns;
    uint8_t *data;
    size_t n;
};

/* What the host is expected to send, and what follows. */
struct fake_step {
    uint8_t *expect;
    size_t n;
    struct fake_bytes says[8]; /* at_ns counts from the moment the host has sent it */
    size_t say_count;
};

struct fake {
    struct port port;
    struct fake_step steps[160];
    size_t step_count, step_at;
    struct fake_bytes wire[400];
    size_t wire_count, wire_at, wire_off;
    struct buf sent; /* not yet matched */
    struct buf all_sent;
    struct buf seen; /* by the tap, both ways */
    size_t chunk;    /* most bytes of one read; 0 = no limit */
    char wrong[256]; /* first difference from the script */
    enum err fail_write, fail_read;
    uint32_t top_baud; /* the adapter's; 0 = any */
    /* Instead of a script: a board in code. */
    void (*on_write)(struct fake *f, const uint8_t *data, size_t n);
    struct at_client *client;
};

static inline void fake_put(struct fake *f, int64_t at_ns, const void *data, size_t n)
{
    assert_true(f->wire_count < sizeof f->wire / sizeof *f->wire);
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, data, n);
    size_t i = f->wire_count++, first = f->wire_at + (f->wire_off > 0);
    for (; i > first && f->wire[i - 1].at_ns > at_ns; i--)
        f->wire[i] = f->wire[i - 1];
    f->wire[i] = (struct fake_bytes){at_ns, copy, n};
}

/* The board says something by itself, ms from now. */
static inline void fake_say_bytes(struct fake *f, int ms, const void *data, size_t n)
{
    fake_put(f, fake_now_ns + (int64_t)ms * 1000000, data, n);
}

static inline void fake_say(struct fake *f, int ms, const char *text)
{
    fake_say_bytes(f, ms, text, strlen(text));
}

static inline void fake_expect_bytes(struct fake *f, const void *data, size_t n)
{
    assert_true(f->step_count < sizeof f->steps / sizeof *f->steps);
    struct fake_step *s = &f->steps[f->step_count++];
    *s = (struct fake_step){.expect = calloc(1, n + 1), .n = n};
    assert_non_null(s->expect);
    memcpy(s->expect, data, n);
}

/* ms after the last expected bytes were sent. */
static inline void fake_then_bytes(struct fake *f, int ms, const void *data, size_t n)
{
    struct fake_step *s = &f->steps[f->step_count - 1];
    assert_true(s->say_count < 8);
    struct fake_bytes *b = &s->says[s->say_count++];
    *b = (struct fake_bytes){(int64_t)ms * 1000000, malloc(n ? n : 1), n};
    assert_non_null(b->data);
    memcpy(b->data, data, n);
}

static inline void fake_then(struct fake *f, int ms, const char *text)
{
    fake_then_bytes(f, ms, text, strlen(text));
}

/* A line without its CR LF, and the answer. */
static inline void fake_on(struct fake *f, const char *line, const char *answer)
{
    char out[600];
    int n = snprintf(out, sizeof out, "%s\r\n", line);
    fake_expect_bytes(f, out, (size_t)n);
    if (answer) fake_then(f, 2, answer);
}

static inline void fake_match(struct fake *f)
{
    while (f->step_at < f->step_count && f->sent.len >= f->steps[f->step_at].n) {
        struct fake_step *s = &f->steps[f->step_at];
        if (memcmp(f->sent.data, s->expect, s->n) != 0) break;
        buf_consume(&f->sent, s->n);
        for (size_t i = 0; i < s->say_count; i++)
            fake_put(f, fake_now_ns + s->says[i].at_ns, s->says[i].data, s->says[i].n);
        f->step_at++;
    }
    if (f->sent.len && !f->wrong[0]) {
        bool over = f->step_at == f->step_count;
        const struct fake_step *s = over ? NULL : &f->steps[f->step_at];
        if (over || memcmp(f->sent.data, s->expect, f->sent.len < s->n ? f->sent.len : s->n) != 0)
            snprintf(f->wrong, sizeof f->wrong, "step %zu: expected \"%.*s\", sent \"%.100s\"",
                     f->step_at, over ? 0 : (int)(s->n < 100 ? s->n : 100),
                     over ? "" : (const char *)s->expect, buf_str(&f->sent));
    }
}

static enum err fake_read(struct port *p, void *out, size_t cap, struct deadline until,
                          size_t *n_out)
{
    struct fake *f = (struct fake *)p;
    *n_out = 0;
    if (f->fail_read) return err_set(f->fail_read, "fake read");
    if (cancel_is_raised(p->cancel)) return err_set(ERR_CANCELLED, "cancelled");
    struct fake_bytes *b = f->wire_at < f->wire_count ? &f->wire[f->wire_at] : NULL;
    if (!b || b->at_ns > (until.at_ns > fake_now_ns ? until.at_ns : fake_now_ns)) {
        if (until.at_ns == INT64_MAX) fail_msg("waits for ever for bytes that will not come");
        if (until.at_ns > fake_now_ns) fake_now_ns = until.at_ns;
        return err_set(ERR_TIMEOUT, "no byte came");
    }
    if (b->at_ns > fake_now_ns) fake_now_ns = b->at_ns;
    size_t n = b->n - f->wire_off;
    if (n > cap) n = cap;
    if (f->chunk && n > f->chunk) n = f->chunk;
    memcpy(out, b->data + f->wire_off, n);
    f->wire_off += n;
    if (f->wire_off == b->n) {
        free(b->data);
        f->wire_at++;
        f->wire_off = 0;
    }
    *n_out = n;
    return ERR_OK;
}

static enum err fake_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    struct fake *f = (struct fake *)p;
    (void)until;
    if (f->fail_write) return err_set(f->fail_write, "fake write");
    if (cancel_is_raised(p->cancel)) return err_set(ERR_CANCELLED, "cancelled");
    buf_append(&f->all_sent, data, n);
    if (f->on_write) {
        f->on_write(f, data, n);
        return ERR_OK;
    }
    buf_append(&f->sent, data, n);
    fake_match(f);
    return ERR_OK;
}

static enum err fake_flush(struct port *p)
{
    struct fake *f = (struct fake *)p;
    while (f->wire_at < f->wire_count && f->wire[f->wire_at].at_ns <= fake_now_ns)
        free(f->wire[f->wire_at++].data);
    f->wire_off = 0;
    return ERR_OK;
}

static enum err fake_drain(struct port *p, struct deadline until)
{
    (void)p;
    (void)until;
    return ERR_OK;
}

static enum err fake_set_baud(struct port *p, uint32_t baud)
{
    const struct fake *f = (const struct fake *)p;
    return f->top_baud && baud > f->top_baud ? err_set(ERR_IO, "no such speed") : ERR_OK;
}

static const struct port_ops fake_ops = {.read = fake_read,
                                         .write_all = fake_write,
                                         .set_baud = fake_set_baud,
                                         .flush_input = fake_flush,
                                         .drain = fake_drain};

static void fake_tap(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    struct fake *f = arg;
    (void)dir;
    if (data) buf_append(&f->seen, data, n);
}

static inline struct fake *fake_new(void)
{
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->port = (struct port){
        .ops = &fake_ops, .name = "fake", .baud = 115200, .tap = fake_tap, .tap_arg = f};
    buf_init(&f->sent, 1 << 20);
    buf_init(&f->all_sent, 1 << 20);
    buf_init(&f->seen, 1 << 20);
    assert_int_equal(at_client_new(&f->port, &f->client), ERR_OK);
    return f;
}

/* The part of at_client_start() on a board that just answers: every script begins with it. */
static inline void fake_on_start(struct fake *f)
{
    fake_on(f, "AT", "AT\r\r\n\r\nOK\r\n");
    fake_on(f, "ATE0", "ATE0\r\n\r\nOK\r\n");
    fake_on(f, "AT+SYSLOG=1", "\r\nOK\r\n");
}

static inline struct fake *fake_started(void)
{
    struct fake *f = fake_new();
    fake_on_start(f);
    assert_int_equal(at_client_start(f->client, deadline_in_ms(10000)), ERR_OK);
    return f;
}

static inline bool fake_has(const struct buf *b, const void *what, size_t n)
{
    return b->len && memmem(b->data, b->len, what, n) != NULL;
}

/* Every step was taken and nothing else was sent; the tap never saw @p secret (NULL: none). */
static inline void fake_end(struct fake *f, const char *secret)
{
    at_client_free(f->client);
    assert_string_equal(f->wrong, "");
    if (!f->on_write && f->step_at != f->step_count)
        fail_msg("only %zu of %zu steps were taken; next: %.80s", f->step_at, f->step_count,
                 (const char *)f->steps[f->step_at].expect);
    if (secret) {
        assert_false(fake_has(&f->seen, secret, strlen(secret)));
        assert_null(strstr(err_last()->detail, secret));
        assert_null(strstr(err_last()->device, secret));
    }
    for (size_t i = 0; i < f->step_count; i++) {
        free(f->steps[i].expect);
        for (size_t k = 0; k < f->steps[i].say_count; k++)
            free(f->steps[i].says[k].data);
    }
    for (size_t i = f->wire_at; i < f->wire_count; i++)
        free(f->wire[i].data);
    buf_dispose(&f->sent);
    buf_dispose(&f->all_sent);
    buf_dispose(&f->seen);
    free(f);
}

/* A result with its code ("" for ERR_OK). */
static inline void fake_is(enum err got, enum err want, const char *code)
{
    if (got != want)
        fail_msg("%s instead of %s: %s: %s", err_name(got), err_name(want), err_last()->code,
                 err_last()->detail);
    if (got) assert_string_equal(err_last()->code, code);
}
#endif
