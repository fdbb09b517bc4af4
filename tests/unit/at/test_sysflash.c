/* The raw partitions of the board through AT+SYSFLASH. */
#include "tests/unit/at/fake.h"

#include "service/at/sysflash.h"

static struct deadline in_ms(int ms)
{
    return deadline_in_ms(ms);
}

static const struct at_partition mqtt_key = {"mqtt_key", 64, 12, 0x39000, 0x2000};

static void the_list_is_read_field_by_field(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_partition p[4];
    size_t n;
    fake_on(f, "AT+SYSFLASH?",
            "+SYSFLASH:\"ble_data\",64,1,0x21000,0x3000\r\n"
            "WIFI GOT IP\r\n"
            "+SYSFLASH:\"mqtt_key\",64,12,0x39000,0x2000\r\n"
            "+SYSFLASH:\"sixteen_letters_\",1,129,458752,0x90000\r\n\r\nOK\r\n");
    fake_is(at_sysflash_list(f->client, p, 4, &n, in_ms(1000)), ERR_OK, "");
    assert_int_equal(n, 3);
    assert_memory_equal(&p[1], &mqtt_key, sizeof mqtt_key);
    assert_string_equal(p[2].name, "sixteen_letters_");
    assert_int_equal(p[2].subtype, 129);
    assert_int_equal(p[2].offset, 0x70000);
    fake_end(f, NULL);
}

static void a_list_that_is_too_long_or_garbled_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "+SYSFLASH:\"mqtt_key\",64,12,0x39000\r\n\r\nOK\r\n",
        "+SYSFLASH:\"mqtt_key,64,12,0x39000,0x2000\r\n\r\nOK\r\n",
        "+SYSFLASH:\"\",64,12,0x39000,0x2000\r\n\r\nOK\r\n",
        "+SYSFLASH:\"seventeen_letters\",64,12,0x39000,0x2000\r\n\r\nOK\r\n",
        "+SYSFLASH:\"mqtt_key\",640,12,0x39000,0x2000\r\n\r\nOK\r\n",
        "+SYSFLASH:\"mqtt_key\",64,12,0x139000000,0x2000\r\n\r\nOK\r\n",
        "+SYSFLASH:\"mqtt_key\",64,-1,0x39000,0x2000\r\n\r\nOK\r\n",
        "+SYSFLASH:mqtt_key\r\n\r\nOK\r\n",
    };
    struct fake *f = fake_started();
    struct at_partition p[2];
    size_t n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_on(f, "AT+SYSFLASH?", bad[i]);
        fake_is(at_sysflash_list(f->client, p, 2, &n, in_ms(1000)), ERR_PROTOCOL, "at_bad_answer");
    }
    fake_on(f, "AT+SYSFLASH?",
            "+SYSFLASH:\"a\",1,1,0x1,0x1\r\n+SYSFLASH:\"b\",1,1,0x1,0x1\r\n"
            "+SYSFLASH:\"c\",1,1,0x1,0x1\r\n\r\nOK\r\n");
    fake_is(at_sysflash_list(f->client, p, 2, &n, in_ms(1000)), ERR_TOO_LARGE, "too_large");
    fake_on(f, "AT+SYSFLASH?", "\r\nOK\r\n");
    fake_is(at_sysflash_list(f->client, p, 2, &n, in_ms(1000)), ERR_OK, "");
    assert_int_equal(n, 0);
    fake_end(f, NULL);
}

static void erase_names_the_whole_partition(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    fake_on(f, "AT+SYSFLASH=0,\"mqtt_key\"", "\r\nOK\r\n");
    fake_is(at_sysflash_erase(f->client, &mqtt_key, in_ms(1000)), ERR_OK, "");
    fake_on(f, "AT+SYSFLASH=0,\"mqtt_key\"", "ERR CODE:0x010a0000\r\n\r\nERROR\r\n");
    fake_is(at_sysflash_erase(f->client, &mqtt_key, in_ms(1000)), ERR_DEVICE, "at_error");
    fake_end(f, NULL);
}

static size_t seen_done[8], seen_count;

static void note_progress(size_t done, size_t total, void *arg)
{
    assert_int_equal(total, *(size_t *)arg);
    seen_done[seen_count++] = done;
}

static uint8_t image[8192];

/* Every value, and every sequence that could be taken for an answer. */
static void fill_image(void)
{
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 31 + i / 256);
    memcpy(image, "\r\nOK\r\n>\r\nERROR\r\n\r\nready\r\n", 26);
    memcpy(image + 2040, "\r\nOK\r\n+SYSFLASH:4,", 18);
}

static void a_write_waits_for_a_prompt_for_every_2048_bytes(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    size_t total = 5000;
    fill_image();
    seen_count = 0;
    static const struct {
        size_t at, n;
    } pieces[] = {{0, 2048}, {2048, 2048}, {4096, 904}};
    for (size_t i = 0; i < 3; i++) {
        char line[80];
        snprintf(line, sizeof line, "AT+SYSFLASH=1,\"mqtt_key\",%zu,%zu", 16 + pieces[i].at,
                 pieces[i].n);
        fake_on(f, line, i == 1 ? "WIFI GOT IP\r\n>" : ">");
        fake_expect_bytes(f, image + pieces[i].at, pieces[i].n);
        fake_then(f, 30, "\r\nOK\r\n");
    }
    struct at_transfer t = {
        .partition = &mqtt_key, .offset = 16, .n = total, .fn = note_progress, .arg = &total};
    fake_is(at_sysflash_write(f->client, &t, image, in_ms(9000)), ERR_OK, "");
    assert_int_equal(seen_count, 3);
    assert_int_equal(seen_done[0], 2048);
    assert_int_equal(seen_done[2], 5000);
    fake_end(f, NULL);
}

