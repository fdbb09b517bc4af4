/* Joining one access point. */
#include "tests/unit/at/fake.h"

#include "service/at/wifi.h"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

#define PASSWORD "s3cr,t\"w\\ord"
#define ESCAPED  "s3cr\\,t\\\"w\\\\ord"
static const char join[] = "AT+CWJAP=\"net\\,5\",\"" ESCAPED "\"";

static struct fake *joining(const char *answer)
{
    struct fake *f = fake_started();
    fake_on(f, "AT+CWMODE=1", "\r\nOK\r\n");
    fake_on(f, join, NULL);
    fake_then(f, 3300, answer);
    return f;
}

static void a_join_escapes_its_names_and_waits_for_ok(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n",
        "WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n",
        "\r\nOK\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct fake *f = joining(answers[i]);
        fake_is(at_wifi_join(f->client, "net,5", PASSWORD, in_ms(20000)), ERR_OK, "");
        fake_end(f, ESCAPED);
    }
}

static void every_failure_of_a_join_has_its_code(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *code;
    } cases[] = {
        {"+CWJAP:1\r\n\r\nERROR\r\n", "wifi_timeout"},
        {"WIFI DISCONNECT\r\n+CWJAP:2\r\n\r\nERROR\r\n", "wifi_wrong_password"},
        {"+CWJAP:3\r\n\r\nERROR\r\n", "wifi_not_found"},
        {"+CWJAP:4\r\n\r\nERROR\r\n", "wifi_failed"},
        {"+CWJAP:17\r\n\r\nERROR\r\n", "wifi_failed"},
        {"\r\nERROR\r\n", "wifi_failed"},
        {"+CWJAP:3\r\n\r\nready\r\n", "board_rebooted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = joining(cases[i].answer);
        fake_is(at_wifi_join(f->client, "net,5", PASSWORD, in_ms(20000)), ERR_DEVICE,
                cases[i].code);
        if (strstr(cases[i].answer, "+CWJAP"))
            assert_non_null(strstr(err_last()->device, "+CWJAP:"));
        fake_end(f, ESCAPED);
    }
    struct fake *f = joining("");
    fake_is(at_wifi_join(f->client, "net,5", PASSWORD, in_ms(20000)), ERR_TIMEOUT, "at_timeout");
    fake_end(f, ESCAPED);
}

static void names_that_cannot_be_are_refused_here(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    char longer[80];
    memset(longer, 'x', sizeof longer);
    longer[65] = '\0';
    fake_is(at_wifi_join(f->client, "net", longer, in_ms(1000)), ERR_ARG, "arg");
    fake_is(at_wifi_join(f->client, longer, "", in_ms(1000)), ERR_ARG, "arg");
    fake_is(at_wifi_join(f->client, "", "", in_ms(1000)), ERR_ARG, "arg");
    fake_is(at_wifi_join(f->client, "a\nb", "", in_ms(1000)), ERR_ARG, "at_line_break");
    fake_is(at_wifi_join(f->client, "a", "12345678\r", in_ms(1000)), ERR_ARG, "at_line_break");
    fake_end(f, NULL);
}

