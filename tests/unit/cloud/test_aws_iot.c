/* Each operation on the wire against what AWS's own SDK sends, and what is made of answers, those
 * that AWS would give and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "service/cloud/aws_iot.h"
#include "tests/unit/cloud/fixture_control.h"

#define CAPTURES "tests/data/aws/captures/"
#define ID       "2f1b5d2c9f0e4a7b8c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b"
#define ACCOUNT  "arn:aws:iot:us-east-2:123456789012:"
#define CERT     ACCOUNT "cert/" ID
#define MISSING  "x-amzn-ErrorType: ResourceNotFoundException:\r\n"
#define EXISTS   "x-amzn-ErrorType: ResourceAlreadyExistsException:\r\n"
#define INVALID  "x-amzn-ErrorType: InvalidRequestException:\r\n"

static struct control control;
static struct aws_use use;

/* What the control plane answers, one after the other; the last one again and again. */
static struct control_say says[8];
static size_t n_says;
static char *texts[64]; /* heap: what was said of captures, until its thread has ended */
static size_t n_texts;

static void answer(struct control *c, const struct control_request *r, struct control_say *out)
{
    (void)c;
    *out = says[r->number < n_says ? r->number : n_says - 1];
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
    n_says = 0;
    use.until = deadline_in_ms(60000);
    return aws_account_open(&c, &use.account);
}

static int after(void **state)
{
    (void)state;
    aws_account_unref(use.account);
    control_stop(&control);
    while (n_texts)
        free(texts[--n_texts]);
    return 0;
}

static void will_say(int status, const char *more, const char *body)
{
    assert_true(n_says < sizeof says / sizeof *says);
    says[n_says++] = (struct control_say){.status = status, .more = more, .body = body};
}

static void expect(enum err e, enum err kind, const char *code)
{
    if (e != kind || (kind && strcmp(err_last()->code, code) != 0))
        fail_msg("%s %s: %s", err_name(e), err_last()->code, err_last()->detail);
}

/* --- as the SDK sends it, and with the answer that it got */

static json_t *capture;

static const json_t *captured(const char *part, const char *name)
{
    return json_object_get(json_object_get(capture, part), name);
}

static const char *body_text(const char *name)
{
    return json_string_value(json_object_get(captured("response", "body"), name));
}

static const char *input(const char *name)
{
    return json_string_value(json_object_get(json_object_get(capture, "sdk_input"), name));
}

static void expect_one(json_t *list, const char *text)
{
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_array_get(list, 0)), text);
    json_decref(list);
}

static enum err caller_identity(void)
{
    char account[16], arn[AWS_ARN];
    enum err e = aws_caller_identity(&use, account, arn);
    assert_string_equal(account, "123456789012");
    assert_string_equal(arn, "arn:aws:iam::123456789012:user/bench");
    return e;
}

static enum err describe_endpoint(void)
{
    char host[IOT_ENDPOINT];
    enum err e = iot_describe_endpoint(&use, "iot:Data-ATS", host);
    assert_string_equal(host, body_text("endpointAddress"));
    return e;
}

static enum err create_thing_named(const char *name)
{
    struct iot_thing thing;
    json_t *payload = json_object_get(json_object_get(capture, "sdk_input"), "attributePayload");
    enum err e = iot_create_thing(&use, name, "", json_object_get(payload, "attributes"), &thing);
    assert_string_equal(thing.arn, body_text("thingArn"));
    assert_string_equal(thing.id, body_text("thingId"));
    assert_null(thing.attributes);
    return e;
}

static enum err create_thing(void)
{
    return create_thing_named("bench-01");
}

static enum err create_thing_with_a_colon(void)
{
    return create_thing_named("esp32:24-6F-28");
}

static enum err describe_thing(void)
{
    struct iot_thing thing;
    enum err e = iot_describe_thing(&use, "bench-01", &thing);
    assert_string_equal(thing.arn, body_text("thingArn"));
    assert_string_equal(thing.id, body_text("thingId"));
    assert_string_equal(thing.type, "");
    assert_true(
        json_equal(thing.attributes, json_object_get(captured("response", "body"), "attributes")));
    json_decref(thing.attributes);
    return e;
}

