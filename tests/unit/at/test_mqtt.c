/* The board's MQTT client: settings in their order, failures told apart, messages joined. */
#include "tests/unit/at/fake.h"

#include "service/at/mqtt.h"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

static const struct at_mqtt_config plain = {.scheme = 5,
                                            .client_id = "bench-01",
                                            .username = "",
                                            .password = "",
                                            .alpn = "",
                                            .sni = "",
                                            .host = "10.0.2.2",
                                            .port = 8883};

static const char ok[] = "\r\nOK\r\n";
static const char unknown[] = "ERR CODE:0x01090000\r\n\r\nERROR\r\n";

/* ---- settings ---- */

static void settings_go_in_the_one_order_that_the_firmware_takes(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_mqtt_config cfg = plain;
    cfg.alpn = "x-amzn-mqtt-ca";
    cfg.sni = "broker.test";
    cfg.keepalive_s = 60;
    fake_on(f, "AT+MQTTCLEAN=0", "ERR CODE:0x010a6003\r\n\r\nERROR\r\n");
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"\",\"\",0,0,\"\"", ok);
    fake_on(f, "AT+MQTTALPN=0,1,\"x-amzn-mqtt-ca\"", ok);
    fake_on(f, "AT+MQTTSNI=0,\"broker.test\"", ok);
    fake_on(f, "AT+MQTTCONNCFG=0,60,0,\"\",\"\",0,0", ok);
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_OK, "");
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"\",\"\",0,0,\"\"", ok);
    fake_on(f, "AT+MQTTCONNCFG=0,0,0,\"\",\"\",0,0", ok);
    fake_is(at_mqtt_configure(f->client, &plain, in_ms(9000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_password_is_escaped_and_hidden(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_mqtt_config cfg = plain;
    cfg.username = "user,1";
    cfg.password = "pa,ss\"1";
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"user\\,1\",\"pa\\,ss\\\"1\",0,0,\"\"",
            "ERR CODE:0x010a601c\r\n\r\nERROR\r\n");
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_DEVICE, "at_error");
    assert_non_null(strstr(err_last()->detail, "AT+MQTTUSERCFG was refused"));
    fake_end(f, "pa\\,ss");
}

static void long_names_go_by_commands_of_their_own(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_mqtt_config cfg = plain;
    char id[201], user[101], password[601], line[300];
    memset(id, 'i', 200);
    memset(user, 'u', 100);
    memset(password, 'p', 600);
    id[200] = user[100] = password[600] = '\0';
    cfg.client_id = id;
    cfg.username = user;
    cfg.password = password;
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"-\",\"\",\"\",0,0,\"\"", ok);
    snprintf(line, sizeof line, "AT+MQTTCLIENTID=0,\"%s\"", id);
    fake_on(f, line, ok);
    snprintf(line, sizeof line, "AT+MQTTUSERNAME=0,\"%s\"", user);
    fake_on(f, line, ok);
    fake_on(f, "AT+MQTTLONGPASSWORD=0,600", "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, password, 600);
    fake_then(f, 5, ok);
    fake_on(f, "AT+MQTTCONNCFG=0,0,0,\"\",\"\",0,0", ok);
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_OK, "");
    fake_end(f, "pppp");
}

