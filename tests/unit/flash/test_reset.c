/* The reset sequences, edge by edge and with their times, and how a user's own are read. */
#include "service/flash/reset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/flash/virtual_time.h"

struct lines {
    struct port port; /* first */
    char story[256];  /* "D0R1 100 D1R0 …" */
    int64_t last_ns;
    int fail_at, calls;
    enum err error;
};

static struct lines l;
static struct cancel cancel;

static enum err record(struct port *p, bool dtr, bool rts)
{
    (void)p;
    size_t n = strlen(l.story);
    int64_t ms = (virtual_ns - l.last_ns) / 1000000;
    if (ms) n += (size_t)snprintf(l.story + n, sizeof l.story - n, "%d ", (int)ms);
    snprintf(l.story + n, sizeof l.story - n, "D%dR%d ", dtr, rts);
    l.last_ns = virtual_ns;
    if (++l.calls == l.fail_at) return err_set(l.error, "no");
    return ERR_OK;
}

static const struct port_ops ops = {.set_lines = record};

static const struct reset by_tight = {.kind = RESET_TIGHT}, by_auto = {.kind = RESET_AUTO},
                          by_usb = {.kind = RESET_USB_JTAG}, by_hand = {.kind = RESET_NONE};

static int set_up(void **state)
{
    (void)state;
    l = (struct lines){.port = {.ops = &ops, .baud = 115200}, .last_ns = virtual_ns};
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    l.port.cancel = &cancel;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cancel_dispose(&cancel);
    return 0;
}

static void new_story(void)
{
    l.story[0] = '\0';
    l.last_ns = virtual_ns;
    l.calls = 0;
    l.port.gone = false;
}

static const char tight[] = "D0R0 D1R1 D0R1 100 D1R0 50 D0R0 ";
static const char tight_slow[] = "D0R0 D1R1 D0R1 100 D1R0 550 D0R0 ";
static const char classic[] = "D0R1 100 D1R1 D1R0 50 D0R0 ";
static const char classic_slow[] = "D0R1 100 D1R1 D1R0 550 D0R0 ";
static const char usb_jtag[] = "D0R0 100 D1R0 100 D1R1 D0R1 100 D0R0 ";

static void expect_way_in(enum reset_kind kind, int attempt, const char *story)
{
    const struct reset r = {.kind = kind};
    new_story();
    assert_int_equal(reset_to_download(&l.port, &r, attempt), ERR_OK);
    assert_string_equal(l.story, story);
}

static void each_way_into_the_loader_is_as_the_sheet_says(void **state)
{
    (void)state;
    expect_way_in(RESET_AUTO, 0, tight);
    expect_way_in(RESET_AUTO, 1, classic);
    expect_way_in(RESET_AUTO, 2, tight_slow);
    expect_way_in(RESET_AUTO, 3, classic_slow);
    expect_way_in(RESET_AUTO, 4, usb_jtag);
    expect_way_in(RESET_AUTO, 5, tight);
    expect_way_in(RESET_TIGHT, 0, tight);
    expect_way_in(RESET_TIGHT, 1, tight_slow);
    expect_way_in(RESET_CLASSIC, 0, classic);
    expect_way_in(RESET_CLASSIC, 1, classic_slow);
    expect_way_in(RESET_USB_JTAG, 0, usb_jtag);
    expect_way_in(RESET_USB_JTAG, 1, usb_jtag);
    expect_way_in(RESET_NONE, 0, "");
}

static void a_chips_own_usb_is_tried_as_such_first(void **state)
{
    (void)state;
    l.port.native_usb = true;
    expect_way_in(RESET_AUTO, 0, usb_jtag);
    expect_way_in(RESET_AUTO, 1, usb_jtag);
    expect_way_in(RESET_AUTO, 2, tight);
    expect_way_in(RESET_AUTO, 3, classic);
    expect_way_in(RESET_AUTO, 4, usb_jtag);
    expect_way_in(RESET_CLASSIC, 0, classic); /* who asks for it gets it */
}

