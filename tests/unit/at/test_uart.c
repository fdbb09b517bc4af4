/* The speed of the AT port, on a board in code that hears only what comes at its own. */
#include "tests/unit/at/fake.h"

#include "service/at/uart.h"

/* A board with a wire that may not bear every speed. */
static struct wire {
    uint32_t baud;       /* of the board */
    uint32_t deaf_above; /* nothing gets through; 0 = all does */
    uint32_t most;       /* what it takes; 0 = all */
    uint32_t says;       /* AT+UART_CUR? instead of the truth */
    int lose;            /* so many lines above 115200 arrive damaged */
    bool unknown;        /* the firmware does not have the command */
    unsigned stop_bits, flow;
    char line[300];
    size_t n;
    uint32_t stored; /* by AT+UART_DEF */
} wire;

static void answer(struct fake *f, const char *text)
{
    if (f->port.baud == wire.baud) fake_say(f, 3, text);
}

static void set_speed(struct fake *f, const char *text)
{
    unsigned baud = 0, bits = 0, stop = 0, parity = 0, flow = 0;
    int n = sscanf(text, "%u,%u,%u,%u,%u", &baud, &bits, &stop, &parity, &flow);
    if (n != 5 || (wire.most && baud > wire.most)) {
        answer(f, "\r\nERROR\r\n");
        return;
    }
    assert_int_equal(bits, 8);
    assert_int_equal(parity, 0);
    assert_int_equal(stop, wire.stop_bits);
    assert_int_equal(flow, wire.flow);
    answer(f, "\r\nOK\r\n");
    wire.baud = baud;
}

static void take_line(struct fake *f)
{
    char text[80];
    if (wire.lose && wire.baud > 115200) {
        wire.lose--;
        wire.line[0] = '?';
    }
    if (wire.unknown && strstr(wire.line, "UART")) {
        answer(f, "ERR CODE:0x01090000\r\n\r\nERROR\r\n");
    } else if (strcmp(wire.line, "AT+UART_CUR?\r\n") == 0) {
        snprintf(text, sizeof text, "+UART_CUR:%u,8,%u,0,%u\r\n\r\nOK\r\n",
                 wire.says ? wire.says : wire.baud + 590, wire.stop_bits, wire.flow);
        answer(f, text);
    } else if (strncmp(wire.line, "AT+UART_CUR=", 12) == 0) {
        set_speed(f, wire.line + 12);
    } else {
        wire.stored += strstr(wire.line, "UART_DEF") != NULL;
        answer(f, strncmp(wire.line, "AT", 2) == 0 ? "\r\nOK\r\n" : "\r\nERROR\r\n");
    }
}

static void hear(struct fake *f, const uint8_t *data, size_t n)
{
    bool deaf = wire.deaf_above && wire.baud > wire.deaf_above;
    for (size_t i = 0; i < n && !deaf; i++) {
        if (wire.n == sizeof wire.line - 1) wire.n = 0;
        wire.line[wire.n++] = f->port.baud == wire.baud ? (char)data[i] : '~';
        wire.line[wire.n] = '\0';
        if (wire.line[wire.n - 1] != '\n') continue;
        take_line(f);
        wire.n = 0;
    }
}

static struct fake *wired(struct wire w)
{
    struct fake *f = fake_new();
    wire = w;
    wire.baud = 115200;
    if (!wire.stop_bits) wire.stop_bits = 1;
    f->on_write = hear;
    fake_is(at_client_start(f->client, deadline_in_ms(10000)), ERR_OK, "");
    return f;
}

static void both_are(const struct fake *f, uint32_t baud)
{
    assert_int_equal(f->port.baud, baud);
    assert_int_equal(wire.baud, baud);
}

static void both_ends_go_up_and_come_back(void **state)
{
    (void)state;
    static const uint32_t speeds[] = {230400, 460800, 921600, 2000000};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        struct fake *f = wired((struct wire){.stop_bits = 2, .flow = 3});
        struct at_uart back;
        int64_t start = fake_now_ns;
        fake_is(at_uart_change(f->client, speeds[i], &back, deadline_in_ms(5000)), ERR_OK, "");
        both_are(f, speeds[i]);
        fake_is(at_command(f->client, deadline_in_ms(1000), "AT+GMR"), ERR_OK, "");
        fake_is(at_uart_return(f->client, &back, deadline_in_ms(5000)), ERR_OK, "");
        both_are(f, 115200);
        assert_in_range((fake_now_ns - start) / 1000000, 0, 100);
        assert_int_equal(wire.stored, 0);
        fake_end(f, NULL);
    }
}