static void what_old_firmware_lacks_is_told_apart(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_mqtt_config cfg = plain;
    cfg.alpn = "mqtt";
    cfg.sni = "broker.test";
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"\",\"\",0,0,\"\"", ok);
    fake_on(f, "AT+MQTTALPN=0,1,\"mqtt\"", unknown);
    fake_on(f, "AT+MQTTSNI=0,\"broker.test\"", unknown);
    fake_on(f, "AT+MQTTCONNCFG=0,0,0,\"\",\"\",0,0", ok);
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_OK, "");
    cfg.port = 443;
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"\",\"\",0,0,\"\"", ok);
    fake_on(f, "AT+MQTTALPN=0,1,\"mqtt\"", unknown);
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_UNSUPPORTED,
            "mqtt_alpn_unsupported");
    fake_on(f, "AT+MQTTCLEAN=0", unknown);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"\",\"\",0,0,\"\"", unknown);
    fake_is(at_mqtt_configure(f->client, &plain, in_ms(9000)), ERR_UNSUPPORTED, "mqtt_unsupported");
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_on(f, "AT+MQTTUSERCFG=0,5,\"bench-01\",\"\",\"\",0,0,\"\"", ok);
    fake_on(f, "AT+MQTTALPN=0,1,\"mqtt\"", "ERR CODE:0x010a6002\r\n\r\nERROR\r\n");
    cfg.port = 8883;
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_DEVICE, "at_error");
    fake_end(f, NULL);
}

static void settings_out_of_range_send_nothing(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_mqtt_config cfg = plain;
    cfg.scheme = 11;
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_ARG, "arg");
    cfg.scheme = 0;
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_ARG, "arg");
    cfg = plain;
    cfg.keepalive_s = 7201;
    fake_is(at_mqtt_configure(f->client, &cfg, in_ms(9000)), ERR_ARG, "arg");
    cfg = plain;
    cfg.host = "a b";
    fake_is(at_mqtt_connect(f->client, &cfg, in_ms(9000)), ERR_ARG, "arg");
    cfg.host = "";
    fake_is(at_mqtt_connect(f->client, &cfg, in_ms(9000)), ERR_ARG, "arg");
    cfg = plain;
    cfg.port = 65536;
    fake_is(at_mqtt_connect(f->client, &cfg, in_ms(9000)), ERR_ARG, "arg");
    char topic[130];
    memset(topic, 't', sizeof topic);
    topic[129] = '\0';
    fake_is(at_mqtt_subscribe(f->client, topic, 0, in_ms(9000)), ERR_ARG, "arg");
    fake_is(at_mqtt_subscribe(f->client, "t", 3, in_ms(9000)), ERR_ARG, "arg");
    fake_is(at_mqtt_publish(f->client, "", 0, "x", 1, in_ms(9000)), ERR_ARG, "arg");
    fake_end(f, NULL);
}

static void nothing_to_clean_is_no_error(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+MQTTCLEAN=0", "ERR CODE:0x010a6003\r\n\r\nERROR\r\n");
    fake_is(at_mqtt_clean(f->client, in_ms(9000)), ERR_OK, "");
    fake_on(f, "AT+MQTTCLEAN=0", "\r\nERROR\r\n");
    fake_is(at_mqtt_clean(f->client, in_ms(9000)), ERR_OK, "");
    fake_on(f, "AT+MQTTCLEAN=0", "+MQTTDISCONNECTED:0\r\n\r\nOK\r\n");
    fake_is(at_mqtt_clean(f->client, in_ms(9000)), ERR_OK, "");
    fake_on(f, "AT+MQTTCLEAN=0", unknown);
    fake_is(at_mqtt_clean(f->client, in_ms(9000)), ERR_DEVICE, "at_error");
    fake_end(f, NULL);
}

/* ---- connect ---- */

static const char conn[] = "AT+MQTTCONN=0,\"10.0.2.2\",8883,0";