static enum err delete_thing(void)
{
    return iot_delete_thing(&use, "bench-01");
}

static enum err add_to_group(void)
{
    return iot_add_thing_to_group(&use, "bench-01", "bench");
}

static enum err remove_from_group(void)
{
    return iot_remove_thing_from_group(&use, "bench-01", "bench");
}

static enum err thing_principals(void)
{
    json_t *list;
    enum err e = iot_list_thing_principals(&use, "bench-01", &list);
    expect_one(list, CERT);
    return e;
}

static enum err attach_principal(void)
{
    return iot_attach_thing_principal(&use, "bench-01", CERT);
}

static enum err detach_principal(void)
{
    return iot_detach_thing_principal(&use, "bench-01", CERT);
}

static enum err principal_things(void)
{
    json_t *list;
    enum err e = iot_list_principal_things(&use, CERT, &list);
    expect_one(list, "bench-01");
    return e;
}

static enum err expect_certificate(enum err e, struct iot_certificate *c, const char *arn)
{
    assert_string_equal(c->id, ID);
    assert_string_equal(c->arn, arn);
    if (body_text("certificatePem")) assert_string_equal(c->pem, body_text("certificatePem"));
    iot_certificate_dispose(c);
    return e;
}

static void expect_key(struct buf *key)
{
    const json_t *pair = json_object_get(captured("response", "body"), "keyPair");
    assert_string_equal(buf_str(key), json_string_value(json_object_get(pair, "PrivateKey")));
    buf_dispose(key);
}

static enum err create_certificate(void)
{
    struct iot_certificate c;
    enum err e = iot_create_certificate(&use, input("certificateSigningRequest"), &c);
    return expect_certificate(e, &c, CERT);
}

static enum err create_keys(void)
{
    struct iot_certificate c;
    struct buf key;
    buf_init_secret(&key, 4096);
    enum err e = iot_create_keys(&use, &c, &key);
    expect_key(&key);
    return expect_certificate(e, &c, CERT);
}

static enum err create_claim(void)
{
    struct iot_certificate c;
    struct buf key;
    buf_init_secret(&key, 4096);
    enum err e = iot_create_claim(&use, "esp32-fleet", &c, &key);
    expect_key(&key);
    return expect_certificate(e, &c, "");
}

static enum err register_certificate(void)
{
    struct iot_certificate c;
    bool was_there = true;
    enum err e = iot_register_certificate(&use, input("certificatePem"), input("caCertificatePem"),
                                          &c, &was_there);
    assert_false(was_there);
    return expect_certificate(e, &c, CERT);
}

static enum err describe_certificate(void)
{
    struct iot_certificate c;
    enum err e = iot_describe_certificate(&use, ID, &c);
    const json_t *said = captured("response", "body");
    said = json_object_get(said, "certificateDescription");
    assert_string_equal(c.status, "ACTIVE");
    assert_string_equal(c.pem, json_string_value(json_object_get(said, "certificatePem")));
    assert_int_equal(c.created_ms / 1000,
                     (int64_t)json_number_value(json_object_get(said, "creationDate")));
    return expect_certificate(e, &c, CERT);
}

static enum err update_certificate(void)
{
    return iot_update_certificate(&use, ID, "INACTIVE");
}

static enum err delete_certificate(void)
{
    return iot_delete_certificate(&use, ID);
}

static enum err list_certificates(void)
{
    struct iot_certificate *list;
    size_t n;
    enum err e = iot_list_certificates(&use, 0, &list, &n);
    assert_int_equal(n, 0);
    free(list);
    return e;
}

static enum err create_policy(void)
{
    char arn[AWS_ARN];
    enum err e = iot_create_policy(&use, input("policyName"), input("policyDocument"), arn);
    assert_string_equal(arn, body_text("policyArn"));
    return e;
}

