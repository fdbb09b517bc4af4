/* The client: one command at a time, whatever the board says meanwhile. */
#include "tests/unit/at/fake.h"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

/* ---- answers ---- */

static void an_answer_is_its_lines_whatever_the_blank_lines(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "+X:1\r\n+Y:2\r\n+X:3\r\n\r\nOK\r\n",
        "\r\n+X:1\r\n\r\n+Y:2\r\n\r\n+X:3\r\nOK\r\n",
        "AT+X?\r\n+X:1\r\n+Y:2\r\n+X:3\r\n\r\nOK\r\n",
        "+X:1\r\nAT+X?\r\r\n+Y:2\r\n+X:3\r\r\nOK\r\n",
        "WIFI GOT IP\r\nAT+X?\r\n+X:1\r\nWIFI CONNECTED\r\n+Y:2\r\n+STA_CONNECTED:\"1\"\r\n+X:3\r\n"
        "+TIME_UPDATED\r\n\r\nOK\r\n",
        "\xfe\xff\x81\r\n+X:1\r\n+Y:2\r\n+X:3\r\nOK\r\n",
    };
    for (size_t i = 0; i < 2 * sizeof answers / sizeof *answers; i++) {
        struct fake *f = fake_started();
        f->chunk = i % 2;
        fake_on(f, "AT+X?", answers[i / 2]);
        fake_is(at_command(f->client, in_ms(1000), "AT+%s?", "X"), ERR_OK, "");
        assert_string_equal(at_answer(f->client, "+X:", 0), "1");
        assert_string_equal(at_answer(f->client, "+X:", 1), "3");
        assert_null(at_answer(f->client, "+X:", 2));
        assert_string_equal(at_answer(f->client, "+Y:", 0), "2");
        assert_null(at_answer(f->client, "WIFI", 0));
        assert_null(at_answer(f->client, "AT", 0));
        assert_int_equal(at_error_code(f->client), 0);
        assert_null(at_answer_raw(f->client));
        fake_end(f, NULL);
    }
}

static void the_answer_of_the_command_before_is_gone(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+X?", "+X:1\r\nERR CODE:0x01090000\r\nERROR\r\n");
    fake_on(f, "AT+Y", "\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X?"), ERR_DEVICE, "at_error");
    assert_true(at_was_refused(f->client));
    fake_is(at_command(f->client, in_ms(1000), "AT+Y"), ERR_OK, "");
    assert_null(at_answer(f->client, "", 0));
    assert_int_equal(at_error_code(f->client), 0);
    assert_false(at_was_refused(f->client));
    fake_end(f, NULL);
}

static void error_codes_come_back_in_words(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+MQTTCONN=0,\"h\",1,0",
            "ERR CODE:0x010a6021\r\nERR CODE:0x010a6009\r\nWIFI GOT IP\r\nERR CODE:0x010a600a\r\n"
            "\r\nERROR\r\n");
    fake_on(f, "AT+NOSUCH", "ERR CODE:0x01090000\r\n\r\nERROR\r\n");
    fake_on(f, "AT+CWMODE", "\r\nERROR\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+MQTTCONN=0,\"h\",1,0"), ERR_DEVICE, "at_error");
    assert_string_equal(err_last()->detail,
                        "AT+MQTTCONN=0,\"h\",1,0 was refused: 0x010a6021 (the root CA on the board "
                        "is missing or damaged), 0x010a6009 (the TLS configuration failed), "
                        "0x010a600a (the MQTT client could not be prepared)");
    assert_non_null(strstr(err_last()->device, "ERR CODE:0x010a6009"));
    assert_non_null(strstr(err_last()->device, "ERROR"));
    assert_int_equal(at_error_code(f->client), 0x010a6021);
    assert_true(at_said_code(f->client, 0x010a600a));
    assert_false(at_said_code(f->client, 0x010a600b));
    assert_false(at_is_unknown_command(f->client));
    fake_is(at_command(f->client, in_ms(1000), "AT+NOSUCH"), ERR_DEVICE, "at_error");
    assert_true(at_is_unknown_command(f->client));
    assert_non_null(strstr(err_last()->hint, "too old"));
    fake_is(at_command(f->client, in_ms(1000), "AT+CWMODE"), ERR_DEVICE, "at_error");
    assert_false(at_is_unknown_command(f->client)); /* this firmware would have said so */
    assert_string_equal(err_last()->detail, "AT+CWMODE was refused");
    fake_end(f, NULL);
}

