/* One call: what goes out and comes back, what AWS would not say, many at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/cloud/sigv4.h"
#include "tests/unit/cloud/fixture_aws.h"

/* --- what goes out and comes back */

/* Signed again from what arrived: all that matters has to be in it. */
static void expect_signature(const char *method, const char *path, const char *query)
{
    struct sigv4_header headers[8];
    static char values[8][CONTROL_TEXT];
    char authorization[1024], names[256], *rest = names, *name;
    size_t n = 0;
    control_header(control.last_head, "Authorization", authorization, sizeof authorization);
    const char *at = strstr(authorization, "SignedHeaders=");
    assert_non_null(at);
    snprintf(names, sizeof names, "%.*s", (int)strcspn(at + 14, ","), at + 14);
    for (; (name = strsep(&rest, ";")); n++) {
        control_header(control.last_head, name, values[n], CONTROL_TEXT);
        headers[n] = (struct sigv4_header){name, values[n]};
    }
    struct sigv4_request r = {.method = method,
                              .path = path,
                              .query = query,
                              .headers = headers,
                              .n_headers = n,
                              .body = control.last_body,
                              .body_len = strlen(control.last_body)};
    struct sigv4_scope s = {keys[0].access_key_id, keys[0].secret_access_key, "us-east-2", "iot",
                            ""};
    control_header(control.last_head, "x-amz-date", s.time, sizeof s.time);
    struct buf expected;
    buf_init(&expected, 4096);
    assert_int_equal(sigv4_authorization(&r, &s, &expected), ERR_OK);
    assert_string_equal(authorization, buf_str(&expected));
    buf_dispose(&expected);
}

static void a_call_is_signed_as_it_is_sent(void **state)
{
    (void)state;
    char value[CONTROL_TEXT];
    set_keys(&keys[0], "AKIDONE", TOKEN);
    start(say_thing);
    assert_int_equal(CALL(.query = "a=1&b=%3A"), ERR_OK);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.request_id, "4-5-6");
    assert_string_equal(answer.error, "");
    assert_string_equal(answer.text, "{\"thingName\":\"bench-01\"}");
    assert_string_equal(json_string_value(json_object_get(answer.body, "thingName")), "bench-01");
    assert_string_equal(control.lines[0], "GET /things/bench-01?a=1&b=%3A HTTP/1.1");
    assert_string_equal(control_header(control.last_head, "x-amz-security-token", value, 256),
                        TOKEN);
    assert_string_equal(control_header(control.last_head, "content-type", value, 256), "");
    expect_signature("GET", "/things/bench-01", "a=1&b=%3A");
    json_t *body = json_pack("{s:s}", "target", "arn");
    assert_int_equal(CALL(.method = "PUT", .path = "/target-policies/a%2Cb%3D..", .body = body),
                     ERR_OK);
    json_decref(body);
    assert_string_equal(control.lines[1], "PUT /target-policies/a%2Cb%3D.. HTTP/1.1");
    assert_string_equal(control.last_body, "{\"target\":\"arn\"}");
    assert_string_equal(control_header(control.last_head, "content-type", value, 256),
                        "application/json");
    expect_signature("PUT", "/target-policies/a%2Cb%3D..", "");
    assert_int_equal(CALL(.method = "PUT", .path = "/things/x/principals", .principal = "arn:a"),
                     ERR_OK);
    assert_string_equal(control_header(control.last_head, "content-length", value, 256), "0");
    assert_string_equal(control_header(control.last_head, "content-type", value, 256), "");
    assert_string_equal(control_header(control.last_head, "x-amzn-principal", value, 256), "arn:a");
    expect_signature("PUT", "/things/x/principals", "");
    assert_int_equal(CALL(.method = "POST", .path = "/", .form = "Action=X", .service = "sts"),
                     ERR_OK);
    assert_string_equal(control.last_body, "Action=X");
    assert_non_null(strstr(control_header(control.last_head, "authorization", value, 1024),
                           "/us-east-2/sts/aws4_request"));
    assert_int_equal(control.links, 1);
}

static void an_empty_answer_is_one(void **state)
{
    (void)state;
    start(nothing_is_said);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_null(answer.body);
    assert_null(answer.text);
}

