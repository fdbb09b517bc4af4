#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "service/register/policy_read.h"

#define ARN "arn:aws:iot:us-east-2:123456789012:"
#define ONE(action, resource)                                                                      \
    "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"" action "\",\"Resource\":\"" resource "\"" \
    "}}"

static const char three[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
    "\"Resource\":\"" ARN "client/${iot:Connection.Thing.ThingName}\"},"
    "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],"
    "\"Resource\":[\"" ARN "topic/lab/?\",\"" ARN "topic/*/check\"]},"
    "{\"Effect\":\"Deny\",\"Action\":\"iot:Subscribe\",\"Resource\":\"*\"}]}";

static void what_a_statement_allows_is_allowed(void **state)
{
    (void)state;
    assert_true(policy_allows(three, "iot:Publish", ARN "topic/lab/1", NULL));
    assert_true(policy_allows(three, "iot:Receive", ARN "topic/a/b/check", NULL));
    assert_false(policy_allows(three, "iot:Publish", ARN "topic/lab/12", NULL));
    assert_false(policy_allows(three, "iot:Publish", ARN "topicfilter/lab/1", NULL));
    assert_false(policy_allows(three, "iot:Subscribe", ARN "topicfilter/lab/1", NULL));
}

static void wildcards_are_those_of_policies(void **state)
{
    (void)state;
    assert_true(policy_allows(ONE("iot:*", "*"), "iot:Connect", ARN "client/a", NULL));
    assert_true(policy_allows(ONE("IOT:connect", "*"), "iot:Connect", ARN "client/a", NULL));
    assert_true(policy_allows(ONE("*", "*client*a"), "iot:Connect", ARN "client/abca", NULL));
    assert_false(policy_allows(ONE("*", "*client*a"), "iot:Connect", ARN "client/abcb", NULL));
    assert_false(policy_allows(ONE("*", ARN "client/+"), "iot:Connect", ARN "client/a", NULL));
    assert_false(policy_allows(ONE("*", ARN "client/A"), "iot:Connect", ARN "client/a", NULL));
}

static void a_thing_is_needed_where_its_name_stands(void **state)
{
    (void)state;
    assert_true(policy_needs_thing(three));
    assert_false(policy_needs_thing(ONE("*", "*")));
    assert_true(policy_allows(three, "iot:Connect", ARN "client/t-1", "t-1"));
    assert_false(policy_allows(three, "iot:Connect", ARN "client/t-2", "t-1"));
    assert_false(policy_allows(three, "iot:Connect", ARN "client/t-1", NULL));
}

static void what_is_allowed_is_listed_without_the_front(void **state)
{
    (void)state;
    char text[64] = "";
    policy_add_allowed(three, "iot:Publish", text, sizeof text);
    assert_string_equal(text, "topic/lab/?, topic/*/check");
    policy_add_allowed(ONE("iot:Publish", "*"), "iot:Publish", text, sizeof text);
    assert_string_equal(text, "topic/lab/?, topic/*/check, *");
    char small[12] = "";
    policy_add_allowed(three, "iot:Publish", small, sizeof small);
    assert_string_equal(small, "topic/lab/?");
}

static void what_is_no_policy_allows_nothing(void **state)
{
    (void)state;
    static const char *const odd[] = {"",
                                      "[]",
                                      "{",
                                      "{\"Statement\":7}",
                                      "{\"Statement\":[7,{}]}",
                                      "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":7}}",
                                      "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\","
                                      "\"Resource\":{}}}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_false(policy_allows(odd[i], "iot:Connect", ARN "client/a", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_statement_allows_is_allowed),
        cmocka_unit_test(wildcards_are_those_of_policies),
        cmocka_unit_test(a_thing_is_needed_where_its_name_stands),
        cmocka_unit_test(what_is_allowed_is_listed_without_the_front),
        cmocka_unit_test(what_is_no_policy_allows_nothing),
    };
    return cmocka_run_group_tests_name("policy_read", tests, NULL, NULL);
}
