/* The AT modules on the simulated board, through the real port layer. */
#include "tests/unit/at/board_write.h"

#include "service/at/info.h"
#include "service/at/mqtt.h"
#include "service/at/sntp.h"
#include "service/at/sysflash.h"
#include "service/at/wifi.h"
#include "tests/unit/at/time_server.h"

static struct board *started(const char *const *more)
{
    struct board *b = board_start(more);
    board_is(at_client_start(b->client, soon()), ERR_OK, "");
    return b;
}

static void the_board_says_what_it_is(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct at_info info;
    char mac[18];
    board_is(at_info(b->client, &info), ERR_OK, "");
    assert_non_null(strstr(info.at_version, "2.4"));
    assert_non_null(strstr(info.bin_version, "2.4"));
    assert_string_equal(info.module, "WROOM-32");
    assert_string_equal(info.chip, "esp32");
    board_is(at_mac(b->client, mac), ERR_OK, "");
    assert_string_equal(mac, "24:0a:c4:12:34:56");
    board_stop(b);
}

/* ---- flash ---- */

static struct at_partition find(struct board *b, const char *name)
{
    struct at_partition p[32];
    size_t n;
    board_is(at_sysflash_list(b->client, p, 32, &n, soon()), ERR_OK, "");
    for (size_t i = 0; i < n; i++)
        if (strcmp(p[i].name, name) == 0) return p[i];
    fail_msg("no partition %s", name);
    return p[0];
}

static void load_flash(struct board *b, struct buf *out)
{
    buf_init(out, 32u << 20);
    assert_int_equal(file_read(b->flash, out), ERR_OK);
}

static uint8_t image[5000];

static void fill_image(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 131 + i / 256);
    memcpy(image + 100, "\r\nOK\r\n\r\nERROR\r\n>\r\nready\r\n", 26);
    memcpy(image + 2040, "\r\nOK\r\n+SYSFLASH:4,", 18);
}

static void a_partition_is_erased_written_and_read_back(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct at_partition p = find(b, "mqtt_cert");
    assert_int_equal(p.size, 0x2000);
    struct buf before, after;
    uint8_t back[sizeof image];
    fill_image();
    load_flash(b, &before);
    struct at_transfer t = {.partition = &p, .n = sizeof image};
    board_is(at_sysflash_erase(b->client, &p, soon()), ERR_OK, "");
    board_is(at_sysflash_write(b->client, &t, image, soon()), ERR_OK, "");
    board_is(at_sysflash_read(b->client, &t, back, soon()), ERR_OK, "");
    assert_memory_equal(back, image, sizeof image);
    /* The flash file, not our own reading, is the judge; the neighbours are untouched. */
    load_flash(b, &after);
    assert_memory_equal(after.data + p.offset, image, sizeof image);
    for (size_t i = sizeof image; i < p.size; i++)
        assert_int_equal(after.data[p.offset + i], 0xff);
    assert_memory_equal(after.data, before.data, p.offset);
    assert_memory_equal(after.data + p.offset + p.size, before.data + p.offset + p.size,
                        before.len - p.offset - p.size);
    buf_dispose(&before);
    buf_dispose(&after);
    board_stop(b);
}

static void a_key_never_reaches_the_transcript(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct at_partition p = find(b, "mqtt_key");
    static const char key[] = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAxmSIjrTA\n";
    uint8_t back[sizeof key];
    struct at_transfer t = {.partition = &p, .n = sizeof key, .secret = true};
    board_is(at_sysflash_erase(b->client, &p, soon()), ERR_OK, "");
    board_is(at_sysflash_write(b->client, &t, (const uint8_t *)key, soon()), ERR_OK, "");
    board_is(at_sysflash_read(b->client, &t, back, soon()), ERR_OK, "");
    assert_memory_equal(back, key, sizeof key);
    board_is(at_command(b->client, soon(), "AT+GMR"), ERR_OK, "");
    assert_non_null(memmem(b->seen.data, b->seen.len, "AT+SYSFLASH=2", 13));
    assert_no_key_was_seen(b);
    board_stop(b);
}

static void a_write_that_was_cut_is_ended_and_the_next_one_works(void **state)
{
    (void)state;
    static const size_t sent[] = {100, 2047};
    struct board *b = started(NULL);
    struct at_partition p = find(b, "mqtt_ca");
    fill_image();
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        board_is(at_sysflash_erase(b->client, &p, soon()), ERR_OK, "");
        static const char line[] = "AT+SYSFLASH=1,\"mqtt_ca\",0,2048\r\n";
        board_cut_write(b, line, image, sent[i]);
        struct at_transfer t = {.partition = &p, .n = sizeof image};
        uint8_t back[sizeof image];
        board_is(at_sysflash_erase(b->client, &p, soon()), ERR_OK, "");
        board_is(at_sysflash_write(b->client, &t, image, soon()), ERR_OK, "");
        board_is(at_sysflash_read(b->client, &t, back, soon()), ERR_OK, "");
        assert_memory_equal(back, image, sizeof image);
    }
    board_stop(b);
}

