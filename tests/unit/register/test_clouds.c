/* Clouds: what is kept of their settings and shown, the accounts that they become, and that none
 * goes in which a registration lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/register/accounts.h"
#include "service/register/probes.h"
#include "service/store/registrations.h"
#include "tests/unit/store/fresh.h"

#define KEYS(more)                                                                                 \
    "\"keys\":{\"from\":\"request\",\"access_key_id\":\"AKIAIOSFODNN7EXAMPLE\"" more "}"
#define SECRET      ",\"secret_access_key\":\"wJalr/K7+x=\""
#define TOKEN       ",\"session_token\":\"to/k+en=\""
#define CLOUD(more) "{\"provider\":\"aws\",\"region\":\"us-east-2\"," more "}"

static struct field_errors errors;
static bool moved;

static enum err make(const char *json, const struct named_settings *former,
                     struct named_settings *out)
{
    json_t *settings = json_loads(json, 0, NULL);
    assert_non_null(settings);
    errors.count = 0;
    enum err e = cloud_make("prod", settings, former, out, &moved, &errors);
    json_decref(settings);
    return e;
}

static struct named_settings made(const char *json, const struct named_settings *former)
{
    struct named_settings r;
    enum err e = make(json, former, &r);
    if (e) print_message("%s: %s\n", json, err_last()->detail);
    assert_int_equal(e, ERR_OK);
    return r;
}

static void keep(const char *json)
{
    struct named_settings r = made(json, NULL);
    assert_int_equal(store_cloud_put(store, &r, false), ERR_OK);
    named_settings_dispose(&r);
}

static void expect_refused(const char *json, const struct named_settings *former, const char *code,
                           const char *pointer)
{
    struct named_settings r;
    enum err e = make(json, former, &r);
    if (!e) print_message("%s\n", json);
    assert_true(e == ERR_ARG || e == ERR_CRYPTO);
    assert_string_equal(err_last()->code, code);
    assert_string_equal(errors.items[0].pointer, pointer);
    assert_null(r.settings_json);
}

static void all_of_the_settings_are_read(void **state)
{
    (void)state;
    struct cloud_settings *s;
    struct named_settings r = made(
        CLOUD(KEYS(SECRET TOKEN) ",\"rate\":7,\"control\":{\"endpoint\":\"https://localhost:8\"},"
                                 "\"data\":{\"endpoint\":\"a1-ats.iot.us-east-2.amazonaws.com\","
                                 "\"mqtt_port\":443,\"https_port\":444}"),
        NULL);
    assert_int_equal(cloud_settings_of(&r, &s), ERR_OK);
    assert_string_equal(s->region, "us-east-2");
    assert_int_equal(s->keys_from, KEYS_FROM_REQUEST);
    assert_string_equal(s->keys.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_string_equal(s->keys.secret_access_key, "wJalr/K7+x=");
    assert_string_equal(s->keys.session_token, "to/k+en=");
    assert_string_equal(s->control_endpoint, "https://localhost:8");
    assert_string_equal(s->data_endpoint, "a1-ats.iot.us-east-2.amazonaws.com");
    assert_int_equal(s->mqtt_port, 443);
    assert_int_equal(s->https_port, 444);
    assert_int_equal(s->rate_percent, 7);
    cloud_settings_free(s);
    named_settings_dispose(&r);
}

static void what_is_not_said_is_usual(void **state)
{
    (void)state;
    struct cloud_settings *s;
    struct named_settings r = made(CLOUD("\"keys\":{\"from\":\"none\"}"), NULL);
    assert_int_equal(cloud_settings_of(&r, &s), ERR_OK);
    assert_int_equal(s->keys_from, KEYS_FROM_NONE);
    assert_string_equal(s->control_endpoint, "");
    assert_int_equal(s->mqtt_port, 8883);
    assert_int_equal(s->https_port, 8443);
    assert_int_equal(s->rate_percent, 80);
    cloud_settings_free(s);
    named_settings_dispose(&r);
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    struct named_settings r = made(CLOUD(KEYS(SECRET TOKEN)), NULL);
    json_t *shown = cloud_to_json(&r);
    char *text = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);
    assert_null(strstr(text, "wJalr"));
    assert_null(strstr(text, "to/k"));
    assert_non_null(strstr(text, "\"secret_access_key_set\":true,\"session_token_set\":true"));
    free(text);
    json_decref(shown);
    named_settings_dispose(&r);
    r = made(CLOUD("\"keys\":{\"from\":\"environment\"}"), NULL);
    shown = cloud_to_json(&r);
    assert_null(json_object_get(json_object_get(json_object_get(shown, "settings"), "keys"),
                                "secret_access_key_set"));
    json_decref(shown);
    named_settings_dispose(&r);
}

static void a_secret_stays_with_its_account_and_control_plane(void **state)
{
    (void)state;
#define AT(url) ",\"control\":{\"endpoint\":\"" url "\"}"
#define SET     ",\"secret_access_key_set\":true"
    static const char pointer[] = "/keys/secret_access_key_set";
    struct cloud_settings *s;
    struct named_settings first = made(CLOUD(KEYS(SECRET TOKEN) AT("https://localhost:8")), NULL);
    struct named_settings r =
        made(CLOUD(KEYS(SET ",\"session_token_set\":true") AT("https://localhost:8")), &first);
    assert_true(r.changed_ms > first.changed_ms);
    assert_int_equal(cloud_settings_of(&r, &s), ERR_OK);
    assert_string_equal(s->keys.secret_access_key, "wJalr/K7+x=");
    assert_string_equal(s->keys.session_token, "to/k+en=");
    cloud_settings_free(s);
    named_settings_dispose(&r);
    expect_refused(CLOUD(KEYS(SET)), &first, "bad_body", pointer);
    expect_refused(CLOUD(KEYS(SET) AT("https://localhost:9")), &first, "bad_body", pointer);
    expect_refused(CLOUD(KEYS(SET) AT("https://localhost:8")), NULL, "bad_body", pointer);
    expect_refused(CLOUD(KEYS(SET SECRET) AT("https://localhost:8")), &first, "bad_body", pointer);
    expect_refused(
        CLOUD("\"keys\":{\"from\":\"request\",\"access_key_id\":\"AKIAIOSFODNN7EXAMPL2\"" SET
              "}" AT("https://localhost:8")),
        &first, "bad_body", pointer);
    named_settings_dispose(&first);
}

static void an_address_that_cannot_be_right_has_its_own_code(void **state)
{
    (void)state;
#define NONE "\"keys\":{\"from\":\"none\"}"
    expect_refused(CLOUD(NONE ",\"data\":{\"endpoint\":\"a1.iot.us-east-2.amazonaws.com\"}"), NULL,
                   "endpoint_not_ats", "/data/endpoint");
    expect_refused(CLOUD(NONE ",\"data\":{\"endpoint\":\"a1-ats.iot.eu-west-1.amazonaws.com\"}"),
                   NULL, "endpoint_region", "/data/endpoint");
    expect_refused(CLOUD(NONE ",\"control\":{\"endpoint\":\"https://example.com\"},\"data\":{}"),
                   NULL, "bad_endpoint", "/control/endpoint");
    expect_refused(CLOUD(NONE ",\"data\":{\"root_ca\":\"x\"}"), NULL, "bad_ca", "/data/root_ca");
    expect_refused(CLOUD(NONE ",\"control\":{\"endpoint\":\"https://example.com\"},\"rate\":0"),
                   NULL, "bad_body", "/rate");
    assert_int_equal(errors.count, 2);
}

static void a_cloud_moves_when_its_calls_go_elsewhere(void **state)
{
    (void)state;
    struct named_settings first = made(CLOUD(NONE), NULL);
    assert_false(moved);
    static const struct {
        const char *json;
        bool moved;
    } changes[] = {
        {CLOUD(NONE ",\"rate\":1"), false},
        {CLOUD(NONE ",\"control\":{}"), false},
        {CLOUD(NONE AT("https://localhost:8")), true},
        {"{\"provider\":\"aws\",\"region\":\"us-west-2\"," NONE "}", true},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct named_settings r = made(changes[i].json, &first);
        assert_true(moved == changes[i].moved);
        named_settings_dispose(&r);
    }
    named_settings_dispose(&first);
}

static void a_cloud_in_which_a_registration_lives_stays_where_it_is(void **state)
{
    (void)state;
    struct registration_record registration = {.id = "reg_1",
                                               .cloud = "prod",
                                               .thing = "t",
                                               .state = REGISTRATION_ACTIVE,
                                               .spec_json = (char *)"{}",
                                               .progress_json = (char *)"{}"};
    keep(CLOUD(NONE));
    assert_int_equal(store_registration_add(store, &registration, "K", 1), ERR_OK);
    expect(store_cloud_delete(store, "prod"), ERR_CONFLICT, "cloud_in_use");
    struct named_settings r = made(CLOUD(NONE), NULL);
    expect(store_cloud_put(store, &r, true), ERR_CONFLICT, "cloud_in_use");
    assert_int_equal(store_cloud_put(store, &r, false), ERR_OK);
    named_settings_dispose(&r);
    registration.state = REGISTRATION_UNDONE;
    assert_int_equal(store_registration_save(store, &registration), ERR_OK);
    assert_int_equal(store_cloud_delete(store, "prod"), ERR_OK);
    expect(store_cloud_delete(store, "prod"), ERR_NOT_FOUND, "cloud_not_found");
}

/* --- accounts --- */

