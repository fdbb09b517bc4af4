/* Where devices connect is looked for once for all, against a control plane that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "service/register/places.h"
#include "tests/unit/cloud/fixture_control.h"

enum { THREADS = 8 };

static struct control control;
static struct control_say say;
static struct aws_account *account;
static struct places *places;
static char root[] = "-----BEGIN CERTIFICATE-----\n";
static struct cloud_view view;
static pthread_barrier_t together;

static void answer(struct control *c, const struct control_request *r, struct control_say *out)
{
    (void)r;
    pthread_mutex_lock(&c->lock);
    *out = say;
    pthread_mutex_unlock(&c->lock);
}

static enum err give_keys(void *arg, struct cancel *cancel, struct deadline until,
                          struct aws_keys *out)
{
    (void)arg, (void)cancel, (void)until;
    *out = (struct aws_keys){.access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret"};
    return ERR_OK;
}

static int before(void **state)
{
    (void)state;
    control_start(&control, NULL, answer);
    const struct aws_config c = {
        .region = "us-east-2", .endpoint = control.url, .rate_percent = 100, .keys = give_keys};
    say = (struct control_say){.status = 200, .body = "{\"endpointAddress\":\"localhost\"}"};
    view = (struct cloud_view){.name = "lab",
                               .region = "us-east-2",
                               .changed_ms = 1,
                               .mqtt_port = 8883,
                               .data_root_ca = root};
    return aws_account_open(&c, &account) || places_new(&places);
}

static int after(void **state)
{
    (void)state;
    places_free(places);
    aws_account_unref(account);
    control_stop(&control);
    return 0;
}

static enum err find_with(struct aws_account *by, struct cancel *cancel, char *endpoint)
{
    struct buf roots;
    const struct aws_use use = {by, cancel, deadline_in_ms(60000)};
    buf_init(&roots, 4096);
    endpoint[0] = '\0';
    enum err e = places_find(places, &view, &use, endpoint, &roots);
    assert(e || strcmp(buf_str(&roots), root) == 0);
    buf_dispose(&roots);
    return e;
}

static enum err find(void)
{
    char endpoint[IOT_ENDPOINT];
    enum err e = find_with(account, NULL, endpoint);
    assert(e || strcmp(endpoint, "localhost") == 0);
    return e;
}

static void *find_it(void *arg)
{
    pthread_barrier_wait(&together);
    *(enum err *)arg = find();
    return NULL;
}

static void find_all(enum err expected)
{
    pthread_t threads[THREADS];
    enum err errors[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_it, &errors[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(errors[i], expected);
    }
    pthread_barrier_destroy(&together);
}

static void one_asks_for_all(void **state)
{
    (void)state;
    find_all(ERR_OK);
    assert_int_equal(control.requests, 1);
    assert_int_equal(find(), ERR_OK);
    assert_int_equal(control.requests, 1);
}

static void one_fails_for_those_who_wait(void **state)
{
    (void)state;
    say.status = 403;
    say.more = "x-amzn-ErrorType: AccessDeniedException:\r\n";
    say.body = "{\"message\":\"no\"}";
    find_all(ERR_CLOUD);
    assert_int_equal(control.requests, 1);
    assert_int_equal(find(), ERR_CLOUD);
    assert_string_equal(err_last()->code, "aws_permission");
}

static void other_settings_are_another_place(void **state)
{
    (void)state;
    assert_int_equal(find(), ERR_OK);
    view.changed_ms = 2;
    assert_int_equal(find(), ERR_OK);
    assert_int_equal(control.requests, 2);
    snprintf(view.name, sizeof view.name, "other");
    assert_int_equal(find(), ERR_OK);
    assert_int_equal(control.requests, 3);
    places_forget(places, "other");
    places_forget(places, "nobody");
    assert_int_equal(find(), ERR_OK);
    assert_int_equal(control.requests, 4);
}

static void *cancel_when_it_is_asked(void *arg)
{
    control_wait(&control, 1);
    cancel_raise(arg);
    return NULL;
}

static void who_is_cancelled_leaves_it_to_the_next(void **state)
{
    (void)state;
    struct cancel cancel;
    pthread_t other;
    char endpoint[IOT_ENDPOINT];
    say.mute = true;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    assert_int_equal(pthread_create(&other, NULL, cancel_when_it_is_asked, &cancel), 0);
    assert_int_equal(find_with(account, &cancel, endpoint), ERR_CANCELLED);
    pthread_join(other, NULL);
    cancel_dispose(&cancel);
    pthread_mutex_lock(&control.lock);
    say.mute = false;
    pthread_mutex_unlock(&control.lock);
    assert_int_equal(find(), ERR_OK);
}

static void a_named_endpoint_needs_no_account(void **state)
{
    (void)state;
    char endpoint[IOT_ENDPOINT];
    snprintf(view.data_endpoint, sizeof view.data_endpoint, "127.0.0.1");
    assert_int_equal(find_with(NULL, NULL, endpoint), ERR_OK);
    assert_string_equal(endpoint, "127.0.0.1");
    assert_int_equal(control.requests, 0);
}

static void an_endpoint_that_boards_cannot_trust_is_refused(void **state)
{
    (void)state;
    say.body = "{\"endpointAddress\":\"a1b2.iot.us-east-2.amazonaws.com\"}";
    assert_int_equal(find(), ERR_ARG);
    assert_string_equal(err_last()->code, "endpoint_not_ats");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        CASE(one_asks_for_all),
        CASE(one_fails_for_those_who_wait),
        CASE(other_settings_are_another_place),
        CASE(who_is_cancelled_leaves_it_to_the_next),
        CASE(a_named_endpoint_needs_no_account),
        CASE(an_endpoint_that_boards_cannot_trust_is_refused),
    };
#undef CASE
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