static enum err get_policy(void)
{
    char arn[AWS_ARN], *document;
    enum err e = iot_get_policy(&use, "esp32-bench", arn, &document);
    assert_string_equal(arn, body_text("policyArn"));
    assert_string_equal(document, body_text("policyDocument"));
    free(document);
    return e;
}

static enum err delete_policy(void)
{
    return iot_delete_policy(&use, "esp32-bench");
}

static enum err attach_policy(void)
{
    return iot_attach_policy(&use, "esp32-bench", CERT);
}

static enum err detach_policy(void)
{
    return iot_detach_policy(&use, "esp32-bench", CERT);
}

static enum err attached_policies(void)
{
    json_t *list;
    enum err e = iot_list_attached_policies(&use, CERT, &list);
    expect_one(list, "esp32-bench");
    return e;
}

static enum err policy_targets(void)
{
    json_t *list;
    enum err e = iot_list_policy_targets(&use, "esp32-bench", &list);
    expect_one(list, CERT);
    return e;
}

static const struct {
    const char *capture;
    enum err (*act)(void);
    const char *query;  /* where ours is another; NULL = the SDK's */
    const char *member; /* of the body: not sent by us, or with the value below */
    const char *value;
} operations[] = {
    {"GetCallerIdentity", caller_identity, NULL, NULL, NULL},
    {"DescribeEndpoint", describe_endpoint, NULL, NULL, NULL},
    {"CreateThing", create_thing, NULL, NULL, NULL},
    {"CreateThing.nobody", create_thing, NULL, NULL, NULL},
    {"CreateThing.colon", create_thing_with_a_colon, NULL, NULL, NULL},
    {"DescribeThing", describe_thing, NULL, NULL, NULL},
    {"DeleteThing", delete_thing, "", NULL, NULL},
    {"AddThingToThingGroup", add_to_group, NULL, "overrideDynamicGroups", NULL},
    {"RemoveThingFromThingGroup", remove_from_group, NULL, NULL, NULL},
    {"ListThingPrincipals", thing_principals, "?maxResults=250", NULL, NULL},
    {"AttachThingPrincipal", attach_principal, NULL, NULL, NULL},
    {"DetachThingPrincipal", detach_principal, NULL, NULL, NULL},
    {"ListPrincipalThings", principal_things, "?maxResults=250", NULL, NULL},
    {"CreateCertificateFromCsr", create_certificate, "?setAsActive=false", NULL, NULL},
    {"CreateKeysAndCertificate", create_keys, "?setAsActive=false", NULL, NULL},
    {"CreateProvisioningClaim", create_claim, NULL, NULL, NULL},
    {"RegisterCertificate", register_certificate, NULL, "status", "INACTIVE"},
    {"RegisterCertificateWithoutCA", register_certificate, NULL, "status", "INACTIVE"},
    {"DescribeCertificate", describe_certificate, NULL, NULL, NULL},
    {"UpdateCertificate", update_certificate, NULL, NULL, NULL},
    {"DeleteCertificate", delete_certificate, "", NULL, NULL},
    {"ListCertificates", list_certificates, "?isAscendingOrder=false&pageSize=250", NULL, NULL},
    {"CreatePolicy", create_policy, NULL, NULL, NULL},
    {"CreatePolicy.oddname", create_policy, NULL, NULL, NULL},
    {"GetPolicy", get_policy, NULL, NULL, NULL},
    {"DeletePolicy", delete_policy, NULL, NULL, NULL},
    {"AttachPolicy", attach_policy, NULL, NULL, NULL},
    {"DetachPolicy", detach_policy, NULL, NULL, NULL},
    {"ListAttachedPolicies", attached_policies, "?pageSize=250", NULL, NULL},
    {"ListTargetsForPolicy", policy_targets, "?pageSize=250", NULL, NULL},
};