static void an_account_is_shared_until_its_settings_change(void **state)
{
    (void)state;
    struct accounts *a;
    struct aws_account *one, *two, *three;
    struct cloud_view view;
    assert_int_equal(accounts_new(store, &a), ERR_OK);
    keep(CLOUD(KEYS(SECRET) ",\"data\":{\"mqtt_port\":443}"));
    assert_int_equal(accounts_take(a, "prod", &one, &view), ERR_OK);
    assert_string_equal(view.name, "prod");
    assert_string_equal(view.region, "us-east-2");
    assert_int_equal(view.keys_from, KEYS_FROM_REQUEST);
    assert_int_equal(view.mqtt_port, 443);
    assert_null(view.data_root_ca);
    cloud_view_dispose(&view);
    assert_int_equal(accounts_take(a, "prod", &two, &view), ERR_OK);
    cloud_view_dispose(&view);
    assert_ptr_equal(one, two);
    struct named_settings former;
    assert_int_equal(store_cloud_get(store, "prod", &former), ERR_OK);
    struct named_settings r = made(CLOUD(KEYS(SECRET) ",\"rate\":1"), &former);
    assert_int_equal(store_cloud_put(store, &r, false), ERR_OK);
    assert_int_equal(accounts_take(a, "prod", &three, &view), ERR_OK);
    cloud_view_dispose(&view);
    assert_ptr_not_equal(one, three);
    assert_string_equal(aws_account_region(one), "us-east-2"); /* whoever has it goes on with it */
    named_settings_dispose(&former);
    named_settings_dispose(&r);
    aws_account_unref(one);
    aws_account_unref(two);
    aws_account_unref(three);
    accounts_forget(a, "prod");
    accounts_forget(a, "gone");
    accounts_free(a);
}

