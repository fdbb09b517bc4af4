/* The reset sequences, edge by edge and with their times. */
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

static void each_way_into_the_loader_is_as_the_sheet_says(void **state)
{
    (void)state;
    static const char tight[] = "D0R0 D1R1 D0R1 100 D1R0 50 D0R0 ";
    static const char tight_slow[] = "D0R0 D1R1 D0R1 100 D1R0 550 D0R0 ";
    static const char classic[] = "D0R1 100 D1R1 D1R0 50 D0R0 ";
    static const char classic_slow[] = "D0R1 100 D1R1 D1R0 550 D0R0 ";
    static const struct {
        enum reset_kind kind;
        int attempt;
        const char *story;
    } cases[] = {
        {RESET_AUTO, 0, tight},           {RESET_AUTO, 1, classic},
        {RESET_AUTO, 2, tight_slow},      {RESET_AUTO, 3, classic_slow},
        {RESET_AUTO, 4, tight},           {RESET_TIGHT, 0, tight},
        {RESET_TIGHT, 1, tight_slow},     {RESET_CLASSIC, 0, classic},
        {RESET_CLASSIC, 1, classic_slow}, {RESET_NONE, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        l.story[0] = '\0';
        l.last_ns = virtual_ns;
        assert_int_equal(reset_to_download(&l.port, cases[i].kind, cases[i].attempt), ERR_OK);
        assert_string_equal(l.story, cases[i].story);
    }
}

static void a_reset_to_run_pulses_enable_alone(void **state)
{
    (void)state;
    assert_int_equal(reset_to_run(&l.port, RESET_AUTO), ERR_OK);
    assert_string_equal(l.story, "D0R1 100 D0R0 ");
    l.story[0] = '\0';
    assert_int_equal(reset_to_run(&l.port, RESET_NONE), ERR_OK);
    assert_string_equal(l.story, "");
}

static void the_lines_are_released_after_a_cancel(void **state)
{
    (void)state;
    cancel_raise(&cancel);
    assert_int_equal(reset_to_download(&l.port, RESET_TIGHT, 0), ERR_CANCELLED);
    assert_non_null(strstr(l.story, "D0R0 "));
    assert_string_equal(l.story + strlen(l.story) - 5, "D0R0 ");
}

static void the_lines_are_released_after_an_error_which_is_kept(void **state)
{
    (void)state;
    l.fail_at = 2;
    l.error = ERR_PORT_GONE;
    assert_int_equal(reset_to_download(&l.port, RESET_TIGHT, 0), ERR_PORT_GONE);
    assert_string_equal(err_last()->detail, "no");
    assert_string_equal(l.story, "D0R0 D1R1 D0R0 ");
}

static void names_go_both_ways(void **state)
{
    (void)state;
    static const char *const names[] = {"auto", "tight", "classic", "none"};
    for (size_t i = 0; i < 4; i++) {
        enum reset_kind k;
        assert_int_equal(reset_kind_parse(names[i], &k), ERR_OK);
        assert_string_equal(reset_kind_name(k), names[i]);
    }
    enum reset_kind k;
    assert_int_equal(reset_kind_parse("usb", &k), ERR_ARG);
    assert_int_equal(reset_kind_parse("", &k), ERR_ARG);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_way_into_the_loader_is_as_the_sheet_says),
        TEST(a_reset_to_run_pulses_enable_alone),
        TEST(the_lines_are_released_after_a_cancel),
        TEST(the_lines_are_released_after_an_error_which_is_kept),
        TEST(names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