static void an_adapter_that_wants_dtr_keeps_it(void **state)
{
    (void)state;
    l.port.holds_dtr = true;
    expect_way_in(RESET_TIGHT, 0, "D0R0 D1R1 D0R1 100 D1R0 50 D1R0 ");
    expect_way_in(RESET_CLASSIC, 0, "D0R1 100 D1R1 D1R0 50 D1R0 ");
    new_story();
    assert_int_equal(reset_to_run(&l.port, &by_auto), ERR_OK);
    assert_string_equal(l.story, "D0R1 100 D1R1 100 D1R0 ");
}

static void a_reset_to_run_pulses_enable_alone(void **state)
{
    (void)state;
    assert_int_equal(reset_to_run(&l.port, &by_auto), ERR_OK);
    assert_string_equal(l.story, "D0R1 100 D0R0 ");
    new_story();
    assert_int_equal(reset_to_run(&l.port, &by_hand), ERR_OK);
    assert_string_equal(l.story, "");
    struct reset custom;
    assert_int_equal(reset_parse("U1,1|W0.2", &custom), ERR_OK);
    assert_int_equal(reset_to_run(&l.port, &custom), ERR_OK);
    assert_string_equal(l.story, "D0R1 100 D0R0 ");
}

static void over_usb_the_pulse_is_longer_and_the_port_may_go(void **state)
{
    (void)state;
    assert_int_equal(reset_to_run(&l.port, &by_usb), ERR_OK);
    assert_string_equal(l.story, "D0R1 200 D0R0 200 D0R0 ");
    l.error = ERR_PORT_GONE;
    l.fail_at = 2;
    new_story();
    assert_int_equal(reset_to_run(&l.port, &by_usb), ERR_OK);
    assert_true(l.port.native_usb); /* nothing else goes by that */
    new_story();
    assert_int_equal(reset_to_run(&l.port, &by_auto), ERR_OK);
    l.port.native_usb = false;
    new_story();
    assert_int_equal(reset_to_run(&l.port, &by_auto), ERR_PORT_GONE); /* an adapter does not go */
}

static void the_lines_are_released_after_a_cancel(void **state)
{
    (void)state;
    cancel_raise(&cancel);
    assert_int_equal(reset_to_download(&l.port, &by_tight, 0), ERR_CANCELLED);
    assert_non_null(strstr(l.story, "D0R0 "));
    assert_string_equal(l.story + strlen(l.story) - 5, "D0R0 ");
}

static void the_lines_are_released_after_an_error_which_is_kept(void **state)
{
    (void)state;
    l.fail_at = 2;
    l.error = ERR_IO;
    assert_int_equal(reset_to_download(&l.port, &by_tight, 0), ERR_IO);
    assert_string_equal(err_last()->detail, "no");
    assert_string_equal(l.story, "D0R0 D1R1 D0R0 ");
}

static void names_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum reset_kind kind;
    } cases[] = {{"auto", RESET_AUTO},
                 {"tight", RESET_TIGHT},
                 {"classic", RESET_CLASSIC},
                 {"usb-jtag", RESET_USB_JTAG},
                 {"none", RESET_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reset r;
        assert_int_equal(reset_parse(cases[i].name, &r), ERR_OK);
        assert_int_equal(r.kind, cases[i].kind);
    }
}

