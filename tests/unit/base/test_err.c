// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "service/base/err.h"

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = ERR_OK; a <= ERR_INTERNAL; a++) {
        assert_true(err_name((enum err)a)[0]);
        for (int b = ERR_OK; b < a; b++)
            assert_string_not_equal(err_name((enum err)a), err_name((enum err)b));
    }
    assert_string_equal(err_name(ERR_PORT_GONE), "port_gone");
}

static void a_new_error_replaces_the_whole_of_the_old_one(void **state)
{
    (void)state;
    err_fail(ERR_DEVICE, "rom_status", "Hold BOOT.", "status %d", 7);
    err_device(ERR_DEVICE, "\x01ok", 3);
    assert_int_equal(err_set(ERR_TIMEOUT, "no %s", "answer"), ERR_TIMEOUT);
    const struct err_info *e = err_last();
    assert_int_equal(e->kind, ERR_TIMEOUT);
    assert_string_equal(e->code, "timeout");
    assert_string_equal(e->detail, "no answer");
    assert_string_equal(e->device, "");
    assert_string_equal(e->hint, "");
}

static void a_wrap_adds_words_and_keeps_the_rest(void **state)
{
    (void)state;
    err_fail(ERR_NETWORK, "mqtt_no_echo", "Look there.", "it did not come");
    assert_int_equal(err_wrap(ERR_NETWORK, "check %d", 3), ERR_NETWORK);
    assert_string_equal(err_last()->detail, "check 3: it did not come");
    assert_string_equal(err_last()->code, "mqtt_no_echo");
    assert_string_equal(err_last()->hint, "Look there.");
    err_hint(ERR_NETWORK, "Look here.");
    assert_string_equal(err_last()->hint, "Look here.");
}

static void an_error_may_be_made_from_the_one_before(void **state)
{
    (void)state;
    err_fail(ERR_IO, "inner", "hint", "inner detail");
    err_fail(ERR_NETWORK, err_last()->code, err_last()->hint, "outer, %s", err_last()->detail);
    assert_string_equal(err_last()->detail, "outer, inner detail");
    assert_string_equal(err_last()->code, "inner");
    assert_string_equal(err_last()->hint, "hint");
}

static void the_devices_words_are_made_printable(void **state)
{
    (void)state;
    err_set(ERR_DEVICE, "x");
    err_device(ERR_DEVICE, "a\r\nb\0\x80\x1b", 7);
    assert_string_equal(err_last()->device, "a\nb\\x00\\x80\\x1b");
}

static void of_too_many_words_the_end_is_kept(void **state)
{
    (void)state;
    char text[3000];
    for (int filler = 0; filler < 2; filler++) {
        memset(text, filler ? '\xff' : '.', sizeof text);
        memcpy(text + sizeof text - 5, "ERROR", 5);
        err_set(ERR_DEVICE, "x");
        err_device(ERR_DEVICE, text, sizeof text);
        size_t n = strlen(err_last()->device);
        assert_int_equal(n, sizeof err_last()->device - 1);
        assert_string_equal(err_last()->device + n - 5, "ERROR");
    }
}

static void overlong_texts_are_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_fail(ERR_IO, text, text, "%s", text);
    err_wrap(ERR_IO, "%s", text);
    assert_int_equal(strlen(err_last()->code), sizeof err_last()->code - 1);
    assert_int_equal(strlen(err_last()->detail), sizeof err_last()->detail - 1);
    assert_int_equal(strlen(err_last()->hint), sizeof err_last()->hint - 1);
}

static void an_error_can_be_saved_and_put_back(void **state)
{
    (void)state;
    err_fail(ERR_VERIFY, "md5", "Again.", "differs");
    struct err_info saved = *err_last();
    err_set(ERR_IO, "on the way out");
    assert_int_equal(err_restore(&saved), ERR_VERIFY);
    assert_memory_equal(err_last(), &saved, sizeof saved);
    assert_int_equal(err_restore(err_last()), ERR_VERIFY);
}

static void *set_another(void *arg)
{
    *(bool *)arg = err_last()->detail[0] == '\0';
    err_set(ERR_MEM, "of the other thread");
    return NULL;
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    err_set(ERR_IO, "mine");
    pthread_t t;
    bool was_empty = false;
    assert_int_equal(pthread_create(&t, NULL, set_another, &was_empty), 0);
    pthread_join(t, NULL);
    assert_true(was_empty);
    assert_string_equal(err_last()->detail, "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
        cmocka_unit_test(a_new_error_replaces_the_whole_of_the_old_one),
        cmocka_unit_test(a_wrap_adds_words_and_keeps_the_rest),
        cmocka_unit_test(an_error_may_be_made_from_the_one_before),
        cmocka_unit_test(the_devices_words_are_made_printable),
        cmocka_unit_test(of_too_many_words_the_end_is_kept),
        cmocka_unit_test(overlong_texts_are_cut),
        cmocka_unit_test(an_error_can_be_saved_and_put_back),
        cmocka_unit_test(each_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