static void expect_line(const char *query)
{
    char line[1024];
    const char *target = json_string_value(captured("request", "target"));
    size_t path = query ? strcspn(target, "?") : strlen(target);
    snprintf(line, sizeof line, "%s %.*s%s HTTP/1.1",
             json_string_value(captured("request", "method")), (int)path, target,
             query ? query : "");
    assert_string_equal(control.lines[control.requests - 1], line);
}

static void expect_header(const char *name)
{
    char value[256];
    const json_t *headers = captured("request", "headers");
    const char *sent = json_string_value(json_object_get(headers, name));
    assert_string_equal(control_header(control.last_head, name, value, sizeof value),
                        sent ? sent : "");
}

static void expect_body(const char *member, const char *value)
{
    const char *sent = json_string_value(captured("request", "body"));
    json_t *theirs = json_loads(sent, 0, NULL), *ours = json_loads(control.last_body, 0, NULL);
    if (!theirs) {
        assert_string_equal(control.last_body, sent);
        return;
    }
    if (member) assert_int_equal(json_object_del(theirs, member), 0);
    if (value) json_object_set_new(theirs, member, json_string(value));
    if (!json_equal(theirs, ours)) fail_msg("%s and %s", control.last_body, sent);
    json_decref(theirs);
    json_decref(ours);
}

static void operations_are_sent_and_understood_as_by_the_sdk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        char path[128];
        snprintf(path, sizeof path, CAPTURES "%s.json", operations[i].capture);
        capture = json_load_file(path, 0, NULL);
        assert_non_null(capture);
        const json_t *said = captured("response", "body");
        char *body = json_is_string(said) ? strdup(json_string_value(said)) : json_dumps(said, 0);
        n_says = 0;
        will_say(200, NULL, body);
        expect(operations[i].act(), ERR_OK, "");
        assert_int_equal(control.requests, i + 1);
        expect_line(operations[i].query);
        expect_header("content-type");
        expect_header("x-amzn-principal");
        expect_body(operations[i].member, operations[i].value);
        texts[n_texts++] = body;
        json_decref(capture);
    }
}

static void a_thing_may_have_a_type(void **state)
{
    (void)state;
    struct iot_thing thing;
    json_t *none = json_object();
    will_say(200, NULL, "{\"thingArn\":\"a\",\"thingId\":\"i\",\"thingTypeName\":\"esp32\"}");
    expect(iot_create_thing(&use, "n", "esp32", NULL, &thing), ERR_OK, "");
    assert_string_equal(control.last_body, "{\"thingTypeName\":\"esp32\"}");
    expect(iot_create_thing(&use, "n", "esp32", none, &thing), ERR_OK, "");
    assert_non_null(strstr(control.last_body, "\"attributePayload\":{\"attributes\":{}}"));
    json_decref(none);
    expect(iot_describe_thing(&use, "n", &thing), ERR_OK, "");
    assert_string_equal(thing.type, "esp32");
    assert_null(thing.attributes);
}

