/* uart: between the pseudo-terminal and the chip stand two lanes, one each way. With pacing a byte
 * is handed on when it has crossed a wire of the sender's speed; the loop looks exactly when the
 * end of a frame or of all that is queued has crossed, and now and then in between, so a burst
 * costs little CPU and what a receiver acts on is on time. Reading stops while the inward lane is
 * full: the host's writes then block as they do on a real port.
 *
 * Faults are applied where they would arise: lost and flipped bytes and a hang-up on the way in,
 * noise and silence on the way out. */
#include "tests/board/uart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "tests/board/fault.h"
#include "tests/board/lane.h"
#include "tests/board/line.h"
#include "tests/board/loop.h"
#include "tests/board/pty.h"
#include "tests/board/transcript.h"

enum { RX_LIMIT = 8192, TX_LIMIT = 1 << 20, CHUNK = 4096, MAX_WAITERS = 8, BITS_A_BYTE = 10 };
#define RX_QUANTUM_NS 25000000ULL
#define TX_QUANTUM_NS 5000000ULL
#define NS_PER_S      1000000000ULL
/* Full speed carries at most 19 packets of 64 bytes a millisecond; the chip keeps up with most. */
#define USB_BYTE_NS 1000ULL

struct waiter {
    void (*fn)(void *arg);
    void *arg;
    uint64_t mark; /* bytes that must have left */
};

struct uart {
    struct loop *loop;
    struct faults *faults;
    struct transcript *transcript;
    struct timer *timer;
    struct uart_events on;
    struct pty pty;
    struct pty next; /* while unplugged: what comes instead */
    const char *link;
    struct lane rx, tx;
    bool connected;
    bool paced;
    bool usb;
    bool tx_blocked;
    uint32_t watched; /* epoll events */
    char name[16];
    char label[16];
    uint32_t baud;
    uint32_t host_baud; /* looked up when the host does something, and before we begin to send */
    uint32_t auto_min_baud, auto_max_baud;
    struct line line;
    uint64_t tx_queued, tx_left;
    struct waiter waiters[MAX_WAITERS];
    size_t waiter_count;
};

static uint64_t byte_ns(const struct uart *u, uint32_t baud)
{
    if (u->usb) return u->paced ? USB_BYTE_NS : 0;
    return u->paced && baud ? NS_PER_S * BITS_A_BYTE / baud : 0;
}

/* A chip's own USB port carries bytes in packets that either arrive or not, at no speed. */
static uint32_t line_baud(const struct uart *u, uint32_t baud)
{
    return u->usb ? 0 : baud;
}

/* A receiver samples the last bit 9.5 bit times after the start edge: a few per cent are fatal. */
static bool speeds_differ(const struct uart *u)
{
    uint32_t a = u->host_baud;
    uint32_t b = u->baud;
    uint64_t diff = a > b ? a - b : b - a;
    return !u->usb && diff * 100 > (uint64_t)b * 3;
}

static void fire_waiters(struct uart *u)
{
    while (u->waiter_count > 0 && u->waiters[0].mark <= u->tx_left) {
        struct waiter w = u->waiters[0];
        u->waiter_count--;
        memmove(u->waiters, u->waiters + 1, u->waiter_count * sizeof *u->waiters);
        w.fn(w.arg);
    }
}

/* Changes of the host's speed are recorded in the words of the recordings of real boards, so that a
 * transcript can be replayed as those are. */
static void look_at_speed(struct uart *u)
{
    uint32_t before = u->host_baud;
    u->host_baud = pty_host_baud(&u->pty);
    if (before == 0 || before == u->host_baud) return;
    char note[80];
    snprintf(note, sizeof note, "host changes its line speed to %u (%s)", (unsigned)u->host_baud,
             u->name);
    transcript_note(u->transcript, note);
}

/* Sends what has crossed the wire by now. @return false when the host's buffer is full. */
static bool send_due(struct uart *u, uint64_t now)
{
    for (;;) {
        const uint8_t *data;
        uint64_t per_byte = byte_ns(u, u->baud);
        size_t n = lane_due(&u->tx, now, per_byte, &data);
        if (n == 0) return true;
        uint8_t chunk[CHUNK];
        if (n > sizeof chunk) n = sizeof chunk;
        memcpy(chunk, data, n);
        if (speeds_differ(u)) line_garble(&u->line, chunk, n);
        bool arrives = line_outward(&u->line, u->tx_left, chunk, n, line_baud(u, u->baud));
        size_t done = arrives ? pty_write(&u->pty, chunk, n) : n;
        transcript_bytes(u->transcript, "board", u->label, chunk, done);
        lane_pop(&u->tx, done, per_byte);
        u->tx_left += done;
        if (done < n) return false;
    }
}