/* --- what AWS would not say */

static void say_page(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    s->status = r->number == 1 ? 403 : 200;
    s->body = "<html>Please log in.</html>";
}

static void a_page_of_a_proxy_is_no_answer(void **state)
{
    (void)state;
    start(say_page);
    expect(CALL(.once = false), ERR_PROTOCOL, "aws_bad_answer");
    expect(CALL(.once = false), ERR_PROTOCOL, "aws_bad_answer");
    expect(CALL(.once = true), ERR_TIMEOUT, "aws_outcome_unknown");
    assert_int_equal(control_requests(&control), 3);
}

static void say_elsewhere(struct control *c, const struct control_request *r, struct control_say *s)
{
    static char more[128];
    (void)r;
    snprintf(more, sizeof more, "Location: %s/elsewhere\r\n", c->url);
    refuse(s, 302, more, NULL);
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    start(say_elsewhere);
    expect(CALL(.once = false), ERR_PROTOCOL, "aws_bad_answer");
    assert_int_equal(control_requests(&control), 1);
}

static void say_too_much(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    s->fill = 2 * 1024 * 1024;
}

static void an_endless_answer_is_not_read(void **state)
{
    (void)state;
    start(say_too_much);
    expect(CALL(.once = false), ERR_PROTOCOL, "aws_bad_answer");
    assert_int_equal(control_requests(&control), 1);
    expect(CALL(.once = true), ERR_TIMEOUT, "aws_outcome_unknown");
}

/* --- many at once, and giving up */

enum { THREADS = 8, CALLS = 15 };

static void *call_often(void *arg)
{
    struct aws_request r = {
        .operation = "DescribeThing", .method = "GET", .path = "/things/a", .query = ""};
    size_t *good = arg;
    for (size_t i = 0; i < CALLS; i++) {
        struct aws_answer a;
        if (aws_call(account, &r, NULL, deadline_in_ms(60000), &a) == ERR_OK && a.body) ++*good;
        aws_answer_dispose(&a);
    }
    return NULL;
}

static void refuse_first_keys(struct control *c, const struct control_request *r,
                              struct control_say *s)
{
    take_second_keys(c, r, s);
    if (s->status == 200) s->body = "{}";
}

static void many_threads_share_connections_and_keys(void **state)
{
    (void)state;
    pthread_t threads[2 * THREADS];
    size_t good[2 * THREADS] = {0}, sum = 0;
    start(refuse_first_keys);
    for (size_t i = 0; i < 2 * THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "caller", call_often, &good[i]), ERR_OK);
    for (size_t i = 0; i < 2 * THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += good[i];
    }
    assert_int_equal(sum, 2 * THREADS * CALLS);
    assert_true(control.links <= 8);
    assert_int_equal(atomic_load(&asked), 2);
}

struct canceller {
    struct cancel cancel;
    pthread_t thread;
    size_t before;
    int64_t raised_ns;
};

static void *cancel_when_asked(void *arg)
{
    struct canceller *c = arg;
    control_wait(&control, c->before + 1);
    c->raised_ns = deadline_now_ns();
    cancel_raise(&c->cancel);
    return NULL;
}

/* @return how long it took to come back, in nanoseconds */
static int64_t cancel_one(struct aws_request r)
{
    struct canceller c = {.before = control_requests(&control)};
    assert_int_equal(cancel_init(&c.cancel), ERR_OK);
    assert_int_equal(thread_start(&c.thread, "canceller", cancel_when_asked, &c), ERR_OK);
    enum err e = call_until(r, &c.cancel, 60000);
    int64_t now_ns = deadline_now_ns();
    pthread_join(c.thread, NULL);
    expect(e, ERR_CANCELLED, "cancelled");
    expect(call_until(r, &c.cancel, 60000), ERR_CANCELLED, "cancelled");
    cancel_dispose(&c.cancel);
    assert_int_equal(control_requests(&control), c.before + 1);
    return now_ns - c.raised_ns;
}

