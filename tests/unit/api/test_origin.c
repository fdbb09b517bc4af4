/* origin: whose page a request is of, and under which name it came. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "api/origin.h"

static const char *const list[] = {"https://dashboard.example", "http://bench-pc:8080"};

static void an_origin_is_what_browsers_send(void **state)
{
    static const char *const good[] = {"https://dashboard.example", "http://[::1]:8080",
                                       "http://127.0.0.1", "app://x"};
    static const char *const bad[] = {"",
                                      "null",
                                      "*",
                                      "dashboard.example",
                                      "https://",
                                      "://a",
                                      "https://a/",
                                      "https://a/b",
                                      "https://A",
                                      "HTTPS://a",
                                      "https://a b",
                                      "https://a,b",
                                      "https://*.example",
                                      "x://y://z"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(origin_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (origin_is_valid(bad[i])) fail_msg("%s", bad[i]);
}

static void only_what_is_listed_letter_by_letter_is_listed(void **state)
{
    (void)state;
    assert_true(origin_is_listed("https://dashboard.example", list, 2));
    assert_false(origin_is_listed("http://dashboard.example", list, 2));
    assert_false(origin_is_listed("https://dashboard.example.evil", list, 2));
    assert_false(origin_is_listed("https://dashboard.example:8443", list, 2));
    assert_false(origin_is_listed("https://dashboard", list, 2));
    assert_false(origin_is_listed("null", list, 2));
    assert_false(origin_is_listed("", NULL, 0));
}

static void an_own_page_has_the_name_that_was_asked_for(void **state)
{
    (void)state;
    assert_true(origin_is_own("http://localhost:8080", "localhost:8080", false));
    assert_true(origin_is_own("https://bench", "Bench", false));
    assert_true(origin_is_own("https://bench", "bench", true));
    assert_false(origin_is_own("http://bench", "bench", true));
    assert_false(origin_is_own("http://localhost:8081", "localhost:8080", false));
    assert_false(origin_is_own("http://localhost", "localhost:8080", false));
    assert_false(origin_is_own("http://evil", "localhost", false));
    assert_false(origin_is_own("file://localhost", "localhost", false));
    assert_false(origin_is_own("null", "null", false));
    assert_false(origin_is_own("http://", "", false));
    assert_false(origin_is_own("http://a", NULL, false));
}

static void a_name_that_anybody_could_point_here_is_not_known(void **state)
{
    static const struct {
        const char *host;
        bool known;
    } cases[] = {
        {"127.0.0.1:8080", true},
        {"192.168.1.5", true},
        {"[::1]:8080", true},
        {"[fe80::1]", true},
        {"localhost", true},
        {"LocalHost:1", true},
        {"bench-pc:8080", true},
        {"BENCH-PC", true},
        {"dashboard.example", true},
        {"evil.example", false},
        {"localhost.evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"bench", false},
        {"", false},
        {":8080", false},
        {"[]", false},
        {"[bad", false},
        {"1", false},
        {"0x7f.1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (origin_host_is_known(cases[i].host, list, 2) != cases[i].known)
            fail_msg("%s", cases[i].host);
    assert_true(origin_host_is_known(NULL, NULL, 0));
    char longest[400];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(origin_host_is_known(longest, list, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_is_what_browsers_send),
        cmocka_unit_test(only_what_is_listed_letter_by_letter_is_listed),
        cmocka_unit_test(an_own_page_has_the_name_that_was_asked_for),
        cmocka_unit_test(a_name_that_anybody_could_point_here_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
