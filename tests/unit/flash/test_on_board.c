/* Flasher and serial backend as they ship, against the simulated board: its flash file is the
 * judge.
 */
#include "service/flash/flasher.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "service/port/port_serial.h"
#include "tests/unit/flash/board_process.h"

enum { IMAGES = 3, PARTITION = 0x2000, FIRST = 0x34000 };

static const size_t sizes[IMAGES] = {1232, 1688, 1200};

struct bench {
    struct board_process board;
    struct port *port;
    struct flasher *f;
    struct cancel cancel;
    uint8_t image[IMAGES][2048];
    uint8_t before[BOARD_FLASH];
};

static struct bench b;

static void start(bool used, const struct flasher_options *o, const char *const *more)
{
    board_start(&b.board, used, more);
    assert_int_equal(cancel_init(&b.cancel), ERR_OK);
    memcpy(b.before, b.board.flash, BOARD_FLASH);
    for (size_t i = 0; i < IMAGES; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            b.image[i][k] = (uint8_t)('A' + (i * 31 + k * k) % 57);
    enum err e = port_serial_open(b.board.download, 115200, &b.port);
    if (e) fail_msg("open: %s", err_last()->detail);
    b.port->cancel = &b.cancel;
    assert_int_equal(flasher_new(b.port, o, &b.f), ERR_OK);
}

static void start_with_fault(const char *fault)
{
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}, .connect_attempts = 2};
    const char *more[] = {"--fault", fault, NULL};
    start(true, &o, more);
}

static void stop(void)
{
    flasher_free(b.f);
    port_close(b.port);
    cancel_dispose(&b.cancel);
    b.port = NULL;
    b.f = NULL;
    assert_int_equal(board_stop(&b.board), 0);
}

static int set_up(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    start(true, &o, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop();
    return 0;
}

static enum err connect(void)
{
    enum err e = flasher_connect(b.f, deadline_in_ms(30000));
    return e ? e : flasher_attach(b.f, 0);
}

static struct flasher_region region(size_t i)
{
    return (struct flasher_region){.offset = FIRST + (uint32_t)i * PARTITION,
                                   .erase_bytes = PARTITION,
                                   .data = b.image[i],
                                   .n = sizes[i]};
}

static enum err write_all(void)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < IMAGES && !e; i++) {
        const struct flasher_region r = region(i);
        e = flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL);
    }
    return e;
}

static bool flash_is_right(void)
{
    for (size_t i = 0; i < IMAGES; i++) {
        memset(b.before + FIRST + i * PARTITION, 0xff, PARTITION);
        memcpy(b.before + FIRST + i * PARTITION, b.image[i], sizes[i]);
    }
    return !memcmp(b.before, b.board.flash, BOARD_FLASH);
}

/* After the reset the board starts from its flash, and says so. */
static void board_is_left_running(void)
{
    static const char mark[] = "FLASH_BOOT";
    char text[1024]; /* perhaps with an answer before it, that was on its way, and its NUL bytes */
    size_t n = 0, got;
    bool found = false;
    b.port->cancel = NULL;
    assert_int_equal(port_flush_input(b.port), ERR_OK);
    assert_int_equal(flasher_finish(b.f), ERR_OK);
    struct deadline until = deadline_in_ms(20000);
    while (!found && n < sizeof text) {
        enum err e = port_read(b.port, text + n, sizeof text - n, until, &got);
        if (e) fail_msg("the board says nothing: %s", err_last()->detail);
        n += got;
        found = memmem(text, n, mark, sizeof mark - 1) != NULL;
    }
    assert_true(found);
}

static void three_images_are_written_and_their_neighbours_untouched(void **state)
{
    (void)state;
    assert_int_equal(connect(), ERR_OK);
    uint64_t asked = b.port->bytes_out;
    assert_int_equal(flasher_read_mac(b.f), ERR_OK);
    asked = b.port->bytes_out - asked;
    assert_int_equal(write_all(), ERR_OK);
    assert_true(flash_is_right());
    assert_int_equal(flasher_commands(b.f), 9 + 13);
    assert_int_equal(flasher_retries(b.f), 0);
    assert_true(b.port->bytes_out - asked <= 4560);
    board_is_left_running();
}

