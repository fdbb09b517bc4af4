/* AT+SYSMFG and AT+UART_CUR on the simulated board, through the real port layer. */
#include "tests/unit/at/board_write.h"

#include "service/at/sysmfg.h"
#include "service/at/uart.h"

static const struct at_mfg_key cert = {.space = "mqtt_cert", .key = "mqtt_cert"};
static const struct at_mfg_key key = {.space = "mqtt_key", .key = "mqtt_key", .secret = true};

static struct board *started(const char *fault)
{
    const char *const options[] = {"--firmware", "4.1", fault ? "--fault" : NULL, fault, NULL};
    struct board *b = board_start(options);
    board_is(at_client_start(b->client, soon()), ERR_OK, "");
    return b;
}

/* Larger than a page of NVS, and with everything that could be taken for an answer. */
static uint8_t value[5000];

static void fill_value(uint8_t seed)
{
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 131 + i / 256 + seed);
    memcpy(value + 100, "\r\nOK\r\n\r\nERROR\r\n>\r\nready\r\n", 26);
    memcpy(value + 2040, "\r\nOK\r\n+SYSMFG:\"a\",\"b\",8,4,", 27);
}

static void holds(struct board *b, const struct at_mfg_key *k, const void *want, size_t n)
{
    struct buf got;
    buf_init_secret(&got, sizeof value + 1);
    board_is(at_sysmfg_read(b->client, k, &got, soon()), ERR_OK, "");
    assert_int_equal(got.len, n);
    assert_memory_equal(got.data, want, n);
    buf_dispose(&got);
}

/* What the board's AT port needs is in the same partition. */
static void assert_factory_param_is_there(struct board *b)
{
    static const struct at_mfg_key pin = {.space = "factory_param", .key = "uart_tx_pin"};
    int type = 0;
    board_is(at_sysmfg_type(b->client, &pin, &type, soon()), ERR_OK, "");
    assert_int_equal(type, 6);
    board_is(at_client_reset(b->client, soon()), ERR_OK, "");
}

static void the_namespaces_of_the_stock_partition_are_there(void **state)
{
    (void)state;
    static const char *const wanted[] = {"client_cert", "factory_param", "https_ca", "mqtt_key",
                                         "server_ca",   "wpa2_cert",     "wss_key"};
    struct board *b = started(NULL);
    char spaces[SYSMFG_SPACES][SYSMFG_NAME];
    size_t n = 0;
    board_is(at_sysmfg_spaces(b->client, spaces, SYSMFG_SPACES, &n, soon()), ERR_OK, "");
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found = found || strcmp(spaces[k], wanted[i]) == 0;
        if (!found) fail_msg("no %s", wanted[i]);
    }
    board_stop(b);
}

static void a_value_is_written_replaced_read_and_erased(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct buf none;
    buf_init(&none, 100);
    for (uint8_t seed = 0; seed < 4; seed++) {
        fill_value(seed);
        board_is(at_sysmfg_write(b->client, &cert, value, sizeof value, soon()), ERR_OK, "");
        holds(b, &cert, value, sizeof value);
    }
    board_is(at_sysmfg_erase(b->client, &cert, soon()), ERR_OK, "");
    board_is(at_sysmfg_erase(b->client, &cert, soon()), ERR_OK, "");
    board_is(at_sysmfg_read(b->client, &cert, &none, soon()), ERR_NOT_FOUND, "mfg_key_missing");
    board_is(at_sysmfg_write(b->client, &cert, value, 1, soon()), ERR_OK, "");
    holds(b, &cert, value, 1);
    assert_factory_param_is_there(b);
    buf_dispose(&none);
    board_stop(b);
}

static void a_string_in_the_way_gives_place_to_a_blob(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct at_data_command string = {
        .line = "AT+SYSMFG=2,\"bench\",\"note\",7,5", .data = (const uint8_t *)"plain", .n = 5};
    static const struct at_mfg_key note = {.space = "bench", .key = "note"};
    int type = 0;
    board_is(at_command_data(b->client, &string, soon()), ERR_OK, "");
    board_is(at_sysmfg_type(b->client, &note, &type, soon()), ERR_OK, "");
    assert_int_equal(type, 7);
    board_is(at_sysmfg_write(b->client, &note, (const uint8_t *)"blob", 4, soon()), ERR_OK, "");
    holds(b, &note, "blob", 4);
    board_stop(b);
}