static void lines_that_no_firmware_takes_are_refused_before_sending(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    char line[300];
    memset(line, 'A', sizeof line);
    line[255] = '\0';
    fake_is(at_command(f->client, in_ms(1000), "%s", line), ERR_ARG, "at_line_too_long");
    fake_is(at_command_secret(f->client, in_ms(1000), line), ERR_ARG, "at_line_too_long");
    fake_is(at_read_secret(f->client, in_ms(1000), line), ERR_ARG, "at_line_too_long");
    fake_is(at_command(f->client, in_ms(1000), "%5000s", ""), ERR_ARG, "at_line_too_long");
    fake_is(at_command(f->client, in_ms(1000), "AT\r\nAT+RST"), ERR_ARG, "at_line_break");
    fake_is(at_command(f->client, in_ms(1000), "AT\rx"), ERR_ARG, "at_line_break");
    fake_is(at_command(f->client, in_ms(1000), "AT+%c", 0), ERR_ARG, "at_line_break");
    struct at_data_command d = {.line = "AT+A=\n"};
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_ARG, "at_line_break");
    line[254] = '\0';
    fake_on(f, line, "\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "%s", line), ERR_OK, "");
    fake_end(f, NULL);
}

/* ---- busy, silence, late answers ---- */

static void a_busy_board_is_waited_for_and_asked_again(void **state)
{
    (void)state;
    for (size_t chunk = 0; chunk < 2; chunk++) {
        struct fake *f = fake_started();
        f->chunk = chunk;
        fake_on(f, "AT+X", "ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n");
        fake_then(f, 300, "+CWJAP:3\r\n\r\nERROR\r\n"); /* the end of somebody else's command */
        fake_on(f, "AT", "\r\nOK\r\n");
        fake_on(f, "AT+X", "+X:1\r\n\r\nOK\r\n");
        fake_is(at_command(f->client, in_ms(5000), "AT+X"), ERR_OK, "");
        assert_string_equal(at_answer(f->client, "+X:", 0), "1");
        assert_int_equal(at_error_code(f->client), 0);
        fake_end(f, NULL);
    }
}

