/* What the flasher does differently on each chip of the family, against a model of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/flash/model_chips.h"

static enum err connect(void)
{
    return flasher_connect(f, deadline_in_ms(30000));
}

static enum err identify(void)
{
    enum err e = connect();
    return e ? e : flasher_identify(f, deadline_in_ms(30000));
}

/* 40 000 bytes are worth a change of speed. */
static enum err write_large(void)
{
    static uint8_t data[40000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i >> 4 ^ i);
    const struct flasher_region r = {
        .offset = 0x100000, .erase_bytes = 0xa000, .data = data, .n = sizeof data};
    enum err e = flasher_write(f, &r, deadline_in_ms(120000), NULL, NULL);
    if (!e) assert_memory_equal(m->flash + 0x100000, data, sizeof data);
    return e;
}

static void every_chip_is_identified_and_written(void **state)
{
    (void)state;
    static const uint8_t mac[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66};
    for (size_t i = 0; i < MODEL_CHIPS; i++) {
        begin(model_chips[i].name);
        assert_int_equal(identify(), ERR_OK);
        const struct flasher_board *board = flasher_board(f);
        assert_true(board->mac_known && board->security.known);
        assert_memory_equal(board->mac, mac, sizeof mac);
        assert_int_equal(board->flash_id, 0x1640c8);
        assert_int_equal(board->flash_bytes, 4 * 1024 * 1024);
        assert_int_equal(flasher_attach(f, 0), ERR_OK);
        assert_int_equal(m->attach_pins, 0);
        assert_int_equal(write_large(), ERR_OK);
        assert_int_equal(flasher_retries(f), 0);
        assert_int_equal(m->unknowns, 0);
        assert_int_equal(flasher_finish(f), ERR_OK);
        end();
    }
}

/* The 802.15.4 chips keep the extension of the MAC in the same word. */
static void the_top_of_the_mac_word_is_not_the_mac(void **state)
{
    (void)state;
    static const uint8_t mac[] = {0x60, 0x55, 0xf9, 0xf7, 0x2c, 0xa2};
    for (size_t i = 1; i < MODEL_CHIPS; i++) {
        begin(model_chips[i].name);
        model_set_reg(m, model_chips[i].mac_word, 0xf9f72ca2);
        model_set_reg(m, model_chips[i].mac_word + 4, 0xfffe6055);
        assert_int_equal(identify(), ERR_OK);
        assert_memory_equal(flasher_board(f)->mac, mac, sizeof mac);
        end();
    }
}