static void a_connection_is_an_ok(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, conn, NULL);
    fake_then(f, 2000, "+MQTTCONNECTED:0,5,\"10.0.2.2\",\"8883\",\"\",0\r\n\r\nOK\r\n");
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(60000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_failed_connection_is_waited_out_and_told_with_its_time(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, conn, NULL);
    fake_then(f, 740, "+MQTTDISCONNECTED:0\r\n");
    fake_then(f, 5740, "\r\nERROR\r\n");
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    int64_t start = fake_now_ns;
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(60000)), ERR_DEVICE, "mqtt_connect_failed");
    assert_int_equal((fake_now_ns - start) / 1000000, 5740);
    assert_non_null(
        strstr(err_last()->detail, "10.0.2.2:8883 (scheme 5): it gave up after 740 ms"));
    assert_non_null(strstr(err_last()->device, "+MQTTDISCONNECTED:0"));
    assert_non_null(strstr(err_last()->hint, "root CA"));
    fake_is(at_mqtt_clean(f->client, in_ms(1000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_silent_peer_gives_another_hint(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, conn, NULL);
    fake_then(f, 10400, "+MQTTDISCONNECTED:0\r\n");
    fake_then(f, 15400, "\r\nERROR\r\n");
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(60000)), ERR_DEVICE, "mqtt_connect_failed");
    assert_non_null(strstr(err_last()->hint, "firewall"));
    fake_end(f, NULL);
}

static void missing_pki_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *code, *name;
    } cases[] = {
        {"6021", "mqtt_ca_missing"},     {"6022", "mqtt_ca_missing"},
        {"6023", "mqtt_cert_missing"},   {"6024", "mqtt_cert_missing"},
        {"6025", "mqtt_key_missing"},    {"6026", "mqtt_key_missing"},
        {"6001", "mqtt_connect_failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        char answer[160];
        snprintf(answer, sizeof answer,
                 "ERR CODE:0x010a%s\r\nERR CODE:0x010a6009\r\nERR CODE:0x010a600a\r\n\r\nERROR\r\n",
                 cases[i].code);
        fake_on(f, conn, answer);
        fake_is(at_mqtt_connect(f->client, &plain, in_ms(60000)), ERR_DEVICE, cases[i].name);
        assert_non_null(strstr(err_last()->device, cases[i].code));
        fake_end(f, NULL);
    }
}

static void the_limit_of_a_connection_is_60_s(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, conn, NULL);
    int64_t start = fake_now_ns;
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(900000)), ERR_TIMEOUT, "mqtt_connect_hangs");
    assert_int_equal((fake_now_ns - start) / 1000000, 60000);
    fake_end(f, NULL);
}

static void a_deadline_between_the_news_and_error_still_means_failed(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, conn, NULL);
    fake_then(f, 2000, "+MQTTDISCONNECTED:0\r\n");
    fake_then(f, 7000, "\r\nERROR\r\n");
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(3000)), ERR_DEVICE, "mqtt_connect_failed");
    assert_non_null(strstr(err_last()->detail, "after 2000 ms"));
    /* The next command waits until the board is through, and its ERROR is not taken for an answer.
     */
    for (int i = 0; i < 4; i++)
        fake_on(f, "AT", "\r\nbusy p...\r\n");
    fake_on(f, "AT", ok);
    fake_on(f, "AT+MQTTCLEAN=0", ok);
    fake_is(at_command(f->client, in_ms(20000), "AT+MQTTCLEAN=0"), ERR_OK, "");
    fake_end(f, NULL);
}

static void other_failures_of_a_connection_keep_their_names(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, conn, "\r\nready\r\n");
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(9000)), ERR_DEVICE, "board_rebooted");
    f->fail_read = ERR_PORT_GONE;
    fake_is(at_mqtt_connect(f->client, &plain, in_ms(9000)), ERR_PORT_GONE, "port_gone");
    fake_end(f, NULL);
}

/* ---- subscribe, publish ---- */

static void a_subscription_that_hangs_has_its_code(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+MQTTSUB=0,\"a/\\,b\",1", ok);
    fake_is(at_mqtt_subscribe(f->client, "a/,b", 1, in_ms(9000)), ERR_OK, "");
    fake_on(f, "AT+MQTTSUB=0,\"t\",0", "ERR CODE:0x010a6006\r\n\r\nERROR\r\n");
    fake_is(at_mqtt_subscribe(f->client, "t", 0, in_ms(9000)), ERR_DEVICE, "at_error");
    fake_on(f, "AT+MQTTSUB=0,\"t\",0", NULL);
    fake_is(at_mqtt_subscribe(f->client, "t", 0, in_ms(9000)), ERR_TIMEOUT, "mqtt_subscribe_hangs");
    fake_end(f, NULL);
}