static void busy_answers_may_be_late_and_fewer_than_the_lines(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+X", "\r\nbusy p...\r\n");
    fake_on(f, "AT", NULL); /* no answer at all to this one */
    fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_then(f, 490, "\r\nOK\r\n");
    fake_on(f, "AT", "\r\nOK\r\n");
    fake_on(f, "AT+X", "\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(9000), "AT+X"), ERR_OK, "");
    fake_end(f, NULL);
}

static void always_busy(struct fake *f, const uint8_t *data, size_t n)
{
    (void)data;
    (void)n;
    fake_say(f, 5, "\r\nbusy p...\r\n");
}

static void a_board_that_stays_busy_is_told_apart_from_a_silent_one(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    f->on_write = always_busy;
    int64_t start = fake_now_ns;
    fake_is(at_command(f->client, in_ms(20000), "AT+X"), ERR_TIMEOUT, "at_busy");
    assert_in_range((fake_now_ns - start) / 1000000, 20000, 21000);
    assert_true(f->all_sent.len < 1000); /* asked now and then, not all the time */
    fake_end(f, NULL);
}

static void a_late_answer_is_not_taken_for_that_of_the_next_command(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+SLOW", NULL);
    fake_then(f, 3000, "+SLOW:1\r\n\r\nOK\r\n");
    int64_t start = fake_now_ns;
    fake_is(at_command(f->client, in_ms(1500), "AT+SLOW"), ERR_TIMEOUT, "at_timeout");
    assert_int_equal((fake_now_ns - start) / 1000000, 1500);
    assert_non_null(strstr(err_last()->detail, "AT+SLOW: no result within 1500 ms"));
    /* 500 ms each, up to 3000 ms after AT+SLOW, when its end comes. */
    fake_on(f, "AT", NULL);
    fake_on(f, "AT", NULL);
    fake_on(f, "AT", NULL);
    fake_then(f, 502, "\r\nOK\r\n");
    fake_on(f, "AT+NEXT", "\r\nERROR\r\n");
    fake_is(at_command(f->client, in_ms(9000), "AT+NEXT"), ERR_DEVICE, "at_error");
    fake_end(f, NULL);
}

static void a_result_that_came_in_between_is_not_an_answer(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_say(f, 0, "\r\nERROR\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    fake_on(f, "AT+X", NULL);
    fake_then(f, 100, "\r\nOK\r\n");
    int64_t start = fake_now_ns;
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    assert_int_equal((fake_now_ns - start) / 1000000, 100);
    fake_end(f, NULL);
}

static void noise_without_an_end_does_not_outlast_the_deadline(void **state)
{
    (void)state;
    static const struct {
        const char *noise;
        enum err want;
        const char *code;
    } cases[] = {
        {"\xff\x80 noise without a line ", ERR_TIMEOUT, "at_timeout"},
        {"neither OK nor\r\n>\r\n", ERR_PROTOCOL, "at_garbage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        fake_on(f, "AT+X", NULL);
        struct buf noise;
        buf_init(&noise, 4096);
        while (noise.len < 1000)
            buf_puts(&noise, cases[i].noise);
        int64_t start = fake_now_ns;
        for (int ms = 0; ms < 3000; ms += 10)
            fake_say_bytes(f, ms, noise.data, noise.len);
        fake_is(at_command(f->client, in_ms(2000), "AT+X"), cases[i].want, cases[i].code);
        assert_in_range((fake_now_ns - start) / 1000000, 500, 2150);
        buf_dispose(&noise);
        fake_end(f, NULL);
    }
}

static void a_lost_port_and_a_cancel_keep_their_kind(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    f->fail_read = ERR_PORT_GONE;
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_PORT_GONE, "port_gone");
    f->fail_read = ERR_OK;
    f->fail_write = ERR_PORT_GONE;
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_PORT_GONE, "port_gone");
    f->fail_write = ERR_OK;
    struct cancel c;
    assert_int_equal(cancel_init(&c), ERR_OK);
    cancel_raise(&c);
    f->port.cancel = &c;
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_CANCELLED, "cancelled");
    f->port.cancel = NULL;
    cancel_dispose(&c);
    fake_end(f, NULL);
}

/* ---- a board that restarts ---- */

static const char panic[] =
    "Guru Meditation Error: Core  0 panic'ed (Cache disabled but cached memory region "
    "accessed).\r\n"
    "Core  0 register dump:\r\n"
    "PC      : 0x400d1a2b  PS      : 0x00060034  A0      : 0x800d2b3c  A1      : 0x3ffb5a60\r\n"
    "Backtrace: 0x400d1a2b:0x3ffb5a60\r\nELF file SHA256: 0123456789abcdef\r\nRebooting...\r\n"
    "ets Jun  8 2016 00:22:57\r\nrst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n";

