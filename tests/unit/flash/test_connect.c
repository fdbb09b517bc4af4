/* Ways into the loader that take more than lines and SYNC: a port that goes with its chip, and a
 * ROM that talks at another speed. */
#include "service/flash/flasher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/flash/rom_model.h"

static struct model *m;
static struct flasher *f;
static struct cancel cancel;

static int set_up(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    m = model_new();
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    m->port.cancel = &cancel;
    m->port.usb_vid = m->port.usb_pid = -1;
    assert_int_equal(flasher_new(&m->port, &o, &f), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    flasher_free(f);
    port_close(&m->port);
    cancel_dispose(&cancel);
    return 0;
}

static enum err connect(void)
{
    return flasher_connect(f, deadline_in_ms(30000));
}

static void reset_by(enum reset_kind kind)
{
    const struct flasher_options o = {.reset = {.kind = kind}};
    flasher_free(f);
    assert_int_equal(flasher_new(&m->port, &o, &f), ERR_OK);
}

static void a_chips_own_port_is_followed_through_its_reset(void **state)
{
    (void)state;
    m->usb_jtag = m->port.native_usb = true;
    int64_t start = virtual_ns;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(m->resets, 1);
    assert_in_range((virtual_ns - start) / 1000000, 700, 1300);
    assert_true(m->reopens >= 2); /* it was not there at once */
}

static void what_a_port_is_can_be_learned_from_its_going(void **state)
{
    (void)state;
    m->usb_jtag = true;
    assert_int_equal(connect(), ERR_OK);
    assert_true(m->port.native_usb);
    assert_int_equal(m->resets, 2); /* the first one was not made for USB */
}

static void leaving_takes_the_port_away_and_is_a_success(void **state)
{
    (void)state;
    m->usb_jtag = true;
    reset_by(RESET_USB_JTAG);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(m->mode, MODEL_LOADER);
    assert_int_equal(flasher_finish(f), ERR_OK);
    assert_int_equal(m->mode, MODEL_FIRMWARE);
    assert_true(m->port.gone);
    assert_int_equal(port_reopen(&m->port, deadline_in_ms(3000)), ERR_OK);
}

static void a_board_whose_port_is_away_is_left_running_all_the_same(void **state)
{
    (void)state;
    m->usb_jtag = true;
    reset_by(RESET_USB_JTAG);
    assert_int_equal(connect(), ERR_OK);
    m->gone = m->port.gone = true; /* and it comes back */
    assert_int_equal(flasher_finish(f), ERR_OK);
    assert_int_equal(m->mode, MODEL_FIRMWARE);
}

static void a_port_that_does_not_come_back_is_told(void **state)
{
    (void)state;
    m->usb_jtag = m->port.native_usb = m->never_back = true;
    int64_t start = virtual_ns;
    assert_int_equal(connect(), ERR_PORT_GONE);
    assert_string_equal(err_last()->code, "usb_gone");
    assert_string_not_equal(err_last()->hint, "");
    assert_in_range((virtual_ns - start) / 1000000, 3000, 3500);
    assert_int_not_equal(flasher_finish(f), ERR_OK);
}

static void an_adapter_that_goes_was_unplugged(void **state)
{
    (void)state;
    m->usb_jtag = true; /* it goes just the same */
    m->port.usb_vid = 0x10c4;
    m->port.usb_pid = 0xea60;
    int64_t start = virtual_ns;
    assert_int_equal(connect(), ERR_PORT_GONE);
    assert_string_equal(err_last()->code, "port_gone");
    assert_in_range((virtual_ns - start) / 1000000, 0, 500);
    assert_int_equal(m->reopens, 0);
}

static void without_a_reset_a_port_that_goes_is_not_waited_for(void **state)
{
    (void)state;
    m->gone_at = 5;
    reset_by(RESET_NONE);
    assert_int_equal(connect(), ERR_PORT_GONE);
    assert_string_equal(err_last()->code, "port_gone");
    assert_int_equal(m->reopens, 0);
}

/* A chip that takes its 26 MHz crystal for one of 40 MHz, and a boot pin that is not connected. */
static void a_rom_that_talks_at_its_own_speed_is_understood(void **state)
{
    (void)state;
    m->rom_baud = 74880;
    m->strap_broken = true;
    assert_int_equal(connect(), ERR_DEVICE);
    assert_string_equal(err_last()->code, "board_wrong_boot_mode");
    assert_non_null(strstr(err_last()->device, "SPI_FAST_FLASH_BOOT"));
    assert_int_equal(m->port.baud, 115200);
}

static void its_loader_is_found_all_the_same(void **state)
{
    (void)state;
    m->rom_baud = 74880;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(m->resets, 1);
}

static void an_adapter_without_that_speed_goes_on_without(void **state)
{
    (void)state;
    m->rom_baud = 74880;
    m->strap_broken = m->odd_baud_refused = true;
    assert_int_equal(connect(), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "board_garbage");
    assert_int_equal(m->resets, 5);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_chips_own_port_is_followed_through_its_reset),
        TEST(what_a_port_is_can_be_learned_from_its_going),
        TEST(leaving_takes_the_port_away_and_is_a_success),
        TEST(a_board_whose_port_is_away_is_left_running_all_the_same),
        TEST(a_port_that_does_not_come_back_is_told),
        TEST(an_adapter_that_goes_was_unplugged),
        TEST(without_a_reset_a_port_that_goes_is_not_waited_for),
        TEST(a_rom_that_talks_at_its_own_speed_is_understood),
        TEST(its_loader_is_found_all_the_same),
        TEST(an_adapter_without_that_speed_goes_on_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
