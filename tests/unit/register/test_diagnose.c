/* What the account says is the test's own: the operations are replaced by answers from `account`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/register/diagnose.h"

#define ARN      "arn:aws:iot:us-east-2:123456789012:"
#define VARIABLE "${iot:Connection.Thing.ThingName}"

static struct {
    const char *status;    /* NULL = there is no such certificate */
    const char *policy[3]; /* documents; their names are "0", "1" … */
    const char *things[3];
    enum iot_decision decisions[DIAGNOSIS_QUESTIONS];
    const char *forbidden; /* an operation that the keys may not do; "*" = all */
    struct iot_publish_result publish;
    const char *published_topic;
} account;

static enum err may(const char *operation)
{
    if (!account.forbidden) return ERR_OK;
    if (strcmp(account.forbidden, operation) != 0 && strcmp(account.forbidden, "*") != 0)
        return ERR_OK;
    return err_fail(ERR_CLOUD, "aws_permission", NULL, "iot:%s is not allowed", operation);
}

enum err iot_describe_certificate(const struct aws_use *u, const char *id,
                                  struct iot_certificate *out)
{
    (void)u;
    enum err e = may("DescribeCertificate");
    if (e) return e;
    if (!account.status) return err_fail(ERR_NOT_FOUND, "aws_not_found", NULL, "no certificate");
    snprintf(out->status, sizeof out->status, "%s", account.status);
    snprintf(out->arn, sizeof out->arn, ARN "cert/%s", id);
    return ERR_OK;
}

void iot_certificate_dispose(struct iot_certificate *c)
{
    free(c->pem);
}

enum err iot_list_attached_policies(const struct aws_use *u, const char *arn, json_t **out)
{
    (void)u;
    *out = NULL;
    assert_string_equal(arn, ARN "cert/c0");
    enum err e = may("ListAttachedPolicies");
    if (e) return e;
    *out = json_array();
    for (int i = 0; i < 3 && account.policy[i]; i++)
        json_array_append_new(*out, json_sprintf("%d", i));
    return ERR_OK;
}

enum err iot_get_policy(const struct aws_use *u, const char *name, char arn_out[AWS_ARN],
                        char **document_out)
{
    (void)u, (void)arn_out;
    *document_out = NULL;
    enum err e = may("GetPolicy");
    if (!e) *document_out = strdup(account.policy[atoi(name)]);
    return e;
}

enum err iot_list_principal_things(const struct aws_use *u, const char *arn, json_t **out)
{
    (void)u, (void)arn;
    *out = NULL;
    enum err e = may("ListPrincipalThings");
    if (e) return e;
    *out = json_array();
    for (int i = 0; i < 3 && account.things[i]; i++)
        json_array_append_new(*out, json_string(account.things[i]));
    return ERR_OK;
}

enum err iot_test_authorization(const struct aws_use *u, const char *certificate_arn,
                                const char *client_id, struct iot_question *questions, size_t n)
{
    (void)u, (void)certificate_arn;
    enum err e = may("TestAuthorization");
    if (e) return e;
    assert_int_equal(n, DIAGNOSIS_QUESTIONS);
    assert_string_equal(client_id, "dev-1");
    assert_string_equal(questions[0].resource, ARN "client/dev-1");
    assert_string_equal(questions[1].resource, ARN "topicfilter/lab/1");
    assert_string_equal(questions[2].resource, ARN "topic/lab/1");
    for (size_t i = 0; i < n; i++)
        questions[i].decision = account.decisions[i];
    return ERR_OK;
}

enum err iot_publish_once(const struct iot_publish *p, struct cancel *cancel, struct deadline until,
                          struct iot_publish_result *out)
{
    (void)cancel, (void)until;
    account.published_topic = p->topic;
    *out = account.publish;
    return ERR_OK;
}

#define ALLOW(action, resource)                                                                    \
    "{\"Effect\":\"Allow\",\"Action\":\"iot:" action "\",\"Resource\":\"" ARN resource "\"}"
#define POLICY(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"

/* An account where all is as it should be. */
static int in_order(void **state)
{
    (void)state;
    memset(&account, 0, sizeof account);
    account.status = "ACTIVE";
    account.policy[0] = POLICY(ALLOW("Connect", "client/dev-1") "," ALLOW(
        "Subscribe", "topic*") "," ALLOW("Publish", "topic*") "," ALLOW("Receive", "topic*"));
    account.things[0] = "dev-1";
    account.publish.status = 200;
    return 0;
}

static struct diagnosis find(void)
{
    static int any_account;
    struct diagnosis d;
    const struct diagnosis_ask ask = {.account = (struct aws_account *)&any_account,
                                      .certificate = "c0",
                                      .client_id = "dev-1",
                                      .topic = "lab/1",
                                      .publish = {.host = "endpoint"},
                                      .until = deadline_in_ms(1000)};
    assert_int_equal(diagnose(&ask, &d), ERR_OK);
    return d;
}

static void where_all_is_in_order_there_is_no_cause(void **state)
{
    (void)state;
    struct diagnosis d = find();
    assert_int_equal(d.cause, CAUSE_NONE);
    assert_string_equal(d.status, "ACTIVE");
    assert_string_equal(d.policies, "0");
    assert_string_equal(d.things, "dev-1");
    assert_true(d.decided && d.published);
    assert_string_equal(d.unasked, "");
    assert_string_equal(account.published_topic, "lab/1");
}