static void a_restart_in_the_middle_of_a_command_is_its_own_error(void **state)
{
    (void)state;
    static const char *const lead[] = {"", "+X:1\r\n", "\xff\xfe\x80", panic};
    for (size_t i = 0; i < 2 * sizeof lead / sizeof *lead; i++) {
        struct fake *f = fake_started();
        f->chunk = i % 2;
        fake_on(f, "AT+X", lead[i / 2]);
        fake_then(f, 4000, "\r\nready\r\n");
        fake_is(at_command(f->client, in_ms(30000), "AT+X"), ERR_DEVICE, "board_rebooted");
        assert_non_null(strstr(err_last()->device, "ready"));
        if (lead[i / 2] == panic) {
            assert_non_null(strstr(err_last()->device, "Guru Meditation Error: Core  0 panic'ed"));
            assert_non_null(strstr(err_last()->device, "Backtrace: 0x400d1a2b"));
            assert_null(strstr(err_last()->device, "register dump"));
        }
        fake_end(f, NULL);
    }
}

static void last_words_without_a_boot_are_an_error_too(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+X", panic);
    int64_t start = fake_now_ns;
    fake_is(at_command(f->client, in_ms(60000), "AT+X"), ERR_DEVICE, "board_rebooted");
    assert_in_range((fake_now_ns - start) / 1000000, 15000, 15100);
    fake_end(f, NULL);
}

static void a_name_that_reads_like_last_words_is_no_restart(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+CWLAP", "+CWLAP:(3,\"Guru Meditation\")\r\n+CWLAP:(3,\"ready\")\r\n\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+CWLAP"), ERR_OK, "");
    assert_non_null(at_answer(f->client, "+CWLAP:", 1));
    fake_end(f, NULL);
}

static void after_a_restart_the_next_command_works(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+X", "\r\nready\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_DEVICE, "board_rebooted");
    fake_on(f, "AT", "AT\r\n\r\nOK\r\n");
    fake_on(f, "AT+X", "AT+X\r\n+X:1\r\n\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    fake_end(f, NULL);
}

/* ---- commands with data ---- */

static const char data[] = "\r\nOK\r\n>ERROR";

static struct at_data_command write_command(const char *final)
{
    return (struct at_data_command){
        .line = "AT+W=12", .data = (const uint8_t *)data, .n = sizeof data - 1, .final = final};
}

static void data_follows_its_prompt_only(void **state)
{
    (void)state;
    static const struct {
        const char *prompt, *end, *final;
    } cases[] = {
        {">", "\r\nOK\r\n", NULL},
        {"AT+W=12\r\n>", "\r\nOK\r\n", NULL},
        {"\r\nOK\r\n\r\n>", "\r\nOK\r\n", NULL},
        {"WIFI GOT IP\r\n>", "+TIME_UPDATED\r\n\r\nOK\r\n", NULL},
        {"\r\nOK\r\nWIFI DISCONNECT\r\n\r\n>", "\r\nOK\r\n", NULL},
        {"\xff\x81>", "\r\nOK\r\n", NULL},
        {"\r\nOK\r\n\r\n>", "+MQTTPUB:OK\r\n", "+MQTTPUB:OK"},
        {"\r\nOK\r\n\r\n>", "+MQTTSUBRECV:0,\"t\",6,\r\nOK\r\n\r\n+MQTTPUB:OK\r\n", "+MQTTPUB:OK"},
        {"\r\nOK\r\n\r\n>", "ERR CODE:0x010b0000\r\n\r\nbusy p...\r\n\r\nOK\r\n", NULL},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        f->chunk = i % 2;
        fake_on(f, "AT+W=12", cases[i / 2].prompt);
        fake_expect_bytes(f, data, sizeof data - 1);
        fake_then(f, 5, cases[i / 2].end);
        fake_on(f, "AT+X", "\r\n>\r\nOK\r\n"); /* and '>' is no prompt any more */
        struct at_data_command d = write_command(cases[i / 2].final);
        fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_OK, "");
        assert_int_equal(at_error_code(f->client), 0);
        fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void a_refused_data_command_sends_no_data(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_data_command d = write_command(NULL);
    fake_on(f, "AT+W=12", "ERR CODE:0x010a0000\r\n\r\nERROR\r\n");
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_DEVICE, "at_error");
    assert_non_null(strstr(err_last()->detail, "no such partition"));
    fake_on(f, "AT+W=12", NULL);
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_TIMEOUT, "at_timeout");
    assert_non_null(strstr(err_last()->detail, "no prompt"));
    fake_end(f, NULL);
}

