/* AT+SYSMFG: what is sent, and what is made of an answer; the answers are those of the recorded
 * firmware. */
#include "tests/unit/at/fake.h"

#include "service/at/sysmfg.h"

static const struct at_mfg_key mqtt_cert = {.space = "mqtt_cert", .key = "mqtt_cert"};
static const struct at_mfg_key mqtt_key = {.space = "mqtt_key", .key = "mqtt_key", .secret = true};

#define REFUSED   "\r\nERROR\r\n"
#define NOT_THERE "AT+SYSMFG=1,\"mqtt_cert\"", REFUSED
#define AS_BLOB   "AT+SYSMFG=1,\"mqtt_cert\"", "+SYSMFG:\"mqtt_cert\",\"mqtt_cert\",8\r\n\r\nOK\r\n"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

static void namespaces_are_read_name_by_name(void **state)
{
    (void)state;
    char out[3][SYSMFG_NAME];
    size_t n = 0;
    struct fake *f = fake_started();
    fake_on(f, "AT+SYSMFG?",
            "+SYSMFG:\"client_ca\"\r\n+SYSMFG:\"factory_param\"\r\nWIFI GOT IP\r\n"
            "+SYSMFG:\"abcdefghijklmno\"\r\n\r\nOK\r\n");
    fake_is(at_sysmfg_spaces(f->client, out, 3, &n, in_ms(1000)), ERR_OK, "");
    assert_int_equal(n, 3);
    assert_string_equal(out[0], "client_ca");
    assert_string_equal(out[1], "factory_param");
    assert_string_equal(out[2], "abcdefghijklmno");
    fake_end(f, NULL);
}

static void a_list_of_namespaces_that_is_too_long_or_garbled_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {"+SYSMFG:\"abcdefghijklmnop\"\r\n\r\nOK\r\n",
                                      "+SYSMFG:\"mqtt_ca\r\n\r\nOK\r\n",
                                      "+SYSMFG:\"mqtt_ca\",8\r\n\r\nOK\r\n"};
    char out[2][SYSMFG_NAME];
    size_t n = 0;
    struct fake *f = fake_started();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_on(f, "AT+SYSMFG?", bad[i]);
        fake_is(at_sysmfg_spaces(f->client, out, 2, &n, in_ms(1000)), ERR_PROTOCOL,
                "at_bad_answer");
    }
    fake_on(f, "AT+SYSMFG?", "+SYSMFG:\"a\"\r\n+SYSMFG:\"b\"\r\n+SYSMFG:\"c\"\r\n\r\nOK\r\n");
    fake_is(at_sysmfg_spaces(f->client, out, 2, &n, in_ms(1000)), ERR_TOO_LARGE, "too_large");
    fake_end(f, NULL);
}

static void a_firmware_without_it_says_so(void **state)
{
    (void)state;
    static const char unknown[] = "ERR CODE:0x01090000\r\n\r\nERROR\r\n";
    char out[2][SYSMFG_NAME];
    size_t n = 0;
    int type = 0;
    struct buf value;
    struct fake *f = fake_started();
    buf_init(&value, 100);
    fake_on(f, "AT+SYSMFG?", unknown);
    fake_is(at_sysmfg_spaces(f->client, out, 2, &n, in_ms(1000)), ERR_UNSUPPORTED, "no_sysmfg");
    fake_on(f, "AT+SYSMFG?", REFUSED); /* one with raw partitions has it, and refuses */
    fake_is(at_sysmfg_spaces(f->client, out, 2, &n, in_ms(1000)), ERR_UNSUPPORTED, "no_sysmfg");
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\"", unknown);
    fake_is(at_sysmfg_type(f->client, &mqtt_cert, &type, in_ms(1000)), ERR_UNSUPPORTED,
            "no_sysmfg");
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\",\"mqtt_cert\"", unknown);
    fake_is(at_sysmfg_read(f->client, &mqtt_cert, &value, in_ms(1000)), ERR_UNSUPPORTED,
            "no_sysmfg");
    fake_on(f, "AT+SYSMFG=0,\"mqtt_cert\",\"mqtt_cert\"", unknown);
    fake_is(at_sysmfg_erase(f->client, &mqtt_cert, in_ms(1000)), ERR_UNSUPPORTED, "no_sysmfg");
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\"", unknown);
    fake_is(at_sysmfg_write(f->client, &mqtt_cert, (const uint8_t *)"x", 1, in_ms(1000)),
            ERR_UNSUPPORTED, "no_sysmfg");
    buf_dispose(&value);
    fake_end(f, NULL);
}

