/* Registering, and undoing it, on an account in memory: also when the process ends at any call,
 * before it is done or before its answer comes. */
#include "tests/unit/register/register_rig.h"

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

/* Ends the process at call n, before it is done or after. @return false: there are fewer calls */
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

/* One part stays for good, another only needs time: that is taken. */
static void what_can_still_go_goes(void **state)
{
    (void)state;
    struct registration_record r;
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"groups\":[\"line\"]}");
    assert_int_equal(register_begin(patient(), &order, &r), ERR_OK);
    assert_int_equal(all(&r), ERR_OK);
    cloud.detach_delay = 1;
    cloud.fail_always = "RemoveThingFromThingGroup";
    cloud.fail_kind = ERR_CLOUD;
    cloud.fail_code = "aws_permission";
    expect(register_undo(patient(), &r, NULL), ERR_CLOUD, "aws_permission");
    cloud.fail_always = NULL;
    assert_int_equal(r.state, REGISTRATION_LEFT);
    expect_counts(0, 0, 0);
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
        TEST(a_key_of_the_clouds_is_kept_at_once),
        TEST(a_key_that_is_lost_leaves_a_certificate_that_is_named),
        TEST(what_cannot_be_undone_is_named),
        TEST(what_can_still_go_goes),
        TEST(an_undo_without_time_says_so_and_goes_on_later),
    };
    return cmocka_run_group_tests_name("register", tests, start, stop);
}