static void the_longest_names_fit_into_a_line(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    char ssid[33], password[65], line[300];
    memset(ssid, 's', 32);
    memset(password, ',', 64); /* each becomes two */
    ssid[32] = password[64] = '\0';
    int n = snprintf(line, sizeof line, "AT+CWJAP=\"%s\",\"", ssid);
    for (int i = 0; i < 64; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "\\,");
    snprintf(line + n, sizeof line - (size_t)n, "\"");
    fake_on(f, "AT+CWMODE=1", "\r\nOK\r\n");
    fake_on(f, line, "\r\nOK\r\n");
    fake_is(at_wifi_join(f->client, ssid, password, in_ms(1000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void old_firmware_that_always_stores_is_told(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    bool stored = true;
    fake_on(f, "AT+SYSSTORE=0", "\r\nOK\r\n");
    fake_is(at_wifi_do_not_store(f->client, &stored), ERR_OK, "");
    assert_false(stored);
    fake_on(f, "AT+SYSSTORE=0", "ERR CODE:0x01090000\r\n\r\nERROR\r\n");
    fake_is(at_wifi_do_not_store(f->client, &stored), ERR_OK, "");
    assert_true(stored);
    fake_on(f, "AT+SYSSTORE=0", "ERR CODE:0x01070001\r\n\r\nERROR\r\n");
    fake_is(at_wifi_do_not_store(f->client, &stored), ERR_DEVICE, "at_error");
    fake_on(f, "AT+SYSSTORE=0", "\r\nready\r\n");
    fake_is(at_wifi_do_not_store(f->client, &stored), ERR_DEVICE, "board_rebooted");
    assert_false(stored);
    fake_end(f, NULL);
}

static void a_network_can_be_stored_on_purpose(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+SYSSTORE=1", "\r\nOK\r\n");
    fake_is(at_wifi_do_store(f->client), ERR_OK, "");
    fake_on(f, "AT+SYSSTORE=1", "ERR CODE:0x01090000\r\n\r\nERROR\r\n");
    fake_is(at_wifi_do_store(f->client), ERR_OK, "");
    fake_end(f, NULL);
}

static void losing_the_access_point_is_told_once_and_changing_it_is_not_losing_it(void **state)
{
    (void)state;
    struct fake *f = joining("WIFI DISCONNECT\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    fake_is(at_wifi_join(f->client, "net,5", PASSWORD, in_ms(20000)), ERR_OK, "");
    assert_false(at_wifi_is_lost(f->client));
    fake_on(f, "AT+MQTTCLEAN=0", "WIFI DISCONNECT\r\n\r\nOK\r\n");
    fake_is(at_command(f->client, in_ms(1000), "AT+MQTTCLEAN=0"), ERR_OK, "");
    assert_true(at_wifi_is_lost(f->client));
    assert_false(at_wifi_is_lost(f->client));
    fake_end(f, ESCAPED);
}

static void the_state_is_read_from_any_number_of_fields(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *ssid;
        int channel, rssi;
    } cases[] = {
        {"+CWJAP:\"Espressif\",\"10:01:00:c4:0a:51\",5,-26,0,1,3,0,1\r\n\r\nOK\r\n", "Espressif", 5,
         -26},
        {"+CWJAP:\"Espressif\",\"10:01:00:c4:0a:51\",5,-26\r\n\r\nOK\r\n", "Espressif", 5, -26},
        {"+CWJAP:\"a\",\"b,\"c\",\"10:01:00:c4:0a:51\",13,-1,0\r\n\r\nOK\r\n", "a\",\"b,\"c", 13,
         -1},
        {"+CWJAP:\"x\",\"10:01:00:C4:0A:51\",1\r\n\r\nOK\r\n", "x", 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        struct at_wifi_state got;
        fake_on(f, "AT+CWJAP?", cases[i].answer);
        fake_on(f, "AT+CIPSTA?",
                "+CIPSTA:ip:\"10.0.2.15\"\r\n+CIPSTA:gateway:\"10.0.2.2\"\r\n\r\nOK\r\n");
        fake_is(at_wifi_query(f->client, &got, in_ms(1000)), ERR_OK, "");
        assert_string_equal(got.ssid, cases[i].ssid);
        assert_int_equal(got.channel, cases[i].channel);
        assert_int_equal(got.rssi, cases[i].rssi);
        assert_int_equal(strlen(got.bssid), 17);
        assert_string_equal(got.ip, "10.0.2.15");
        fake_end(f, NULL);
    }
}

static void a_board_that_has_not_joined_says_so_in_two_ways(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_wifi_state got;
    fake_on(f, "AT+CWJAP?", "\r\nOK\r\n");
    fake_is(at_wifi_query(f->client, &got, in_ms(1000)), ERR_NOT_FOUND, "wifi_not_joined");
    fake_on(f, "AT+CWJAP?", "No AP\r\n\r\nOK\r\n");
    fake_is(at_wifi_query(f->client, &got, in_ms(1000)), ERR_NOT_FOUND, "wifi_not_joined");
    fake_on(f, "AT+CWJAP?", "+CWJAP:\"x\",\"10:01:00\",1\r\n\r\nOK\r\n");
    fake_is(at_wifi_query(f->client, &got, in_ms(1000)), ERR_PROTOCOL, "at_bad_answer");
    fake_on(f, "AT+CWJAP?", "+CWJAP:\"x\",\"10:01:00:c4:0a:51\",5,-26\r\n\r\nOK\r\n");
    fake_on(f, "AT+CIPSTA?", "+CIPSTA:ip:\"0.0.0.0\"\r\n\r\nOK\r\n");
    fake_is(at_wifi_query(f->client, &got, in_ms(1000)), ERR_OK, "");
    assert_string_equal(got.ip, "");
    fake_on(f, "AT+CWQAP", "\r\nOK\r\nWIFI DISCONNECT\r\n");
    fake_is(at_wifi_leave(f->client, in_ms(1000)), ERR_OK, "");
    fake_end(f, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_escapes_its_names_and_waits_for_ok),
        cmocka_unit_test(every_failure_of_a_join_has_its_code),
        cmocka_unit_test(names_that_cannot_be_are_refused_here),
        cmocka_unit_test(the_longest_names_fit_into_a_line),
        cmocka_unit_test(old_firmware_that_always_stores_is_told),
        cmocka_unit_test(a_network_can_be_stored_on_purpose),
        cmocka_unit_test(losing_the_access_point_is_told_once_and_changing_it_is_not_losing_it),
        cmocka_unit_test(the_state_is_read_from_any_number_of_fields),
        cmocka_unit_test(a_board_that_has_not_joined_says_so_in_two_ways),
    };
    return cmocka_run_group_tests_name("at/wifi", tests, NULL, NULL);
}
