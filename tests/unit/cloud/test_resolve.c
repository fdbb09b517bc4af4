/* getaddrinfo() of this program is the one below, so that a silent name server needs no network. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/cloud/resolve.h"

static int release_fd; /* readable: the silent server answers */

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *want,
                struct addrinfo **found)
{
    getaddrinfo_fn real;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(host, "silent.invalid") == 0 && !(want->ai_flags & AI_NUMERICHOST)) {
        struct pollfd p = {release_fd, POLLIN, 0};
        poll(&p, 1, 60000);
        return real("127.0.0.1", service, want, found);
    }
    if (strcmp(host, "unknown.invalid") == 0) return EAI_NONAME;
    return real(host, service, want, found);
}

static int setup(void **state)
{
    (void)state;
    release_fd = eventfd(0, EFD_CLOEXEC);
    return release_fd < 0;
}

static int teardown(void **state)
{
    (void)state;
    uint64_t one = 1;
    if (write(release_fd, &one, sizeof one) != sizeof one) return 1;
    resolve_end();
    close(release_fd);
    return 0;
}

static void addresses_need_no_name_server(void **state)
{
    (void)state;
    const char *const hosts[] = {"127.0.0.1", "::1", "192.0.2.7"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct resolve_result found;
        assert_int_equal(resolve_host(hosts[i], 8883, NULL, deadline_in_ms(0), &found), ERR_OK);
        assert_int_equal(found.count, 1);
        assert_string_equal(found.items[0].text, hosts[i]);
    }
}

static void localhost_has_a_loopback_address(void **state)
{
    (void)state;
    struct resolve_result found;
    assert_int_equal(resolve_host("localhost", 1, NULL, deadline_in_ms(60000), &found), ERR_OK);
    assert_in_range(found.count, 1, RESOLVE_MAX);
    bool loopback = false;
    for (size_t i = 0; i < found.count; i++)
        loopback |=
            !strcmp(found.items[i].text, "127.0.0.1") || !strcmp(found.items[i].text, "::1");
    assert_true(loopback);
}

static void an_unknown_name_is_an_error_with_a_hint(void **state)
{
    (void)state;
    struct resolve_result found;
    enum err e = resolve_host("unknown.invalid", 1, NULL, deadline_in_ms(60000), &found);
    assert_int_equal(e, ERR_NETWORK);
    assert_string_equal(err_last()->code, "dns_failed");
    assert_non_null(strstr(err_last()->detail, "unknown.invalid"));
    assert_true(err_last()->hint[0]);
}

static void empty_and_overlong_names_are_errors(void **state)
{
    (void)state;
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct resolve_result found;
    assert_int_equal(resolve_host("", 1, NULL, deadline_in_ms(60000), &found), ERR_NETWORK);
    assert_int_equal(resolve_host(longest, 1, NULL, deadline_in_ms(60000), &found), ERR_NETWORK);
}

static void a_silent_name_server_ends_with_the_deadline(void **state)
{
    (void)state;
    struct resolve_result found;
    enum err e = resolve_host("silent.invalid", 1, NULL, deadline_in_ms(100), &found);
    assert_int_equal(e, ERR_NETWORK);
    assert_string_equal(err_last()->code, "dns_failed");
}

static void a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct cancel cancel;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    cancel_raise(&cancel);
    struct resolve_result found;
    enum err e = resolve_host("silent.invalid", 1, &cancel, deadline_in_ms(60000), &found);
    assert_int_equal(e, ERR_CANCELLED);
    cancel_dispose(&cancel);
}

static void silent_look_ups_do_not_pile_up_and_the_next_one_works_when_they_end(void **state)
{
    (void)state;
    struct resolve_result found;
    for (int i = 0; i < 12; i++)
        assert_int_equal(resolve_host("silent.invalid", 1, NULL, deadline_in_ms(10), &found),
                         ERR_NETWORK);
    assert_non_null(strstr(err_last()->detail, "earlier look-ups"));
    uint64_t one = 1;
    assert_int_equal(write(release_fd, &one, sizeof one), sizeof one);
    resolve_end();
    assert_int_equal(resolve_host("silent.invalid", 1, NULL, deadline_in_ms(60000), &found),
                     ERR_OK);
    assert_string_equal(found.items[0].text, "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_need_no_name_server),
        cmocka_unit_test(localhost_has_a_loopback_address),
        cmocka_unit_test(an_unknown_name_is_an_error_with_a_hint),
        cmocka_unit_test(empty_and_overlong_names_are_errors),
        cmocka_unit_test_setup_teardown(a_silent_name_server_ends_with_the_deadline, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cancel_ends_the_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(
            silent_look_ups_do_not_pile_up_and_the_next_one_works_when_they_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