static void a_code_before_the_prompt_still_gets_its_bytes(void **state)
{
    (void)state;
    static const char *const ends[] = {"ERR CODE:0x010a0003\r\n\r\nERROR\r\n", "\r\nOK\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = fake_started();
        struct at_data_command d = write_command(NULL);
        fake_on(f, "AT+W=12", "ERR CODE:0x010a0001\r\n>");
        fake_expect_bytes(f, data, sizeof data - 1);
        fake_then(f, 5, ends[i]);
        fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_DEVICE, "at_error");
        assert_non_null(strstr(err_last()->detail, "0x010a0001"));
        fake_end(f, NULL);
    }
}

static void a_data_command_that_meets_busy_is_sent_again(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_data_command d = write_command(NULL);
    fake_on(f, "AT+W=12", "\r\nbusy p...\r\n");
    fake_on(f, "AT", "\r\nOK\r\n");
    fake_on(f, "AT+W=12", ">");
    fake_expect_bytes(f, data, sizeof data - 1);
    fake_then(f, 5, "\r\nOK\r\n");
    fake_is(at_command_data(f->client, &d, in_ms(5000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void the_bad_twin_of_the_ending_is_a_refusal(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_data_command d = write_command("+MQTTPUB:OK");
    fake_on(f, "AT+W=12", "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, data, sizeof data - 1);
    fake_then(f, 5, "+MQTTPUB:FAIL\r\n");
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_DEVICE, "at_error");
    assert_string_equal(err_last()->device, "+MQTTPUB:FAIL");
    fake_end(f, NULL);
}

static void data_without_a_result_or_with_a_restart_is_an_error(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_data_command d = write_command(NULL);
    fake_on(f, "AT+W=12", ">");
    fake_expect_bytes(f, data, sizeof data - 1);
    fake_then(f, 5, "\r\nready\r\n");
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_DEVICE, "board_rebooted");
    fake_on(f, "AT", "\r\nOK\r\n");
    fake_on(f, "AT+W=12", ">");
    fake_expect_bytes(f, data, sizeof data - 1);
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_TIMEOUT, "at_timeout");
    assert_non_null(strstr(err_last()->detail, "no result after the data"));
    fake_end(f, NULL);
}

static void counted_bytes_of_an_answer_are_kept_raw(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+R", "+SYSFLASH:12,\r\nOK\r\n>ERROR\r\nOK\r\n");
    fake_on(f, "AT+X", "\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+R"), ERR_OK, "");
    assert_int_equal(at_answer_raw(f->client)->len, 12);
    assert_memory_equal(at_answer_raw(f->client)->data, data, 12);
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    assert_null(at_answer_raw(f->client));
    fake_end(f, NULL);
}

/* ---- secrets ---- */

#define SECRET "hunter2secret"
static const char secret_line[] = "AT+CWJAP=\"net\",\"" SECRET "\"";

static void a_secret_line_is_in_no_transcript_and_no_error(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum err want;
        const char *code;
    } cases[] = {
        {"\r\nOK\r\n", ERR_OK, ""},
        {"AT+CWJAP=\"net\",\"" SECRET "\"\r\n\r\nOK\r\n", ERR_OK, ""},
        {"WIFI DISCONNECT\r\nAT+CWJAP=\"net\",\"" SECRET "\"\r\n\r\nOK\r\n", ERR_OK, ""},
        {"AT+CWJWIFI DISCONNECT\r\nAP=\"net\",\"" SECRET "\"\r\n\r\nOK\r\n", ERR_OK, ""},
        {"AT+CWJAP=\"net\",\"" SECRET "\"\r\n+CWJAP:2\r\n\r\nERROR\r\n", ERR_DEVICE, "at_error"},
        {"AP=\"net\",\"" SECRET "\"\r\nERR CODE:0x01030000\r\n\r\nERROR\r\n", ERR_DEVICE,
         "at_error"},
        {"AT+CWJAP=\"net\",\"" SECRET "\"\r\n", ERR_TIMEOUT, "at_timeout"},
        {"P=\"net\",\"" SECRET "\"\r\n\r\nready\r\n", ERR_DEVICE, "board_rebooted"},
        {"P=\"net\",\"" SECRET, ERR_TIMEOUT, "at_timeout"},
        {NULL, ERR_TIMEOUT, "at_timeout"},
    };
    for (size_t i = 0; i < 4 * sizeof cases / sizeof *cases; i++) {
        struct fake *f = i & 2 ? fake_started() : fake_new();
        f->chunk = i & 1;
        if (!(i & 2)) fake_on(f, "AT", "AT\r\n\r\nOK\r\n"); /* not started: the echo is on */
        fake_on(f, secret_line, cases[i / 4].answer);
        fake_is(at_command_secret(f->client, in_ms(3000), secret_line), cases[i / 4].want,
                cases[i / 4].code);
        assert_true(fake_has(&f->all_sent, SECRET, strlen(SECRET)));
        if (cases[i / 4].want) {
            assert_null(strstr(err_last()->detail, "net"));
            assert_null(strstr(err_last()->device, "net"));
        }
        fake_end(f, SECRET);
    }
}