static void authorization_is_told_by_question(void **state)
{
    (void)state;
    struct iot_question q[] = {
        {.action = "CONNECT", .resource = ACCOUNT "client/sdk-java"},
        {.action = "PUBLISH", .resource = ACCOUNT "topic/t"},
        {.action = "RECEIVE", .resource = ACCOUNT "topic/t"},
    };
    /* In another order than asked. */
    will_say(200, NULL,
             "{\"authResults\":["
             "{\"authInfo\":{\"actionType\":\"RECEIVE\",\"resources\":[\"" ACCOUNT "topic/t\"]},"
             "\"authDecision\":\"EXPLICIT_DENY\",\"allowed\":{\"policies\":[]},\"denied\":"
             "{\"explicitDeny\":{\"policies\":[{\"policyName\":\"no\"}]}}},"
             "{\"authInfo\":{\"actionType\":\"PUBLISH\",\"resources\":[\"" ACCOUNT "topic/t\"]},"
             "\"authDecision\":\"IMPLICIT_DENY\",\"denied\":{\"implicitDeny\":{\"policies\":[]}}},"
             "{\"authInfo\":{\"actionType\":\"CONNECT\",\"resources\":[\"" ACCOUNT
             "client/sdk-java\"]},\"authDecision\":\"ALLOWED\",\"allowed\":{\"policies\":"
             "[{\"policyName\":\"a\"},{\"policyName\":\"b\"}]}}]}");
    expect(iot_test_authorization(&use, CERT, "sdk java", q, 3), ERR_OK, "");
    assert_string_equal(control.lines[0], "POST /test-authorization?clientId=sdk%20java HTTP/1.1");
    assert_int_equal(q[0].decision, IOT_ALLOWED);
    assert_string_equal(q[0].policies, "a, b");
    assert_int_equal(q[1].decision, IOT_IMPLICIT_DENY);
    assert_string_equal(q[1].policies, "");
    assert_int_equal(q[2].decision, IOT_EXPLICIT_DENY);
    assert_string_equal(q[2].policies, "no");
    json_t *sent = json_loads(control.last_body, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(sent, "principal")), CERT);
    assert_int_equal(json_array_size(json_object_get(sent, "authInfos")), 3);
    json_decref(sent);
    /* A question without its result. */
    q[1].action = "SUBSCRIBE";
    expect(iot_test_authorization(&use, CERT, "sdk-java", q, 3), ERR_PROTOCOL, "aws_bad_answer");
}

/* --- pages */

static void lists_go_on_to_their_last_page(void **state)
{
    (void)state;
    json_t *list;
    will_say(200, NULL, "{\"principals\":[\"a\",\"b\"],\"nextToken\":\"+/=&x\"}");
    will_say(200, NULL, "{\"principals\":[],\"nextToken\":\"y\"}");
    will_say(200, NULL, "{\"principals\":[\"c\"],\"nextToken\":\"\"}");
    expect(iot_list_thing_principals(&use, "n", &list), ERR_OK, "");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_array_get(list, 2)), "c");
    json_decref(list);
    assert_string_equal(control.lines[1],
                        "GET /things/n/principals?maxResults=250&nextToken=%2B%2F%3D%26x HTTP/1.1");
    assert_string_equal(control.lines[2],
                        "GET /things/n/principals?maxResults=250&nextToken=y HTTP/1.1");
    assert_int_equal(control.requests, 3);
}

static void words_for_pages_stand_where_they_sort(void **state)
{
    (void)state;
    json_t *list;
    will_say(200, NULL, "{\"targets\":[],\"nextMarker\":\"m=\"}");
    will_say(200, NULL, "{\"targets\":[\"t\"],\"nextMarker\":null}");
    expect(iot_list_policy_targets(&use, "p", &list), ERR_OK, "");
    json_decref(list);
    assert_string_equal(control.lines[1],
                        "POST /policy-targets/p?marker=m%3D&pageSize=250 HTTP/1.1");
}

static void a_list_that_never_ends_is_left(void **state)
{
    (void)state;
    json_t *list;
    will_say(200, NULL, "{\"things\":[\"a\"],\"nextToken\":\"again\"}");
    expect(iot_list_principal_things(&use, CERT, &list), ERR_PROTOCOL, "aws_bad_answer");
    assert_null(list);
    assert_int_equal(control.requests, 2);
}

