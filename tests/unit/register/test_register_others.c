/* Registering beside what is in the account already: things, certificates and policies of others,
 * and of our own. */
#include "tests/unit/register/register_rig.h"

static void expect_refusal(const char *operation, enum err kind, const char *code,
                           const char *expected)
{
    struct registration_record r;
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    if (operation) fail_once(operation, kind, code, false);
    enum err e = all(&r);
    struct err_info why = *err_last();
    assert_int_not_equal(e, ERR_OK);
    assert_string_equal(why.code, expected);
    assert_int_equal(register_undo(patient(), &r, &why), ERR_OK);
    assert_int_equal(r.state, REGISTRATION_UNDONE);
    assert_string_equal(r.error.code, expected);
    registration_record_dispose(&r);
}

static void a_refusal_at_any_call_leaves_nothing(void **state)
{
    (void)state;
    static const char *const operations[] = {
        "DescribeThing", "CreateThing",          "AddThingToThingGroup",
        "GetPolicy",     "CreatePolicy",         "CreateCertificateFromCsr",
        "AttachPolicy",  "AttachThingPrincipal", "UpdateCertificate"};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        expect_refusal(operations[i], ERR_CLOUD, "aws_permission", "aws_permission");
        expect_counts(0, 0, 0);
    }
    expect_refusal("CreateCertificateFromCsr", ERR_CLOUD, "aws_quota", "aws_quota");
    expect_refusal("CreatePolicy", ERR_ARG, "aws_invalid", "policy_invalid");
    expect_counts(0, 0, 0);
    assert_int_equal(cloud.created, 3 + 0); /* those of the three calls behind it */
}

static void put_thing(const char *name, const char *type, json_t *attributes)
{
    struct iot_thing t;
    const struct aws_use none = {.account = NULL};
    assert_int_equal(iot_create_thing(&none, name, type, attributes, &t), ERR_OK);
    json_decref(t.attributes);
    json_decref(attributes);
}

static void a_thing_of_somebodys_stays(void **state)
{
    (void)state;
    struct registration_record r;
    put_thing("one", "", json_pack("{s:s, s:s}", "mac", "240ac4123456", "more", "1"));
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(all(&r), ERR_OK);
    expect_registered(&r);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_counts(1, 0, 0);
    registration_record_dispose(&r);
}

static void a_thing_that_differs_is_not_touched(void **state)
{
    (void)state;
    put_thing("one", "", json_pack("{s:s}", "mac", "another"));
    expect_refusal(NULL, ERR_OK, NULL, "thing_differs");
    expect_counts(1, 0, 0);
    read_spec("{\"name\":\"prod\",\"thing\":\"two\",\"key\":\"P-256\",\"type\":\"no-such-type\"}");
    expect_refusal(NULL, ERR_OK, NULL, "thing_type_missing");
    read_spec(
        "{\"name\":\"prod\",\"thing\":\"two\",\"key\":\"P-256\",\"groups\":[\"no-such-group\"]"
        "}");
    expect_refusal(NULL, ERR_OK, NULL, "thing_group_missing");
    expect_counts(1, 0, 0);
}

static void a_thing_with_a_certificate_is_refused_unless_that_is_meant(void **state)
{
    (void)state;
    struct registration_record r;
    struct fake_certificate *other = certificate_of("");
    put_thing("one", "", json_pack("{s:s}", "mac", "240ac4123456"));
    memset(other->id, 'b', 64);
    snprintf(other->status, sizeof other->status, "ACTIVE");
    snprintf(other->thing, sizeof other->thing, "one");
    expect_refusal(NULL, ERR_OK, NULL, "thing_has_certificate");
    expect_counts(1, 1, 0);
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"existing\":true}");
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(all(&r), ERR_OK);
    expect_counts(1, 2, 1);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_counts(1, 1, 0);
    assert_string_equal(other->thing, "one");
    registration_record_dispose(&r);
}

static void put_policy(const char *name, const char *document)
{
    char arn[AWS_ARN];
    const struct aws_use none = {.account = NULL};
    assert_int_equal(iot_create_policy(&none, name, document, arn), ERR_OK);
}