static void what_follows_a_secret_line_is_seen_when_there_is_no_echo(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, secret_line, NULL);
    fake_then(f, 2000, "WIFI CONNECTED\r\n");
    fake_then(f, 3000, "WIFI GOT IP\r\n\r\nOK\r\n");
    fake_is(at_command_secret(f->client, in_ms(9000), secret_line), ERR_OK, "");
    assert_true(fake_has(&f->seen, "WIFI CONNECTED", 14));
    assert_true(fake_has(&f->seen, "WIFI GOT IP", 11));
    assert_false(f->port.mute);
    fake_end(f, SECRET);
}

static void after_a_restart_the_echo_of_a_secret_line_is_hidden_again(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_say(f, 0, "\r\nready\r\n");
    fake_on(f, secret_line, NULL);
    fake_then(f, 2000, "AT+CWJAP=\"net\",\"" SECRET "\"\r\n");
    fake_then(f, 3000, "WIFI CONNECTED\r\n\r\nOK\r\n");
    fake_is(at_command_secret(f->client, in_ms(9000), secret_line), ERR_OK, "");
    assert_true(fake_has(&f->seen, "WIFI CONNECTED", 14)); /* after the echo it is seen again */
    fake_end(f, SECRET);
}

static void secret_data_is_hidden_also_when_the_board_echoes_it(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_data_command d = {.line = "AT+SYSFLASH=1,\"mqtt_key\",0,13",
                                .data = (const uint8_t *)SECRET,
                                .n = strlen(SECRET),
                                .secret = true};
    fake_on(f, d.line, ">");
    fake_expect_bytes(f, SECRET, strlen(SECRET));
    fake_then(f, 5, SECRET "\r\n\r\nERROR\r\n");
    fake_is(at_command_data(f->client, &d, in_ms(1000)), ERR_DEVICE, "at_error");
    assert_false(f->port.mute);
    assert_true(fake_has(&f->seen, d.line, strlen(d.line))); /* the line itself is no secret */
    fake_end(f, SECRET);
}