static void the_board_is_identified(void **state)
{
    (void)state;
    stop();
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    static const char *const more[] = {"--mac", "24:6f:28:01:02:03", NULL};
    start(false, &o, more);
    static const uint8_t mac[] = {0x24, 0x6f, 0x28, 1, 2, 3};
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_identify(b.f, deadline_in_ms(30000)), ERR_OK);
    const struct flasher_board *board = flasher_board(b.f);
    assert_string_equal(board->chip->name, "esp32");
    assert_memory_equal(board->mac, mac, 6);
    assert_int_equal(board->flash_bytes, 4 * 1024 * 1024);
    assert_int_equal(board->revision, 300);
    assert_int_equal(board->crystal_mhz, 40);
    uint8_t table[256] = {0}, md5[MD5_BYTES], want[MD5_BYTES];
    assert_int_equal(flasher_attach(b.f, 0), ERR_OK);
    assert_int_equal(flasher_read(b.f, 0x8000, table, sizeof table, NULL, NULL), ERR_OK);
    assert_memory_equal(table, b.board.flash + 0x8000, sizeof table);
    assert_int_equal(flasher_md5(b.f, 0x8000, 0xc00, md5), ERR_OK);
    digest_md5(b.board.flash + 0x8000, 0xc00, want);
    assert_memory_equal(md5, want, MD5_BYTES);
    board_is_left_running();
}

static void an_erased_range_is_blank_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_erase(b.f, 0x80000, 0x13000, deadline_in_ms(60000), NULL, NULL),
                     ERR_OK);
    memset(b.before + 0x80000, 0xff, 0x13000);
    assert_memory_equal(b.before, b.board.flash, BOARD_FLASH);
}

/* ---- the family ---- */

static void look_at(const char *chip, uint32_t crystal_mhz)
{
    static const uint8_t mac[] = {0x60, 0x55, 0xf9, 0xf7, 0x2c, 0xa2};
    assert_int_equal(flasher_connect(b.f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_identify(b.f, deadline_in_ms(30000)), ERR_OK);
    const struct flasher_board *board = flasher_board(b.f);
    assert_string_equal(board->chip->name, chip);
    assert_true(board->mac_known);
    assert_memory_equal(board->mac, mac, sizeof mac);
    assert_int_equal(board->flash_bytes, BOARD_FLASH);
    assert_int_equal(board->crystal_mhz, crystal_mhz);
    assert_true(board->security.known);
    assert_false(board->security.secure_boot || board->security.flash_encryption ||
                 board->security.secure_download);
    assert_int_equal(flasher_attach(b.f, 0), ERR_OK);
}

static void write_at_flash_speed(void)
{
    static uint8_t data[40003];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 5);
    const struct flasher_region r = {
        .offset = 0x200000, .erase_bytes = 0xa000, .data = data, .n = sizeof data};
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    assert_int_equal(b.port->baud, 921600);
    assert_int_equal(flasher_verify(b.f, &r), ERR_OK);
    memset(b.before + r.offset, 0xff, r.erase_bytes);
    memcpy(b.before + r.offset, data, sizeof data);
}

static void every_chip_is_identified_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t crystal_mhz;
    } chips[] = {{"esp32", 40},   {"esp32s2", 40},  {"esp32s3", 40},
                 {"esp32c2", 40}, {"esp32c3", 40},  {"esp32c5", 48},
                 {"esp32c6", 40}, {"esp32c61", 40}, {"esp32h2", 32}};
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        const struct flasher_options o = {.reset = {.kind = RESET_AUTO}, .flash_baud = 921600};
        const char *const more[] = {"--chip", chips[i].name, "--mac", "60:55:f9:f7:2c:a2", NULL};
        start(true, &o, more);
        look_at(chips[i].name, chips[i].crystal_mhz);
        assert_int_equal(write_all(), ERR_OK);
        write_at_flash_speed();
        if (!flash_is_right()) fail_msg("%s: the flash is wrong", chips[i].name);
        assert_int_equal(flasher_retries(b.f), 0);
        board_is_left_running();
        stop();
    }
}

/* ---- faults ---- */

static void faults_on_the_wire_are_recovered(void **state)
{
    (void)state;
    /* Where: SYNC 1, READ_REG 47, SPI_ATTACH 61, SPI_SET_PARAMS 79, security 113, BEGIN 169,
     * DATA 195, MD5. */
    static const char *const faults[] = {
        "drop-byte:download:20@once",
        "drop-byte:download:50@once",
        "drop-byte:download:120@once",
        "drop-byte:download:180@once",
        "drop-byte:download:700@once",
        "flip-byte:download:55@once",
        "flip-byte:download:700@once",
        "flip-byte:download:3000@once",
        "reset-at:download:700@once",
        "late-reply:150",
        "bad-md5:2@once",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        start_with_fault(faults[i]);
        enum err e = connect();
        if (!e) e = write_all();
        if (e) fail_msg("%s: %s", faults[i], err_last()->detail);
        if (!flash_is_right()) fail_msg("%s: the flash is wrong", faults[i]);
        board_is_left_running();
        stop();
    }
}