static void own_steps_are_done_as_they_are_spelled(void **state)
{
    (void)state;
    static const struct {
        const char *text, *story;
    } cases[] = {
        {"D0|R1|W0.1|D1|R0|W0.05|D0", "D0R0 D0R1 100 D1R1 D1R0 50 D0R0 D0R0 "},
        {"U1,1|U0,1|W0.1|U1,0|W0.05|U0,0", "D1R1 D0R1 100 D1R0 50 D0R0 D0R0 "},
        {"R1|W0.25|W1|R0", "D0R1 1250 D0R0 D0R0 "},
        {"W2|D1", "D0R0 2000 D1R0 D0R0 "},
        {"W10", "D0R0 10000 D0R0 "},
        {"W9.999|W0.001|R0", "D0R0 10000 D0R0 D0R0 "},
        {"R1|W0|R0", "D0R1 D0R0 D0R0 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reset r;
        if (reset_parse(cases[i].text, &r)) fail_msg("%s: %s", cases[i].text, err_last()->detail);
        assert_int_equal(r.kind, RESET_CUSTOM);
        for (int attempt = 0; attempt < 2; attempt++) {
            new_story();
            assert_int_equal(reset_to_download(&l.port, &r, attempt), ERR_OK);
            assert_string_equal(l.story, cases[i].story);
        }
    }
}

static void as_many_steps_as_there_is_room_for_are_taken(void **state)
{
    (void)state;
    char text[128] = "";
    struct reset r;
    for (int i = 0; i < RESET_STEPS; i++)
        strcat(text, i % 2 ? "D0|" : "D1|");
    strcat(text, "W1");
    assert_int_equal(reset_parse(text, &r), ERR_OK);
    assert_int_equal(r.count, RESET_STEPS);
    assert_int_equal(r.steps[RESET_STEPS - 1].ms, 1000);
    strcat(text, "|R0");
    assert_int_equal(reset_parse(text, &r), ERR_ARG);
}

static void nonsense_is_refused_where_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"", "position 1:", "usb-jtag"},
        {"hard", "position 1:", "usb-jtag"},
        {"Auto", "position 1:", "usb-jtag"},
        {"custom", "position 1:", "D0|R1"},
        {"D", "position 2:", "0 or 1"},
        {"D2", "position 2:", "0 or 1"},
        {"D0|", "position 4:", "D, R, U or W"},
        {"D0||R1", "position 4:", "D, R, U or W"},
        {"D0|x", "position 4:", "D, R, U or W"},
        {"D0 |R1", "position 3:", "| or the end"},
        {"D01", "position 3:", "| or the end"},
        {"U1", "position 3:", "a comma"},
        {"U1,", "position 4:", "0 or 1"},
        {"U1,0,1", "position 5:", "| or the end"},
        {"D0|W", "position 5:", "seconds"},
        {"D0|W.5", "position 5:", "seconds"},
        {"D0|W-1", "position 5:", "seconds"},
        {"D0|W0.0005", "position 10:", "| or the end"},
        {"D0|W1e3", "position 6:", "| or the end"},
        {"D0|W100|D1", "position 5:", "at most 10 s"},
        {"D0|W9|D1|W1.001", "position 11:", "at most 10 s"},
        {"W99999999999999999999", "position 2:", "at most 10 s"},
        {"D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|D0|"
         "D0|D0|D0|D0",
         "position 97:", "too many steps"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reset r;
        assert_int_equal(reset_parse(cases[i].text, &r), ERR_ARG);
        assert_string_equal(err_last()->code, "bad_reset");
        if (strncmp(err_last()->detail, cases[i].where, strlen(cases[i].where)) != 0 ||
            !strstr(err_last()->detail, cases[i].what))
            fail_msg("%s: %s", cases[i].text, err_last()->detail);
    }
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_way_into_the_loader_is_as_the_sheet_says),
        TEST(a_chips_own_usb_is_tried_as_such_first),
        TEST(an_adapter_that_wants_dtr_keeps_it),
        TEST(a_reset_to_run_pulses_enable_alone),
        TEST(over_usb_the_pulse_is_longer_and_the_port_may_go),
        TEST(the_lines_are_released_after_a_cancel),
        TEST(the_lines_are_released_after_an_error_which_is_kept),
        TEST(names_are_known),
        TEST(own_steps_are_done_as_they_are_spelled),
        TEST(as_many_steps_as_there_is_room_for_are_taken),
        TEST(nonsense_is_refused_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
