/* Whole images as they go to a board: content, pack, flasher and serial backend as they ship,
 * against the simulated board. Its flash file is the judge, all of it. */
#include "service/firmware/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "service/port/port_serial.h"
#include "tests/unit/flash/board_process.h"

enum {
    AT = 0x1c5000,            /* begins within a piece */
    SIZE = 3 * CONTENT_PIECE, /* and ends within one */
    NOISE = 0x1000,
    NOISE_SIZE = 0x9000, /* in it: goes raw */
    BLANK = CONTENT_PIECE,
    BLANK_SIZE = 160 * 1024 /* in it: is erased only */
};

struct bench {
    struct board_process board;
    struct port *port;
    struct flasher *f;
    struct content *content;
    uint8_t want[BOARD_FLASH];
    size_t written;
};

static struct bench b;
static uint8_t image[SIZE];

static void fill_image(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < SIZE; i++) {
        bool noise = i >= NOISE && i < NOISE + NOISE_SIZE;
        x = x * 1664525 + 1013904223;
        image[i] = noise || i % 7 < 4 ? (uint8_t)(x >> 24) : (uint8_t)(i >> 4);
    }
    memset(image + BLANK, 0xff, BLANK_SIZE);
}

static void start(const char *const *more)
{
    const struct flasher_options o = {.connect_attempts = 2, .flash_baud = 921600};
    b = (struct bench){0};
    board_start(&b.board, true, more);
    memcpy(b.want, b.board.flash, BOARD_FLASH);
    memcpy(b.want + AT, image, SIZE);
    assert_int_equal(content_new(&b.content), ERR_OK);
    assert_int_equal(content_add_bytes(b.content, "app", AT, SIZE, image, SIZE, false), ERR_OK);
    if (port_serial_open(b.board.download, 115200, &b.port)) fail_msg("%s", err_last()->detail);
    assert_int_equal(flasher_new(b.port, &o, &b.f), ERR_OK);
}

static void stop(void)
{
    assert_int_equal(flasher_finish(b.f), ERR_OK);
    flasher_free(b.f);
    port_close(b.port);
    content_free(b.content);
    assert_int_equal(board_stop(&b.board), 0);
}

static enum err connect(void)
{
    enum err e = flasher_connect(b.f, deadline_in_ms(30000));
    if (!e) e = flasher_read_mac(b.f);
    return e ? e : flasher_attach(b.f, 0);
}

/* As a job does it: each piece, when it is not there yet. */
static enum err write_image(void)
{
    const struct piece *list;
    size_t n;
    enum err e = content_pieces(b.content, &list, &n);
    b.written = 0;
    for (size_t i = 0; i < n && !e; i++) {
        struct pack_piece p;
        bool same;
        e = pack_load(b.content, &list[i], NULL, &p);
        if (e) break;
        e = flasher_compare(b.f, &p.region, &same);
        if (!e && !same) e = flasher_write(b.f, &p.region, deadline_in_ms(120000), NULL, NULL);
        if (!e && !same) b.written++;
        pack_piece_dispose(&p);
    }
    return e;
}

static bool flash_is_right(void)
{
    return !memcmp(b.want, b.board.flash, BOARD_FLASH);
}

static void every_chip_takes_an_image_and_the_same_again_for_nothing(void **state)
{
    (void)state;
    static const char *const chips[] = {"esp32",   "esp32s2", "esp32s3",  "esp32c2", "esp32c3",
                                        "esp32c5", "esp32c6", "esp32c61", "esp32h2"};
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        const char *const more[] = {"--chip", chips[i], NULL};
        start(more);
        enum err e = connect();
        if (!e) e = write_image();
        if (e) fail_msg("%s: %s", chips[i], err_last()->detail);
        if (!flash_is_right()) fail_msg("%s: the flash is wrong", chips[i]);
        assert_int_equal(b.written, 4);
        assert_int_equal(flasher_retries(b.f), 0);
        assert_int_equal(flasher_baud(b.f), 921600);
        uint64_t sent = b.port->bytes_out;
        assert_true(sent < SIZE - BLANK_SIZE);
        assert_int_equal(write_image(), ERR_OK);
        assert_int_equal(b.written, 0);
        assert_true(b.port->bytes_out - sent < 200);
        stop();
    }
}