/* The best of three: what else this machine does is not measured. */
static void expect_cancelled(struct aws_request r)
{
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        static const char *const operations[] = {"A", "DescribeThing", "CreateThing"};
        r.operation = operations[i]; /* each has its rate */
        int64_t ns = cancel_one(r);
        if (ns < best_ns) best_ns = ns;
    }
    assert_in_range(best_ns, 0, 100 * 1000000);
}

static void who_waits_for_an_answer_can_be_stopped(void **state)
{
    (void)state;
    start(be_mute);
    expect_cancelled((struct aws_request){.once = true});
}

static void throttle_for_a_while(struct control *c, const struct control_request *r,
                                 struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 429, "Retry-After: 30\r\n", "{\"message\":\"Rate exceeded\"}");
}

static void who_waits_for_the_rate_can_be_stopped(void **state)
{
    (void)state;
    start(throttle_for_a_while);
    expect_cancelled((struct aws_request){.once = true});
}

static void *wait_for_nothing(void *arg)
{
    struct aws_request r = {
        .operation = "DescribeThing", .method = "GET", .path = "/things/a", .query = ""};
    struct aws_answer a;
    enum err e = aws_call(account, &r, arg, deadline_in_ms(60000), &a);
    aws_answer_dispose(&a);
    return e == ERR_CANCELLED ? arg : NULL;
}

static void who_finds_no_connection_free_has_done_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct cancel cancel;
    start_plain(be_mute);
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "caller", wait_for_nothing, &cancel), ERR_OK);
    assert_true(control_wait(&control, THREADS));
    expect(call_until((struct aws_request){.once = true}, NULL, 200), ERR_TIMEOUT, "aws_timeout");
    assert_non_null(strstr(err_last()->detail, "busy"));
    cancel_raise(&cancel);
    for (size_t i = 0; i < THREADS; i++) {
        void *cancelled;
        pthread_join(threads[i], &cancelled);
        assert_non_null(cancelled);
    }
    cancel_dispose(&cancel);
    assert_int_equal(control_requests(&control), THREADS);
}

/* --- accounts */

static void only_awss_names_and_this_machine_are_called(void **state)
{
    (void)state;
    static const char *const bad[] = {"ftp://localhost",
                                      "https://",
                                      "http://iot.us-east-2.amazonaws.com",
                                      "localhost:1",
                                      "",
                                      "https://localhost:0",
                                      "https://localhost:1/",
                                      "https://a@[::1]",
                                      "https://example.com",
                                      "https://localhost:x",
                                      "https://[::1]:1:2"};
    struct aws_config c = {.region = "us-east-2", .keys = give_keys};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        c.endpoint = bad[i];
        expect(aws_account_open(&c, &account), ERR_ARG, "bad_endpoint");
        assert_null(account);
    }
    static const char *const wrong[] = {"", "us", "US-EAST-2", "us-east-2.evil.com/", "us east 2"};
    c.endpoint = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(c.region, sizeof c.region, "%s", wrong[i]);
        expect(aws_account_open(&c, &account), ERR_ARG, "bad_region");
    }
    snprintf(c.region, sizeof c.region, "cn-north-1");
    assert_int_equal(aws_account_open(&c, &account), ERR_OK);
    assert_string_equal(aws_account_region(account), "cn-north-1");
}

static void names_are_encoded(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(aws_encode("a:b/c_-.~", out, sizeof out), ERR_OK);
    assert_string_equal(out, "a%3Ab%2Fc_-.~");
    assert_int_equal(aws_encode("::::::", out, sizeof out), ERR_TOO_LARGE);
    assert_string_equal(out, "");
    assert_int_equal(aws_encode(":::::", out, sizeof out), ERR_OK);
    assert_int_equal(aws_encode("", out, sizeof out), ERR_OK);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_signed_as_it_is_sent),
        TEST(an_empty_answer_is_one),
        TEST(a_page_of_a_proxy_is_no_answer),
        TEST(redirects_are_not_followed),
        TEST(an_endless_answer_is_not_read),
        TEST(many_threads_share_connections_and_keys),
        TEST(who_waits_for_an_answer_can_be_stopped),
        TEST(who_waits_for_the_rate_can_be_stopped),
        TEST(who_finds_no_connection_free_has_done_nothing),
        TEST(only_awss_names_and_this_machine_are_called),
        TEST(names_are_encoded),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