static void the_revision_is_put_together_from_its_fields(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        unsigned revision;
        struct model_reg regs[3];
    } cases[] = {
        {"esp32", 0, {{0}}},
        {"esp32", 100, {{0x3ff5a00c, 1 << 15}}},
        {"esp32", 201, {{0x3ff5a00c, 1 << 15}, {0x3ff5a014, 1 << 20 | 1 << 24}}},
        {"esp32",
         301,
         {{0x3ff5a00c, 1 << 15}, {0x3ff5a014, 1 << 20 | 1 << 24}, {0x3ff6607c, 1U << 31}}},
        {"esp32s2", 100, {{0x3f41a050, 1 << 18}}},
        {"esp32s2", 11, {{0x3f41a050, 1 << 20}, {0x3f41a054, 3 << 4}}},
        {"esp32s3", 2, {{0x60007050, 2 << 18}}},
        {"esp32s3", 109, {{0x60007050, 1 << 18}, {0x60007058, 1 << 23 | 1 << 24}}},
        {"esp32s3", 0, {{0x60007050, 1 << 24}, {0x60007058, 7 << 23}, {0x6000706c, 1}}},
        {"esp32s3", 2, {{0x60007050, 1 << 24 | 2 << 18}, {0x6000706c, 1}}},
        {"esp32s3", 308, {{0x60007058, 7 << 23}, {0x6000706c, 1}}},
        {"esp32c2", 102, {{0x60008844, 0x1122 | 2 << 16 | 1 << 20}}},
        {"esp32c3", 4, {{0x60008850, 4 << 18}}},
        {"esp32c3", 111, {{0x60008850, 3 << 18}, {0x60008858, 1 << 23 | 1 << 24}}},
        {"esp32c5", 102, {{0x600b484c, 2 | 1 << 4}}},
        {"esp32c6", 209, {{0x600b0850, 9 << 18 | 2 << 22}}},
        {"esp32c61", 100, {{0x600b484c, 1 << 4}}},
        {"esp32h2", 102, {{0x600b0850, 2 << 18 | 1 << 21}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(cases[i].chip);
        for (size_t k = 0; k < 3; k++)
            if (cases[i].regs[k].at) model_set_reg(m, cases[i].regs[k].at, cases[i].regs[k].value);
        assert_int_equal(connect(), ERR_OK);
        assert_int_equal(flasher_read_mac(f), ERR_OK);
        if (flasher_board(f)->revision != cases[i].revision)
            fail_msg("case %u, %s: %u", (unsigned)i, cases[i].chip, flasher_board(f)->revision);
        end();
    }
}

/* Security twice, a MAC without a CRC twice, and each other word once. */
static void no_register_is_read_more_often_than_needed(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        unsigned commands;
    } cases[] = {{"esp32", 4 + 2 + 3},   {"esp32s2", 2 + 4 + 2}, {"esp32s3", 2 + 4 + 3},
                 {"esp32c2", 2 + 4 + 1}, {"esp32c3", 2 + 4 + 2}, {"esp32c6", 2 + 4 + 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(cases[i].chip);
        assert_int_equal(connect(), ERR_OK);
        unsigned before = flasher_commands(f);
        assert_int_equal(flasher_read_mac(f), ERR_OK);
        assert_int_equal(flasher_commands(f) - before, cases[i].commands);
        end();
    }
}

static void the_crystal_is_the_nearest_that_the_chip_comes_with(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        unsigned has, told;
    } cases[] = {
        {"esp32", 40, 40},   {"esp32", 26, 26},   {"esp32", 60, 0},    {"esp32s2", 40, 40},
        {"esp32s3", 40, 40}, {"esp32c2", 40, 40}, {"esp32c2", 26, 26}, {"esp32c3", 40, 40},
        {"esp32c5", 40, 40}, {"esp32c5", 48, 48}, {"esp32c6", 40, 40}, {"esp32c61", 40, 40},
        {"esp32h2", 32, 32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(cases[i].chip);
        m->crystal_mhz = m->rom_crystal_mhz = cases[i].has;
        assert_int_equal(identify(), ERR_OK);
        assert_int_equal(flasher_board(f)->crystal_mhz, cases[i].told);
        end();
    }
}

/* ---- speed ---- */

static const struct flasher_options fast = {.reset = {.kind = RESET_AUTO}, .flash_baud = 921600};

static void write_at_speed(uint32_t expected)
{
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(write_large(), ERR_OK);
    assert_int_equal(m->port.baud, expected);
    assert_int_equal(m->resets, 1);
    assert_int_equal(flasher_retries(f), 0);
    end();
}

static void a_loader_that_is_wrong_about_its_crystal_is_told_another_speed(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        unsigned has, believes;
    } cases[] = {
        {"esp32c2", 26, 40}, {"esp32c2", 40, 40}, {"esp32c5", 40, 48},
        {"esp32c5", 48, 40}, {"esp32c5", 48, 48}, {"esp32c5", 40, 40},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_with(cases[i].chip, &fast);
        m->crystal_mhz = cases[i].has;
        m->rom_crystal_mhz = cases[i].believes;
        model_set_reg(m, 0x60096110, 0x00abcdefU | cases[i].believes << 24);
        write_at_speed(921600);
    }
}

static void the_others_know_their_crystal(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODEL_CHIPS; i++) {
        if (!strcmp(model_chips[i].name, "esp32c5")) continue;
        begin_with(model_chips[i].name, &fast);
        write_at_speed(921600);
    }
}

/* Which crystal the board has cannot be read then, so nobody knows what to tell the loader. */
static void a_speed_that_cannot_be_told_stays(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        uint32_t baud;
    } cases[] = {{"esp32c2", 115200}, {"esp32c5", 115200}, {"esp32c3", 921600}};
    struct flasher_options o = fast;
    o.allow_unverified = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_with(cases[i].chip, &o);
        m->secure_download = true;
        m->flags = 4;
        write_at_speed(cases[i].baud);
    }
}

/* ---- USB-Serial/JTAG ---- */