static void a_publish_sends_its_bytes_after_the_prompt(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+MQTTPUBRAW=0,\"t\",5,1,0", "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, "a,\"\r\n", 5);
    fake_then(f, 20, "+MQTTSUBRECV:0,\"t\",5,a,\"\r\n\r\n");
    fake_then(f, 30, "+MQTTPUB:OK\r\n");
    fake_is(at_mqtt_publish(f->client, "t", 1, "a,\"\r\n", 5, in_ms(9000)), ERR_OK, "");
    fake_is(at_mqtt_expect(f->client, "t", "a,\"\r\n", 5, in_ms(9000)), ERR_OK, "");
    fake_on(f, "AT+MQTTPUBRAW=0,\"t\",1,0,0", "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, "x", 1);
    fake_then(f, 5, "+MQTTPUB:FAIL\r\n");
    fake_is(at_mqtt_publish(f->client, "t", 0, "x", 1, in_ms(9000)), ERR_DEVICE, "at_error");
    fake_on(f, "AT+MQTTPUB=0,\"t\",\"\",0,0", ok);
    fake_is(at_mqtt_publish(f->client, "t", 0, "", 0, in_ms(9000)), ERR_OK, "");
    fake_end(f, NULL);
}

/* ---- messages ---- */

static uint8_t message[4000];

static void fill_message(void)
{
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7 + i / 251);
}

static void say_piece(struct fake *f, int ms, const char *topic, const uint8_t *data, size_t n)
{
    struct buf b;
    buf_init(&b, 8192);
    buf_printf(&b, "+MQTTSUBRECV:0,\"%s\",%zu,", topic, n);
    buf_append(&b, data, n);
    buf_puts(&b, "\r\n");
    fake_say_bytes(f, ms, b.data, b.len);
    buf_dispose(&b);
}

static void say_split(struct fake *f, const char *topic, const uint8_t *data, size_t n, size_t head)
{
    size_t at = 0, first = 1024 - head - strlen(topic);
    for (size_t piece = first; at < n; piece = 1024) {
        if (piece > n - at) piece = n - at;
        say_piece(f, 5, topic, data + at, piece);
        at += piece;
    }
}

static void pieces_of_a_long_message_are_joined(void **state)
{
    (void)state;
    static const struct {
        size_t n, head; /* of the MQTT packet, without the topic */
    } cases[] = {{1, 5},    {1011, 5}, {1012, 5}, {1500, 7}, {1500, 5},
                 {2035, 5}, {4000, 7}, {4000, 5}, {4000, 8}, {2040, 6}};
    fill_message();
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        f->chunk = i % 2;
        say_split(f, "bench/t1", message, cases[i / 2].n, cases[i / 2].head);
        fake_is(at_mqtt_expect(f->client, "bench/t1", message, cases[i / 2].n, in_ms(1000)), ERR_OK,
                "");
        fake_end(f, NULL);
    }
}

