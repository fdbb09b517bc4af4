/* The board's clock. */
#include "tests/unit/at/fake.h"

#include "service/at/sntp.h"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

static void times_become_utc_whatever_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int zone;
        int64_t unix_s; /* by date -u -d … +%s */
    } cases[] = {
        {"Fri Mar 14 17:27:12 2025", 8, 1741944432},   {"Fri Mar 14 09:27:12 2025", 0, 1741944432},
        {"Fri Mar 14 01:27:12 2025", -8, 1741944432},  {"Thu Sep  2 09:05:07 2027", 0, 1819875907},
        {"Thu Sep 02 09:05:07 2027", 0, 1819875907},   {"Fri Jan  1 00:30:00 2038", 14, 2145868200},
        {"Thu Feb 29 23:59:59 2024", -12, 1709294399}, {"Sun Jan  1 00:00:00 2023", 0, 1672531200},
        {"Tue Jan 19 03:14:08 2038", 0, 2147483648},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        char line[64], answer[64];
        int64_t got;
        snprintf(line, sizeof line, "AT+CIPSNTPCFG=1,%d,\"10.0.2.2\"", cases[i].zone);
        snprintf(answer, sizeof answer, "+CIPSNTPTIME:%s\r\nOK\r\n", cases[i].text);
        fake_on(f, line, "\r\nOK\r\n");
        fake_then(f, 40, "+TIME_UPDATED\r\n");
        fake_on(f, "AT+CIPSNTPTIME?", answer);
        int64_t start = fake_now_ns;
        fake_is(at_sntp_sync(f->client, "10.0.2.2", cases[i].zone, in_ms(30000), &got), ERR_OK, "");
        assert_int_equal(got, cases[i].unix_s);
        assert_in_range((fake_now_ns - start) / 1000000, 40, 200);
        fake_end(f, NULL);
    }
}

static void firmware_without_the_news_is_asked_each_second(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    int64_t got;
    fake_on(f, "AT+CIPSNTPCFG=1,0,\"s\"", "\r\nOK\r\n");
    fake_on(f, "AT+CIPSNTPTIME?", "+CIPSNTPTIME:Thu Jan  1 00:00:12 1970\r\nOK\r\n");
    fake_on(f, "AT+CIPSNTPTIME?", "+CIPSNTPTIME:Thu Jan  1 00:00:13 1970\r\nOK\r\n");
    fake_on(f, "AT+CIPSNTPTIME?", "+CIPSNTPTIME:Fri Mar 14 09:27:12 2025\r\nOK\r\n");
    int64_t start = fake_now_ns;
    fake_is(at_sntp_sync(f->client, "s", 0, in_ms(30000), &got), ERR_OK, "");
    assert_int_equal(got, 1741944432);
    assert_in_range((fake_now_ns - start) / 1000000, 3000, 3100);
    fake_end(f, NULL);
}

static void news_in_the_burst_of_ok_counts_and_old_news_does_not(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    int64_t got;
    fake_on(f, "AT+X", "+TIME_UPDATED\r\n\r\nOK\r\n");
    fake_on(f, "AT+CIPSNTPCFG=1,0", "\r\nOK\r\n+TIME_UPDATED\r\n");
    fake_on(f, "AT+CIPSNTPTIME?", "+CIPSNTPTIME:Fri Mar 14 09:27:12 2025\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+X"), ERR_OK, "");
    int64_t start = fake_now_ns;
    fake_is(at_sntp_sync(f->client, "", 0, in_ms(30000), &got), ERR_OK, "");
    assert_in_range((fake_now_ns - start) / 1000000, 0, 100);
    fake_on(f, "AT+CIPSNTPCFG=1,0", "\r\nOK\r\n");
    fake_on(f, "AT+CIPSNTPTIME?", "+CIPSNTPTIME:Fri Mar 14 09:27:12 2025\r\nOK\r\n");
    start = fake_now_ns;
    fake_is(at_sntp_sync(f->client, NULL, 0, in_ms(30000), &got), ERR_OK, "");
    assert_in_range((fake_now_ns - start) / 1000000, 1000, 1100);
    fake_end(f, NULL);
}

static void never_synced(struct fake *f, const uint8_t *data, size_t n)
{
    bool asks = n > 16 && memcmp(data, "AT+CIPSNTPTIME?", 15) == 0;
    fake_say(f, 2, asks ? "+CIPSNTPTIME:Thu Jan  1 08:00:12 1970\r\nOK\r\n" : "\r\nOK\r\n");
}

static void a_clock_that_is_never_set_is_its_own_error(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    int64_t got;
    f->on_write = never_synced;
    int64_t start = fake_now_ns;
    fake_is(at_sntp_sync(f->client, "pool.ntp.org", 8, in_ms(12000), &got), ERR_TIMEOUT,
            "time_not_synced");
    assert_non_null(strstr(err_last()->detail, "pool.ntp.org"));
    assert_in_range((fake_now_ns - start) / 1000000, 12000, 12100);
    fake_end(f, NULL);
}

static void bad_zones_names_and_answers_are_errors(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    int64_t got;
    fake_is(at_sntp_sync(f->client, "s", 15, in_ms(1000), &got), ERR_ARG, "arg");
    fake_is(at_sntp_sync(f->client, "s", -13, in_ms(1000), &got), ERR_ARG, "arg");
    fake_is(at_sntp_sync(f->client, "s\n", 0, in_ms(1000), &got), ERR_ARG, "at_line_break");
    fake_on(f, "AT+CIPSNTPCFG=1,0,\"s\"", "\r\nERROR\r\n");
    fake_is(at_sntp_sync(f->client, "s", 0, in_ms(1000), &got), ERR_DEVICE, "at_error");
    static const char *const bad[] = {"+CIPSNTPTIME:Fri Mar 14\r\nOK\r\n",
                                      "+CIPSNTPTIME:x\r\nOK\r\n",
                                      "+CIPSNTPTIME:Fri Mär 14 09:27:12 2025\r\nOK\r\n",
                                      "+CIPSNTPTIME:Fri Mar 14 09.27.12 2025\r\nOK\r\n", "OK\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_on(f, "AT+CIPSNTPCFG=1,0,\"s\"", "\r\nOK\r\n+TIME_UPDATED\r\n");
        fake_on(f, "AT+CIPSNTPTIME?", bad[i]);
        fake_is(at_sntp_sync(f->client, "s", 0, in_ms(9000), &got), ERR_PROTOCOL, "at_bad_answer");
    }
    fake_on(f, "AT+CIPSNTPCFG=1,0,\"s\"", "\r\nOK\r\n\r\nready\r\n");
    fake_is(at_sntp_sync(f->client, "s", 0, in_ms(9000), &got), ERR_DEVICE, "board_rebooted");
    fake_end(f, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_become_utc_whatever_the_zone),
        cmocka_unit_test(firmware_without_the_news_is_asked_each_second),
        cmocka_unit_test(news_in_the_burst_of_ok_counts_and_old_news_does_not),
        cmocka_unit_test(a_clock_that_is_never_set_is_its_own_error),
        cmocka_unit_test(bad_zones_names_and_answers_are_errors),
    };
    return cmocka_run_group_tests_name("at/sntp", tests, NULL, NULL);
}
