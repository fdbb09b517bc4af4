/* One call against a control plane of every temper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "service/base/digest.h"
#include "service/cloud/aws_call.h"
#include "service/cloud/sigv4.h"
#include "tests/unit/cloud/fixture_control.h"

#define TOKEN            "FwoGZXIvYXdzTOKEN+//=="
#define ERROR_TYPE(name) "x-amzn-ErrorType: " name ":\r\nx-amzn-RequestId: r-1\r\n"
#define SIGNATURE_TEXT                                                                             \
    "The request signature we calculated does not match the signature you provided."

static struct identity ca, server, stranger;
static struct control control;
static struct aws_account *account;
static struct aws_answer answer;

/* A source of keys: what to give next, and how often it was asked. */
static struct aws_keys keys[2];
static atomic_int asked;

static enum err give_keys(void *arg, struct cancel *cancel, struct deadline until,
                          struct aws_keys *out)
{
    (void)arg;
    (void)cancel;
    (void)until;
    *out = keys[atomic_fetch_add(&asked, 1) > 0];
    return ERR_OK;
}

static void set_keys(struct aws_keys *k, const char *id, const char *token)
{
    memset(k, 0, sizeof *k);
    snprintf(k->access_key_id, sizeof k->access_key_id, "%s", id);
    snprintf(k->secret_access_key, sizeof k->secret_access_key, "secret of %s", id);
    snprintf(k->session_token, sizeof k->session_token, "%s", token);
}

static void open_account(const char *endpoint)
{
    const struct aws_config c = {
        .region = "us-east-2", .endpoint = endpoint, .ca_pem = ca.cert_pem, .keys = give_keys};
    assert_int_equal(aws_account_open(&c, &account), ERR_OK);
}

static void start(control_fn f)
{
    control_start(&control, &server, f);
    open_account(control.url);
}

static void start_plain(control_fn f)
{
    control_start(&control, NULL, f);
    open_account(control.url);
}

static int before(void **state)
{
    (void)state;
    atomic_store(&asked, 0);
    set_keys(&keys[0], "AKIDONE", "");
    set_keys(&keys[1], "AKIDTWO", "");
    return 0;
}

static int after(void **state)
{
    (void)state;
    aws_answer_dispose(&answer);
    aws_account_unref(account);
    account = NULL;
    if (control.answer) control_stop(&control);
    control.answer = NULL;
    return 0;
}

static enum err call_until(struct aws_request r, struct cancel *cancel, int ms)
{
    if (!r.operation) r.operation = "DescribeThing";
    if (!r.method) r.method = "GET";
    if (!r.path) r.path = "/things/bench-01";
    if (!r.query) r.query = "";
    aws_answer_dispose(&answer);
    return aws_call(account, &r, cancel, deadline_in_ms(ms), &answer);
}

static enum err call(struct aws_request r)
{
    return call_until(r, NULL, 60000);
}

#define CALL(...) call((struct aws_request){__VA_ARGS__})

static void expect(enum err e, enum err kind, const char *code)
{
    if (e != kind || strcmp(err_last()->code, code) != 0)
        print_error("%s %s: %s\n", err_name(e), err_last()->code, err_last()->detail);
    assert_int_equal(e, kind);
    assert_string_equal(err_last()->code, code);
}

static void refuse(struct control_say *s, int status, const char *more, const char *body)
{
    s->status = status;
    s->more = more;
    s->body = body;
}

/* --- what goes out and comes back */

static void say_thing(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    s->more = "x-amzn-RequestId: 4-5-6\r\n";
    s->body = "{\"thingName\":\"bench-01\"}";
}

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

static void nothing_is_said(struct control *c, const struct control_request *r,
                            struct control_say *s)
{
    (void)c;
    (void)r;
    (void)s;
}

static void an_empty_answer_is_one(void **state)
{
    (void)state;
    start(nothing_is_said);
    assert_int_equal(CALL(.once = true), ERR_OK);
    assert_null(answer.body);
    assert_null(answer.text);
}