static void other_messages_do_not_count(void **state)
{
    (void)state;
    fill_message();
    uint8_t other[1500];
    memcpy(other, message, sizeof other);
    other[1400] ^= 1;
    struct fake *f = fake_started();
    say_piece(f, 1, "bench/t1", (const uint8_t *)"old", 3);
    say_piece(f, 2, "bench/t10", message, 100);
    say_piece(f, 3, "bench/t", message, 100);
    say_piece(f, 4, "bench/t1", message, 99); /* shorter, begins like it */
    say_piece(f, 5, "bench/t1", message + 99, 1);
    say_piece(f, 6, "bench/t1", message, 101);
    fake_is(at_mqtt_expect(f->client, "bench/t1", message, 100, in_ms(1000)), ERR_TIMEOUT,
            "mqtt_no_echo");
    say_split(f, "bench/t1", other, 1500, 7);
    fake_is(at_mqtt_expect(f->client, "bench/t1", message, 1500, in_ms(1000)), ERR_TIMEOUT,
            "mqtt_no_echo");
    /* A message whose second piece is not full has no third. */
    say_piece(f, 1, "bench/t1", message, 1009);
    say_piece(f, 2, "bench/t1", message + 1009, 500);
    say_piece(f, 3, "bench/t1", message + 1509, 491);
    fake_is(at_mqtt_expect(f->client, "bench/t1", message, 2000, in_ms(1000)), ERR_TIMEOUT,
            "mqtt_no_echo");
    /* The first piece of one that is longer, then ours. */
    say_piece(f, 1, "bench/t1", message, 1009);
    say_split(f, "bench/t1", message, 1500, 7);
    fake_is(at_mqtt_expect(f->client, "bench/t1", message, 1500, in_ms(1000)), ERR_OK, "");
    /* Pieces of another topic in between do not disturb. */
    say_piece(f, 1, "bench/t1", message, 1009);
    say_piece(f, 2, "bench/t2", message, 50);
    say_piece(f, 3, "bench/t1", message + 1009, 491);
    fake_is(at_mqtt_expect(f->client, "bench/t1", message, 1500, in_ms(1000)), ERR_OK, "");
    say_piece(f, 1, "t", message, 0);
    fake_is(at_mqtt_expect(f->client, "t", NULL, 0, in_ms(1000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_lost_connection_ends_the_wait(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_say(f, 100, "+MQTTDISCONNECTED:0\r\n");
    int64_t start = fake_now_ns;
    fake_is(at_mqtt_expect(f->client, "t", "x", 1, in_ms(9000)), ERR_DEVICE, "mqtt_disconnected");
    assert_int_equal((fake_now_ns - start) / 1000000, 100);
    fake_say(f, 10, "+MQTTSUBRECV:0,\"t\",1,x\r\n+MQTTDISCONNECTED:0\r\n");
    fake_is(at_mqtt_expect(f->client, "t", "x", 1, in_ms(9000)), ERR_OK, "");
    fake_is(at_mqtt_expect(f->client, "t", "x", 1, in_ms(9000)), ERR_DEVICE, "mqtt_disconnected");
    fake_say(f, 10, "\r\nready\r\n");
    fake_is(at_mqtt_expect(f->client, "t", "x", 1, in_ms(9000)), ERR_DEVICE, "board_rebooted");
    fake_end(f, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_go_in_the_one_order_that_the_firmware_takes),
        cmocka_unit_test(a_password_is_escaped_and_hidden),
        cmocka_unit_test(long_names_go_by_commands_of_their_own),
        cmocka_unit_test(what_old_firmware_lacks_is_told_apart),
        cmocka_unit_test(settings_out_of_range_send_nothing),
        cmocka_unit_test(nothing_to_clean_is_no_error),
        cmocka_unit_test(a_connection_is_an_ok),
        cmocka_unit_test(a_failed_connection_is_waited_out_and_told_with_its_time),
        cmocka_unit_test(a_silent_peer_gives_another_hint),
        cmocka_unit_test(missing_pki_is_named),
        cmocka_unit_test(the_limit_of_a_connection_is_60_s),
        cmocka_unit_test(a_deadline_between_the_news_and_error_still_means_failed),
        cmocka_unit_test(other_failures_of_a_connection_keep_their_names),
        cmocka_unit_test(a_subscription_that_hangs_has_its_code),
        cmocka_unit_test(a_publish_sends_its_bytes_after_the_prompt),
        cmocka_unit_test(pieces_of_a_long_message_are_joined),
        cmocka_unit_test(other_messages_do_not_count),
        cmocka_unit_test(a_lost_connection_ends_the_wait),
    };
    return cmocka_run_group_tests_name("at/mqtt", tests, NULL, NULL);
}
