/* What every port does alike, over a backend that only counts. */
#include "service/port/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct fake {
    struct port port; /* first */
    const char *input;
    size_t chunk;
    unsigned reads, writes, drains, bauds, closed, reopens;
    enum err not_yet[4]; /* how the first attempts to open it again end */
    enum err fail;
};

struct seen {
    unsigned calls, hidden;
    size_t in, out;
    char text[64];
};

static struct fake f;
static struct seen seen;
static struct cancel cancel;

static enum err fake_read(struct port *p, void *out, size_t cap, struct deadline until,
                          size_t *n_out)
{
    (void)p;
    f.reads++;
    if (f.fail) return err_set(f.fail, "fake");
    size_t n = strlen(f.input);
    if (!n) {
        /* As if it had waited: the callers' loops must end by their deadline. */
        assert_int_equal(cancel_wait(NULL, until), ERR_OK);
        return err_set(ERR_TIMEOUT, "nothing");
    }
    if (n > f.chunk) n = f.chunk;
    if (n > cap) n = cap;
    memcpy(out, f.input, n);
    f.input += n;
    *n_out = n;
    return ERR_OK;
}

static enum err fake_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    (void)p;
    (void)data;
    (void)n;
    (void)until;
    f.writes++;
    return f.fail ? err_set(f.fail, "fake") : ERR_OK;
}

static enum err fake_baud(struct port *p, uint32_t baud)
{
    (void)p;
    (void)baud;
    f.bauds++;
    return f.fail ? err_set(f.fail, "fake") : ERR_OK;
}

static enum err fake_drain(struct port *p, struct deadline until)
{
    (void)p;
    (void)until;
    f.drains++;
    return ERR_OK;
}

static enum err fake_reopen(struct port *p)
{
    enum err e = f.reopens < 4 ? f.not_yet[f.reopens] : ERR_OK;
    assert_false(p->gone); /* the backend uses the port while it opens it */
    f.reopens++;
    return e ? err_set(e, "not yet") : ERR_OK;
}

static void fake_close(struct port *p)
{
    (void)p;
    f.closed++;
}

static const struct port_ops ops = {.read = fake_read,
                                    .write_all = fake_write,
                                    .set_baud = fake_baud,
                                    .drain = fake_drain,
                                    .reopen = fake_reopen,
                                    .close = fake_close};

static void tap(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    struct seen *s = arg;
    s->calls++;
    s->hidden += !data;
    *(dir == PORT_TO_BOARD ? &s->out : &s->in) += n;
    if (data && strlen(s->text) + n < sizeof s->text) strncat(s->text, (const char *)data, n);
}

static int set_up(void **state)
{
    (void)state;
    f = (struct fake){.port = {.ops = &ops, .baud = 9600}, .input = "", .chunk = 64};
    seen = (struct seen){0};
    f.port.tap = tap;
    f.port.tap_arg = &seen;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    f.port.cancel = &cancel;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cancel_dispose(&cancel);
    return 0;
}

static void what_passes_is_counted_and_seen(void **state)
{
    (void)state;
    char out[16];
    size_t n;
    f.input = "pong";
    assert_int_equal(port_write(&f.port, "ping", 4, deadline_never()), ERR_OK);
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_OK);
    assert_int_equal(n, 4);
    assert_int_equal(f.port.bytes_out, 4);
    assert_int_equal(f.port.bytes_in, 4);
    assert_string_equal(seen.text, "pingpong");
}

static void secrets_are_seen_by_their_length_only(void **state)
{
    (void)state;
    char out[16];
    size_t n;
    f.input = "key";
    assert_int_equal(port_write_secret(&f.port, "password", 8, deadline_never()), ERR_OK);
    f.port.mute = true;
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_OK);
    assert_int_equal(seen.hidden, 2);
    assert_int_equal(seen.out, 8);
    assert_int_equal(seen.in, 3);
    assert_string_equal(seen.text, "");
    assert_memory_equal(out, "key", 3);
}

static void nothing_is_begun_after_a_cancel(void **state)
{
    (void)state;
    char out[16];
    size_t n = 7;
    f.input = "late";
    cancel_raise(&cancel);
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_CANCELLED);
    assert_int_equal(n, 0);
    assert_int_equal(port_write(&f.port, "x", 1, deadline_never()), ERR_CANCELLED);
    assert_int_equal(port_drain(&f.port, deadline_never()), ERR_CANCELLED);
    assert_int_equal(port_pause(&f.port, 60000), ERR_CANCELLED);
    assert_int_equal(f.reads + f.writes + f.drains + seen.calls, 0);
    f.port.cancel = NULL; /* cleaning up */
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_OK);
}

