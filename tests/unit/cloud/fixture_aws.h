/* An account, its keys, and a control plane that is called: set up anew for each test. */
#ifndef TESTS_UNIT_CLOUD_FIXTURE_AWS_H
#define TESTS_UNIT_CLOUD_FIXTURE_AWS_H

#include <signal.h>

#include "service/cloud/aws_call.h"
#include "tests/unit/cloud/fixture_control.h"

#define TOKEN            "FwoGZXIvYXdzTOKEN+//=="
#define ERROR_TYPE(name) "x-amzn-ErrorType: " name ":\r\nx-amzn-RequestId: r-1\r\n"
#define SIGNATURE_TEXT                                                                             \
    "The request signature we calculated does not match the signature you provided."

static struct identity ca, server, stranger; /* the last is not trusted */
static struct control control;
static struct aws_account *account;
static struct aws_answer answer; /* of the last call */

/* A source of keys: what to give next, and how often it was asked. */
static struct aws_keys keys[2];
static atomic_int asked;

static inline enum err give_keys(void *arg, struct cancel *cancel, struct deadline until,
                                 struct aws_keys *out)
{
    (void)arg;
    (void)cancel;
    (void)until;
    *out = keys[atomic_fetch_add(&asked, 1) > 0];
    return ERR_OK;
}

static inline void set_keys(struct aws_keys *k, const char *id, const char *token)
{
    memset(k, 0, sizeof *k);
    snprintf(k->access_key_id, sizeof k->access_key_id, "%s", id);
    snprintf(k->secret_access_key, sizeof k->secret_access_key, "secret of %s", id);
    snprintf(k->session_token, sizeof k->session_token, "%s", token);
}

static inline void open_account(const char *endpoint)
{
    const struct aws_config c = {
        .region = "us-east-2", .endpoint = endpoint, .ca_pem = ca.cert_pem, .keys = give_keys};
    assert_int_equal(aws_account_open(&c, &account), ERR_OK);
}

static inline void start(control_fn f)
{
    control_start(&control, &server, f);
    open_account(control.url);
}

static inline void start_plain(control_fn f)
{
    control_start(&control, NULL, f);
    open_account(control.url);
}

static inline int before(void **state)
{
    (void)state;
    atomic_store(&asked, 0);
    set_keys(&keys[0], "AKIDONE", "");
    set_keys(&keys[1], "AKIDTWO", "");
    return 0;
}

static inline int after(void **state)
{
    (void)state;
    aws_answer_dispose(&answer);
    aws_account_unref(account);
    account = NULL;
    if (control.answer) control_stop(&control);
    control.answer = NULL;
    return 0;
}

static inline enum err call_until(struct aws_request r, struct cancel *cancel, int ms)
{
    if (!r.operation) r.operation = "DescribeThing";
    if (!r.method) r.method = "GET";
    if (!r.path) r.path = "/things/bench-01";
    if (!r.query) r.query = "";
    aws_answer_dispose(&answer);
    return aws_call(account, &r, cancel, deadline_in_ms(ms), &answer);
}

static inline enum err call(struct aws_request r)
{
    return call_until(r, NULL, 60000);
}

#define CALL(...) call((struct aws_request){__VA_ARGS__})

static inline void expect(enum err e, enum err kind, const char *code)
{
    if (e != kind || strcmp(err_last()->code, code) != 0)
        print_error("%s %s: %s\n", err_name(e), err_last()->code, err_last()->detail);
    assert_int_equal(e, kind);
    assert_string_equal(err_last()->code, code);
}

static inline void refuse(struct control_say *s, int status, const char *more, const char *body)
{
    s->status = status;
    s->more = more;
    s->body = body;
}

static inline int make_pki(void **state)
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

static inline int drop_pki(void **state)
{
    (void)state;
    identity_drop(&ca);
    identity_drop(&server);
    identity_drop(&stranger);
    return 0;
}

/* --- tempers of the control plane */

static inline void nothing_is_said(struct control *c, const struct control_request *r,
                                   struct control_say *s)
{
    (void)c;
    (void)r;
    (void)s;
}

static inline void be_mute(struct control *c, const struct control_request *r,
                           struct control_say *s)
{
    (void)c;
    (void)r;
    s->mute = true;
}

static inline void say_thing(struct control *c, const struct control_request *r,
                             struct control_say *s)
{
    (void)c;
    (void)r;
    s->more = "x-amzn-RequestId: 4-5-6\r\n";
    s->body = "{\"thingName\":\"bench-01\"}";
}

/* It knows those that come second. */
static inline void take_second_keys(struct control *c, const struct control_request *r,
                                    struct control_say *s)
{
    (void)c;
    if (!strstr(r->head, "Credential=AKIDTWO/"))
        refuse(s, 403, ERROR_TYPE("ExpiredTokenException"), "{\"message\":\"expired\"}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)
#endif
