/* What is read out of a board's log. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "service/jobs/board_log.h"

/* Lines as ESP-IDF's parts print them. */
static const struct {
    const char *text;
    enum log_says says;
} rows[] = {
    {"", LOG_NOTHING},
    {"RMW: Hello World!\r\nno ip\r\r\n", LOG_NOTHING},
    {"\x1b[0;31mE (9512) esp-tls-mbedtls: mbedtls_ssl_handshake returned -0x2700\x1b[0m\r\n",
     LOG_VERIFY_FAILED},
    {"E (9) x: mbedtls_ssl_handshake returned -0x2700\r\nI (9) x: verification info:   ! The "
     "certificate validity has expired\r\n",
     LOG_CERTIFICATE_EXPIRED},
    {"I (9) x:   ! The certificate validity starts in the future\r\n", LOG_CERTIFICATE_IN_FUTURE},
    {"I (9) x:   ! The certificate is not correctly signed by the trusted CA\r\n",
     LOG_CERTIFICATE_UNTRUSTED},
    {"I (9) x:   ! The certificate Common Name (CN) does not match with the expected CN\r\n",
     LOG_NAME_DIFFERS},
    {"E (9) x: mbedtls_ssl_handshake returned -0x7780\r\n", LOG_ALERT},
    {"E (9) x: mbedtls_pk_parse_keyfile returned -0x3D20\r\n", LOG_KEY_UNREADABLE},
    {"E (9) x: mbedtls_x509_crt_parse returned -0x2180\r\n", LOG_CERTIFICATE_UNREADABLE},
    {"E (9) esp-tls: couldn't get hostname for :x: getaddrinfo() returns 202, addrinfo=0x0\r\n",
     LOG_DNS_FAILED},
    {"E (9) esp-tls: [sock=54] delayed connect error: Connection reset by peer\r\n", LOG_REFUSED},
    {"W (9) MQTT_CLIENT: Connection refused, bad username or password\r\n", LOG_BAD_LOGIN},
    {"W (9) MQTT_CLIENT: Connection refused, not authorized\r\n", LOG_NOT_AUTHORIZED},
    {"W (9) MQTT_CLIENT: Connection refused, ID rejected\r\n", LOG_CLIENT_ID_REJECTED},
};

static void test_known_lines_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(board_log_says(rows[i].text), rows[i].says);
}

static const char *line(const json_t *lines, size_t i)
{
    return json_string_value(json_array_get(lines, i));
}

static void test_only_complaints_are_kept_and_only_text(void **state)
{
    (void)state;
    json_t *lines = board_log_lines("2.0.0\r\r\nI (842) boot: fine\r\n"
                                    "\x1b[0;31mE (9512) tls: bad\x1b[0m\r\n"
                                    "W (9600) mqtt: \xff\x01 odd\r\nEnd (of it)");
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(line(lines, 0), "E (9512) tls: bad");
    assert_string_equal(line(lines, 1), "W (9600) mqtt: .. odd");
    json_decref(lines);
}

static void test_the_last_of_many_are_kept(void **state)
{
    (void)state;
    char text[4096] = "";
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "E (%d) x: y\n", i);
    memset(text + strlen(text), 'E', 300); /* a long last one */
    json_t *lines = board_log_lines(text);
    assert_int_equal(json_array_size(lines), 12);
    assert_string_equal(line(lines, 11), "E (39) x: y");
    json_decref(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_lines_are_understood),
        cmocka_unit_test(test_only_complaints_are_kept_and_only_text),
        cmocka_unit_test(test_the_last_of_many_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