static void only_new_certificates_not_in_use_are_listed(void **state)
{
    (void)state;
    struct iot_certificate *list;
    size_t n;
    will_say(200, NULL,
             "{\"certificates\":[{\"certificateId\":\"" ID "\",\"certificateArn\":\"a1\","
             "\"status\":\"INACTIVE\",\"creationDate\":1768478500.75}],\"nextMarker\":\"m\"}");
    will_say(200, NULL,
             "{\"certificates\":[{\"certificateId\":\"" ID "\",\"certificateArn\":\"used\","
             "\"status\":\"ACTIVE\",\"creationDate\":1768478400.75},"
             "{\"certificateId\":\"" ID "\",\"certificateArn\":\"a2\","
             "\"status\":\"INACTIVE\",\"creationDate\":1768478400.5},"
             "{\"certificateId\":\"" ID "\",\"certificateArn\":\"a3\",\"status\":\"INACTIVE\","
             "\"creationDate\":1768478400.25}],\"nextMarker\":\"older\"}");
    expect(iot_list_certificates(&use, 1768478400500, &list, &n), ERR_OK, "");
    assert_int_equal(n, 2);
    assert_string_equal(list[0].arn, "a1");
    assert_string_equal(list[0].status, "INACTIVE");
    assert_int_equal(list[0].created_ms, 1768478500750);
    assert_null(list[0].pem);
    assert_string_equal(list[1].arn, "a2");
    assert_int_equal(control.requests, 2);
    assert_string_equal(control.lines[1],
                        "GET /certificates?isAscendingOrder=false&marker=m&pageSize=250 HTTP/1.1");
    free(list);
}

/* --- what is not there, or there already */

static void what_is_not_there_need_not_be_taken_away(void **state)
{
    (void)state;
    will_say(404, MISSING, "{\"message\":\"gone\"}");
    expect(iot_delete_thing(&use, "n"), ERR_OK, "");
    expect(iot_remove_thing_from_group(&use, "n", "g"), ERR_OK, "");
    expect(iot_detach_thing_principal(&use, "n", CERT), ERR_OK, "");
    expect(iot_detach_policy(&use, "p", CERT), ERR_OK, "");
    expect(iot_delete_certificate(&use, ID), ERR_OK, "");
    expect(iot_delete_policy(&use, "p"), ERR_OK, "");
    assert_int_equal(control.requests, 6);
    expect(iot_attach_policy(&use, "p", CERT), ERR_NOT_FOUND, "aws_not_found");
    expect(iot_update_certificate(&use, ID, "ACTIVE"), ERR_NOT_FOUND, "aws_not_found");
    assert_non_null(strstr(control.lines[7], "?newStatus=ACTIVE "));
}

static void a_thing_with_principals_stays_for_now(void **state)
{
    (void)state;
    will_say(400, INVALID, "{\"message\":\"Cannot delete. Thing n is still attached\"}");
    expect(iot_delete_thing(&use, "n"), ERR_CONFLICT, "aws_conflict");
    assert_non_null(strstr(err_last()->device, "still attached"));
}

static void a_certificate_that_is_there_is_found(void **state)
{
    (void)state;
    struct iot_certificate c;
    bool was_there = false;
    will_say(409, EXISTS, "{\"message\":\"m\",\"resourceId\":\"" ID "\"}");
    will_say(200, NULL,
             "{\"certificateDescription\":{\"certificateId\":\"" ID "\",\"certificateArn\":\"" CERT
             "\",\"status\":\"ACTIVE\",\"certificatePem\":\"PEM\"}}");
    expect(iot_register_certificate(&use, "PEM", NULL, &c, &was_there), ERR_OK, "");
    assert_true(was_there);
    assert_string_equal(c.arn, CERT);
    assert_string_equal(c.status, "ACTIVE");
    assert_string_equal(control.lines[1], "GET /certificates/" ID " HTTP/1.1");
    iot_certificate_dispose(&c);
}

static void a_certificate_s_name_is_known_without_being_told(void **state)
{
    (void)state;
    struct iot_certificate c;
    struct identity own;
    bool was_there;
    uint8_t digest[32];
    unsigned length = sizeof digest;
    char line[128], *at = line;
    identity_make(&own, &(struct identity_spec){.name = "own", .to_s = PKI_DAY_S});
    assert_int_equal(X509_digest(own.cert, EVP_sha256(), digest, &length), 1);
    at += sprintf(at, "GET /certificates/");
    for (size_t i = 0; i < sizeof digest; i++)
        at += sprintf(at, "%02x", digest[i]);
    sprintf(at, " HTTP/1.1");
    will_say(409, EXISTS, "{\"message\":\"m\"}");
    will_say(404, MISSING, "{\"message\":\"m\"}");
    expect(iot_register_certificate(&use, own.cert_pem, own.cert_pem, &c, &was_there),
           ERR_NOT_FOUND, "aws_not_found");
    assert_string_equal(control.lines[0], "POST /certificate/register HTTP/1.1");
    assert_string_equal(control.lines[1], line);
    identity_drop(&own);
    n_says = 1;
    expect(iot_register_certificate(&use, "no certificate", NULL, &c, &was_there), ERR_CRYPTO,
           "certificate_unreadable");
}

