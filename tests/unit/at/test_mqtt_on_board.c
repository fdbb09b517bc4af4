/* The whole of the main job through AT commands: a credential is written into the partitions of the
 * simulated board, which then connects to a real broker by mutual TLS and hears itself. */
#include "tests/unit/at/board.h"

#include "service/at/mqtt.h"
#include "service/at/sntp.h"
#include "service/at/sysflash.h"
#include "service/at/wifi.h"
#include "service/pki/atpki.h"
#include "tests/unit/at/time_server.h"
#include "tests/unit/cloud/fixture_mosquitto.h"

static struct deadline soon(void)
{
    return deadline_in_ms(90000); /* nothing here is judged by its speed */
}

static struct pki pki;
static struct mosquitto_broker broker;
static struct time_server clock_server;
static struct board *board;

static int set_up(void **state)
{
    (void)state;
    static const char *const options[] = {"--wifi", "Bench:password", NULL};
    const struct identity *const servers[] = {&pki.broker};
    pki_make(&pki);
    broker_start(&broker, &pki.ca, servers, 1);
    clock_server.now = time(NULL);
    time_server_start(&clock_server);
    board = board_start(options);
    int64_t now;
    board_is(at_client_start(board->client, soon()), ERR_OK, "");
    board_is(at_wifi_join(board->client, "Bench", "password", soon()), ERR_OK, "");
    board_is(at_sntp_sync(board->client, "127.0.0.1", 0, soon(), &now), ERR_OK, "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    board_stop(board);
    time_server_stop(&clock_server);
    broker_end(&broker, 1);
    pki_drop(&pki);
    board_clean_up();
    return 0;
}

static struct at_partition find(const char *name)
{
    struct at_partition p[32];
    size_t n;
    board_is(at_sysflash_list(board->client, p, 32, &n, soon()), ERR_OK, "");
    for (size_t i = 0; i < n; i++)
        if (strcmp(p[i].name, name) == 0) return p[i];
    fail_msg("no partition %s", name);
    return p[0];
}

static void write_item(const char *partition, enum atpki_type type, const char *pem)
{
    struct atpki_item item = {type, (const uint8_t *)pem, strlen(pem)};
    struct at_partition p = find(partition);
    struct buf image;
    buf_init_secret(&image, p.size);
    assert_int_equal(atpki_build(&item, 1, &image), ERR_OK);
    struct at_transfer t = {.partition = &p, .n = image.len, .secret = type == ATPKI_KEY};
    board_is(at_sysflash_erase(board->client, &p, soon()), ERR_OK, "");
    board_is(at_sysflash_write(board->client, &t, image.data, soon()), ERR_OK, "");
    buf_dispose(&image);
}

static void write_credential(const struct identity *device)
{
    write_item("mqtt_ca", ATPKI_CA, pki.ca.cert_pem);
    write_item("mqtt_cert", ATPKI_CERT, device->cert_pem);
    write_item("mqtt_key", ATPKI_KEY, device->key_pem);
}

static enum err connect_board(void)
{
    struct at_mqtt_config cfg = {.scheme = 5,
                                 .client_id = "board, \"1\"",
                                 .username = "",
                                 .password = "",
                                 .alpn = "",
                                 .sni = "localhost",
                                 .host = "127.0.0.1",
                                 .port = broker.ports[0]};
    enum err e = at_mqtt_configure(board->client, &cfg, soon());
    return e ? e : at_mqtt_connect(board->client, &cfg, soon());
}

static void a_board_with_its_credential_hears_itself(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 40, 1009, 1010, 1500, 2033, 4000};
    static uint8_t payload[4000];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 131 + i / 256);
    memcpy(payload + 10, "\r\nOK\r\n>\r\n+MQTTDISCONNECTED:0\r\n", 31);
    write_credential(&pki.device);
    board_is(connect_board(), ERR_OK, "");
    for (int qos = 0; qos <= 1; qos++) {
        char topic[32];
        snprintf(topic, sizeof topic, "open/a,\"b\"/%d", qos);
        board_is(at_mqtt_subscribe(board->client, topic, qos, soon()), ERR_OK, "");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            payload[0] = (uint8_t)i;
            board_is(at_mqtt_publish(board->client, topic, qos, payload, sizes[i], soon()), ERR_OK,
                     "");
            board_is(at_mqtt_expect(board->client, topic, payload, sizes[i], soon()), ERR_OK, "");
        }
    }
    board_is(at_mqtt_subscribe(board->client, "closed/1", 0, soon()), ERR_OK, "");
    board_is(at_mqtt_publish(board->client, "closed/1", 0, "x", 1, soon()), ERR_OK, "");
    board_is(at_mqtt_expect(board->client, "closed/1", "x", 1, deadline_in_ms(500)), ERR_TIMEOUT,
             "mqtt_no_echo");
    board_is(at_mqtt_clean(board->client, soon()), ERR_OK, "");
    assert_null(memmem(board->seen.data, board->seen.len, "PRIVATE KEY", 11));
}

static void a_credential_with_a_part_missing_is_told_by_its_part(void **state)
{
    (void)state;
    static const char *const parts[][2] = {{"mqtt_ca", "mqtt_ca_missing"},
                                           {"mqtt_cert", "mqtt_cert_missing"},
                                           {"mqtt_key", "mqtt_key_missing"}};
    for (size_t i = 0; i < 3; i++) {
        write_credential(&pki.device);
        struct at_partition p = find(parts[i][0]);
        board_is(at_sysflash_erase(board->client, &p, soon()), ERR_OK, "");
        board_is(connect_board(), ERR_DEVICE, parts[i][1]);
    }
}

static void a_refused_credential_is_a_failed_connection_with_its_time(void **state)
{
    (void)state;
    write_credential(&pki.foreign_device);
    board_is(connect_board(), ERR_DEVICE, "mqtt_connect_failed");
    assert_true(at_first_urc_ms(board->client) >= 0);
    assert_non_null(strstr(err_last()->detail, "gave up after"));
    /* It takes commands again at once. */
    board_is(at_mqtt_clean(board->client, soon()), ERR_OK, "");
    write_credential(&pki.device);
    board_is(connect_board(), ERR_OK, "");
}

static void a_broker_that_dies_ends_the_wait_for_a_message(void **state)
{
    (void)state;
    board_is(at_mqtt_subscribe(board->client, "open/t", 0, soon()), ERR_OK, "");
    kill(broker.pid, SIGKILL);
    board_is(at_mqtt_expect(board->client, "open/t", "x", 1, soon()), ERR_DEVICE,
             "mqtt_disconnected");
    board_is(at_mqtt_clean(board->client, soon()), ERR_OK, "");
}

int main(int argc, char **argv)
{
    (void)argc;
    board_preload(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_with_its_credential_hears_itself),
        cmocka_unit_test(a_credential_with_a_part_missing_is_told_by_its_part),
        cmocka_unit_test(a_refused_credential_is_a_failed_connection_with_its_time),
        cmocka_unit_test(a_broker_that_dies_ends_the_wait_for_a_message),
    };
    return cmocka_run_group_tests_name("at/mqtt_on_board", tests, set_up, tear_down);
}