static void cancel_after_first(size_t done, size_t total, void *arg)
{
    (void)done;
    (void)total;
    cancel_raise(arg);
}

static void a_cancelled_write_leaves_a_board_that_starts_again(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    struct at_partition p = find(b, "mqtt_cert");
    fill_image();
    struct at_transfer t = {
        .partition = &p, .n = sizeof image, .fn = cancel_after_first, .arg = &b->cancel};
    board_is(at_sysflash_erase(b->client, &p, soon()), ERR_OK, "");
    board_is(at_sysflash_write(b->client, &t, image, soon()), ERR_CANCELLED, "cancelled");
    b->port->cancel = NULL;
    board_is(at_client_start(b->client, soon()), ERR_OK, "");
    board_is(at_client_reset(b->client, soon()), ERR_OK, "");
    board_stop(b);
}

/* ---- network ---- */

static void joins_succeed_and_fail_as_they_should(void **state)
{
    (void)state;
    static const char *const options[] = {"--wifi", "Bench, \"5\":pass,word", "--wifi", "Open",
                                          NULL};
    struct board *b = started(options);
    struct at_wifi_state w;
    bool stored = true;
    board_is(at_wifi_do_not_store(b->client, &stored), ERR_OK, "");
    assert_false(stored);
    board_is(at_wifi_query(b->client, &w, soon()), ERR_NOT_FOUND, "wifi_not_joined");
    board_is(at_wifi_join(b->client, "Nobody", "12345678", soon()), ERR_DEVICE, "wifi_not_found");
    board_is(at_wifi_join(b->client, "Bench, \"5\"", "wrong,password", soon()), ERR_DEVICE,
             "wifi_wrong_password");
    board_is(at_wifi_join(b->client, "Bench, \"5\"", "pass,word", soon()), ERR_OK, "");
    board_is(at_wifi_query(b->client, &w, soon()), ERR_OK, "");
    assert_string_equal(w.ssid, "Bench, \"5\"");
    assert_int_equal(strlen(w.bssid), 17);
    assert_true(strlen(w.ip) > 6);
    board_is(at_wifi_join(b->client, "Open", "", soon()), ERR_OK, "");
    board_is(at_wifi_leave(b->client, soon()), ERR_OK, "");
    board_is(at_wifi_query(b->client, &w, soon()), ERR_NOT_FOUND, "wifi_not_joined");
    assert_null(memmem(b->seen.data, b->seen.len, "word", 4));
    board_stop(b);
}

static void the_clock_is_set_by_a_server(void **state)
{
    (void)state;
    static const char *const options[] = {"--wifi", "Open", NULL};
    struct time_server s = {.now = 1819875907};
    time_server_start(&s);
    struct board *b = started(options);
    int64_t got = 0;
    board_is(at_sntp_sync(b->client, "127.0.0.1", 0, deadline_in_ms(1500), &got), ERR_TIMEOUT,
             "time_not_synced"); /* no network yet */
    board_is(at_wifi_join(b->client, "Open", "", soon()), ERR_OK, "");
    board_is(at_sntp_sync(b->client, "127.0.0.1", 8, soon(), &got), ERR_OK, "");
    assert_in_range(got, s.now, s.now + 120);
    board_stop(b);
    time_server_stop(&s);
}

static void a_broker_that_is_not_there_is_a_failed_connection(void **state)
{
    (void)state;
    static const char *const options[] = {"--wifi", "Open", NULL};
    struct board *b = started(options);
    struct at_mqtt_config cfg = {.scheme = 1,
                                 .client_id = "bench,1",
                                 .username = "u",
                                 .password = "hunter2secret",
                                 .alpn = "mqtt",
                                 .sni = "broker.test",
                                 .host = "127.0.0.1"};
    int fd = local_socket(SOCK_STREAM, &cfg.port); /* bound, but it does not listen */
    board_is(at_wifi_join(b->client, "Open", "", soon()), ERR_OK, "");
    board_is(at_mqtt_configure(b->client, &cfg, soon()), ERR_OK, "");
    board_is(at_mqtt_connect(b->client, &cfg, soon()), ERR_DEVICE, "mqtt_connect_failed");
    board_is(at_mqtt_subscribe(b->client, "t", 0, soon()), ERR_DEVICE, "at_error");
    board_is(at_mqtt_clean(b->client, soon()), ERR_OK, "");
    board_is(at_mqtt_clean(b->client, soon()), ERR_OK, "");
    assert_null(memmem(b->seen.data, b->seen.len, "hunter2", 7));
    close(fd);
    board_stop(b);
}

/* ---- resets and bad days ---- */

