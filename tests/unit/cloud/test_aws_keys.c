/* One call whose signature is refused: clock, keys, region, service, permission. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/cloud/fixture_aws.h"

enum { OFF_S = 600 };

static int64_t signed_at(const struct control_request *r)
{
    char text[64];
    struct tm tm = {0};
    control_header(r->head, "x-amz-date", text, sizeof text);
    assert_non_null(strptime(text, "%Y%m%dT%H%M%SZ", &tm));
    return (int64_t)timegm(&tm);
}

static void be_ten_minutes_ahead(struct control *c, const struct control_request *r,
                                 struct control_say *s)
{
    (void)c;
    s->clock_off_s = OFF_S;
    if (llabs(signed_at(r) - (int64_t)time(NULL) - OFF_S) > 300)
        refuse(s, 403, ERROR_TYPE("InvalidSignatureException"),
               "{\"message\":\"Signature expired: 20260115T115000Z is now earlier than "
               "20260115T115500Z\"}");
}

static void a_clock_that_is_off_is_corrected_once(void **state)
{
    (void)state;
    start(be_ten_minutes_ahead);
    assert_int_equal(aws_account_clock_off_s(account), 0);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(control_requests(&control), 2);
    assert_in_range(aws_account_clock_off_s(account), OFF_S - 5, OFF_S + 5);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(control_requests(&control), 3);
}

static void refuse_time(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    s->clock_off_s = -OFF_S * (long)(r->number + 1); /* its clock runs away */
    refuse(s, 403, ERROR_TYPE("InvalidSignatureException"),
           "{\"message\":\"Signature not yet current\"}");
}

static void a_clock_that_cannot_be_corrected_is_named(void **state)
{
    (void)state;
    start(refuse_time);
    expect(CALL(.once = true), ERR_CLOUD, "aws_clock");
    assert_int_equal(control_requests(&control), 2);
}

static void refuse_signature(struct control *c, const struct control_request *r,
                             struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 403, ERROR_TYPE("InvalidSignatureException"),
           "{\"message\":\"" SIGNATURE_TEXT "\\n\\nThe Canonical String for this request should "
           "have been\\n'GET\\nx-amz-security-token:" TOKEN "'\"}");
}

static void a_wrong_secret_is_named_and_none_is_repeated(void **state)
{
    (void)state;
    set_keys(&keys[0], "AKIDONE", TOKEN);
    start(refuse_signature);
    expect(CALL(.once = false), ERR_CLOUD, "aws_secret");
    assert_int_equal(control_requests(&control), 1);
    assert_string_equal(err_last()->device, "InvalidSignatureException: " SIGNATURE_TEXT);
}

static void repeat_token(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 400, NULL, "{\"__type\":\"x#InvalidRequestException\",\"message\":\"" TOKEN "\"}");
}

static void a_token_that_is_repeated_is_hidden(void **state)
{
    (void)state;
    set_keys(&keys[0], "AKIDONE", TOKEN);
    start(repeat_token);
    expect(CALL(.once = false), ERR_ARG, "aws_invalid");
    assert_string_equal(err_last()->device, "InvalidRequestException: (not shown)");
}

static void keys_that_have_expired_are_renewed_once(void **state)
{
    (void)state;
    start(take_second_keys);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(control_requests(&control), 3);
    assert_int_equal(atomic_load(&asked), 2);
}

static void but_not_used_when_there_are_no_others(void **state)
{
    (void)state;
    keys[1] = keys[0];
    start(take_second_keys);
    expect(CALL(.once = true), ERR_CLOUD, "aws_token_expired");
    assert_int_equal(control_requests(&control), 1);
}

static void refuse_key(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 403, ERROR_TYPE("UnrecognizedClientException"),
           "{\"message\":\"The security token included in the request is invalid.\"}");
}

static void an_unknown_key_is_named(void **state)
{
    (void)state;
    start(refuse_key);
    expect(CALL(.once = true), ERR_CLOUD, "aws_key_unknown");
    assert_int_equal(control_requests(&control), 2); /* there were others, once */
}

static void keys_are_renewed_before_they_end(void **state)
{
    (void)state;
    keys[0].expires_unix_s = time(NULL) + 3600;
    start(nothing_is_said);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(atomic_load(&asked), 1);
    aws_account_unref(account);
    atomic_store(&asked, 0);
    keys[0].expires_unix_s = time(NULL) + 100; /* and cannot be had any longer lived */
    open_account(control.url);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(atomic_load(&asked), 1);
}