static void what_was_written_reads_back_and_can_be_erased(void **state)
{
    (void)state;
    static uint8_t out[CONTENT_PIECE];
    start(NULL);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(write_image(), ERR_OK);
    assert_int_equal(flasher_read(b.f, AT + 77, out, sizeof out, NULL, NULL), ERR_OK);
    assert_memory_equal(out, image + 77, sizeof out);
    assert_int_equal(flasher_erase(b.f, AT, SIZE, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    memset(b.want + AT, 0xff, SIZE);
    assert_true(flash_is_right());
    stop();
}

/* Where: the fuses, the change of speed, BEGIN and the first packed blocks, later pieces. */
static void faults_on_the_wire_end_in_a_right_flash(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "drop-byte:download:300@once",   "flip-byte:download:310@once",
        "drop-byte:download:330@once",   "flip-byte:download:345@once",
        "drop-byte:download:420@once",   "flip-byte:download:460@once",
        "drop-byte:download:4444@once",  "flip-byte:download:9000@once",
        "drop-byte:download:30000@once", "flip-byte:download:61111@once",
        "drop-byte:download:90000@once", "reset-at:download:30000@once"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const char *const more[] = {"--fault", faults[i], NULL};
        start(more);
        enum err e = connect();
        if (!e) e = write_image();
        if (e) fail_msg("%s: %s", faults[i], err_last()->detail);
        if (!flash_is_right()) fail_msg("%s: the flash is wrong", faults[i]);
        stop();
    }
}

static void an_md5_that_is_wrong_once_costs_one_piece(void **state)
{
    (void)state;
    static const char *const more[] = {"--fault", "bad-md5:2@once", NULL};
    start(more);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(write_image(), ERR_OK);
    assert_int_equal(flasher_retries(b.f), 1);
    assert_true(flash_is_right());
    stop();
}

static void a_cable_that_does_not_bear_the_speed_gets_a_lower_one(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        uint32_t baud;
        unsigned slowdowns;
    } cases[] = {{"deaf-above:460800", 460800, 1},
                 {"deaf-above:115200", 115200, 3},
                 {"noise-above:230400", 230400, 2},
                 {"noise-above:921600", 921600, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const more[] = {"--fault", cases[i].fault, NULL};
        start(more);
        enum err e = connect();
        if (!e) e = write_image();
        if (e) fail_msg("%s: %s", cases[i].fault, err_last()->detail);
        if (!flash_is_right()) fail_msg("%s: the flash is wrong", cases[i].fault);
        assert_int_equal(flasher_baud(b.f), cases[i].baud);
        assert_int_equal(flasher_slowdowns(b.f), cases[i].slowdowns);
        stop();
    }
}

static void a_cable_that_always_loses_a_byte_now_and_then_gets_there(void **state)
{
    (void)state;
    static const char *const more[] = {"--fault", "drop-every:download:20011", NULL};
    start(more);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(write_image(), ERR_OK);
    assert_true(flasher_retries(b.f) > 5);
    assert_true(flash_is_right());
    stop();
}

static void a_flash_that_does_not_keep_is_told_and_not_called_good(void **state)
{
    (void)state;
    static const char *const faults[] = {"write-protect", "worn:0x1e6000"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const char *const more[] = {"--fault", faults[i], NULL};
        start(more);
        assert_int_equal(connect(), ERR_OK);
        if (write_image() != ERR_VERIFY) fail_msg("%s: %s", faults[i], err_last()->detail);
        assert_string_equal(err_last()->code, "flash_verify");
        assert_string_not_equal(err_last()->hint, "");
        assert_int_equal(flasher_slowdowns(b.f), 0);
        stop();
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    board_preload_shim(argv);
    fill_image();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chip_takes_an_image_and_the_same_again_for_nothing),
        cmocka_unit_test(what_was_written_reads_back_and_can_be_erased),
        cmocka_unit_test(faults_on_the_wire_end_in_a_right_flash),
        cmocka_unit_test(an_md5_that_is_wrong_once_costs_one_piece),
        cmocka_unit_test(a_cable_that_does_not_bear_the_speed_gets_a_lower_one),
        cmocka_unit_test(a_cable_that_always_loses_a_byte_now_and_then_gets_there),
        cmocka_unit_test(a_flash_that_does_not_keep_is_told_and_not_called_good),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    board_remove_lines();
    return failed;
}