static void faults_of_the_board_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum err kind;
        const char *code;
    } cases[] = {
        {"wrong-boot", ERR_DEVICE, "board_no_firmware"}, /* its flash holds none */
        {"tx-dead", ERR_TIMEOUT, "board_tx_dead"},
        {"silent:download", ERR_TIMEOUT, "board_silent"},
        {"garbage:download", ERR_PROTOCOL, "board_garbage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_with_fault(cases[i].fault);
        enum err e = connect();
        if (e != cases[i].kind || strcmp(err_last()->code, cases[i].code) != 0)
            fail_msg("%s: %s, %s", cases[i].fault, err_last()->code, err_last()->detail);
        assert_string_not_equal(err_last()->hint, "");
        assert_int_equal(flasher_finish(b.f), ERR_OK);
        stop();
    }
}

static void an_md5_that_is_always_wrong_is_told(void **state)
{
    (void)state;
    start_with_fault("bad-md5");
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(write_all(), ERR_VERIFY);
    assert_string_equal(err_last()->code, "flash_verify");
    assert_int_equal(flasher_retries(b.f), 2);
    board_is_left_running();
    stop();
}

static void a_hang_up_in_the_middle_is_told(void **state)
{
    (void)state;
    start_with_fault("hangup:download:700@once");
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(write_all(), ERR_PORT_GONE);
    assert_int_equal(flasher_finish(b.f), ERR_PORT_GONE);
    stop();
}

static void raise_cancel(size_t done, size_t total, void *arg)
{
    (void)total;
    if (done == 3 * 4096) cancel_raise(arg);
}

static void cancel_in_the_middle_leaves_the_board_running(void **state)
{
    (void)state;
    static uint8_t data[64 * 1024];
    stop();
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    start(false, &o, NULL); /* with a firmware to run */
    const struct flasher_region r = {
        .offset = 0x300000, .erase_bytes = sizeof data, .data = data, .n = sizeof data};
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), raise_cancel, &b.cancel),
                     ERR_CANCELLED);
    assert_int_equal(b.board.flash[r.offset + 4 * 4096], 0xff); /* the fifth block never came */
    board_is_left_running();
}

static void a_busy_port_is_told(void **state)
{
    (void)state;
    struct port *second;
    assert_int_equal(port_serial_open(b.board.download, 115200, &second), ERR_BUSY);
    assert_string_equal(err_last()->code, "port_busy");
    assert_int_equal(connect(), ERR_OK); /* and the first has not noticed */
}

static void a_large_image_goes_at_the_flash_speed(void **state)
{
    (void)state;
    static uint8_t data[70001];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 7);
    stop();
    const struct flasher_options o = {.reset = {.kind = RESET_CLASSIC}, .flash_baud = 921600};
    start(true, &o, NULL);
    const struct flasher_region r = {
        .offset = 0x200000, .erase_bytes = 0x12000, .data = data, .n = sizeof data};
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_write(b.f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    assert_int_equal(b.port->baud, 921600);
    assert_int_equal(flasher_retries(b.f), 0);
    memset(b.before + r.offset, 0xff, r.erase_bytes);
    memcpy(b.before + r.offset, data, sizeof data);
    assert_memory_equal(b.before, b.board.flash, BOARD_FLASH);
    board_is_left_running();
    assert_int_equal(b.port->baud, 115200);
}

static void the_next_job_on_the_port_works(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(connect(), ERR_OK);
        assert_int_equal(write_all(), ERR_OK);
        board_is_left_running();
    }
    assert_true(flash_is_right());
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(int argc, char **argv)
{
    (void)argc;
    board_preload_shim(argv);
    const struct CMUnitTest tests[] = {
        TEST(three_images_are_written_and_their_neighbours_untouched),
        TEST(the_board_is_identified),
        TEST(an_erased_range_is_blank_and_nothing_else),
        cmocka_unit_test(every_chip_is_identified_and_written),
        cmocka_unit_test(faults_on_the_wire_are_recovered),
        cmocka_unit_test(faults_of_the_board_are_told),
        cmocka_unit_test(an_md5_that_is_always_wrong_is_told),
        cmocka_unit_test(a_hang_up_in_the_middle_is_told),
        TEST(cancel_in_the_middle_leaves_the_board_running),
        TEST(a_busy_port_is_told),
        TEST(a_large_image_goes_at_the_flash_speed),
        TEST(the_next_job_on_the_port_works),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    board_remove_lines();
    return failed;
}
