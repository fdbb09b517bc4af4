/* One message over HTTPS, against a server that wants a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "service/cloud/iot_publish.h"
#include "tests/unit/cloud/fixture_control.h"

static struct pki pki;
static struct control control;
static struct control_say say;
static struct iot_publish_result result;

static void answer(struct control *c, const struct control_request *r, struct control_say *out)
{
    (void)c, (void)r;
    *out = say;
}

static int make(void **state)
{
    (void)state;
    pki_make(&pki);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    pki_drop(&pki);
    return 0;
}

static int before(void **state)
{
    (void)state;
    control_start(&control, &pki.broker, answer);
    SSL_CTX_set_verify(control.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(control.ctx), pki.ca.cert);
    say = (struct control_say){.status = 200, .body = "{\"message\":\"OK\",\"traceId\":\"t\"}"};
    return 0;
}

static int after(void **state)
{
    (void)state;
    control_stop(&control);
    return 0;
}

static struct iot_publish message(void)
{
    return (struct iot_publish){
        .host = "localhost",
        .port = control.port,
        .certificate_pem = pki.device.cert_pem,
        .key_pem = pki.device.key_pem,
        .root_ca_pem = pki.ca.cert_pem,
        .topic = "sdk/test/Python",
        .payload = "hello aws!",
    };
}

static enum err publish(const struct iot_publish *p, int within_ms)
{
    memset(&result, 0x55, sizeof result);
    return iot_publish_once(p, NULL, deadline_in_ms(within_ms), &result);
}

/* It went, and the answer was: */
static void expect(int status, const char *error, const char *said)
{
    const struct iot_publish p = message();
    assert_int_equal(publish(&p, 60000), ERR_OK);
    assert_string_equal(result.why, "");
    assert_int_equal(result.status, status);
    assert_string_equal(result.error, error);
    assert_string_equal(result.message, said);
}

/* There was no answer, and why: one of two words, as it depends on when the other side goes. */
static void expect_none(const struct iot_publish *p, const char *word, const char * or)
{
    assert_int_equal(publish(p, 60000), ERR_OK);
    assert_int_equal(result.status, 0);
    assert_string_equal(result.error, "");
    if (!strstr(result.why, word) && !strstr(result.why, or)) fail_msg("%s", result.why);
}

static void a_message_goes_as_the_sdk_sends_it(void **state)
{
    (void)state;
    char value[256];
    expect(200, "", "");
    assert_in_range(result.ms, 0, 60000);
    assert_string_equal(control.lines[0], "POST /topics/sdk%2Ftest%2FPython?qos=1 HTTP/1.1");
    assert_string_equal(control.last_body, "hello aws!");
    assert_string_equal(control_header(control.last_head, "content-type", value, sizeof value),
                        "application/octet-stream");
}

static void a_topic_is_one_part_of_the_path(void **state)
{
    (void)state;
    struct iot_publish p = message();
    p.topic = "$aws/rules/bench rule/x+y?\xc3\xa9";
    assert_int_equal(publish(&p, 60000), ERR_OK);
    assert_string_equal(control.lines[0],
                        "POST /topics/%24aws%2Frules%2Fbench%20rule%2Fx%2By%3F%C3%A9?qos=1 "
                        "HTTP/1.1");
    char longest[258];
    memset(longest, '/', sizeof longest);
    longest[256] = '\0';
    p.topic = longest;
    assert_int_equal(publish(&p, 60000), ERR_OK);
    assert_int_equal(result.status, 200);
    longest[256] = '/';
    longest[257] = '\0';
    assert_int_not_equal(publish(&p, 60000), ERR_OK);
}

static void a_refusal_is_told_with_its_words(void **state)
{
    (void)state;
    say.status = 403;
    say.more = "x-amzn-ErrorType: ForbiddenException:\r\n";
    say.body = "{\"message\":\"Forbidden\",\"traceId\":\"t\"}";
    expect(403, "Forbidden", "Forbidden");
    say.status = 400;
    say.more = "X-AMZN-ERRORTYPE:InvalidRequestException\r\n";
    say.body = "{\"message\":\"a topic that is none\"}";
    expect(400, "InvalidRequest", "a topic that is none");
    say.status = 413;
    say.more = NULL;
    say.body = "";
    expect(413, "", "");
    say.status = 502;
    say.body = "<html>\x01\xff</html>";
    expect(502, "", "");
    say.status = 403;
    say.fill = 100000; /* nobody's answer: its status counts all the same */
    expect(403, "", "");
}

static void a_server_that_is_not_trusted_gets_nothing(void **state)
{
    (void)state;
    struct iot_publish p = message();
    p.root_ca_pem = pki.other_ca.cert_pem;
    expect_none(&p, "self-signed", "certificate");
    assert_int_equal(control.requests, 0);
    SSL_CTX_use_certificate(control.ctx, pki.elsewhere_broker.cert);
    SSL_CTX_use_PrivateKey(control.ctx, pki.elsewhere_broker.key);
    p = message();
    expect_none(&p, "subject", "name");
    assert_int_equal(control.requests, 0);
}

static void a_foreign_certificate_is_no_answer(void **state)
{
    (void)state;
    struct iot_publish p = message();
    p.certificate_pem = pki.foreign_device.cert_pem;
    p.key_pem = pki.foreign_device.key_pem;
    expect_none(&p, "alert", "");
    p.key_pem = pki.device.key_pem;
    expect_none(&p, "key", "");
    p.key_pem = "no key";
    expect_none(&p, "key", "");
    p.certificate_pem = "no certificate";
    expect_none(&p, "certificate", "");
    assert_int_equal(control.requests, 0);
}

static void nobody_there_is_no_answer(void **state)
{
    (void)state;
    struct iot_publish p = message();
    p.port = 1;
    expect_none(&p, "connect", "refused");
    p.host = "no host";
    assert_int_equal(publish(&p, 60000), ERR_ARG);
    p.host = "localhost/x?";
    assert_int_equal(publish(&p, 60000), ERR_ARG);
}

static void a_connection_that_goes_is_no_answer(void **state)
{
    (void)state;
    const struct iot_publish p = message();
    say.status = 0;
    expect_none(&p, "reply", "eof");
}

static void silence_ends_with_the_time(void **state)
{
    (void)state;
    const struct iot_publish p = message();
    say.mute = true;
    assert_int_equal(publish(&p, 300), ERR_OK);
    assert_int_equal(result.status, 0);
    assert_true(result.why[0]);
    assert_in_range(result.ms, 290, 20000);
}

static void *cancel_when_it_is_there(void *arg)
{
    control_wait(&control, 1);
    cancel_raise(arg);
    return NULL;
}

static void silence_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    const struct iot_publish p = message();
    struct cancel cancel;
    pthread_t other;
    say.mute = true;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    assert_int_equal(pthread_create(&other, NULL, cancel_when_it_is_there, &cancel), 0);
    assert_int_equal(iot_publish_once(&p, &cancel, deadline_in_ms(60000), &result), ERR_CANCELLED);
    pthread_join(other, NULL);
    cancel_dispose(&cancel);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        CASE(a_message_goes_as_the_sdk_sends_it),  CASE(a_topic_is_one_part_of_the_path),
        CASE(a_refusal_is_told_with_its_words),    CASE(a_server_that_is_not_trusted_gets_nothing),
        CASE(a_foreign_certificate_is_no_answer),  CASE(nobody_there_is_no_answer),
        CASE(a_connection_that_goes_is_no_answer), CASE(silence_ends_with_the_time),
        CASE(silence_ends_when_it_is_cancelled),
    };
#undef CASE
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make, drop);
}
