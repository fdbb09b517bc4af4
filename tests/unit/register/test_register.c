/* Registering, and undoing it, on an account in memory: also when the process ends at any call,
 * before it is done or before its answer comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/register/register.h"
#include "service/store/clouds.h"
#include "tests/unit/register/fake_cloud.h"
#include "tests/unit/store/fresh.h"

static struct accounts *accounts;
static struct register_spec spec;
static struct register_order order;

static void put_cloud(void)
{
    struct field_errors errors = {.count = 0};
    struct named_settings made;
    bool moved;
    json_t *settings =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:i, s:s}}", "provider", "aws", "region",
                  "us-east-2", "keys", "from", "request", "access_key_id", "AKIDEXAMPLE00000",
                  "secret_access_key", "not+a+secret+but+as+long+as+one+of+theirs", "data",
                  "mqtt_port", 8883, "root_ca", buf_str(&cloud.root));
    enum err e = cloud_make("prod", settings, NULL, &made, &moved, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s %s\n", errors.items[i].pointer, errors.items[i].detail);
    assert_int_equal(e, ERR_OK);
    assert_int_equal(store_cloud_put(store, &made, false), ERR_OK);
    named_settings_dispose(&made);
    json_decref(settings);
}

static void read_spec(const char *text)
{
    struct field_errors errors = {.count = 0};
    json_t *value = json_loads(text, 0, NULL);
    spec_read(value, "/cloud", &spec, &errors);
    json_decref(value);
    if (errors.count) print_message("%s %s\n", errors.items[0].pointer, errors.items[0].detail);
    assert_int_equal(errors.count, 0);
    assert_int_equal(spec_fill(&spec, "240ac4123456", "left"), ERR_OK);
}

static int begin(void **state)
{
    if (setup(state)) return -1;
    cloud_clear();
    put_cloud();
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"groups\":[\"line\"],"
              "\"attributes\":{\"mac\":\"{mac}\"}}");
    order = (struct register_order){
        .spec = &spec, .client_id = "{thing}", .topic = "{thing}/check", .job = "", .actor = "ann"};
    return accounts_new(store, &accounts) ? -1 : 0;
}

static int end(void **state)
{
    accounts_free(accounts);
    return teardown(state);
}

static const struct register_use *use(int64_t ms)
{
    static struct register_use u;
    u = (struct register_use){store, accounts, NULL, deadline_in_ms(ms)};
    return &u;
}

static const struct register_use *patient(void)
{
    return use(100 * 1000);
}

static enum err all(struct registration_record *r)
{
    enum err e = register_run(patient(), r);
    return e ? e : register_activate(patient(), r);
}

/* What was in memory is lost. */
static void restart(struct registration_record *r)
{
    char id[ID_TEXT];
    memcpy(id, r->id, sizeof id);
    registration_record_dispose(r);
    cloud.ended = false;
    cloud.end_at = 0;
    accounts_free(accounts);
    store_close(store);
    assert_int_equal(store_open(folder.path, &store), ERR_OK);
    assert_int_equal(accounts_new(store, &accounts), ERR_OK);
    assert_int_equal(store_registration_get(store, id, r), ERR_OK);
}

static void expect_counts(int things, int certificates, int policies)
{
    int n;
    COUNT(things, name, n);
    assert_int_equal(n, things);
    COUNT(certificates, id, n);
    assert_int_equal(n, certificates);
    COUNT(policies, name, n);
    assert_int_equal(n, policies);
}

/* One thing with one active certificate, which has its policy, and whose key is here. */
static void expect_registered(const struct registration_record *r)
{
    struct buf key;
    struct credential_record c;
    struct fake_certificate *made = certificate_of(r->certificate);
    expect_counts(1, 1, 1);
    assert_int_equal(r->state, REGISTRATION_ACTIVE);
    assert_non_null(made);
    assert_string_equal(made->status, "ACTIVE");
    assert_string_equal(made->thing, "one");
    assert_string_equal(made->policy, r->policy);
    assert_int_equal(store_credential_get(store, r->credential, &c), ERR_OK);
    assert_string_equal(c.fingerprint_sha256, r->certificate);
    credential_record_dispose(&c);
    buf_init_secret(&key, FAKE_PEM);
    assert_int_equal(store_credential_key(store, r->credential, &key), ERR_OK);
    buf_reset(&key);
    assert_int_equal(store_registration_secret(store, r->id, &key), ERR_OK);
    assert_int_equal(key.len, 0); /* it is in one place only */
    buf_dispose(&key);
}

