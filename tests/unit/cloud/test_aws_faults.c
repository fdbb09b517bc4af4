/* One call whose answer does not come, or is that it failed for now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cloud/fixture_aws.h"

static void silence_is_a_timeout_or_an_unknown_outcome(void **state)
{
    (void)state;
    start_plain(be_mute); /* so that next to no time goes into the connection */
    expect(call_until((struct aws_request){.once = false}, NULL, 500), ERR_TIMEOUT, "aws_timeout");
    expect(call_until((struct aws_request){.once = true}, NULL, 500), ERR_TIMEOUT,
           "aws_outcome_unknown");
    assert_int_equal(control_requests(&control), 2);
    expect(call_until((struct aws_request){.once = true}, NULL, 0), ERR_TIMEOUT, "aws_timeout");
    assert_int_equal(control_requests(&control), 2);
}

static void nobody_there_means_that_nothing_was_done(void **state)
{
    (void)state;
    char url[64];
    start(be_mute);
    snprintf(url, sizeof url, "%s", control.url);
    after(NULL);
    open_account(url);
    expect(CALL(.once = true), ERR_NETWORK, "aws_unreachable");
    assert_non_null(strstr(err_last()->detail, "localhost:"));
}

static void a_server_that_is_not_trusted_gets_nothing(void **state)
{
    (void)state;
    control_start(&control, &stranger, say_thing);
    open_account(control.url);
    expect(CALL(.once = true), ERR_NETWORK, "aws_unreachable");
    assert_int_equal(control_requests(&control), 0);
    assert_non_null(strstr(err_last()->hint, "clock"));
}

static void cut_first(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    s->body = "{\"certificateId\":\"0123456789\"}";
    s->cut = r->number == 0;
}

static void an_answer_that_is_cut_is_asked_for_again(void **state)
{
    (void)state;
    start(cut_first);
    assert_int_equal(CALL(.once = false), ERR_OK);
    assert_non_null(answer.body);
    assert_int_equal(control_requests(&control), 2);
}

static void but_not_where_that_would_do_it_twice(void **state)
{
    (void)state;
    start(cut_first);
    expect(CALL(.operation = "CreateCertificateFromCsr", .method = "POST", .once = true),
           ERR_TIMEOUT, "aws_outcome_unknown");
    assert_int_equal(control_requests(&control), 1);
}

static void close_second(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    s->status = r->on_link == 1 ? 0 : 200;
}

/* libcurl itself repeats what an old connection swallowed. */
static void a_connection_that_dies_unheard_is_no_reason_either(void **state)
{
    (void)state;
    start(close_second);
    assert_int_equal(CALL(.once = true), ERR_OK);
    expect(CALL(.method = "POST", .once = true), ERR_TIMEOUT, "aws_outcome_unknown");
    assert_int_equal(control_requests(&control), 2);
    assert_int_equal(CALL(.once = false), ERR_OK);
    assert_int_equal(CALL(.once = false), ERR_OK);
    assert_int_equal(control_requests(&control), 5);
}

static void cut_then_refuse(struct control *c, const struct control_request *r,
                            struct control_say *s)
{
    cut_first(c, r, s);
    if (r->number > 0)
        refuse(s, 403, ERROR_TYPE("AccessDeniedException"), "{\"message\":\"Not any more\"}");
}

static void a_refusal_tells_nothing_of_what_was_not_answered_before(void **state)
{
    (void)state;
    start(cut_then_refuse);
    expect(CALL(.method = "POST", .once = false), ERR_TIMEOUT, "aws_timeout");
    assert_int_equal(control_requests(&control), 2);
    assert_string_equal(err_last()->device, "AccessDeniedException: Not any more");
    expect(CALL(.method = "POST", .once = false), ERR_CLOUD, "aws_permission");
    after(NULL);
    start(cut_then_refuse);
    expect(CALL(.once = false), ERR_CLOUD, "aws_permission"); /* it only reads */
    assert_int_equal(control_requests(&control), 2);
}