static void pump_tx(struct uart *u, uint64_t now)
{
    u->tx_blocked = !send_due(u, now);
    fire_waiters(u);
}

static void note(struct uart *u, const char *what)
{
    char text[64];
    snprintf(text, sizeof text, "%s %s", u->name, what);
    transcript_note(u->transcript, text);
}

static void hang_up(struct uart *u)
{
    loop_remove_fd(u->loop, u->pty.master);
    pty_close(&u->pty);
    u->connected = false;
    u->tx_blocked = false;
    lane_clear(&u->rx);
    lane_clear(&u->tx);
    u->tx_left = u->tx_queued;
    if (u->waiter_count > 0) timer_arm(u->timer, 0); /* for what will not be sent */
}

/* What the chip's receiver makes of what the host sent. */
static void garble(struct uart *u, uint8_t *data, size_t n)
{
    if (!speeds_differ(u)) return;
    /* The kernel looks for a notice before it looks for data: a change and bytes that come in
     * between arrive in the wrong order. */
    look_at_speed(u);
    if (!speeds_differ(u)) return;
    if (u->host_baud >= u->auto_min_baud && u->host_baud <= u->auto_max_baud)
        u->baud = u->host_baud;
    else
        line_garble(&u->line, data, n);
}

static void deliver(struct uart *u, uint8_t *data, size_t n)
{
    transcript_bytes(u->transcript, "host", u->label, data, n);
    garble(u, data, n);
    bool gone;
    size_t kept = line_inward(&u->line, data, n, line_baud(u, u->host_baud), &gone);
    if (gone) uart_unplug(u);
    if (kept > 0 && u->on.bytes) u->on.bytes(data, kept, u->on.arg);
}

static void pump_rx(struct uart *u, uint64_t now)
{
    while (u->connected) {
        const uint8_t *data;
        uint64_t per_byte = byte_ns(u, u->host_baud);
        size_t n = lane_due(&u->rx, now, per_byte, &data);
        if (n == 0) return;
        uint8_t chunk[CHUNK];
        if (n > sizeof chunk) n = sizeof chunk;
        memcpy(chunk, data, n);
        lane_pop(&u->rx, n, per_byte);
        deliver(u, chunk, n);
    }
}

static void report_edges(struct uart *u)
{
    struct pty_edge e;
    while (u->connected && pty_next_edge(&u->pty, &e)) {
        char note[48];
        snprintf(note, sizeof note, "%s DTR %d RTS %d", u->name, e.dtr, e.rts);
        transcript_note(u->transcript, note);
        if (u->on.lines) u->on.lines(e.dtr, e.rts, e.at_ns, u->on.arg);
    }
}

static void read_host(struct uart *u)
{
    uint8_t chunk[CHUNK];
    while (u->connected) {
        size_t room = RX_LIMIT - u->rx.len;
        ssize_t n = pty_read(&u->pty, chunk, room < sizeof chunk ? room : sizeof chunk);
        if (n < 0) return;
        if (n == 0) { /* the host changed its settings or lines, before the bytes that follow */
            look_at_speed(u);
            report_edges(u);
        } else if (u->paced) {
            lane_push(&u->rx, chunk, (size_t)n, RX_LIMIT, loop_now_ns());
        } else {
            deliver(u, chunk, (size_t)n);
        }
        if (u->rx.len == RX_LIMIT) return;
    }
}

static void on_fd(int fd, uint32_t events, void *arg);

/* Packet-mode notices raise EPOLLPRI: those are wanted also while reading is paused. */
static void watch(struct uart *u)
{
    uint32_t events = EPOLLPRI;
    if (u->rx.len < RX_LIMIT) events |= EPOLLIN;
    if (u->tx_blocked) events |= EPOLLOUT;
    if (events == u->watched) return;
    u->watched = events;
    loop_add_fd(u->loop, u->pty.master, events, on_fd, u);
}

/* Says when to look next. */
static void plan(struct uart *u)
{
    if (!u->connected) return;
    uint64_t now = loop_now_ns();
    uint64_t wait = UINT64_MAX;
    if (u->rx.len > 0) wait = lane_wait_ns(&u->rx, now, byte_ns(u, u->host_baud), RX_QUANTUM_NS);
    if (u->tx.len > 0 && !u->tx_blocked) {
        uint64_t tx = lane_wait_ns(&u->tx, now, byte_ns(u, u->baud), TX_QUANTUM_NS);
        wait = tx < wait ? tx : wait;
    }
    if (wait != UINT64_MAX) timer_arm(u->timer, wait);
    watch(u);
}