static void without_keys_there_is_a_view_and_no_account(void **state)
{
    (void)state;
    struct accounts *a;
    struct aws_account *account;
    struct cloud_view view;
    assert_int_equal(accounts_new(store, &a), ERR_OK);
    expect(accounts_take(a, "prod", &account, &view), ERR_NOT_FOUND, "cloud_not_found");
    assert_null(account);
    keep(CLOUD(NONE));
    assert_int_equal(accounts_take(a, "prod", &account, &view), ERR_OK);
    assert_null(account);
    assert_int_equal(view.keys_from, KEYS_FROM_NONE);
    cloud_view_dispose(&view);
    keep(CLOUD(
        "\"keys\":{\"from\":\"credential_provider\",\"endpoint\":\"localhost:1\",\"role_alias\":"
        "\"r\",\"thing\":\"t\",\"credential\":\"cred_0\"}"));
    expect(accounts_take(a, "prod", &account, &view), ERR_NOT_FOUND, "credential_not_found");
    assert_null(account);
    accounts_free(a);
}

/* --- probes --- */

static void names_for_probes_are_legal_and_new_each_time(void **state)
{
    (void)state;
    struct probe_names a, b;
    probe_names_make("cn-north-1", "123456789012", &a);
    probe_names_make("cn-north-1", "123456789012", &b);
    assert_string_not_equal(a.thing, b.thing);
    assert_int_equal(strlen(a.id), 64);
    assert_int_equal(strncmp(a.arn, "arn:aws-cn:iot:cn-north-1:123456789012:cert/", 44), 0);
    assert_string_equal(a.arn + 44, a.id);
    assert_int_equal(strlen(a.thing), 6 + 12);
    assert_int_equal(strncmp(a.thing, "esp32-", 6), 0);
}

static void a_refusal_for_another_reason_is_a_permission(void **state)
{
    (void)state;
    assert_int_equal(probe_judge(ERR_OK), PROBE_ALLOWED);
    assert_int_equal(probe_judge(err_fail(ERR_NOT_FOUND, "aws_not_found", NULL, "x")),
                     PROBE_ALLOWED);
    assert_int_equal(probe_judge(err_fail(ERR_ARG, "aws_invalid", NULL, "x")), PROBE_ALLOWED);
    assert_int_equal(probe_judge(err_fail(ERR_CLOUD, "aws_permission", NULL, "x")), PROBE_DENIED);
    assert_int_equal(probe_judge(err_fail(ERR_BUSY, "aws_throttled", NULL, "x")), PROBE_UNKNOWN);
    assert_int_equal(probe_judge(err_fail(ERR_ARG, "bad_endpoint", NULL, "x")), PROBE_UNKNOWN);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_settings_are_read),
        cmocka_unit_test(what_is_not_said_is_usual),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(a_secret_stays_with_its_account_and_control_plane),
        cmocka_unit_test(an_address_that_cannot_be_right_has_its_own_code),
        cmocka_unit_test(a_cloud_moves_when_its_calls_go_elsewhere),
        WITH_STORE(a_cloud_in_which_a_registration_lives_stays_where_it_is),
        WITH_STORE(an_account_is_shared_until_its_settings_change),
        WITH_STORE(without_keys_there_is_a_view_and_no_account),
        cmocka_unit_test(names_for_probes_are_legal_and_new_each_time),
        cmocka_unit_test(a_refusal_for_another_reason_is_a_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