static void a_secret_answer_is_hidden_to_its_last_byte(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    const char *line = "AT+SYSFLASH=2,\"mqtt_key\",0,13";
    fake_on(f, line, "+SYSFLASH:13," SECRET "\r\nOK\r\n");
    fake_is(at_read_secret(f->client, in_ms(1000), line), ERR_OK, "");
    assert_memory_equal(at_answer_raw(f->client)->data, SECRET, 13);
    assert_false(f->port.mute);
    /* The second one stops half-way; its rest comes late, between the lines of later commands. */
    fake_on(f, line, "+SYSFLASH:40,hunter2\r\n" SECRET "\r\n");
    fake_then(f, 1200, SECRET "\r\nOK\r\n");
    fake_is(at_read_secret(f->client, in_ms(1000), line), ERR_TIMEOUT, "at_timeout");
    assert_true(f->port.mute);
    fake_on(f, "AT", NULL);
    fake_then(f, 250, SECRET "\r\n\r\nOK\r\n");
    fake_on(f, "AT+X", "+X:1\r\n\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(9000), "AT+X"), ERR_OK, "");
    assert_false(f->port.mute);
    assert_true(fake_has(&f->seen, "+X:1", 4));
    fake_end(f, SECRET);
}

static void a_client_that_ends_in_the_middle_of_a_secret_leaves_nothing_to_read(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+R", "+SYSFLASH:40,");
    fake_is(at_read_secret(f->client, in_ms(1000), "AT+R"), ERR_TIMEOUT, "at_timeout");
    fake_say(f, 0, SECRET);
    at_client_free(f->client);
    f->client = NULL;
    assert_false(f->port.mute);
    uint8_t out[64];
    size_t n;
    assert_int_equal(port_read(&f->port, out, sizeof out, in_ms(10), &n), ERR_TIMEOUT);
    fake_end(f, SECRET);
}

/* ---- unsolicited lines ---- */

static void unsolicited_lines_can_be_waited_for_before_and_after_they_come(void **state)
{
    (void)state;
    static const char *const wifi[] = {"WIFI GOT", "WIFI CONN", NULL};
    static const char *const time[] = {"+TIME_UPDATED", NULL};
    struct fake *f = fake_started();
    char line[16];
    int which = -1;
    fake_say(f, 100, "WIFI CONNECTED\r\nsomething nobody knows\r\n");
    fake_is(at_wait_line(f->client, wifi, in_ms(1000), &which, line, sizeof line), ERR_OK, "");
    assert_int_equal(which, 1);
    assert_string_equal(line, "WIFI CONNECTED");
    fake_on(f, "AT+X", "WIFI GOT IPv6 LL\r\n\r\nOK\r\n+TIME_UPDATED\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    fake_is(at_wait_line(f->client, time, in_ms(1000), &which, line, 6), ERR_OK, "");
    assert_string_equal(line, "+TIME");
    fake_is(at_wait_line(f->client, wifi, in_ms(0), &which, line, sizeof line), ERR_OK, "");
    assert_string_equal(line, "WIFI GOT IPv6 L");
    fake_is(at_wait_line(f->client, wifi, in_ms(500), &which, line, sizeof line), ERR_TIMEOUT,
            "timeout");
    fake_say(f, 0, "WIFI GOT IP\r\n+TIME_UPDATED\r\n");
    fake_is(at_wait_line(f->client, time, in_ms(500), &which, line, sizeof line), ERR_OK, "");
    at_forget(f->client);
    fake_is(at_wait_line(f->client, wifi, in_ms(500), &which, line, sizeof line), ERR_TIMEOUT,
            "timeout");
    fake_end(f, NULL);
}

static void messages_come_with_their_bytes(void **state)
{
    (void)state;
    static const char *const any[] = {"+MQTTSUBRECV:", NULL};
    struct fake *f = fake_started();
    struct at_message m;
    int which;
    fake_on(f, "AT+X", "+MQTTSUBRECV:0,\"a\",6,\r\nOK\r\n\r\n\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    assert_null(at_answer_raw(f->client));
    fake_is(at_wait_message(f->client, any, in_ms(1000), &which, &m), ERR_OK, "");
    assert_string_equal(m.line, "+MQTTSUBRECV:0,\"a\",6,");
    assert_int_equal(m.raw_len, 6);
    assert_memory_equal(m.raw, "\r\nOK\r\n", 6);
    fake_end(f, NULL);
}

static void the_time_to_the_first_unsolicited_line_is_measured(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+X", "\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    assert_int_equal(at_first_urc_ms(f->client), -1);
    fake_on(f, "AT+MQTTCONN", NULL);
    fake_then(f, 740, "+MQTTDISCONNECTED:0\r\n");
    fake_then(f, 5740, "\r\nERROR\r\n");
    fake_is(at_command(f->client, in_ms(9000), "AT+MQTTCONN"), ERR_DEVICE, "at_error");
    assert_int_equal(at_first_urc_ms(f->client), 740);
    fake_end(f, NULL);
}

static void values_are_escaped_as_the_firmware_reads_them(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64);
    fake_is(at_quote("a,b\"c\\d e'>=", &b), ERR_OK, "");
    assert_string_equal(buf_str(&b), "a\\,b\\\"c\\\\d e'>=");
    buf_reset(&b);
    fake_is(at_quote("", &b), ERR_OK, "");
    fake_is(at_quote("a\nb", &b), ERR_ARG, "at_line_break");
    fake_is(at_quote("a\rb", &b), ERR_ARG, "at_line_break");
    buf_dispose(&b);
    buf_init(&b, 4);
    fake_is(at_quote("12345", &b), ERR_TOO_LARGE, "too_large");
    buf_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_its_lines_whatever_the_blank_lines),
        cmocka_unit_test(the_answer_of_the_command_before_is_gone),
        cmocka_unit_test(error_codes_come_back_in_words),
        cmocka_unit_test(lines_that_no_firmware_takes_are_refused_before_sending),
        cmocka_unit_test(a_busy_board_is_waited_for_and_asked_again),
        cmocka_unit_test(busy_answers_may_be_late_and_fewer_than_the_lines),
        cmocka_unit_test(a_board_that_stays_busy_is_told_apart_from_a_silent_one),
        cmocka_unit_test(a_late_answer_is_not_taken_for_that_of_the_next_command),
        cmocka_unit_test(a_result_that_came_in_between_is_not_an_answer),
        cmocka_unit_test(noise_without_an_end_does_not_outlast_the_deadline),
        cmocka_unit_test(a_lost_port_and_a_cancel_keep_their_kind),
        cmocka_unit_test(a_restart_in_the_middle_of_a_command_is_its_own_error),
        cmocka_unit_test(last_words_without_a_boot_are_an_error_too),
        cmocka_unit_test(a_name_that_reads_like_last_words_is_no_restart),
        cmocka_unit_test(after_a_restart_the_next_command_works),
        cmocka_unit_test(data_follows_its_prompt_only),
        cmocka_unit_test(a_refused_data_command_sends_no_data),
        cmocka_unit_test(a_code_before_the_prompt_still_gets_its_bytes),
        cmocka_unit_test(a_data_command_that_meets_busy_is_sent_again),
        cmocka_unit_test(the_bad_twin_of_the_ending_is_a_refusal),
        cmocka_unit_test(data_without_a_result_or_with_a_restart_is_an_error),
        cmocka_unit_test(counted_bytes_of_an_answer_are_kept_raw),
        cmocka_unit_test(a_secret_line_is_in_no_transcript_and_no_error),
        cmocka_unit_test(what_follows_a_secret_line_is_seen_when_there_is_no_echo),
        cmocka_unit_test(after_a_restart_the_echo_of_a_secret_line_is_hidden_again),
        cmocka_unit_test(secret_data_is_hidden_also_when_the_board_echoes_it),
        cmocka_unit_test(a_secret_answer_is_hidden_to_its_last_byte),
        cmocka_unit_test(a_client_that_ends_in_the_middle_of_a_secret_leaves_nothing_to_read),
        cmocka_unit_test(unsolicited_lines_can_be_waited_for_before_and_after_they_come),
        cmocka_unit_test(messages_come_with_their_bytes),
        cmocka_unit_test(the_time_to_the_first_unsolicited_line_is_measured),
        cmocka_unit_test(values_are_escaped_as_the_firmware_reads_them),
    };
    return cmocka_run_group_tests_name("at/client", tests, NULL, NULL);
}