static void a_reset_starts_the_firmware_anew(void **state)
{
    (void)state;
    struct board *b = started(NULL);
    board_is(at_command(b->client, soon(), "AT+CWMODE=1"), ERR_OK, "");
    for (int i = 0; i < 3; i++)
        board_is(at_client_reset(b->client, soon()), ERR_OK, "");
    board_is(at_command(b->client, soon(), "AT+CWMODE?"), ERR_OK, "");
    assert_non_null(at_answer(b->client, "+CWMODE:", 0));
    board_stop(b);
}

static void a_busy_board_is_waited_for(void **state)
{
    (void)state;
    static const char *const options[] = {"--fault", "busy:3", NULL};
    struct board *b = started(options);
    board_is(at_command(b->client, soon(), "AT+GMR"), ERR_OK, "");
    board_stop(b);
}

static void a_command_that_hangs_is_ended_by_a_reset(void **state)
{
    (void)state;
    static const char *const options[] = {"--fault", "at-stall:CWLAP", NULL};
    struct board *b = started(options);
    board_is(at_command(b->client, deadline_in_ms(300), "AT+CWLAP"), ERR_TIMEOUT, "at_timeout");
    board_is(at_command(b->client, deadline_in_ms(1200), "AT+GMR"), ERR_TIMEOUT, "at_busy");
    board_is(at_client_reset(b->client, soon()), ERR_OK, "");
    board_is(at_command(b->client, soon(), "AT+GMR"), ERR_OK, "");
    board_stop(b);
}

static void a_board_that_resets_by_itself_is_noticed(void **state)
{
    (void)state;
    static const char *const options[] = {"--fault", "reset-at:at:60@once", NULL};
    struct board *b = started(options);
    enum err e = ERR_OK;
    for (int i = 0; i < 10 && !e; i++)
        e = at_command(b->client, deadline_in_ms(20000), "AT+GMR");
    board_is(e, ERR_DEVICE, "board_rebooted");
    board_is(at_client_start(b->client, soon()), ERR_OK, "");
    board_stop(b);
}

static void an_adapter_that_goes_away_is_a_lost_port(void **state)
{
    (void)state;
    static const char *const options[] = {"--fault", "hangup:at:60", NULL};
    struct board *b = started(options);
    enum err e = ERR_OK;
    for (int i = 0; i < 10 && !e; i++)
        e = at_command(b->client, deadline_in_ms(20000), "AT+GMR");
    assert_int_equal(e, ERR_PORT_GONE);
    board_stop(b);
}

static void noise_and_silence_are_told_apart(void **state)
{
    (void)state;
    static const char *const noise[] = {"--fault", "garbage:at", NULL};
    static const char *const silence[] = {"--fault", "silent:at", NULL};
    struct board *b = board_start(noise);
    board_is(at_client_start(b->client, deadline_in_ms(2500)), ERR_PROTOCOL, "at_garbage");
    board_stop(b);
    b = board_start(silence);
    board_is(at_client_start(b->client, deadline_in_ms(2500)), ERR_TIMEOUT, "at_silent");
    board_stop(b);
}

static void lost_and_flipped_bytes_of_commands_are_survived(void **state)
{
    (void)state;
    static const char *const faults[] = {"drop-byte:at:3@once", "flip-byte:at:3@once",
                                         "drop-byte:at:4@once", "flip-byte:at:9@once"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *const options[] = {"--fault", faults[i], NULL};
        struct board *b = board_start(options);
        enum err e = at_client_start(b->client, soon());
        if (e) e = at_client_start(b->client, soon()); /* one try more, as a job gives it */
        board_is(e, ERR_OK, "");
        board_stop(b);
    }
}

static int clean_up(void **state)
{
    (void)state;
    board_clean_up();
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    board_preload(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_board_says_what_it_is),
        cmocka_unit_test(a_partition_is_erased_written_and_read_back),
        cmocka_unit_test(a_key_never_reaches_the_transcript),
        cmocka_unit_test(a_write_that_was_cut_is_ended_and_the_next_one_works),
        cmocka_unit_test(a_cancelled_write_leaves_a_board_that_starts_again),
        cmocka_unit_test(joins_succeed_and_fail_as_they_should),
        cmocka_unit_test(the_clock_is_set_by_a_server),
        cmocka_unit_test(a_broker_that_is_not_there_is_a_failed_connection),
        cmocka_unit_test(a_reset_starts_the_firmware_anew),
        cmocka_unit_test(a_busy_board_is_waited_for),
        cmocka_unit_test(a_command_that_hangs_is_ended_by_a_reset),
        cmocka_unit_test(a_board_that_resets_by_itself_is_noticed),
        cmocka_unit_test(an_adapter_that_goes_away_is_a_lost_port),
        cmocka_unit_test(noise_and_silence_are_told_apart),
        cmocka_unit_test(lost_and_flipped_bytes_of_commands_are_survived),
    };
    return cmocka_run_group_tests_name("at/on_board", tests, NULL, clean_up);
}