static void policies_of_others_are_used_and_stay(void **state)
{
    (void)state;
    struct registration_record r;
    put_policy("mine", "{\"Version\":\"2012-10-17\",\"Statement\":[]}");
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"policy\":\"mine\"}");
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(all(&r), ERR_OK);
    assert_string_equal(r.policy, "mine");
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_counts(0, 0, 1);
    registration_record_dispose(&r);
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"policy\":\"nobodys\"}");
    expect_refusal(NULL, ERR_OK, NULL, "policy_missing");
    read_spec(
        "{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"policy\":{\"name\":\"mine\"}}");
    expect_refusal(NULL, ERR_OK, NULL, "policy_differs");
    expect_counts(0, 0, 1);
}

static void the_last_one_takes_the_shared_policy_with_it(void **state)
{
    (void)state;
    struct registration_record a, b;
    register_one("one", &a);
    register_one("two", &b);
    assert_string_equal(a.policy, b.policy);
    expect_counts(2, 2, 1);
    assert_int_equal(register_undo(patient(), &a, NULL), ERR_OK); /* who made it */
    expect_counts(1, 1, 1);
    assert_int_equal(register_undo(patient(), &b, NULL), ERR_OK);
    expect_counts(0, 0, 0);
    registration_record_dispose(&a);
    registration_record_dispose(&b);
}

static void a_policy_that_another_bench_uses_stays(void **state)
{
    (void)state;
    struct registration_record r;
    register_one("one", &r);
    struct fake_certificate *other = certificate_of("");
    memset(other->id, 'c', 64);
    snprintf(other->policy, sizeof other->policy, "%s", r.policy);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    assert_int_equal(r.state, REGISTRATION_UNDONE);
    expect_counts(0, 1, 1);
    registration_record_dispose(&r);
}

static void a_policy_that_was_just_taken_away_is_made_again(void **state)
{
    (void)state;
    struct registration_record a, b;
    register_one("one", &a);
    read_spec("{\"name\":\"prod\",\"thing\":\"two\",\"key\":\"P-256\"}");
    assert_int_equal(register_begin(patient(), &order, &b), ERR_OK);
    fail_once("AttachPolicy", ERR_NOT_FOUND, "aws_not_found", false);
    struct fake_policy *p = policy_of(a.policy);
    certificate_of(a.certificate)->policy[0] = '\0';
    memset(p, 0, sizeof *p);
    /* as if it had been there when it was looked for */
    put_policy(a.policy, "x");
    memset(policy_of(a.policy), 0, sizeof *p);
    assert_int_equal(all(&b), ERR_OK);
    assert_string_equal(certificate_of(b.certificate)->policy, b.policy);
    assert_non_null(policy_of(b.policy));
    registration_record_dispose(&a);
    registration_record_dispose(&b);
}

static void where_boards_connect_is_asked_once(void **state)
{
    (void)state;
    char endpoint[254];
    struct registration_record a, b;
    register_one("one", &a);
    cloud.fail_operation = "DescribeEndpoint"; /* it would fail */
    cloud.fail_kind = ERR_CLOUD;
    register_one("two", &b);
    registration_endpoint(&b, endpoint);
    assert_string_equal(endpoint, "localhost");
    registration_record_dispose(&a);
    registration_record_dispose(&b);
}

static void the_same_order_again_takes_the_same_registration(void **state)
{
    (void)state;
    struct registration_record r, again;
    register_one("one", &r);
    assert_int_equal(register_begin(patient(), &order, &again), ERR_OK);
    assert_string_equal(again.id, r.id);
    assert_int_equal(again.state, REGISTRATION_ACTIVE);
    registration_record_dispose(&again);
    order.topic = "elsewhere";
    expect(register_begin(patient(), &order, &again), ERR_CONFLICT, "thing_registered");
    order.topic = "{thing}/check";
    assert_int_equal(store_credential_purge_key(store, r.credential), ERR_OK);
    expect(register_begin(patient(), &order, &again), ERR_CONFLICT, "thing_registered");
    assert_non_null(strstr(err_last()->hint, "DELETE /v1/registrations/{id}, then ask again"));
    registration_record_dispose(&r);
}