/* --- no answer */

static void be_mute(struct control *c, const struct control_request *r, struct control_say *s)
{
    (void)c;
    (void)r;
    s->mute = true;
}

static void silence_is_a_timeout_or_an_unknown_outcome(void **state)
{
    (void)state;
    start(be_mute);
    expect(call_until((struct aws_request){.once = false}, NULL, 1000), ERR_TIMEOUT, "aws_timeout");
    size_t before_it = control_requests(&control);
    expect(call_until((struct aws_request){.once = true}, NULL, 1000), ERR_TIMEOUT,
           "aws_outcome_unknown");
    assert_int_equal(control_requests(&control), before_it + 1);
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
    refuse(s, 429, "Retry-After: 3600\r\n", "{\"message\":\"Rate exceeded\"}");
}

static void nobody_waits_longer_than_there_is_time(void **state)
{
    (void)state;
    start(throttle_long);
    struct deadline soon = deadline_in_ms(30000);
    expect(CALL(.once = true), ERR_BUSY, "aws_throttled");
    assert_string_equal(err_last()->device, "Rate exceeded");
    expect(CALL(.once = true), ERR_BUSY, "aws_throttled");
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

/* --- clock, keys, names in signatures */

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

static void take_second_keys(struct control *c, const struct control_request *r,
                             struct control_say *s)
{
    (void)c;
    if (!strstr(r->head, "Credential=AKIDTWO/"))
        refuse(s, 403, ERROR_TYPE("ExpiredTokenException"), "{\"message\":\"expired\"}");
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
    assert_string_equal(err_last()->detail,
                        "CreateThing: the keys may not do this: iot:CreateThing (HTTP 403)");
    assert_string_equal(answer.error, "AccessDenied");
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

enum { THREADS = 8, CALLS = 25 };

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

static int make_pki(void **state)
{
    (void)state;
    const char here[] = "DNS:localhost,IP:127.0.0.1";
    signal(SIGPIPE, SIG_IGN);
    /* A proxy that does not exist: nothing on this machine is asked for through it. */
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    identity_make(&ca, &(struct identity_spec){"root", NULL, NULL, -60, PKI_DAY_S, true});
    identity_make(&server, &(struct identity_spec){"server", here, &ca, -60, PKI_DAY_S, false});
    identity_make(&stranger, &(struct identity_spec){"s", here, NULL, -60, PKI_DAY_S, true});
    return 0;
}

static int drop_pki(void **state)
{
    (void)state;
    identity_drop(&ca);
    identity_drop(&server);
    identity_drop(&stranger);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_signed_as_it_is_sent),
        TEST(an_empty_answer_is_one),
        TEST(silence_is_a_timeout_or_an_unknown_outcome),
        TEST(nobody_there_means_that_nothing_was_done),
        TEST(a_server_that_is_not_trusted_gets_nothing),
        TEST(an_answer_that_is_cut_is_asked_for_again),
        TEST(but_not_where_that_would_do_it_twice),
        TEST(a_connection_that_dies_unheard_is_no_reason_either),
        TEST(too_many_calls_are_made_later),
        TEST(nobody_waits_longer_than_there_is_time),
        TEST(a_fault_of_awss_is_tried_again),
        TEST(but_not_for_ever_and_not_where_it_may_be_done),
        TEST(a_clock_that_is_off_is_corrected_once),
        TEST(a_clock_that_cannot_be_corrected_is_named),
        TEST(a_wrong_secret_is_named_and_none_is_repeated),
        TEST(a_token_that_is_repeated_is_hidden),
        TEST(keys_that_have_expired_are_renewed_once),
        TEST(but_not_used_when_there_are_no_others),
        TEST(an_unknown_key_is_named),
        TEST(keys_are_renewed_before_they_end),
        TEST(without_keys_nothing_is_sent),
        TEST(no_header_becomes_two),
        TEST(the_services_name_is_learned),
        TEST(a_wrong_region_is_named),
        TEST(a_missing_permission_is_named),
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
