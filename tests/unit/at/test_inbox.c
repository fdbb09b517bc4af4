/* Unsolicited lines: kept in order, taken by their beginning, bounded. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <string.h>

#include "service/at/inbox.h"

static void lines_are_taken_in_order_by_their_beginning(void **state)
{
    (void)state;
    static const char *const wifi[] = {"WIFI GOT", "WIFI", NULL}, *const none[] = {"x", NULL};
    struct inbox b;
    int which = -1;
    inbox_init(&b);
    inbox_put(&b, "+TIME_UPDATED", NULL, 0);
    inbox_put(&b, "WIFI CONNECTED", NULL, 0);
    inbox_put(&b, "WIFI GOT IP", NULL, 0);
    assert_null(inbox_take(&b, none, &which));
    assert_string_equal(inbox_take(&b, wifi, &which)->text, "WIFI CONNECTED");
    assert_int_equal(which, 1);
    assert_string_equal(inbox_take(&b, wifi, &which)->text, "WIFI GOT IP");
    assert_int_equal(which, 0);
    assert_null(inbox_take(&b, wifi, &which));
    assert_int_equal(b.n, 1);
    inbox_dispose(&b);
}

static void counted_bytes_are_copied(void **state)
{
    (void)state;
    static const char *const all[] = {"", NULL};
    struct inbox b;
    int which;
    uint8_t raw[] = {0, 'O', 'K', '\r', '\n'};
    inbox_init(&b);
    inbox_put(&b, "+MQTTSUBRECV:0,\"t\",5,", raw, sizeof raw);
    inbox_put(&b, "+MQTTSUBRECV:0,\"t\",0,", raw, 0);
    memset(raw, 'x', sizeof raw);
    const struct inbox_line *l = inbox_take(&b, all, &which);
    assert_int_equal(l->raw_len, 5);
    assert_memory_equal(l->raw, "\0OK\r\n", 5);
    l = inbox_take(&b, all, &which);
    assert_non_null(l->raw);
    assert_int_equal(l->raw_len, 0);
    inbox_dispose(&b);
}

static void the_oldest_line_goes_when_it_is_full(void **state)
{
    (void)state;
    static const char *const all[] = {"", NULL};
    struct inbox b;
    int which;
    inbox_init(&b);
    for (int i = 0; i < INBOX_LINES + 3; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(inbox_put(&b, text, NULL, 0), ERR_OK);
    }
    assert_int_equal(b.n, INBOX_LINES);
    assert_string_equal(inbox_take(&b, all, &which)->text, "3");
    inbox_dispose(&b);
}

static void drop_forgets_one_kind_or_all(void **state)
{
    (void)state;
    struct inbox b;
    inbox_init(&b);
    inbox_put(&b, "+MQTTDISCONNECTED:0", NULL, 0);
    inbox_put(&b, "ready", NULL, 0);
    inbox_put(&b, "+MQTTCONNECTED:0", NULL, 0);
    inbox_drop(&b, "+MQTT");
    assert_int_equal(b.n, 1);
    assert_string_equal(b.lines[0].text, "ready");
    inbox_drop(&b, "");
    assert_int_equal(b.n, 0);
    inbox_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_taken_in_order_by_their_beginning),
        cmocka_unit_test(counted_bytes_are_copied),
        cmocka_unit_test(the_oldest_line_goes_when_it_is_full),
        cmocka_unit_test(drop_forgets_one_kind_or_all),
    };
    return cmocka_run_group_tests_name("at/inbox", tests, NULL, NULL);
}
