/* Getting into step with a board, whatever state it was left in. */
#include "tests/unit/at/fake.h"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

static void a_healthy_board_is_asked_three_things_and_fed_nothing(void **state)
{
    (void)state;
    for (size_t chunk = 0; chunk < 2; chunk++) {
        struct fake *f = fake_new();
        f->chunk = chunk;
        fake_say(f, 0, "WIFI CONNECTED\r\n\r\nready\r\nWIFI GOT IP\r\n");
        fake_on(f, "AT", "AT\r\n\r\nOK\r\n");
        fake_on(f, "ATE0", "ATE0\r\n\r\nOK\r\n");
        fake_on(f, "AT+SYSLOG=1", "\r\nOK\r\n");
        int64_t start = fake_now_ns;
        fake_is(at_client_start(f->client, in_ms(10000)), ERR_OK, "");
        assert_in_range((fake_now_ns - start) / 1000000, 0, 250);
        assert_string_equal(buf_str(&f->all_sent), "AT\r\nATE0\r\nAT+SYSLOG=1\r\n");
        fake_end(f, NULL);
    }
}

static void old_firmware_without_error_codes_is_no_error(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_on(f, "AT", "\r\nOK\r\n");
    fake_on(f, "ATE0", "\r\nOK\r\n");
    fake_on(f, "AT+SYSLOG=1", "\r\nERROR\r\n");
    fake_on(f, "AT+NEW", "\r\nERROR\r\n");
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_OK, "");
    fake_is(at_command(f->client, in_ms(1000), "AT+NEW"), ERR_DEVICE, "at_error");
    assert_true(at_is_unknown_command(f->client)); /* as far as can be told */
    fake_end(f, NULL);
}

static void half_a_line_before_the_first_at_costs_one_error(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_on(f, "AT", "\x81+CWJAP=\"nAT\r\nERR CODE:0x01090000\r\n\r\nERROR\r\n");
    fake_on_start(f);
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_joining_board_is_waited_for_not_fed(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_then(f, 400, "+CWJAP:3\r\n\r\nERROR\r\n");
    fake_on_start(f);
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_OK, "");
    assert_null(memchr(f->all_sent.data, 0xff, f->all_sent.len));
    fake_end(f, NULL);
}

static void always_busy(struct fake *f, const uint8_t *data, size_t n)
{
    (void)data;
    (void)n;
    fake_say(f, 5, "\r\nbusy p...\r\n");
}

static void a_board_that_hangs_in_a_command_is_called_busy(void **state)
{
    (void)state;
    for (int ms = 100; ms < 3000; ms += 37) {
        struct fake *f = fake_new();
        f->on_write = always_busy;
        fake_is(at_client_start(f->client, in_ms(ms)), ERR_TIMEOUT, "at_busy");
        assert_null(memchr(f->all_sent.data, 0xff, f->all_sent.len));
        fake_end(f, NULL);
    }
}

/* A board that counts the bytes of a write that was cut: `left` of them are still to come. */
struct counting {
    size_t left, line_n;
    int late_ms; /* programming the flash */
    bool echo;
    char line[64];
    size_t fed; /* 0xFF among them */
    bool surplus_ended;
} counting;

static void answer_line(struct fake *f)
{
    if (counting.echo) fake_say_bytes(f, 1, counting.line, counting.line_n);
    bool known = counting.line_n < 16 && (strncmp(counting.line, "AT\r", 3) == 0 ||
                                          strncmp(counting.line, "ATE0", 4) == 0 ||
                                          strncmp(counting.line, "AT+SYSLOG", 9) == 0);
    if (!known) counting.surplus_ended = true;
    fake_say(f, 2, known ? "\r\nOK\r\n" : "ERR CODE:0x01030000\r\n\r\nERROR\r\n");
    counting.line_n = 0;
}

static void count_bytes(struct fake *f, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (counting.left) {
            counting.fed += data[i] == 0xff;
            if (--counting.left == 0) fake_say(f, counting.late_ms, "\r\nOK\r\n");
            continue;
        }
        if (counting.line_n < sizeof counting.line)
            counting.line[counting.line_n++] = (char)data[i];
        if (data[i] == '\n') answer_line(f);
    }
}

