/* What the board finds on its way to a host. */
#include "tests/unit/at/fake.h"

#include "service/at/net.h"

static const char resolve[] = "AT+CIPDOMAIN=\"broker.example\"";
static const char mode[] = "AT+CIPMUX=0";
static const char open_tcp[] = "AT+CIPSTART=\"TCP\",\"broker.example\",8883";
static const char ok[] = "\r\nOK\r\n", error[] = "\r\nERROR\r\n";
static const char unknown[] = "ERR CODE:0x01090000\r\n\r\nERROR\r\n";

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

static void an_address_comes_with_quotes_or_without(void **state)
{
    (void)state;
    static const char *const answers[] = {"+CIPDOMAIN:10.0.2.2\r\n\r\nOK\r\n",
                                          "+CIPDOMAIN:\"10.0.2.2\"\r\n\r\nOK\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = fake_started();
        char address[AT_ADDRESS];
        fake_on(f, resolve, answers[i]);
        fake_is(at_net_resolve(f->client, "broker.example", in_ms(1000), address), ERR_OK, "");
        assert_string_equal(address, "10.0.2.2");
        fake_end(f, NULL);
    }
}

static void a_name_that_is_not_found_is_told_from_a_firmware_that_cannot_look(void **state)
{
    (void)state;
    char address[AT_ADDRESS];
    struct fake *f = fake_started();
    fake_on(f, resolve, "DNS Fail\r\n\r\nERROR\r\n");
    fake_is(at_net_resolve(f->client, "broker.example", in_ms(1000), address), ERR_DEVICE,
            "net_dns_failed");
    assert_non_null(strstr(err_last()->device, "DNS Fail"));
    fake_end(f, NULL);
    f = fake_started();
    fake_on(f, resolve, unknown);
    fake_is(at_net_resolve(f->client, "broker.example", in_ms(1000), address), ERR_UNSUPPORTED,
            "net_unsupported");
    fake_end(f, NULL);
    f = fake_started();
    fake_on(f, resolve, "");
    fake_is(at_net_resolve(f->client, "broker.example", in_ms(1000), address), ERR_TIMEOUT,
            "net_hangs");
    fake_end(f, NULL);
}

static struct fake *opening(int ms, const char *answer)
{
    struct fake *f = fake_started();
    fake_on(f, mode, ok);
    fake_on(f, open_tcp, NULL);
    fake_then(f, ms, answer);
    return f;
}

static void an_open_port_is_closed_again(void **state)
{
    (void)state;
    static const char *const answers[] = {"CLOSED\r\n\r\nOK\r\n", error};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = opening(300, "CONNECT\r\n\r\nOK\r\n");
        fake_on(f, "AT+CIPCLOSE", answers[i]); /* the other side may have been faster */
        fake_is(at_net_connect(f->client, "broker.example", 8883, in_ms(25000)), ERR_OK, "");
        fake_end(f, NULL);
    }
}

static void who_refuses_is_faster_than_who_is_not_there(void **state)
{
    (void)state;
    static const struct {
        int ms;
        const char *answer;
        enum err kind;
        const char *code;
    } cases[] = {
        {40, error, ERR_DEVICE, "net_refused"},
        {2900, error, ERR_DEVICE, "net_refused"},
        {18000, error, ERR_DEVICE, "net_silent"},
        {40, unknown, ERR_UNSUPPORTED, "net_unsupported"},
        {40, "", ERR_TIMEOUT, "net_hangs"},
        {40, "\r\nready\r\n", ERR_DEVICE, "board_rebooted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = opening(cases[i].ms, cases[i].answer);
        fake_is(at_net_connect(f->client, "broker.example", 8883, in_ms(25000)), cases[i].kind,
                cases[i].code);
        fake_end(f, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_comes_with_quotes_or_without),
        cmocka_unit_test(a_name_that_is_not_found_is_told_from_a_firmware_that_cannot_look),
        cmocka_unit_test(an_open_port_is_closed_again),
        cmocka_unit_test(who_refuses_is_faster_than_who_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