static void over_usb_the_speed_means_nothing(void **state)
{
    (void)state;
    begin_with("esp32c3", &fast);
    m->port.native_usb = m->usb_jtag = true;
    write_at_speed(115200);
}

static void over_usb_the_divider_tells_no_crystal(void **state)
{
    (void)state;
    begin("esp32c5");
    m->port.native_usb = m->usb_jtag = true;
    assert_int_equal(identify(), ERR_OK);
    assert_int_equal(flasher_board(f)->crystal_mhz, 0);
    end();
}

static const struct {
    const char *chip;
    uint32_t config, protect, swd_config, swd_protect, swd_key, feed;
} watchdogs[] = {
    {"esp32s3", 0x60008098, 0x600080b0, 0x600080b4, 0x600080b8, 0x8f1d312a, 1U << 31},
    {"esp32c3", 0x60008090, 0x600080a8, 0x600080ac, 0x600080b0, 0x8f1d312a, 1U << 31},
    {"esp32c5", 0x600b1c00, 0x600b1c18, 0x600b1c1c, 0x600b1c20, 0x50d83aa1, 1U << 18},
    {"esp32c6", 0x600b1c00, 0x600b1c18, 0x600b1c1c, 0x600b1c20, 0x50d83aa1, 1U << 18},
    {"esp32c61", 0x600b1c00, 0x600b1c18, 0x600b1c1c, 0x600b1c20, 0x50d83aa1, 1U << 18},
    {"esp32h2", 0x600b1c00, 0x600b1c1c, 0x600b1c20, 0x600b1c24, 0x50d83aa1, 1U << 18},
};

static void begin_usb(const char *chip)
{
    begin(chip);
    m->port.native_usb = m->usb_jtag = true;
}

static void over_usb_the_watchdogs_are_switched_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof watchdogs / sizeof watchdogs[0]; i++) {
        uint32_t config = watchdogs[i].config, protect = watchdogs[i].protect;
        uint32_t swd = watchdogs[i].swd_config, swd_protect = watchdogs[i].swd_protect;
        const struct model_reg wanted[] = {{protect, 0x50d83aa1},
                                           {config, 0},
                                           {protect, 0},
                                           {swd_protect, watchdogs[i].swd_key},
                                           {swd, 0x00000321 | watchdogs[i].feed},
                                           {swd_protect, 0}};
        begin_usb(watchdogs[i].chip);
        model_set_reg(m, config, 0x9001380a);
        model_set_reg(m, swd, 0x00000321);
        assert_int_equal(connect(), ERR_OK);
        assert_int_equal(m->written_count, 6);
        assert_memory_equal(m->written, wanted, sizeof wanted);
        end();
    }
}

static void after_another_reset_they_are_switched_off_again(void **state)
{
    (void)state;
    begin_usb("esp32c3");
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    m->reset_at = m->host_bytes + 700;
    assert_int_equal(write_large(), ERR_OK);
    assert_int_equal(m->written_count, 12);
    end();
}

static void they_are_left_alone_where_nothing_holds_them(void **state)
{
    (void)state;
    begin("esp32c3"); /* not over USB */
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(m->written_count, 0);
    end();
    begin_usb("esp32s2"); /* has no such port */
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(m->written_count, 0);
    end();
    begin_usb("esp32c3"); /* may not be written to */
    m->secure_download = true;
    m->flags = 4;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(m->written_count, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chip_is_identified_and_written),
        cmocka_unit_test(the_top_of_the_mac_word_is_not_the_mac),
        cmocka_unit_test(the_revision_is_put_together_from_its_fields),
        cmocka_unit_test(no_register_is_read_more_often_than_needed),
        cmocka_unit_test(the_crystal_is_the_nearest_that_the_chip_comes_with),
        cmocka_unit_test(a_loader_that_is_wrong_about_its_crystal_is_told_another_speed),
        cmocka_unit_test(the_others_know_their_crystal),
        cmocka_unit_test(a_speed_that_cannot_be_told_stays),
        cmocka_unit_test(over_usb_the_speed_means_nothing),
        cmocka_unit_test(over_usb_the_divider_tells_no_crystal),
        cmocka_unit_test(over_usb_the_watchdogs_are_switched_off),
        cmocka_unit_test(after_another_reset_they_are_switched_off_again),
        cmocka_unit_test(they_are_left_alone_where_nothing_holds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