static void settle(struct uart *u)
{
    uint64_t now = loop_now_ns();
    pump_rx(u, now);
    pump_tx(u, now);
    plan(u);
}

static void on_timer(void *arg)
{
    report_edges(arg);
    settle(arg);
}

static void on_fd(int fd, uint32_t events, void *arg)
{
    struct uart *u = arg;
    (void)fd;
    look_at_speed(u);
    if (events & (EPOLLIN | EPOLLPRI)) read_host(u);
    settle(u);
}

struct uart *uart_open(struct loop *l, const char *name, const char *link, bool paced,
                       struct faults *faults)
{
    struct uart *u = calloc(1, sizeof *u);
    if (!u) return NULL;
    u->loop = l;
    u->link = link;
    u->faults = faults;
    u->paced = paced;
    u->baud = 115200;
    snprintf(u->name, sizeof u->name, "%s", name);
    u->line = (struct line){.faults = faults, .port = u->name, .noise = 0x2545f491};
    snprintf(u->label, sizeof u->label, "%s", name);
    u->timer = timer_new(l, on_timer, u);
    u->next = (struct pty){.master = -1, .slave = -1};
    if (!u->timer || (link && !uart_plug(u))) {
        uart_close(u);
        return NULL;
    }
    return u;
}

void uart_close(struct uart *u)
{
    if (!u) return;
    if (u->connected) hang_up(u);
    pty_close(&u->next);
    timer_free(u->timer);
    lane_dispose(&u->rx);
    lane_dispose(&u->tx);
    free(u);
}

void uart_unplug(struct uart *u)
{
    if (!u->connected) return;
    /* Made first: the kernel gives the lowest free number, and a port that comes back is to be
     * another one for whoever still has the old one open, and for whoever has not. */
    pty_make(&u->next);
    hang_up(u);
    note(u, "is unplugged");
    if (u->on.lines) u->on.lines(false, false, loop_now_ns(), u->on.arg);
}

bool uart_plug(struct uart *u)
{
    if (u->connected) return true;
    if (!u->link || (u->next.master < 0 && !pty_make(&u->next))) return false;
    u->pty = u->next;
    u->next = (struct pty){.master = -1, .slave = -1};
    if (!pty_show(&u->pty, u->link)) return false;
    u->connected = true;
    u->watched = 0;
    u->host_baud = 0;
    watch(u);
    note(u, "is plugged in");
    return true;
}

void uart_listen(struct uart *u, const struct uart_events *ev)
{
    u->on = *ev;
}

void uart_send(struct uart *u, const void *data, size_t n)
{
    if (!u->connected || faults_hit(u->faults, FAULT_SILENT, u->name, 0)) return;
    uint64_t now = loop_now_ns();
    if (u->tx.len == 0) look_at_speed(u);
    if (!lane_push(&u->tx, data, n, TX_LIMIT, now))
        return; /* nobody has read for a long time: lost, as in a real host's full buffer */
    u->tx_queued += n;
    if (!u->paced && !u->tx_blocked) u->tx_blocked = !send_due(u, now);
    plan(u);
}

void uart_when_sent(struct uart *u, void (*fn)(void *arg), void *arg)
{
    if (u->tx.len == 0 || u->waiter_count == MAX_WAITERS) {
        fn(arg);
        return;
    }
    u->waiters[u->waiter_count++] = (struct waiter){fn, arg, u->tx_queued};
}

void uart_set_baud(struct uart *u, uint32_t baud)
{
    u->baud = baud;
    u->auto_max_baud = 0;
}

uint32_t uart_baud(const struct uart *u)
{
    return u->baud;
}

void uart_set_usb(struct uart *u)
{
    u->usb = true;
}

void uart_autobaud(struct uart *u, uint32_t min_baud, uint32_t max_baud)
{
    u->auto_min_baud = min_baud;
    u->auto_max_baud = max_baud;
}

void uart_reset(struct uart *u)
{
    lane_clear(&u->rx);
    lane_clear(&u->tx);
    u->tx_left = u->tx_queued;
    u->waiter_count = 0;
    u->line.received = 0;
    uint8_t lost[CHUNK];
    ssize_t n = u->connected ? pty_read(&u->pty, lost, sizeof lost) : -1;
    while (n >= 0) {
        if (n == 0) timer_arm(u->timer, 0); /* edges: they are looked at from the loop */
        n = pty_read(&u->pty, lost, sizeof lost);
    }
}

void uart_record(struct uart *u, struct transcript *t, const char *label)
{
    u->transcript = t;
    snprintf(u->label, sizeof u->label, "%s", label);
}
