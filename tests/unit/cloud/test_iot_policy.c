// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "service/cloud/iot_policy.h"

static struct iot_policy_scope bench(const char *client_id, const char *topic, const char *thing)
{
    return (struct iot_policy_scope){.partition = "aws",
                                     .region = "us-east-2",
                                     .account = "123456789012",
                                     .client_id = client_id,
                                     .topic = topic,
                                     .thing = thing};
}

static void expect(const struct iot_policy_scope *s, const char *document)
{
    struct buf b;
    buf_init(&b, 8192);
    assert_int_equal(iot_policy_make(s, &b), ERR_OK);
    assert_string_equal(buf_str(&b), document);
    buf_dispose(&b);
}

static void refuse(const struct iot_policy_scope *s, enum err kind, const char *code)
{
    struct buf b;
    buf_init(&b, 8192);
    assert_int_equal(iot_policy_make(s, &b), kind);
    assert_string_equal(err_last()->code, code);
    assert_int_equal(b.len, 0);
    buf_dispose(&b);
}

static void a_device_may_do_what_it_needs_and_no_more(void **state)
{
    (void)state;
    const struct iot_policy_scope s = bench("sdk-java", "sdk/test/Python", "bench-01");
    expect(&s, "{\"Version\":\"2012-10-17\",\"Statement\":["
               "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
               "\"Resource\":\"arn:aws:iot:us-east-2:123456789012:client/sdk-java\"},"
               "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],"
               "\"Resource\":\"arn:aws:iot:us-east-2:123456789012:topic/sdk/test/Python\"},"
               "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\","
               "\"Resource\":\"arn:aws:iot:us-east-2:123456789012:topicfilter/sdk/test/Python\"}]"
               "}");
}