static void what_cannot_be_done_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        struct wire wire;
        uint32_t top_baud;
    } cases[] = {
        {{.unknown = true}, 0}, {{.most = 460800}, 0},
        {{.says = 117600}, 0},                         /* over 2 % off: something else is wrong */
        {{.says = 112800}, 0},  {{.baud = 0}, 460800}, /* the adapter */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = wired(cases[i].wire);
        struct at_uart back;
        f->top_baud = cases[i].top_baud;
        fake_is(at_uart_change(f->client, 921600, &back, deadline_in_ms(5000)), ERR_UNSUPPORTED,
                "at_speed_refused");
        assert_int_equal(back.fast, 0);
        both_are(f, 115200);
        fake_is(at_command(f->client, deadline_in_ms(1000), "AT+GMR"), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void a_wire_that_loses_lines_is_left_all_the_same(void **state)
{
    (void)state;
    for (int lose = 1; lose <= 5; lose++) {
        struct fake *f = wired((struct wire){.lose = lose});
        struct at_uart back;
        enum err e = at_uart_change(f->client, 921600, &back, deadline_in_ms(5000));
        assert_int_equal(e, ERR_DEVICE);
        fake_is(at_uart_return(f->client, &back, deadline_in_ms(20000)), ERR_OK, "");
        both_are(f, 115200);
        fake_is(at_command(f->client, deadline_in_ms(1000), "AT+GMR"), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void a_deaf_board_is_said_to_be_lost_and_the_port_is_back(void **state)
{
    (void)state;
    struct fake *f = wired((struct wire){.deaf_above = 115200});
    struct at_uart back;
    fake_is(at_uart_change(f->client, 921600, &back, deadline_in_ms(5000)), ERR_TIMEOUT,
            "at_timeout");
    assert_int_equal(back.fast, 921600);
    int64_t start = fake_now_ns;
    fake_is(at_uart_return(f->client, &back, deadline_in_ms(20000)), ERR_TIMEOUT, "at_speed_lost");
    assert_in_range((fake_now_ns - start) / 1000000, 0, 12000);
    assert_int_equal(f->port.baud, 115200);
    wire.baud = 115200; /* somebody takes its power away */
    fake_is(at_client_start(f->client, deadline_in_ms(10000)), ERR_OK, "");
    fake_end(f, NULL);
}

/* Whoever is told to come back may never have gone, or be back after a reset. */
static void a_board_that_is_back_already_takes_no_harm(void **state)
{
    (void)state;
    struct fake *f = wired((struct wire){0});
    struct at_uart back;
    fake_is(at_uart_change(f->client, 921600, &back, deadline_in_ms(5000)), ERR_OK, "");
    wire.baud = 115200;
    fake_is(at_uart_return(f->client, &back, deadline_in_ms(20000)), ERR_OK, "");
    both_are(f, 115200);
    fake_is(at_uart_return(f->client, &back, deadline_in_ms(20000)), ERR_OK, "");
    both_are(f, 115200);
    fake_end(f, NULL);
}

static void a_port_that_fails_is_left_at_the_slow_speed(void **state)
{
    (void)state;
    static const enum err errors[] = {ERR_CANCELLED, ERR_PORT_GONE, ERR_IO};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct fake *f = wired((struct wire){0});
        struct at_uart back;
        fake_is(at_uart_change(f->client, 921600, &back, deadline_in_ms(5000)), ERR_OK, "");
        f->fail_write = errors[i];
        assert_int_equal(at_uart_return(f->client, &back, deadline_in_ms(20000)), errors[i]);
        if (errors[i] != ERR_PORT_GONE) assert_int_equal(f->port.baud, 115200);
        fake_end(f, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_go_up_and_come_back),
        cmocka_unit_test(what_cannot_be_done_changes_nothing),
        cmocka_unit_test(a_wire_that_loses_lines_is_left_all_the_same),
        cmocka_unit_test(a_deaf_board_is_said_to_be_lost_and_the_port_is_back),
        cmocka_unit_test(a_board_that_is_back_already_takes_no_harm),
        cmocka_unit_test(a_port_that_fails_is_left_at_the_slow_speed),
    };
    return cmocka_run_group_tests_name("at/uart", tests, NULL, NULL);
}