static void a_type_is_found_among_the_keys_of_its_namespace(void **state)
{
    (void)state;
    static const struct at_mfg_key first = {.space = "client_cert", .key = "client_cert.0"};
    static const struct {
        const char *answer;
        int type;
    } cases[] = {
        {"+SYSMFG:\"client_cert\",\"client_cert.1\",8\r\n"
         "+SYSMFG:\"client_cert\",\"client_cert.0\",7\r\n\r\nOK\r\n",
         7},
        {"+SYSMFG:\"client_cert\",\"client_cert.01\",8\r\n\r\nOK\r\n", 0},
        {"\r\nOK\r\n", 0},
        {REFUSED, 0},
        /* Twice: the one that is in the way is told, whichever comes first. */
        {"+SYSMFG:\"client_cert\",\"client_cert.0\",8\r\n"
         "+SYSMFG:\"client_cert\",\"client_cert.0\",6\r\n\r\nOK\r\n",
         6},
        {"+SYSMFG:\"client_cert\",\"client_cert.0\",6\r\n"
         "+SYSMFG:\"client_cert\",\"client_cert.0\",8\r\n\r\nOK\r\n",
         6},
    };
    struct fake *f = fake_started();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int type = -1;
        fake_on(f, "AT+SYSMFG=1,\"client_cert\"", cases[i].answer);
        fake_is(at_sysmfg_type(f->client, &first, &type, in_ms(1000)), ERR_OK, "");
        assert_int_equal(type, cases[i].type);
    }
    fake_end(f, NULL);
}

static void names_that_the_firmware_would_refuse_or_misread_send_nothing(void **state)
{
    (void)state;
    static const struct at_mfg_key bad[] = {{.space = "", .key = "k"},
                                            {.space = "s", .key = ""},
                                            {.space = "abcdefghijklmnop", .key = "k"},
                                            {.space = "s", .key = "abcdefghijklmnop"}};
    struct fake *f = fake_started();
    struct buf value;
    buf_init(&value, 100);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int type = 0;
        struct deadline d = in_ms(1000);
        fake_is(at_sysmfg_type(f->client, &bad[i], &type, d), ERR_ARG, "mfg_bad_name");
        fake_is(at_sysmfg_erase(f->client, &bad[i], d), ERR_ARG, "mfg_bad_name");
        fake_is(at_sysmfg_read(f->client, &bad[i], &value, d), ERR_ARG, "mfg_bad_name");
        fake_is(at_sysmfg_write(f->client, &bad[i], (const uint8_t *)"x", 1, d), ERR_ARG,
                "mfg_bad_name");
    }
    fake_is(at_sysmfg_write(f->client, &mqtt_cert, (const uint8_t *)"", 0, in_ms(1000)), ERR_ARG,
            "arg");
    buf_dispose(&value);
    fake_end(f, NULL);
}

static const char pem[] =
    "-----BEGIN CERTIFICATE-----\nMIIC\r\nOK\r\n>\n-----END CERTIFICATE-----\n";

static void a_value_is_written_after_its_own_prompt(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    char line[80];
    snprintf(line, sizeof line, "AT+SYSMFG=2,\"mqtt_cert\",\"mqtt_cert\",8,%zu", sizeof pem - 1);
    for (int there = 0; there < 2; there++) {
        if (there)
            fake_on(f, AS_BLOB);
        else
            fake_on(f, NOT_THERE);
        fake_on(f, line, "\r\nOK\r\nWIFI GOT IP\r\n\r\n>");
        fake_expect_bytes(f, pem, sizeof pem - 1);
        fake_then(f, 400, "\r\nOK\r\n");
        fake_is(at_sysmfg_write(f->client, &mqtt_cert, (const uint8_t *)pem, sizeof pem - 1,
                                in_ms(5000)),
                ERR_OK, "");
    }
    fake_end(f, NULL);
}