/* An answer that was lost, and then a refusal: what was lost may have been done. */
static void what_is_repeated_and_refused_may_have_been_done(void **state)
{
    (void)state;
    static const char *const operations[] = {"CreateThing",          "AddThingToThingGroup",
                                             "CreatePolicy",         "AttachPolicy",
                                             "AttachThingPrincipal", "UpdateCertificate"};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        struct registration_record r;
        assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
        fail_once(operations[i], ERR_NETWORK, "aws_unreachable", true);
        assert_int_not_equal(all(&r), ERR_OK);
        fail_once(operations[i], ERR_CLOUD, "aws_token_expired", false);
        (void)all(&r);
        cloud.fail_operation = NULL;
        assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
        expect_counts(0, 0, 0);
        registration_record_dispose(&r);
    }
}

/* The same name means another account there: what is not found is not gone. */
static void keys_of_another_account_take_nothing_away(void **state)
{
    (void)state;
    struct registration_record r;
    register_one("one", &r);
    cloud.account = "999999999999";
    expect(register_undo(patient(), &r, NULL), ERR_CONFLICT, "cloud_other_account");
    assert_int_equal(r.state, REGISTRATION_LEFT);
    expect_counts(1, 1, 1);
    cloud.account = NULL;
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_counts(0, 0, 0);
    registration_record_dispose(&r);
}

/* Why it failed, and why it is still there. */
static void what_is_left_says_both_reasons(void **state)
{
    (void)state;
    struct registration_record r;
    register_one("one", &r);
    err_fail(ERR_NETWORK, "wifi_not_found", NULL, "there is no network");
    const struct err_info why = *err_last();
    cloud.fail_always = "DeleteThing";
    cloud.fail_kind = ERR_CLOUD;
    cloud.fail_code = "aws_permission";
    expect(register_undo(patient(), &r, &why), ERR_CLOUD, "aws_permission");
    assert_int_equal(r.state, REGISTRATION_LEFT);
    assert_string_equal(r.error.code, "wifi_not_found");
    assert_non_null(strstr(r.error.detail, "there is no network"));
    assert_non_null(strstr(r.error.detail, "as the test wants it"));
    registration_record_dispose(&r);
}

static void a_group_of_somebodys_thing_is_not_taken_back(void **state)
{
    (void)state;
    struct registration_record r;
    put_thing("one", "", json_pack("{s:s}", "mac", "240ac4123456"));
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    fail_once("AddThingToThingGroup", ERR_TIMEOUT, "aws_timeout", true);
    assert_int_not_equal(all(&r), ERR_OK);
    cloud.fail_always = "RemoveThingFromThingGroup"; /* it is not asked for */
    cloud.fail_kind = ERR_CLOUD;
    cloud.fail_code = "aws_permission";
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_counts(1, 0, 0);
    registration_record_dispose(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refusal_at_any_call_leaves_nothing),
        TEST(a_thing_of_somebodys_stays),
        TEST(a_thing_that_differs_is_not_touched),
        TEST(a_thing_with_a_certificate_is_refused_unless_that_is_meant),
        TEST(policies_of_others_are_used_and_stay),
        TEST(the_last_one_takes_the_shared_policy_with_it),
        TEST(a_policy_that_another_bench_uses_stays),
        TEST(a_policy_that_was_just_taken_away_is_made_again),
        TEST(where_boards_connect_is_asked_once),
        TEST(the_same_order_again_takes_the_same_registration),
        TEST(what_is_repeated_and_refused_may_have_been_done),
        TEST(keys_of_another_account_take_nothing_away),
        TEST(what_is_left_says_both_reasons),
        TEST(a_group_of_somebodys_thing_is_not_taken_back),
    };
    return cmocka_run_group_tests_name("register others", tests, start, stop);
}