static void a_new_certificate_is_never_asked_for_twice(void **state)
{
    (void)state;
    struct iot_certificate c;
    struct buf key;
    const char *const unreadable[] = {
        "{}",
        "[]",
        "{\"certificateId\":\"" ID "\",\"certificateArn\":\"a\"}",
        "{\"certificateId\":\"ABC\",\"certificateArn\":\"a\",\"certificatePem\":\"p\"}",
        "{\"certificateId\":\"" ID "\",\"certificatePem\":\"p\"}",
    };
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        n_says = 0;
        will_say(200, NULL, unreadable[i]);
        expect(iot_create_certificate(&use, "CSR", &c), ERR_TIMEOUT, "aws_outcome_unknown");
        assert_null(c.pem);
        assert_int_equal(control.requests, i + 1);
    }
    size_t so_far = control.requests;
    buf_init_secret(&key, 4096);
    n_says = 0;
    will_say(200, NULL,
             "{\"certificateId\":\"" ID "\",\"certificateArn\":\"a\",\"certificatePem\":\"p\"}");
    expect(iot_create_keys(&use, &c, &key), ERR_TIMEOUT, "aws_outcome_unknown");
    assert_int_equal(control.requests, so_far + 1);
    n_says = 0;
    will_say(503, NULL, "{\"message\":\"m\"}");
    expect(iot_create_certificate(&use, "CSR", &c), ERR_TIMEOUT, "aws_outcome_unknown");
    expect(iot_create_keys(&use, &c, &key), ERR_TIMEOUT, "aws_outcome_unknown");
    assert_int_equal(control.requests, so_far + 3);
    buf_dispose(&key);
}

/* --- what AWS would not say */

static enum err get_any_policy(void)
{
    char arn[AWS_ARN], *document;
    enum err e = iot_get_policy(&use, "p", arn, &document);
    if (e) assert_null(document);
    free(document);
    return e;
}

static enum err describe_any_thing(void)
{
    struct iot_thing thing;
    enum err e = iot_describe_thing(&use, "n", &thing);
    if (e) assert_null(thing.attributes);
    json_decref(thing.attributes);
    return e;
}

static enum err describe_any_certificate(void)
{
    struct iot_certificate c;
    enum err e = iot_describe_certificate(&use, ID, &c);
    if (e) assert_null(c.pem);
    iot_certificate_dispose(&c);
    return e;
}

static enum err list_any_certificates(void)
{
    struct iot_certificate *list;
    size_t n;
    enum err e = iot_list_certificates(&use, 0, &list, &n);
    if (e) assert_null(list);
    return e;
}

static enum err list_any_policies(void)
{
    json_t *list;
    enum err e = iot_list_attached_policies(&use, CERT, &list);
    if (e) assert_null(list);
    return e;
}

static enum err identify(void)
{
    char account[16], arn[AWS_ARN];
    return aws_caller_identity(&use, account, arn);
}

static enum err find_endpoint(void)
{
    char host[IOT_ENDPOINT];
    return iot_describe_endpoint(&use, "iot:Data-ATS", host);
}