static void expect_clean(const struct registration_record *r)
{
    char left[256];
    struct credential_record c;
    expect_counts(0, 0, 0);
    assert_int_equal(r->state, REGISTRATION_UNDONE);
    registration_left(r, left, sizeof left);
    assert_string_equal(left, "");
    if (r->credential[0])
        assert_int_equal(store_credential_get(store, r->credential, &c), ERR_NOT_FOUND);
}

static void a_thing_is_registered_and_undone(void **state)
{
    (void)state;
    struct registration_record r;
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(r.state, REGISTRATION_REGISTERING);
    assert_int_equal(register_run(patient(), &r), ERR_OK);
    assert_int_equal(r.state, REGISTRATION_REGISTERED);
    assert_string_equal(certificate_of(r.certificate)->status, "INACTIVE");
    assert_int_equal(register_activate(patient(), &r), ERR_OK);
    assert_int_equal(register_activate(patient(), &r), ERR_OK);
    expect_registered(&r);
    cloud.detach_delay = 2;
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_clean(&r);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    registration_record_dispose(&r);
}

/* Ends the process at call n, once before and once after it is done. @return false: there are fewer
 * calls than that */
static bool cut_at(void **state, int n, bool after, bool go_on)
{
    struct registration_record r;
    assert_int_equal(begin(state), 0);
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    cloud.end_at = n;
    cloud.end_after = after;
    enum err e = all(&r);
    bool was_cut = cloud.ended;
    assert_true(was_cut ? e == ERR_CANCELLED : e == ERR_OK);
    restart(&r);
    if (go_on) {
        assert_int_equal(all(&r), ERR_OK);
        expect_registered(&r);
        assert_int_equal(cloud.created, 1); /* never a second one */
    } else {
        assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
        expect_clean(&r);
    }
    registration_record_dispose(&r);
    assert_int_equal(end(state), 0);
    return was_cut;
}

static void whoever_is_killed_at_any_call_goes_on(void **state)
{
    int n = 1;
    while (cut_at(state, n, false, true) && cut_at(state, n, true, true))
        n++;
    assert_true(n > 8);
}

static void whoever_is_killed_at_any_call_can_go_back(void **state)
{
    int n = 1;
    while (cut_at(state, n, false, false) && cut_at(state, n, true, false))
        n++;
    assert_true(n > 8);
}

static bool cut_undo_at(void **state, int n, bool after)
{
    struct registration_record r;
    assert_int_equal(begin(state), 0);
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(all(&r), ERR_OK);
    cloud.end_at = cloud.calls + n;
    cloud.end_after = after;
    (void)register_undo(patient(), &r, NULL);
    bool was_cut = cloud.ended;
    restart(&r);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_clean(&r);
    registration_record_dispose(&r);
    assert_int_equal(end(state), 0);
    return was_cut;
}

static void whoever_is_killed_while_going_back_goes_on_with_it(void **state)
{
    int n = 1;
    while (cut_undo_at(state, n, false) && cut_undo_at(state, n, true))
        n++;
    assert_true(n > 5);
}

static void fail_once(const char *operation, enum err kind, const char *code, bool done)
{
    cloud.fail_operation = operation;
    cloud.fail_kind = kind;
    cloud.fail_code = code;
    cloud.fail_done = done;
}

static void an_answer_that_is_lost_makes_no_second_certificate(void **state)
{
    (void)state;
    struct registration_record r;
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    fail_once("CreateCertificateFromCsr", ERR_TIMEOUT, "aws_outcome_unknown", true);
    assert_int_equal(all(&r), ERR_OK);
    assert_int_equal(cloud.created, 1);
    expect_registered(&r);
    registration_record_dispose(&r);
}

static void a_request_that_is_lost_is_made_again(void **state)
{
    (void)state;
    struct registration_record r;
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    fail_once("CreateCertificateFromCsr", ERR_TIMEOUT, "aws_outcome_unknown", false);
    assert_int_equal(all(&r), ERR_OK);
    expect_registered(&r);
    registration_record_dispose(&r);
}