static void a_board_that_still_counts_bytes_is_fed_until_it_answers(void **state)
{
    (void)state;
    static const struct {
        size_t left;
        int late_ms;
        bool echo;
    } cases[] = {
        {1, 5, true},      {3, 5, true},       {4, 5, true},      {7, 5, false},
        {16, 5, true},     {17, 5, true},      {64, 5, false},    {1000, 5, true},
        {1039, 5, true},   {1040, 5, true},    {1041, 5, false},  {2048, 5, true},
        {2047, 300, true}, {2048, 1300, true}, {4096, 60, false}, {8192, 5, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_new();
        memset(&counting, 0, sizeof counting);
        counting.left = cases[i].left;
        counting.late_ms = cases[i].late_ms;
        counting.echo = cases[i].echo;
        f->on_write = count_bytes;
        int64_t start = fake_now_ns;
        fake_is(at_client_start(f->client, in_ms(10000)), ERR_OK, "");
        assert_int_equal(counting.left, 0);
        assert_in_range((fake_now_ns - start) / 1000000, 0, 7000);
        fake_end(f, NULL);
    }
}

static void never_answers(struct fake *f, const uint8_t *data, size_t n)
{
    (void)f;
    for (size_t i = 0; i < n; i++)
        counting.fed += data[i] == 0xff;
}

static void a_dead_board_is_fed_no_more_than_a_partition(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    memset(&counting, 0, sizeof counting);
    f->on_write = never_answers;
    int64_t start = fake_now_ns;
    fake_is(at_client_start(f->client, in_ms(30000)), ERR_TIMEOUT, "at_silent");
    assert_int_equal(counting.fed, 8192);
    assert_in_range((fake_now_ns - start) / 1000000, 30000, 30600);
    assert_non_null(strstr(err_last()->hint, "UART1"));
    uint8_t ff[64];
    memset(ff, 0xff, sizeof ff);
    assert_false(fake_has(&f->seen, ff, sizeof ff)); /* the transcript keeps its length only */
    fake_end(f, NULL);
}

static void the_deadline_of_a_start_is_kept(void **state)
{
    (void)state;
    static const int limits[] = {0, 300, 1900, 2100, 2500};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct fake *f = fake_new();
        memset(&counting, 0, sizeof counting);
        f->on_write = never_answers;
        int64_t start = fake_now_ns;
        fake_is(at_client_start(f->client, in_ms(limits[i])), ERR_TIMEOUT, "at_silent");
        assert_in_range((fake_now_ns - start) / 1000000, limits[i], limits[i] + 10);
        fake_end(f, NULL);
    }
}

/* Boots for some seconds, deaf, then is a healthy board. */
static int64_t boots_at_ns;

static void deaf_until_booted(struct fake *f, const uint8_t *data, size_t n)
{
    if (fake_now_ns < boots_at_ns) return;
    count_bytes(f, data, n);
}

