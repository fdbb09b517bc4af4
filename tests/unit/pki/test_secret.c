// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "service/pki/secret.h"

static void a_copy_has_the_bytes_and_a_nul_behind_them(void **state)
{
    (void)state;
    struct secret s;
    assert_int_equal(secret_copy("k\0y", 3, &s), ERR_OK);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.data, "k\0y", 4);
    secret_dispose(&s);
    assert_null(s.data);
    assert_int_equal(s.len, 0);
}

static void nothing_can_be_a_secret_too(void **state)
{
    (void)state;
    struct secret s;
    assert_int_equal(secret_copy(NULL, 0, &s), ERR_OK);
    assert_non_null(s.data);
    assert_int_equal(s.data[0], 0);
    secret_dispose(&s);
    secret_dispose(&s);
    secret_dispose(NULL);
}

/* mlock and munlock work on pages: the release of one secret must not unlock another. */
static void no_two_secrets_share_a_page(void **state)
{
    (void)state;
    struct secret s[8];
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(secret_copy("x", 1, &s[i]), ERR_OK);
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(((uintptr_t)s[i].data ^ (uintptr_t)s[k].data) >= 4096);
    for (size_t i = 0; i < 8; i++)
        secret_dispose(&s[i]);
}

static void a_secret_that_ends_with_its_page_has_room_for_the_nul(void **state)
{
    (void)state;
    uint8_t page[4096];
    struct secret s;
    memset(page, 7, sizeof page);
    assert_int_equal(secret_copy(page, sizeof page, &s), ERR_OK);
    assert_int_equal(s.data[4096], 0);
    secret_dispose(&s);
}

static void a_released_secret_is_wiped_before_its_page_is_used_again(void **state)
{
    (void)state;
    static const uint8_t nothing[4000];
    uint8_t old[4000];
    struct secret s;
    memset(old, 'k', sizeof old);
    assert_int_equal(secret_copy(old, sizeof old, &s), ERR_OK);
    const uint8_t *page = s.data;
    secret_dispose(&s);
    assert_int_equal(secret_copy("n", 1, &s), ERR_OK);
    assert_ptr_equal(s.data, page);
    assert_memory_equal(s.data + 1, nothing, sizeof nothing - 1);
    secret_dispose(&s);
}

static void more_secrets_than_pages_are_kept_come_and_go(void **state)
{
    (void)state;
    struct secret s[100];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(secret_copy(&i, sizeof i, &s[i]), ERR_OK);
        for (size_t i = 0; i < 100; i++)
            assert_memory_equal(s[i].data, &i, sizeof i);
        for (size_t i = 0; i < 100; i++)
            secret_dispose(&s[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_the_bytes_and_a_nul_behind_them),
        cmocka_unit_test(nothing_can_be_a_secret_too),
        cmocka_unit_test(no_two_secrets_share_a_page),
        cmocka_unit_test(a_secret_that_ends_with_its_page_has_room_for_the_nul),
        cmocka_unit_test(a_released_secret_is_wiped_before_its_page_is_used_again),
        cmocka_unit_test(more_secrets_than_pages_are_kept_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