static enum err give_none(void *arg, struct cancel *cancel, struct deadline until,
                          struct aws_keys *out)
{
    (void)arg;
    (void)cancel;
    (void)until;
    (void)out;
    return err_fail(ERR_NOT_FOUND, "keys_missing", NULL, "there is no file");
}

static void without_keys_nothing_is_sent(void **state)
{
    (void)state;
    control_start(&control, &server, nothing_is_said);
    const struct aws_config c = {
        .region = "us-east-2", .endpoint = control.url, .ca_pem = ca.cert_pem, .keys = give_none};
    assert_int_equal(aws_account_open(&c, &account), ERR_OK);
    expect(CALL(.once = true), ERR_NOT_FOUND, "keys_missing");
    assert_string_equal(err_last()->detail, "DescribeThing: there is no file");
    assert_int_equal(control_requests(&control), 0);
}

static enum err give_once(void *arg, struct cancel *cancel, struct deadline until,
                          struct aws_keys *out)
{
    return atomic_load(&asked) ? give_none(arg, cancel, until, out)
                               : give_keys(arg, cancel, until, out);
}

static void a_source_that_fails_later_does_not_hide_why(void **state)
{
    (void)state;
    control_start(&control, &server, take_second_keys);
    const struct aws_config c = {
        .region = "us-east-2", .endpoint = control.url, .ca_pem = ca.cert_pem, .keys = give_once};
    assert_int_equal(aws_account_open(&c, &account), ERR_OK);
    expect(CALL(.once = true), ERR_CLOUD, "aws_token_expired");
    assert_int_equal(control_requests(&control), 1);
}

static void no_header_becomes_two(void **state)
{
    (void)state;
    start(nothing_is_said);
    expect(CALL(.principal = "arn\r\nHost: elsewhere"), ERR_ARG, "aws_invalid");
    assert_int_equal(control_requests(&control), 0);
}

static void want_another_service(struct control *c, const struct control_request *r,
                                 struct control_say *s)
{
    (void)c;
    if (!strstr(r->head, "/us-east-2/execute-api/aws4_request"))
        refuse(s, 403, ERROR_TYPE("InvalidSignatureException"),
               "{\"message\":\"Credential should be scoped to correct service: "
               "'execute-api'. \"}");
}

static void the_services_name_is_learned(void **state)
{
    (void)state;
    start(want_another_service);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_int_equal(control_requests(&control), 3);
}

static void want_another_region(struct control *c, const struct control_request *r,
                                struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 403, ERROR_TYPE("SignatureDoesNotMatch"),
           "{\"message\":\"Credential should be scoped to a valid region.\"}");
}

static void a_wrong_region_is_named(void **state)
{
    (void)state;
    start(want_another_region);
    expect(CALL(.once = true), ERR_CLOUD, "aws_region");
    assert_int_equal(control_requests(&control), 1);
}

static void refuse_action(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    refuse(s, 403, ERROR_TYPE("AccessDeniedException"),
           "{\"Message\":\"User: arn is not authorized to perform: iot:CreateThing\"}");
}

static void a_missing_permission_is_named(void **state)
{
    (void)state;
    start(refuse_action);
    expect(CALL(.operation = "CreateThing", .action = "iot:CreateThing", .once = true), ERR_CLOUD,
           "aws_permission");
    assert_string_equal(
        err_last()->detail,
        "CreateThing: the keys may not do this: iot:CreateThing (HTTP 403, request r-1)");
    assert_string_equal(answer.error, "AccessDenied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_clock_that_is_off_is_corrected_once),
        TEST(a_clock_that_cannot_be_corrected_is_named),
        TEST(a_wrong_secret_is_named_and_none_is_repeated),
        TEST(a_token_that_is_repeated_is_hidden),
        TEST(keys_that_have_expired_are_renewed_once),
        TEST(but_not_used_when_there_are_no_others),
        TEST(an_unknown_key_is_named),
        TEST(keys_are_renewed_before_they_end),
        TEST(without_keys_nothing_is_sent),
        TEST(a_source_that_fails_later_does_not_hide_why),
        TEST(no_header_becomes_two),
        TEST(the_services_name_is_learned),
        TEST(a_wrong_region_is_named),
        TEST(a_missing_permission_is_named),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
