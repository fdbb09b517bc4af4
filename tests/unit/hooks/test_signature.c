#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "service/hooks/backoff.h"
#include "service/hooks/signature.h"

/* Key, message and signature that the makers of Standard Webhooks test their libraries with. */
static void it_is_what_others_make_of_it(void **state)
{
    (void)state;
    static const uint8_t key[] = {0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a,
                                  0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c,
                                  0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0};
    static const char body[] = "{\"test\": 2432232314}";
    const struct signed_message m = {"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body,
                                     sizeof body - 1};
    char text[SIGNATURE_TEXT];
    assert_int_equal(signature_make(key, sizeof key, &m, text), ERR_OK);
    assert_string_equal(text, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void a_key_is_shown_as_base64(void **state)
{
    (void)state;
    uint8_t key[SIGNATURE_KEY] = {0}, other[SIGNATURE_KEY];
    char text[SIGNATURE_SECRET];
    key[31] = 1;
    assert_string_equal(signature_secret(key, text),
                        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=");
    signature_key_new(key);
    signature_key_new(other);
    assert_memory_not_equal(key, other, sizeof key);
}

static void waits_double_up_to_the_longest(void **state)
{
    (void)state;
    const struct backoff b = {5000, 3600 * 1000};
    int64_t expected = 5000, day = 0;
    for (int failed = 1; failed < 34; failed++) {
        int64_t least = INT64_MAX, most = 0;
        for (int i = 0; i < 200; i++) {
            int64_t ms = backoff_ms(&b, failed, 0);
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
        }
        assert_true(least >= expected * 8 / 10 && most <= expected * 12 / 10 && least < most);
        day += expected;
        expected = expected * 2 < b.longest_ms ? expected * 2 : b.longest_ms;
    }
    assert_true(day > 24 * 3600 * 1000LL && day < 25 * 3600 * 1000LL);
}

static void the_other_side_may_ask_for_longer(void **state)
{
    (void)state;
    const struct backoff b = {5000, 3600 * 1000};
    assert_int_equal(backoff_ms(&b, 1, 120), 120000);
    assert_int_equal(backoff_ms(&b, 1, 999999), 3600 * 1000);
    assert_true(backoff_ms(&b, 34, 1) > 3600 * 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_what_others_make_of_it),
        cmocka_unit_test(a_key_is_shown_as_base64),
        cmocka_unit_test(waits_double_up_to_the_longest),
        cmocka_unit_test(the_other_side_may_ask_for_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