static void the_certificate_comes_first(void **state)
{
    (void)state;
    account.status = "INACTIVE";
    account.decisions[0] = IOT_IMPLICIT_DENY;
    assert_int_equal(find().cause, CAUSE_CERTIFICATE_INACTIVE);
    account.status = NULL;
    struct diagnosis d = find();
    assert_int_equal(d.cause, CAUSE_CERTIFICATE_UNKNOWN);
    assert_false(d.has_policies);
    assert_true(d.published);
}

static void no_policy_is_told(void **state)
{
    (void)state;
    account.policy[0] = NULL;
    account.decisions[0] = IOT_IMPLICIT_DENY;
    struct diagnosis d = find();
    assert_int_equal(d.cause, CAUSE_NO_POLICY);
    assert_true(d.has_policies);
}

static void each_denial_is_told_with_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        enum diagnosis_cause cause;
        const char *allowed;
    } want[] = {{CAUSE_CONNECT_DENIED, "client/dev-1"},
                {CAUSE_SUBSCRIBE_DENIED, "topic*"},
                {CAUSE_PUBLISH_DENIED, "topic*"},
                {CAUSE_RECEIVE_DENIED, "topic*"}};
    for (size_t i = 0; i < DIAGNOSIS_QUESTIONS; i++) {
        in_order(state);
        account.decisions[i] = i % 2 ? IOT_EXPLICIT_DENY : IOT_IMPLICIT_DENY;
        struct diagnosis d = find();
        assert_int_equal(d.cause, want[i].cause);
        assert_string_equal(d.allowed, want[i].allowed);
    }
}

static void a_thing_that_is_not_attached_is_told(void **state)
{
    (void)state;
    account.policy[0] = POLICY(ALLOW("Connect", "client/" VARIABLE) "," ALLOW("*", "topic*"));
    account.decisions[0] = IOT_IMPLICIT_DENY;
    account.things[0] = NULL;
    assert_int_equal(find().cause, CAUSE_THING_NOT_ATTACHED);
    account.things[0] = "another";
    struct diagnosis d = find();
    assert_int_equal(d.cause, CAUSE_THING_NOT_ATTACHED);
    assert_string_equal(d.things, "another");
    account.forbidden = "TestAuthorization";
    assert_int_equal(find().cause, CAUSE_THING_NOT_ATTACHED);
}

/* AWS's test has no connection whose thing it could know. */
static void a_denial_for_want_of_a_connection_is_no_denial(void **state)
{
    (void)state;
    account.policy[0] = POLICY(ALLOW("Connect", "client/" VARIABLE) "," ALLOW(
        "Subscribe", "topicfilter/" VARIABLE "/check"));
    account.decisions[0] = IOT_IMPLICIT_DENY;
    assert_int_equal(find().cause, CAUSE_NONE);
    account.decisions[1] = IOT_IMPLICIT_DENY;
    struct diagnosis d = find();
    assert_int_equal(d.cause, CAUSE_SUBSCRIBE_DENIED);
    assert_string_equal(d.allowed, "topicfilter/" VARIABLE "/check");
    account.forbidden = "GetPolicy";
    assert_int_equal(find().cause, CAUSE_CONNECT_DENIED); /* nothing is known better */
}

static void what_may_not_be_asked_is_told_and_the_rest_is_asked(void **state)
{
    (void)state;
    account.forbidden = "ListAttachedPolicies";
    account.decisions[2] = IOT_IMPLICIT_DENY;
    struct diagnosis d = find();
    assert_int_equal(d.cause, CAUSE_PUBLISH_DENIED);
    assert_false(d.has_policies);
    assert_string_equal(d.unasked, "aws_permission: iot:ListAttachedPolicies is not allowed");
    account.forbidden = "*";
    d = find();
    assert_int_equal(d.cause, CAUSE_NONE);
    assert_true(d.published);
}

static void it_is_told_as_json(void **state)
{
    (void)state;
    account.decisions[1] = IOT_IMPLICIT_DENY;
    account.publish = (struct iot_publish_result){.status = 403, .error = "ForbiddenException"};
    struct diagnosis d = find();
    json_t *o = diagnosis_to_json(&d);
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"authorization\":{\"iot:Connect\":\"allowed\",\"iot:Publish\":"
                              "\"allowed\",\"iot:Receive\":\"allowed\",\"iot:Subscribe\":\"not "
                              "allowed\"},\"certificate\":\"ACTIVE\",\"https\":{\"error\":"
                              "\"ForbiddenException\",\"status\":403},\"policies\":\"0\","
                              "\"things\":\"dev-1\"}");
    free(text);
    json_decref(o);
    d = (struct diagnosis){.cause = CAUSE_NONE};
    o = diagnosis_to_json(&d);
    assert_int_equal(json_object_size(o), 0);
    json_decref(o);
}

#define TEST(name) cmocka_unit_test_setup(name, in_order)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(where_all_is_in_order_there_is_no_cause),
        TEST(the_certificate_comes_first),
        TEST(no_policy_is_told),
        TEST(each_denial_is_told_with_what_is_allowed),
        TEST(a_thing_that_is_not_attached_is_told),
        TEST(a_denial_for_want_of_a_connection_is_no_denial),
        TEST(what_may_not_be_asked_is_told_and_the_rest_is_asked),
        TEST(it_is_told_as_json),
    };
    return cmocka_run_group_tests_name("diagnose", tests, NULL, NULL);
}
