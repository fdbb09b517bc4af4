// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "service/base/buf.h"

static void appends_add_up_and_end_in_a_nul(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_string_equal(buf_str(&b), "");
    buf_append(&b, "ab", 2);
    buf_append(&b, "", 0);
    buf_puts(&b, "cd");
    buf_printf(&b, "-%d-%s", 42, "x");
    buf_fill(&b, '!', 3);
    assert_int_equal(buf_ok(&b), ERR_OK);
    assert_string_equal(buf_str(&b), "abcd-42-x!!!");
    assert_int_equal(b.len, 12);
    buf_dispose(&b);
}

static void numbers_are_little_endian(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 6);
    buf_le16(&b, 0x0201);
    buf_le32(&b, 0xfffefd03);
    const uint8_t want[] = {1, 2, 3, 0xfd, 0xfe, 0xff};
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.data, want, sizeof want);
    assert_int_equal(le16_get(b.data), 0x0201);
    assert_int_equal(le32_get(b.data + 2), 0xfffefd03);
    buf_dispose(&b);
}

static void the_maximum_may_be_reached_but_not_passed(void **state)
{
    (void)state;
    for (size_t max = 0; max < 200; max++) {
        struct buf b;
        buf_init(&b, max);
        assert_int_equal(buf_fill(&b, 'x', max), ERR_OK);
        assert_int_equal(b.len, max);
        assert_int_equal(buf_puts(&b, "y"), ERR_TOO_LARGE);
        assert_null(b.data);
    }
}

static void a_chain_of_appends_is_tested_once_at_its_end(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_puts(&b, "abc");
    buf_puts(&b, "def");
    buf_puts(&b, "g");
    buf_printf(&b, "%s", "h");
    assert_int_equal(buf_ok(&b), ERR_TOO_LARGE);
    assert_string_equal(buf_str(&b), "");
    buf_reset(&b);
    assert_int_equal(buf_puts(&b, "abcde"), ERR_OK);
    buf_dispose(&b);
}

static void what_was_added_is_kept_while_it_grows(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, 100000);
    for (int i = 0; i < 10000; i++)
        buf_append(&b, &(uint8_t){(uint8_t)(i % 251)}, 1);
    assert_int_equal(b.len, 10000);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.data[i], i % 251);
    buf_dispose(&b);
}

static void the_front_can_be_dropped(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_puts(&b, "abcdef");
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_string_equal(buf_str(&b), "cdef");
    buf_consume(&b, 99);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_str(&b), "");
    buf_dispose(&b);
    buf_consume(&b, 1);
}

static void a_secret_is_wiped_when_emptied(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, 100);
    buf_puts(&b, "key");
    const uint8_t *kept = b.data;
    buf_reset(&b);
    assert_memory_equal(kept, "\0\0\0", 3);
    buf_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_add_up_and_end_in_a_nul),
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(the_maximum_may_be_reached_but_not_passed),
        cmocka_unit_test(a_chain_of_appends_is_tested_once_at_its_end),
        cmocka_unit_test(what_was_added_is_kept_while_it_grows),
        cmocka_unit_test(the_front_can_be_dropped),
        cmocka_unit_test(a_secret_is_wiped_when_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