static void a_failed_write_is_not_counted(void **state)
{
    (void)state;
    f.fail = ERR_PORT_GONE;
    assert_int_equal(port_write(&f.port, "x", 1, deadline_never()), ERR_PORT_GONE);
    assert_int_equal(f.port.bytes_out, 0);
}

static void a_write_of_nothing_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(port_write(&f.port, "", 0, deadline_never()), ERR_OK);
    assert_int_equal(f.writes + seen.calls, 0);
}

static void speeds_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_int_equal(port_set_baud(&f.port, 299), ERR_ARG);
    assert_int_equal(port_set_baud(&f.port, 4000001), ERR_ARG);
    assert_int_equal(f.bauds, 0);
    assert_int_equal(port_set_baud(&f.port, 921600), ERR_OK);
    assert_int_equal(f.port.baud, 921600);
    f.fail = ERR_UNSUPPORTED;
    assert_int_equal(port_set_baud(&f.port, 115200), ERR_UNSUPPORTED);
    assert_int_equal(f.port.baud, 921600);
}

static void discard_reads_until_it_is_quiet(void **state)
{
    (void)state;
    f.input = "left-over bytes of an earlier talk";
    f.chunk = 5;
    assert_int_equal(port_discard(&f.port, 1, deadline_in_ms(10000)), ERR_OK);
    assert_string_equal(f.input, "");
    assert_int_equal(port_discard(&f.port, 1, deadline_in_ms(10000)), ERR_OK);
    f.fail = ERR_PORT_GONE;
    assert_int_equal(port_discard(&f.port, 1, deadline_in_ms(10000)), ERR_PORT_GONE);
}

static void discard_ends_though_the_board_talks_on(void **state)
{
    (void)state;
    static char flood[1 << 20];
    memset(flood, 'x', sizeof flood - 1);
    f.input = flood;
    f.chunk = 1;
    assert_int_equal(port_discard(&f.port, 1000, deadline_in_ms(2)), ERR_OK);
    assert_true(*f.input);
}

static void a_port_that_hung_up_stays_so(void **state)
{
    (void)state;
    char out[16];
    size_t n;
    f.input = "more";
    f.fail = ERR_PORT_GONE;
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_PORT_GONE);
    f.fail = ERR_OK;
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_PORT_GONE);
    assert_string_equal(err_last()->code, "port_gone");
    assert_int_equal(port_write(&f.port, "x", 1, deadline_never()), ERR_PORT_GONE);
    assert_int_equal(port_drain(&f.port, deadline_never()), ERR_PORT_GONE);
    assert_int_equal(f.reads, 1);
    assert_int_equal(f.writes + f.drains, 0);
    assert_int_equal(port_reopen(&f.port, deadline_never()), ERR_OK);
    assert_int_equal(port_read(&f.port, out, sizeof out, deadline_never(), &n), ERR_OK);
    assert_int_equal(n, 4);
}

static void what_time_mends_is_waited_for(void **state)
{
    (void)state;
    static const enum err mended[] = {ERR_NOT_FOUND, ERR_IO, ERR_BUSY, ERR_PORT_GONE};
    memcpy(f.not_yet, mended, sizeof f.not_yet);
    assert_int_equal(port_reopen(&f.port, deadline_in_ms(60000)), ERR_OK);
    assert_int_equal(f.reopens, 5);
    f.reopens = 0;
    assert_int_equal(port_reopen(&f.port, deadline_in_ms(0)), ERR_NOT_FOUND); /* one look */
    assert_int_equal(f.reopens, 1);
    assert_true(f.port.gone);
    f.reopens = 0;
    f.not_yet[0] = ERR_MEM;
    assert_int_equal(port_reopen(&f.port, deadline_in_ms(60000)), ERR_MEM);
    assert_int_equal(f.reopens, 1);
}

static void a_port_that_cannot_come_back_is_gone(void **state)
{
    (void)state;
    static const struct port_ops bare = {.close = fake_close};
    f.port.ops = &bare;
    assert_int_equal(port_reopen(&f.port, deadline_never()), ERR_PORT_GONE);
}

static void closing_nothing_is_allowed(void **state)
{
    (void)state;
    port_close(NULL);
    port_close(&f.port);
    assert_int_equal(f.closed, 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_passes_is_counted_and_seen),      TEST(secrets_are_seen_by_their_length_only),
        TEST(nothing_is_begun_after_a_cancel),      TEST(a_failed_write_is_not_counted),
        TEST(a_write_of_nothing_does_nothing),      TEST(speeds_out_of_range_are_refused),
        TEST(discard_reads_until_it_is_quiet),      TEST(discard_ends_though_the_board_talks_on),
        TEST(a_port_that_hung_up_stays_so),         TEST(what_time_mends_is_waited_for),
        TEST(a_port_that_cannot_come_back_is_gone), TEST(closing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