static void cut_then_throttle(struct control *c, const struct control_request *r,
                              struct control_say *s)
{
    cut_first(c, r, s);
    if (r->number > 0)
        refuse(s, 429, "Retry-After: 9223372036854775807\r\n", "{\"message\":\"Rate exceeded\"}");
}

static void nor_does_being_one_too_many(void **state)
{
    (void)state;
    start(cut_then_throttle);
    expect(CALL(.method = "PUT", .once = false), ERR_TIMEOUT, "aws_timeout");
    assert_string_equal(err_last()->device, "Rate exceeded");
}

/* --- passing faults */

static void throttle_twice(struct control *c, const struct control_request *r,
                           struct control_say *s)
{
    (void)c;
    if (r->number < 2)
        refuse(s, 400, ERROR_TYPE("ThrottlingException"), "{\"message\":\"Rate exceeded\"}");
}

static void too_many_calls_are_made_later(void **state)
{
    (void)state;
    struct aws_counts was, is;
    aws_counts_get(&was);
    start(throttle_twice);
    assert_int_equal(CALL(.once = true), ERR_OK);
    aws_counts_get(&is);
    assert_int_equal(is.throttled - was.throttled, 2);
    assert_int_equal(is.retries - was.retries, 2);
    assert_int_equal(is.calls - was.calls, 3);
    assert_int_equal(is.connections - was.connections, 1);
}

static void throttle_long(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 429, "Retry-After: 9223372036854775807\r\n", "{\"message\":\"Rate exceeded\"}");
}

static void nobody_waits_longer_than_there_is_time(void **state)
{
    (void)state;
    start(throttle_long);
    struct deadline soon = deadline_in_ms(30000);
    expect(call_until((struct aws_request){.once = true}, NULL, 20000), ERR_BUSY, "aws_throttled");
    assert_string_equal(err_last()->device, "Rate exceeded");
    expect(call_until((struct aws_request){.once = true}, NULL, 20000), ERR_BUSY, "aws_throttled");
    assert_int_equal(control_requests(&control), 1); /* the second did not even try */
    assert_false(deadline_passed(soon));
}

static void fail_once(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    if (r->number == 0)
        refuse(s, 503, ERROR_TYPE("ServiceUnavailableException"), "{\"message\":\"later\"}");
}

static void a_fault_of_awss_is_tried_again(void **state)
{
    (void)state;
    start(fail_once);
    assert_int_equal(CALL(.once = false), ERR_OK);
    assert_int_equal(control_requests(&control), 2);
}

static void fail_always(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 500, ERROR_TYPE("InternalFailureException"), "{\"message\":\"oh\"}");
}

static void but_not_for_ever_and_not_where_it_may_be_done(void **state)
{
    (void)state;
    start(fail_always);
    expect(CALL(.once = false), ERR_CLOUD, "aws_unavailable");
    assert_int_equal(control_requests(&control), 3);
    expect(CALL(.once = true), ERR_TIMEOUT, "aws_outcome_unknown");
    assert_int_equal(control_requests(&control), 4);
    assert_string_equal(err_last()->device, "InternalFailureException: oh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(silence_is_a_timeout_or_an_unknown_outcome),
        TEST(nobody_there_means_that_nothing_was_done),
        TEST(a_server_that_is_not_trusted_gets_nothing),
        TEST(an_answer_that_is_cut_is_asked_for_again),
        TEST(but_not_where_that_would_do_it_twice),
        TEST(a_connection_that_dies_unheard_is_no_reason_either),
        TEST(a_refusal_tells_nothing_of_what_was_not_answered_before),
        TEST(nor_does_being_one_too_many),
        TEST(too_many_calls_are_made_later),
        TEST(nobody_waits_longer_than_there_is_time),
        TEST(a_fault_of_awss_is_tried_again),
        TEST(but_not_for_ever_and_not_where_it_may_be_done),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