static void one_policy_serves_all_things_that_connect_by_their_name(void **state)
{
    (void)state;
    const struct iot_policy_scope named = bench("{thing}", "{thing}/check", "bench-01");
    const struct iot_policy_scope unnamed = bench("{thing}", "{thing}/check", NULL);
    static const char document[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":["
        "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":"
        "\"arn:aws:iot:us-east-2:123456789012:client/${iot:Connection.Thing.ThingName}\"},"
        "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],\"Resource\":"
        "\"arn:aws:iot:us-east-2:123456789012:topic/${iot:Connection.Thing.ThingName}/check\"},"
        "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":"
        "\"arn:aws:iot:us-east-2:123456789012:topicfilter/"
        "${iot:Connection.Thing.ThingName}/check\"}]}";
    expect(&named, document);
    expect(&unnamed, document);
}

static void under_another_client_id_the_things_name_itself_stands_there(void **state)
{
    (void)state;
    const struct iot_policy_scope s = bench("c-{thing}-{thing}", "t/{thing}", "bench-01");
    expect(&s, "{\"Version\":\"2012-10-17\",\"Statement\":["
               "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
               "\"Resource\":\"arn:aws:iot:us-east-2:123456789012:client/c-bench-01-bench-01\"},"
               "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],"
               "\"Resource\":\"arn:aws:iot:us-east-2:123456789012:topic/t/bench-01\"},"
               "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\","
               "\"Resource\":\"arn:aws:iot:us-east-2:123456789012:topicfilter/t/bench-01\"}]}");
    const struct iot_policy_scope fixed = bench("fixed", "{thing}/check", NULL);
    refuse(&fixed, ERR_ARG, "arg");
}

static void what_needs_quotes_in_json_is_quoted(void **state)
{
    (void)state;
    const struct iot_policy_scope s = bench("a\"b", "t\\u", NULL);
    struct buf b;
    buf_init(&b, 8192);
    assert_int_equal(iot_policy_make(&s, &b), ERR_OK);
    assert_non_null(strstr(buf_str(&b), "client/a\\\"b\""));
    assert_non_null(strstr(buf_str(&b), "topic/t\\\\u\""));
    buf_dispose(&b);
}

static void wildcards_are_refused(void **state)
{
    (void)state;
    const struct iot_policy_scope scopes[] = {
        bench("*", "t", NULL),
        bench("c?", "t", NULL),
        bench("c", "t/*", NULL),
        bench("c", "?", NULL),
        bench("${iot:ClientId}", "t", NULL),
        bench("c", "${iot:ClientId}/t", NULL),
        bench("c-{thing}", "t", "bench-*"),
        bench("c", "{thing}", "${iot:ClientId}"),
    };
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        refuse(&scopes[i], ERR_ARG, "policy_wildcard");
}

static void a_document_longer_than_aws_takes_is_refused(void **state)
{
    (void)state;
    char topic[1200];
    memset(topic, 't', sizeof topic - 1);
    topic[sizeof topic - 1] = '\0';
    const struct iot_policy_scope s = bench("c", topic, NULL);
    refuse(&s, ERR_TOO_LARGE, "policy_too_large");
    topic[700] = '\0';
    struct buf b;
    buf_init(&b, 8192);
    assert_int_equal(iot_policy_make(&s, &b), ERR_OK);
    assert_in_range(b.len, 1700, 2048);
    buf_dispose(&b);
}

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"{\"a\":1}", "{ \"a\" : 1 }\n", true},
    {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
    {"{\"a\":\"x\"}", "{\"a\":[\"x\"]}", true},
    {"{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"y\",\"x\"]}", true},
    {"{\"S\":{\"A\":\"x\",\"R\":[\"q\",\"p\"]}}", "{\"S\":[{\"R\":[\"p\",\"q\"],\"A\":[\"x\"]}]}",
     true},
    {"{\"S\":[{\"A\":[\"y\",\"x\"]},{\"A\":\"z\"}]}",
     "{\"S\":[{\"A\":\"z\"},{\"A\":[\"x\",\"y\"]}]}", true},
    {"{\"a\":\"\\u00e9\"}", "{\"a\":\"\xc3\xa9\"}", true},
    {"not JSON", "not JSON", true},
    {"{\"a\":1}", "{\"a\":2}", false},
    {"{\"a\":\"1\"}", "{\"a\":1}", false},
    {"{\"a\":\"x\"}", "{\"b\":\"x\"}", false},
    {"{\"a\":\"x\"}", "{\"a\":\"x\",\"b\":\"x\"}", false},
    {"{\"a\":[]}", "{}", false},
    {"{\"a\":[\"x\"]}", "{\"a\":[\"x\",\"x\"]}", false},
    {"{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"x\",\"z\"]}", false},
    {"{\"a\":\"X\"}", "{\"a\":\"x\"}", false},
    {"{\"a\":1,\"a\":2}", "{\"a\":2}", false},
    {"not JSON", "{}", false},
    {"not JSON", "nor this", false},
    {"", "{}", false},
};

static void documents_are_compared_by_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (iot_policy_same(pairs[i].a, pairs[i].b) != pairs[i].same ||
            iot_policy_same(pairs[i].b, pairs[i].a) != pairs[i].same)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
}

static void documents_that_say_the_same_have_the_same_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char a[33], b[33];
        iot_policy_name(pairs[i].a, a);
        iot_policy_name(pairs[i].b, b);
        assert_int_equal(strcmp(a, b) == 0, pairs[i].same);
        assert_int_equal(strlen(a), 24);
        assert_memory_equal(a, "espgate-", 8);
        assert_int_equal(strspn(a + 8, "0123456789abcdef"), 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_may_do_what_it_needs_and_no_more),
        cmocka_unit_test(one_policy_serves_all_things_that_connect_by_their_name),
        cmocka_unit_test(under_another_client_id_the_things_name_itself_stands_there),
        cmocka_unit_test(what_needs_quotes_in_json_is_quoted),
        cmocka_unit_test(wildcards_are_refused),
        cmocka_unit_test(a_document_longer_than_aws_takes_is_refused),
        cmocka_unit_test(documents_are_compared_by_what_they_say),
        cmocka_unit_test(documents_that_say_the_same_have_the_same_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