static void what_is_there_as_something_else_is_erased_first(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\"",
            "+SYSMFG:\"mqtt_cert\",\"mqtt_cert\",8\r\n+SYSMFG:\"mqtt_cert\",\"mqtt_cert\",7\r\n"
            "\r\nOK\r\n");
    fake_on(f, "AT+SYSMFG=0,\"mqtt_cert\",\"mqtt_cert\"", "\r\nOK\r\n");
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\"", "+SYSMFG:\"mqtt_cert\",\"mqtt_cert\",7\r\n\r\nOK\r\n");
    fake_on(f, "AT+SYSMFG=0,\"mqtt_cert\",\"mqtt_cert\"", "\r\nOK\r\n");
    fake_on(f, NOT_THERE);
    fake_on(f, "AT+SYSMFG=2,\"mqtt_cert\",\"mqtt_cert\",8,3", "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, "abc", 3);
    fake_then(f, 5, "\r\nOK\r\n");
    fake_is(at_sysmfg_write(f->client, &mqtt_cert, (const uint8_t *)"abc", 3, in_ms(5000)), ERR_OK,
            "");
    fake_end(f, NULL);
}

static void a_write_that_is_refused_is_an_error_with_a_way_out(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, NOT_THERE); /* before the prompt */
    fake_on(f, "AT+SYSMFG=2,\"mqtt_cert\",\"mqtt_cert\",8,3", REFUSED);
    fake_is(at_sysmfg_write(f->client, &mqtt_cert, (const uint8_t *)"abc", 3, in_ms(5000)),
            ERR_DEVICE, "at_error");
    fake_on(f, NOT_THERE); /* and after the data */
    fake_on(f, "AT+SYSMFG=2,\"mqtt_cert\",\"mqtt_cert\",8,3", "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, "abc", 3);
    fake_then(f, 5, REFUSED);
    fake_is(at_sysmfg_write(f->client, &mqtt_cert, (const uint8_t *)"abc", 3, in_ms(5000)),
            ERR_DEVICE, "at_error");
    assert_non_null(strstr(err_last()->hint, "full"));
    fake_end(f, NULL);
}

static void say_value(struct fake *f, const char *type_and_length, const void *data, size_t n)
{
    struct buf b;
    buf_init(&b, 8192);
    buf_printf(&b, "+SYSMFG:\"mqtt_cert\",\"mqtt_cert\",%s,", type_and_length);
    buf_append(&b, data, n);
    buf_puts(&b, "\r\n\r\nOK\r\n");
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\",\"mqtt_cert\"", NULL);
    fake_then_bytes(f, 300, b.data, b.len);
    buf_dispose(&b);
}

static void a_value_is_read_as_it_is_in_any_chunking(void **state)
{
    (void)state;
    char head[32];
    snprintf(head, sizeof head, "8,%zu", sizeof pem - 1);
    for (size_t chunk = 0; chunk < 14; chunk++) {
        struct fake *f = fake_started();
        struct buf value;
        buf_init(&value, 1000);
        f->chunk = chunk;
        say_value(f, head, pem, sizeof pem - 1);
        fake_is(at_sysmfg_read(f->client, &mqtt_cert, &value, in_ms(5000)), ERR_OK, "");
        assert_int_equal(value.len, sizeof pem - 1);
        assert_memory_equal(value.data, pem, value.len);
        buf_dispose(&value);
        fake_end(f, NULL);
    }
}

static void a_value_that_is_missing_or_no_blob_is_told_from_an_error(void **state)
{
    (void)state;
    static const char read[] = "AT+SYSMFG=1,\"mqtt_cert\",\"mqtt_cert\"";
    struct fake *f = fake_started();
    struct buf value;
    buf_init(&value, 1000);
    fake_on(f, read, REFUSED);
    fake_on(f, NOT_THERE);
    fake_is(at_sysmfg_read(f->client, &mqtt_cert, &value, in_ms(5000)), ERR_NOT_FOUND,
            "mfg_key_missing");
    say_value(f, "7,3", "abc", 3);
    fake_on(f, "AT+SYSMFG=1,\"mqtt_cert\"", "+SYSMFG:\"mqtt_cert\",\"mqtt_cert\",7\r\n\r\nOK\r\n");
    fake_is(at_sysmfg_read(f->client, &mqtt_cert, &value, in_ms(5000)), ERR_NOT_FOUND,
            "mfg_key_missing");
    assert_non_null(strstr(err_last()->detail, "not as a blob"));
    fake_on(f, read, REFUSED); /* there, and yet not to be read */
    fake_on(f, AS_BLOB);
    fake_is(at_sysmfg_read(f->client, &mqtt_cert, &value, in_ms(5000)), ERR_DEVICE, "at_error");
    fake_on(f, read, "\r\nOK\r\n");
    fake_is(at_sysmfg_read(f->client, &mqtt_cert, &value, in_ms(5000)), ERR_PROTOCOL,
            "at_short_read");
    assert_int_equal(value.len, 0);
    buf_dispose(&value);
    fake_end(f, NULL);
}