/* The cloud was slow: what was asked for first shows up when a second one is there. */
static void what_shows_up_late_goes_before_activation(void **state)
{
    (void)state;
    struct registration_record r;
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    fail_once("CreateCertificateFromCsr", ERR_TIMEOUT, "aws_outcome_unknown", false);
    assert_int_equal(register_run(patient(), &r), ERR_OK);
    struct fake_certificate *late = certificate_of("");
    *late = *certificate_of(r.certificate); /* of the same key */
    late->policy[0] = late->thing[0] = '\0';
    memset(late->id, 'a', 64);
    assert_int_equal(register_activate(patient(), &r), ERR_OK);
    expect_registered(&r);
    registration_record_dispose(&r);
}

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

static void register_one(const char *thing, struct registration_record *out)
{
    char text[128];
    snprintf(text, sizeof text, "{\"name\":\"prod\",\"thing\":\"%s\",\"key\":\"P-256\"}", thing);
    read_spec(text);
    assert_int_equal(register_begin(patient(), &order, out), ERR_OK);
    assert_int_equal(all(out), ERR_OK);
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
    registration_record_dispose(&r);
}

static void a_key_of_the_clouds_is_kept_at_once(void **state)
{
    (void)state;
    struct registration_record r;
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"certificate\":\"aws\"}");
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(all(&r), ERR_OK);
    expect_registered(&r);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_clean(&r);
    registration_record_dispose(&r);
}

static void a_key_that_is_lost_leaves_a_certificate_that_is_named(void **state)
{
    (void)state;
    struct registration_record r;
    char left[256];
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"certificate\":\"aws\"}");
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    fail_once("CreateKeysAndCertificate", ERR_TIMEOUT, "aws_outcome_unknown", true);
    expect(all(&r), ERR_TIMEOUT, "aws_outcome_unknown");
    struct err_info why = *err_last();
    assert_int_equal(register_undo(patient(), &r, &why), ERR_CLOUD);
    assert_int_equal(r.state, REGISTRATION_LEFT);
    expect_counts(0, 1, 0);
    registration_left(&r, left, sizeof left);
    assert_non_null(strstr(left, "perhaps certificate"));
    json_t *shown = registration_to_json(&r);
    assert_int_equal(json_array_size(json_object_get(shown, "left")), 1);
    json_decref(shown);
    /* somebody has looked, and asks again */
    memset(cloud.certificates, 0, sizeof cloud.certificates);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_clean(&r);
    registration_record_dispose(&r);
}

static void what_cannot_be_undone_is_named(void **state)
{
    (void)state;
    struct registration_record r;
    char left[512];
    register_one("one", &r);
    fail_once("DetachThingPrincipal", ERR_CLOUD, "aws_permission", false);
    expect(register_undo(patient(), &r, NULL), ERR_CLOUD, "aws_permission");
    assert_int_equal(r.state, REGISTRATION_LEFT);
    assert_string_equal(r.error.code, "aws_permission");
    registration_left(&r, left, sizeof left);
    assert_non_null(strstr(left, "thing one"));
    assert_non_null(strstr(left, r.certificate));
    assert_string_equal(certificate_of(r.certificate)->status, "INACTIVE");
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_clean(&r);
    registration_record_dispose(&r);
}

static void an_undo_without_time_says_so_and_goes_on_later(void **state)
{
    (void)state;
    struct registration_record r;
    register_one("one", &r);
    fail_once("DetachThingPrincipal", ERR_NETWORK, "aws_unreachable", false);
    expect(register_undo(use(0), &r, NULL), ERR_NETWORK, "aws_unreachable");
    assert_int_equal(r.state, REGISTRATION_UNDOING);
    restart(&r);
    assert_int_equal(r.state, REGISTRATION_UNDOING);
    assert_int_equal(register_undo(patient(), &r, NULL), ERR_OK);
    expect_clean(&r);
    registration_record_dispose(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static int start(void **state)
{
    (void)state;
    cloud_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cloud_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thing_is_registered_and_undone),
        cmocka_unit_test(whoever_is_killed_at_any_call_goes_on),
        cmocka_unit_test(whoever_is_killed_at_any_call_can_go_back),
        cmocka_unit_test(whoever_is_killed_while_going_back_goes_on_with_it),
        TEST(an_answer_that_is_lost_makes_no_second_certificate),
        TEST(a_request_that_is_lost_is_made_again),
        TEST(what_shows_up_late_goes_before_activation),
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
        TEST(a_key_of_the_clouds_is_kept_at_once),
        TEST(a_key_that_is_lost_leaves_a_certificate_that_is_named),
        TEST(what_cannot_be_undone_is_named),
        TEST(an_undo_without_time_says_so_and_goes_on_later),
    };
    return cmocka_run_group_tests_name("register", tests, start, stop);
}