static void a_key_never_reaches_the_transcript(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    static const char pem[] = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAxmSIjrTA\n";
    board_is(at_sysmfg_write(b->client, &key, (const uint8_t *)pem, sizeof pem - 1, soon()), ERR_OK,
             "");
    holds(b, &key, pem, sizeof pem - 1);
    board_is(at_command(b->client, soon(), "AT+GMR"), ERR_OK, "");
    assert_non_null(memmem(b->seen.data, b->seen.len, "AT+SYSMFG=1", 11));
    assert_no_key_was_seen(b);
    board_stop(b);
}

static void a_write_that_was_cut_is_ended_and_the_next_one_works(void **state)
{
    (void)state;
    static const size_t sent[] = {100, 4999};
    struct board *b = started(NULL);
    fill_value(9);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        static const char line[] = "AT+SYSMFG=2,\"mqtt_cert\",\"mqtt_cert\",8,5000\r\n";
        board_cut_write(b, line, value, sent[i]);
        board_is(at_sysmfg_write(b->client, &cert, value, sizeof value, soon()), ERR_OK, "");
        holds(b, &cert, value, sizeof value);
    }
    assert_factory_param_is_there(b);
    board_stop(b);
}

static void at_a_faster_port_a_value_passes_whole(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct at_uart back;
    fill_value(3);
    board_is(at_uart_change(b->client, 921600, &back, soon()), ERR_OK, "");
    assert_int_equal(b->port->baud, 921600);
    board_is(at_sysmfg_write(b->client, &cert, value, sizeof value, soon()), ERR_OK, "");
    holds(b, &cert, value, sizeof value);
    board_is(at_uart_return(b->client, &back, soon()), ERR_OK, "");
    assert_int_equal(b->port->baud, 115200);
    board_is(at_command(b->client, soon(), "AT+GMR"), ERR_OK, "");
    board_stop(b);
}

static void a_wire_that_changes_bytes_is_left(void **state)
{
    (void)state;
    struct board *b = started("noise-above:115200");
    struct at_uart back;
    enum err e = at_uart_change(b->client, 921600, &back, soon());
    fill_value(5);
    if (!e) e = at_sysmfg_write(b->client, &cert, value, sizeof value, deadline_in_ms(3000));
    if (e) at_client_start(b->client, deadline_in_ms(10000)); /* it may wait for bytes */
    board_is(at_uart_return(b->client, &back, soon()), ERR_OK, "");
    board_is(at_sysmfg_write(b->client, &cert, value, sizeof value, soon()), ERR_OK, "");
    holds(b, &cert, value, sizeof value);
    board_stop(b);
}

static void a_board_that_is_deaf_at_the_speed_is_said_to_be_lost(void **state)
{
    (void)state;
    struct board *b = started("deaf-above:115200");
    struct at_uart back;
    board_is(at_uart_change(b->client, 921600, &back, soon()), ERR_TIMEOUT, "at_timeout");
    board_is(at_uart_return(b->client, &back, deadline_in_ms(3000)), ERR_TIMEOUT, "at_speed_lost");
    assert_int_equal(b->port->baud, 115200);
    board_stop(b);
}

int main(int argc, char **argv)
{
    (void)argc;
    board_preload(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_namespaces_of_the_stock_partition_are_there),
        cmocka_unit_test(a_value_is_written_replaced_read_and_erased),
        cmocka_unit_test(a_string_in_the_way_gives_place_to_a_blob),
        cmocka_unit_test(a_key_never_reaches_the_transcript),
        cmocka_unit_test(a_write_that_was_cut_is_ended_and_the_next_one_works),
        cmocka_unit_test(at_a_faster_port_a_value_passes_whole),
        cmocka_unit_test(a_wire_that_changes_bytes_is_left),
        cmocka_unit_test(a_board_that_is_deaf_at_the_speed_is_said_to_be_lost),
    };
    int failed = cmocka_run_group_tests_name("at/mfg on board", tests, NULL, NULL);
    board_clean_up();
    return failed;
}