static void a_range_outside_the_partition_sends_nothing(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset;
        size_t n;
    } cases[] = {{0, 8193}, {8192, 1}, {8191, 2}, {8193, 0}, {UINT32_MAX, 1}, {1, SIZE_MAX}};
    struct fake *f = fake_started();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct at_transfer t = {.partition = &mqtt_key, .offset = cases[i].offset, .n = cases[i].n};
        fake_is(at_sysflash_write(f->client, &t, image, in_ms(1000)), ERR_ARG, "out_of_partition");
        fake_is(at_sysflash_read(f->client, &t, image, in_ms(1000)), ERR_ARG, "out_of_partition");
    }
    struct at_transfer none = {.partition = &mqtt_key, .offset = 8192};
    fake_is(at_sysflash_write(f->client, &none, image, in_ms(1000)), ERR_OK, "");
    fake_is(at_sysflash_read(f->client, &none, image, in_ms(1000)), ERR_OK, "");
    fake_end(f, NULL);
}

static void a_write_stops_at_the_first_piece_that_fails(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_transfer t = {.partition = &mqtt_key, .n = 4096};
    fake_on(f, "AT+SYSFLASH=1,\"mqtt_key\",0,2048", ">");
    fake_expect_bytes(f, image, 2048);
    fake_then(f, 30, "ERR CODE:0x010a0003\r\n\r\nERROR\r\n");
    fake_is(at_sysflash_write(f->client, &t, image, in_ms(9000)), ERR_DEVICE, "at_error");
    assert_int_equal(at_error_code(f->client), 0x010a0003);
    fake_end(f, NULL);
}

static void expect_read(struct fake *f, size_t offset, size_t n, size_t answered)
{
    char line[80], head[32];
    struct buf b;
    snprintf(line, sizeof line, "AT+SYSFLASH=2,\"mqtt_key\",%zu,%zu", offset, n);
    snprintf(head, sizeof head, "+SYSFLASH:%zu,", answered);
    buf_init(&b, 4096);
    buf_puts(&b, head);
    buf_append(&b, image + offset, answered);
    buf_puts(&b, "\r\nOK\r\n");
    fake_on(f, line, NULL);
    fake_then_bytes(f, 3, b.data, b.len);
    buf_dispose(&b);
}

static void a_read_gives_back_any_bytes_in_any_chunking(void **state)
{
    (void)state;
    fill_image();
    for (size_t chunk = 0; chunk < 14; chunk++) {
        struct fake *f = fake_started();
        f->chunk = chunk;
        uint8_t out[5000];
        size_t total = 5000;
        seen_count = 0;
        expect_read(f, 0, 2048, 2048);
        expect_read(f, 2048, 2048, 2048);
        expect_read(f, 4096, 904, 904);
        struct at_transfer t = {
            .partition = &mqtt_key, .n = total, .fn = note_progress, .arg = &total};
        fake_is(at_sysflash_read(f->client, &t, out, in_ms(9000)), ERR_OK, "");
        assert_memory_equal(out, image, total);
        assert_int_equal(seen_count, 3);
        fake_end(f, NULL);
    }
}

static void a_read_of_another_length_is_an_error(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    uint8_t out[64];
    struct at_transfer t = {.partition = &mqtt_key, .n = 64};
    expect_read(f, 0, 64, 63);
    fake_is(at_sysflash_read(f->client, &t, out, in_ms(1000)), ERR_PROTOCOL, "at_short_read");
    expect_read(f, 0, 64, 65);
    fake_is(at_sysflash_read(f->client, &t, out, in_ms(1000)), ERR_PROTOCOL, "at_short_read");
    fake_on(f, "AT+SYSFLASH=2,\"mqtt_key\",0,64", "\r\nOK\r\n");
    fake_is(at_sysflash_read(f->client, &t, out, in_ms(1000)), ERR_PROTOCOL, "at_short_read");
    fake_end(f, NULL);
}

static void a_secret_transfer_is_hidden_both_ways(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    static const char key[] = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA";
    size_t n = sizeof key - 1;
    char line[80];
    uint8_t out[sizeof key];
    struct at_transfer t = {.partition = &mqtt_key, .n = n, .secret = true};
    snprintf(line, sizeof line, "AT+SYSFLASH=1,\"mqtt_key\",0,%zu", n);
    fake_on(f, line, ">");
    fake_expect_bytes(f, key, n);
    fake_then(f, 5, "\r\nOK\r\n");
    memcpy(image, key, n);
    expect_read(f, 0, n, n);
    fake_is(at_sysflash_write(f->client, &t, (const uint8_t *)key, in_ms(1000)), ERR_OK, "");
    fake_is(at_sysflash_read(f->client, &t, out, in_ms(1000)), ERR_OK, "");
    assert_memory_equal(out, key, n);
    assert_true(fake_has(&f->seen, "AT+SYSFLASH=2", 13));
    fake_end(f, "PRIVATE KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_read_field_by_field),
        cmocka_unit_test(a_list_that_is_too_long_or_garbled_is_an_error),
        cmocka_unit_test(erase_names_the_whole_partition),
        cmocka_unit_test(a_write_waits_for_a_prompt_for_every_2048_bytes),
        cmocka_unit_test(a_range_outside_the_partition_sends_nothing),
        cmocka_unit_test(a_write_stops_at_the_first_piece_that_fails),
        cmocka_unit_test(a_read_gives_back_any_bytes_in_any_chunking),
        cmocka_unit_test(a_read_of_another_length_is_an_error),
        cmocka_unit_test(a_secret_transfer_is_hidden_both_ways),
    };
    return cmocka_run_group_tests_name("at/sysflash", tests, NULL, NULL);
}