static void erasing_what_is_not_there_is_no_error(void **state)
{
    (void)state;
    static const char erase[] = "AT+SYSMFG=0,\"mqtt_cert\",\"mqtt_cert\"";
    struct fake *f = fake_started();
    fake_on(f, erase, "\r\nOK\r\n");
    fake_is(at_sysmfg_erase(f->client, &mqtt_cert, in_ms(1000)), ERR_OK, "");
    fake_on(f, erase, REFUSED);
    fake_on(f, NOT_THERE);
    fake_is(at_sysmfg_erase(f->client, &mqtt_cert, in_ms(1000)), ERR_OK, "");
    fake_on(f, erase, REFUSED);
    fake_on(f, AS_BLOB);
    fake_is(at_sysmfg_erase(f->client, &mqtt_cert, in_ms(1000)), ERR_DEVICE, "at_error");
    assert_non_null(strstr(err_last()->detail, "AT+SYSMFG=0"));
    fake_end(f, NULL);
}

static void a_key_is_hidden_both_ways(void **state)
{
    (void)state;
    static const char key[] = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n";
    struct fake *f = fake_started();
    struct buf value;
    char line[80], answer[200];
    buf_init_secret(&value, 1000);
    fake_on(f, "AT+SYSMFG=1,\"mqtt_key\"", REFUSED);
    snprintf(line, sizeof line, "AT+SYSMFG=2,\"mqtt_key\",\"mqtt_key\",8,%zu", sizeof key - 1);
    fake_on(f, line, "\r\nOK\r\n\r\n>");
    fake_expect_bytes(f, key, sizeof key - 1);
    fake_then(f, 5, "\r\nOK\r\n");
    fake_is(
        at_sysmfg_write(f->client, &mqtt_key, (const uint8_t *)key, sizeof key - 1, in_ms(1000)),
        ERR_OK, "");
    snprintf(answer, sizeof answer, "+SYSMFG:\"mqtt_key\",\"mqtt_key\",8,%zu,%s\r\n\r\nOK\r\n",
             sizeof key - 1, key);
    fake_on(f, "AT+SYSMFG=1,\"mqtt_key\",\"mqtt_key\"", answer);
    fake_is(at_sysmfg_read(f->client, &mqtt_key, &value, in_ms(1000)), ERR_OK, "");
    assert_string_equal(buf_str(&value), key);
    assert_true(fake_has(&f->seen, "AT+SYSMFG=1", 11));
    buf_dispose(&value);
    fake_end(f, "PRIVATE KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(namespaces_are_read_name_by_name),
        cmocka_unit_test(a_list_of_namespaces_that_is_too_long_or_garbled_is_an_error),
        cmocka_unit_test(a_firmware_without_it_says_so),
        cmocka_unit_test(a_type_is_found_among_the_keys_of_its_namespace),
        cmocka_unit_test(names_that_the_firmware_would_refuse_or_misread_send_nothing),
        cmocka_unit_test(a_value_is_written_after_its_own_prompt),
        cmocka_unit_test(what_is_there_as_something_else_is_erased_first),
        cmocka_unit_test(a_write_that_is_refused_is_an_error_with_a_way_out),
        cmocka_unit_test(a_value_is_read_as_it_is_in_any_chunking),
        cmocka_unit_test(a_value_that_is_missing_or_no_blob_is_told_from_an_error),
        cmocka_unit_test(erasing_what_is_not_there_is_no_error),
        cmocka_unit_test(a_key_is_hidden_both_ways),
    };
    return cmocka_run_group_tests_name("at/sysmfg", tests, NULL, NULL);
}
