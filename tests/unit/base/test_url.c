#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "service/base/url.h"

static void addresses_that_may_be_called(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool local;
    } good[] = {
        {"https://example.com", false},
        {"https://example.com/", false},
        {"https://example.com:8443/a/b?c=d&e=%20", false},
        {"https://example.com?x", false},
        {"https://10.0.0.7/", false},
        {"https://[2001:db8::1]:8443/x", false},
        {"https://a_b.internal/~x/(y)", false},
        {"https://localhost:1/", true},
        {"https://example.com/a@b:c", false},
        {"http://localhost/", true},
        {"http://LOCALHOST:65535", true},
        {"http://127.0.0.1:80/x", true},
        {"http://127.8.9.10/", true},
        {"http://[::1]:8080/x", true},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bool local = !good[i].local;
        const char *refusal = url_refusal(good[i].url, &local);
        if (refusal) fail_msg("%s: %s", good[i].url, refusal);
        if (local != good[i].local) fail_msg("%s: local is wrong", good[i].url);
    }
}

static void addresses_that_may_not(void **state)
{
    (void)state;
    static const struct {
        const char *url, *word; /* of the reason */
    } bad[] = {
        {"", "https://"},
        {"example.com", "https://"},
        {"HTTPS://example.com", "https://"},
        {"ftp://example.com", "https://"},
        {"file:///etc/passwd", "https://"},
        {" https://example.com", "https://"},
        {"http://example.com/", "this machine"},
        {"http://10.0.0.1/", "this machine"},
        {"http://127.0.0.1.example.com/", "this machine"},
        {"http://127.1/", "this machine"},
        {"http://localhost.example.com/", "this machine"},
        {"http://[::2]/", "this machine"},
        {"http://169.254.169.254/latest", "this machine"},
        {"https://user:pw@example.com/", "user"},
        {"http://127.0.0.1:80@example.com/", "user"},
        {"http://127.0.0.1\\@example.com/", "user"},
        {"https://", "host"},
        {"https:///x", "host"},
        {"https://?x", "host"},
        {"https://-a/", "host"},
        {"https://.a/", "host"},
        {"https://ex ample.com/", "host"},
        {"https://ex%61mple.com/", "host"},
        {"https://ex\xc3\xa4mple.com/", "host"},
        {"https://[::1", "host"},
        {"https://[]/", "host"},
        {"https://[::1%25eth0]/", "host"},
        {"https://[1.2.3.4]/", "host"},
        {"https://example.com:/", "port"},
        {"https://example.com:0/", "port"},
        {"https://example.com:65536/", "port"},
        {"https://example.com:99999999999999/", "port"},
        {"https://example.com:80a/", "port"},
        {"https://[::1]x/", "port"},
        {"https://example.com/a b", "percent"},
        {"https://example.com/a\nb", "percent"},
        {"https://example.com/\x7f", "percent"},
        {"https://example.com/#top", "percent"},
        {"https://example.com/\xc3\xa4", "percent"},
        {"https://example.com/\\x", "percent"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *refusal = url_refusal(bad[i].url, NULL);
        if (!refusal) fail_msg("%s is taken", bad[i].url);
        if (!strstr(refusal, bad[i].word)) fail_msg("%s: it %s", bad[i].url, refusal);
    }
}

static void a_host_longer_than_any_is_none(void **state)
{
    (void)state;
    char url[400] = "https://", v6[400] = "https://[";
    memset(url + 8, 'a', 300);
    assert_non_null(url_refusal(url, NULL));
    memset(v6 + 9, '1', 300);
    strcat(v6, "]");
    assert_non_null(url_refusal(v6, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_that_may_be_called),
        cmocka_unit_test(addresses_that_may_not),
        cmocka_unit_test(a_host_longer_than_any_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