static void a_booting_board_is_waited_for(void **state)
{
    (void)state;
    static const int boot_ms[] = {400, 1900, 2200, 3500, 9000};
    for (size_t i = 0; i < sizeof boot_ms / sizeof *boot_ms; i++) {
        struct fake *f = fake_new();
        memset(&counting, 0, sizeof counting);
        counting.echo = true;
        f->on_write = deaf_until_booted;
        boots_at_ns = fake_now_ns + (int64_t)boot_ms[i] * 1000000;
        fake_say(f, boot_ms[i], "\xfe\x80\r\nready\r\n");
        fake_is(at_client_start(f->client, in_ms(15000)), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void talk_that_is_not_esp_at_is_garbage_not_silence(void **state)
{
    (void)state;
    static const struct {
        const char *says, *device;
    } cases[] = {
        {"\x80\xff\x81", "\\x80\\xff\\x81\\x80\\xff\\x81"},
        {"I (312) boot: ESP-IDF\r\n", "I (312) boot: ESP-IDF\nI (312) boot: ESP-IDF\n"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789",
         "6789012345678901234567890123456789012345678901234567890123456789"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_new();
        memset(&counting, 0, sizeof counting);
        f->on_write = never_answers;
        fake_say(f, 100, cases[i].says);
        fake_say(f, 9000, cases[i].says);
        fake_is(at_client_start(f->client, in_ms(10000)), ERR_PROTOCOL, "at_garbage");
        assert_string_equal(err_last()->device, cases[i].device);
        fake_end(f, NULL);
    }
}

static void a_restart_in_the_middle_of_a_start_begins_it_again(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_on(f, "AT", "\r\nOK\r\n");
    fake_on(f, "ATE0", "\r\nready\r\n");
    fake_on_start(f);
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_OK, "");
    fake_end(f, NULL);
    f = fake_new();
    for (int i = 0; i < 3; i++) {
        fake_on(f, "AT", "\r\nOK\r\n");
        fake_on(f, "ATE0", "\r\nready\r\n");
    }
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_DEVICE, "board_rebooted");
    fake_end(f, NULL);
}

static void a_start_that_is_cancelled_or_unplugged_ends_at_once(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    struct cancel c;
    assert_int_equal(cancel_init(&c), ERR_OK);
    cancel_raise(&c);
    f->port.cancel = &c;
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_CANCELLED, "cancelled");
    f->port.cancel = NULL;
    f->fail_read = ERR_PORT_GONE;
    fake_is(at_client_start(f->client, in_ms(10000)), ERR_PORT_GONE, "port_gone");
    cancel_dispose(&c);
    fake_end(f, NULL);
}

/* ---- ready ---- */

static void ready_is_waited_for_then_the_board_is_started(void **state)
{
    (void)state;
    static const char *const boots[] = {
        "\r\nready\r\n",
        "\xff\x80\xfeready\r\n",
        "WIFI CONNECTED\r\n\r\nready\r\nWIFI GOT IP\r\n",
        "ets Jun  8 2016 00:22:57\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
        "I am already here\r\n\r\nready\r\n",
    };
    for (size_t i = 0; i < 2 * sizeof boots / sizeof *boots; i++) {
        struct fake *f = fake_new();
        f->chunk = i % 2;
        fake_say(f, 3000, boots[i / 2]);
        fake_on_start(f);
        fake_is(at_client_wait_ready(f->client, in_ms(10000)), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void a_board_that_never_boots_is_not_ready(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_say(f, 100, "rst:0x10 (RTCWDT_RTC_RESET),boot:0x13\r\ninvalid header: 0xffffffff\r\n");
    fake_is(at_client_wait_ready(f->client, in_ms(5000)), ERR_TIMEOUT, "at_not_ready");
    assert_non_null(strstr(err_last()->device, "rst:0x10"));
    fake_end(f, NULL);
}

static void a_reset_in_the_middle_of_counted_bytes_is_seen(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+R", "+SYSFLASH:2048,abc");
    fake_is(at_command(f->client, in_ms(1000), "AT+R"), ERR_TIMEOUT, "at_timeout");
    fake_say(f, 500, "\r\nready\r\n"); /* somebody pulled EN */
    fake_on_start(f);
    fake_is(at_client_wait_ready(f->client, in_ms(10000)), ERR_OK, "");
    fake_end(f, NULL);
}

/* ---- AT+RST ---- */

static void a_reset_waits_for_ready_through_what_the_board_says(void **state)
{
    (void)state;
    for (size_t chunk = 0; chunk < 2; chunk++) {
        struct fake *f = fake_started();
        f->chunk = chunk;
        fake_on(f, "AT+RST", "\r\nOK\r\n");
        fake_then(f, 20, "+STA_DISCONNECTED:\"10:01:00:c4:0a:56\"\r\n");
        fake_then(f, 3000, "WIFI CONNECTED\r\n\r\nready\r\n");
        fake_on_start(f);
        fake_is(at_client_reset(f->client, in_ms(10000)), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void a_reset_forces_a_board_that_hangs_in_a_command(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+MQTTSUB=0,\"t\",1", NULL);
    fake_is(at_command(f->client, in_ms(1000), "AT+MQTTSUB=0,\"t\",1"), ERR_TIMEOUT, "at_timeout");
    fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_on(f, "AT+RST", "\r\nbusy p...\r\n\r\nWill force to restart!!!\r\n");
    fake_then(f, 2500, "\r\nready\r\n");
    fake_on_start(f);
    fake_is(at_client_reset(f->client, in_ms(10000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void old_firmware_that_is_busy_is_asked_to_reset_again(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+RST", "\r\nbusy p...\r\n");
    fake_on(f, "AT+RST", "\r\nbusy p...\r\n");
    fake_then(f, 300, "+CWJAP:3\r\n\r\nERROR\r\n");
    fake_on(f, "AT+RST", "\r\nOK\r\n");
    fake_then(f, 3000, "\r\nready\r\n");
    fake_on_start(f);
    fake_is(at_client_reset(f->client, in_ms(10000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void reset_counting(struct fake *f, const uint8_t *data, size_t n)
{
    bool was = counting.left > 0;
    if (!was && n == 8 && memcmp(data, "AT+RST\r\n", 8) == 0) {
        fake_say(f, 5, "\r\nOK\r\n");
        fake_say(f, 3000, "\r\nready\r\n");
        return;
    }
    count_bytes(f, data, n);
}

static void a_reset_of_a_board_that_counts_bytes_feeds_it_first(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    memset(&counting, 0, sizeof counting);
    counting.left = 1500;
    counting.late_ms = 10;
    f->on_write = reset_counting;
    fake_is(at_client_reset(f->client, in_ms(30000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_reset_that_is_refused_or_leads_nowhere_fails(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    for (int i = 0; i < 4; i++)
        fake_on(f, "AT+RST", "\r\nERROR\r\n");
    fake_is(at_client_reset(f->client, in_ms(10000)), ERR_TIMEOUT, "at_not_ready");
    fake_end(f, NULL);
    f = fake_started();
    fake_on(f, "AT+RST", "\r\nOK\r\n");
    int64_t start = fake_now_ns;
    fake_is(at_client_reset(f->client, in_ms(10000)), ERR_TIMEOUT, "at_not_ready");
    assert_int_equal((fake_now_ns - start) / 1000000, 10000);
    fake_end(f, NULL);
}

static void an_old_ready_is_not_taken_for_the_new_boot(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_say(f, 0, "\r\nready\r\n");
    fake_on(f, "AT+RST", "AT+RST\r\n\r\nOK\r\n");
    fake_then(f, 3000, "\r\nready\r\n");
    fake_on_start(f);
    int64_t start = fake_now_ns;
    fake_is(at_client_reset(f->client, in_ms(10000)), ERR_OK, "");
    assert_in_range((fake_now_ns - start) / 1000000, 3000, 3500);
    fake_end(f, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_board_is_asked_three_things_and_fed_nothing),
        cmocka_unit_test(old_firmware_without_error_codes_is_no_error),
        cmocka_unit_test(half_a_line_before_the_first_at_costs_one_error),
        cmocka_unit_test(a_joining_board_is_waited_for_not_fed),
        cmocka_unit_test(a_board_that_hangs_in_a_command_is_called_busy),
        cmocka_unit_test(a_board_that_still_counts_bytes_is_fed_until_it_answers),
        cmocka_unit_test(a_dead_board_is_fed_no_more_than_a_partition),
        cmocka_unit_test(the_deadline_of_a_start_is_kept),
        cmocka_unit_test(a_booting_board_is_waited_for),
        cmocka_unit_test(talk_that_is_not_esp_at_is_garbage_not_silence),
        cmocka_unit_test(a_restart_in_the_middle_of_a_start_begins_it_again),
        cmocka_unit_test(a_start_that_is_cancelled_or_unplugged_ends_at_once),
        cmocka_unit_test(ready_is_waited_for_then_the_board_is_started),
        cmocka_unit_test(a_board_that_never_boots_is_not_ready),
        cmocka_unit_test(a_reset_in_the_middle_of_counted_bytes_is_seen),
        cmocka_unit_test(a_reset_waits_for_ready_through_what_the_board_says),
        cmocka_unit_test(a_reset_forces_a_board_that_hangs_in_a_command),
        cmocka_unit_test(old_firmware_that_is_busy_is_asked_to_reset_again),
        cmocka_unit_test(a_reset_of_a_board_that_counts_bytes_feeds_it_first),
        cmocka_unit_test(a_reset_that_is_refused_or_leads_nowhere_fails),
        cmocka_unit_test(an_old_ready_is_not_taken_for_the_new_boot),
    };
    return cmocka_run_group_tests_name("at/start", tests, NULL, NULL);
}