static const struct {
    enum err (*act)(void);
    const char *answer;
} strange[] = {
    {identify, "<Account>123</Account><Arn>a</Arn>"},
    {identify, "<Account>12345678901x</Account><Arn>a</Arn>"},
    {identify, "<Account>123456789012</Account>"},
    {identify, "<Account>1234567890123456789</Account><Arn>a</Arn>"},
    {identify, "<Account>"},
    {identify, "{}"},
    {find_endpoint, "{}"},
    {find_endpoint, "{\"endpointAddress\":\"\"}"},
    {find_endpoint, "{\"endpointAddress\":5}"},
    {find_endpoint, "[\"endpointAddress\"]"},
    {describe_any_thing, "{\"thingArn\":\"a\"}"},
    {describe_any_thing, "{\"thingArn\":\"a\",\"thingId\":\"i\",\"thingTypeName\":7}"},
    {describe_any_thing, "{\"thingId\":\"i\",\"attributes\":{\"a\":\"b\"}}"},
    {get_any_policy, "{\"policyArn\":\"a\"}"},
    {get_any_policy, "{\"policyArn\":\"a\",\"policyDocument\":{}}"},
    {get_any_policy, "{\"policyDocument\":\"{}\"}"},
    {describe_any_certificate, "{}"},
    {describe_any_certificate, "{\"certificateDescription\":{\"certificateId\":\"" ID
                               "\",\"certificateArn\":\"a\",\"certificatePem\":\"p\"}}"},
    {describe_any_certificate, "{\"certificateDescription\":{\"certificateId\":\"" ID
                               "\",\"certificateArn\":\"a\",\"status\":\"\"}}"},
    {list_any_certificates, "{}"},
    {list_any_certificates, "{\"certificates\":{}}"},
    {list_any_certificates, "{\"certificates\":[null]}"},
    {list_any_certificates, "{\"certificates\":[{\"certificateId\":\"" ID
                            "\",\"certificateArn\":\"a\"},{\"certificateId\":\"../x\"}]}"},
    {list_any_policies, "{\"policies\":[\"p\"]}"},
    {list_any_policies, "{\"policies\":[{\"policyArn\":\"p\"}]}"},
};

static void strange_answers_are_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        n_says = 0;
        will_say(200, NULL, strange[i].answer);
        enum err e = strange[i].act();
        if (e != ERR_PROTOCOL || strcmp(err_last()->code, "aws_bad_answer") != 0)
            fail_msg("%s: %s", strange[i].answer, err_last()->detail);
        assert_true(err_last()->hint[0]);
    }
}

static void a_name_never_makes_another_operation_of_it(void **state)
{
    (void)state;
    const char *const names[] = {"", ".", ".."};
    will_say(200, NULL, "{}");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        expect(iot_delete_thing(&use, names[i]), ERR_ARG, "aws_invalid");
        expect(iot_delete_policy(&use, names[i]), ERR_ARG, "aws_invalid");
        expect(iot_delete_certificate(&use, names[i]), ERR_ARG, "aws_invalid");
    }
    assert_int_equal(control.requests, 0);
    expect(iot_delete_policy(&use, "../things/x"), ERR_OK, "");
    assert_string_equal(control.lines[0], "DELETE /policies/..%2Fthings%2Fx HTTP/1.1");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, before, after)
    const struct CMUnitTest tests[] = {
        CASE(operations_are_sent_and_understood_as_by_the_sdk),
        CASE(a_thing_may_have_a_type),
        CASE(authorization_is_told_by_question),
        CASE(lists_go_on_to_their_last_page),
        CASE(words_for_pages_stand_where_they_sort),
        CASE(a_list_that_never_ends_is_left),
        CASE(only_new_certificates_not_in_use_are_listed),
        CASE(what_is_not_there_need_not_be_taken_away),
        CASE(a_thing_with_principals_stays_for_now),
        CASE(a_certificate_that_is_there_is_found),
        CASE(a_certificate_s_name_is_known_without_being_told),
        CASE(a_new_certificate_is_never_asked_for_twice),
        CASE(strange_answers_are_errors),
        CASE(a_name_never_makes_another_operation_of_it),
    };
#undef CASE
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
