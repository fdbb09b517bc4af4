/* Profiles: what is kept of them, what of them is shown, and what an order becomes with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/base/limits.h"
#include "service/jobs/command.h"
#include "service/jobs/profile.h"
#include "tests/unit/store/folder.h"

#define WIFI "\"wifi\":{\"ssid\":\"bench\",\"password\":\"12345678\"}"
#define MQTT                                                                                       \
    "\"mqtt\":{\"host\":\"b.example\",\"topic\":\"t/"                                              \
    "{mac}\",\"username\":\"u\",\"password\":\"p\"}"
#define LINE "{" WIFI "," MQTT ",\"check\":\"connect\",\"purge_key\":true,\"firmware\":\"fw_1\"}"

static struct folder folder;
static struct store *store;

static int setup(void **state)
{
    (void)state;
    if (folder_make(&folder)) return -1;
    return store_open(folder.path, &store) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(store);
    folder_remove(&folder);
    return 0;
}

static enum err make(const char *json, const struct named_settings *former,
                     struct named_settings *out, struct field_errors *errors)
{
    json_t *settings = json_loads(json, 0, NULL);
    assert_non_null(settings);
    errors->count = 0;
    enum err e = profile_make("line-3", settings, former, out, errors);
    json_decref(settings);
    return e;
}

static void keep(const char *json)
{
    struct named_settings r;
    struct field_errors errors;
    assert_int_equal(make(json, NULL, &r, &errors), ERR_OK);
    assert_int_equal(store_profile_put(store, &r), ERR_OK);
    named_settings_dispose(&r);
}

/* The order as it is stored, parsed. */
static void order(const char *json, struct command *c)
{
    struct buf text;
    struct field_errors errors;
    buf_init_secret(&text, LIMIT_UPLOAD_BODY);
    assert_int_equal(profile_apply(store, json, strlen(json), &text), ERR_OK);
    enum err e = command_parse(buf_str(&text), text.len, c, &errors);
    if (e) print_message("%s: %s\n", buf_str(&text), err_last()->detail);
    buf_dispose(&text);
    assert_int_equal(e, ERR_OK);
}

static void expect_fault(const char *json, const struct named_settings *former, const char *pointer)
{
    struct named_settings r;
    struct field_errors errors;
    enum err e = make(json, former, &r, &errors);
    if (e != ERR_ARG) print_message("%s\n", json);
    assert_int_equal(e, ERR_ARG);
    assert_string_equal(err_last()->code, "bad_body");
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].pointer, pointer);
    assert_null(r.settings_json);
}

static void an_order_has_what_its_profile_says(void **state)
{
    (void)state;
    struct command c;
    keep(LINE);
    order(
        "{\"kind\":\"provision\",\"slot\":\"a\",\"credential\":\"cred_1\",\"profile\":\"line-3\"}",
        &c);
    assert_string_equal(c.profile, "line-3");
    assert_string_equal(c.wifi.ssid, "bench");
    assert_string_equal(c.wifi.password, "12345678");
    assert_string_equal(c.mqtt.host, "b.example");
    assert_string_equal(c.mqtt.topic, "t/{mac}");
    assert_string_equal(c.mqtt.password, "p");
    assert_int_equal(c.level, LEVEL_CONNECT);
    assert_true(c.purge_key);
}

static void what_the_order_says_itself_comes_first(void **state)
{
    (void)state;
    struct command c;
    keep("{" WIFI "," MQTT ",\"check\":\"time\",\"purge_key\":true,"
         "\"target\":{\"kind\":\"client\",\"index\":1}}");
    order("{\"kind\":\"provision\",\"slot\":\"a\",\"credential\":\"cred_1\",\"profile\":\"line-3\","
          "\"check\":\"wifi\",\"purge_key\":false,\"target\":{\"kind\":\"https\"},"
          "\"mqtt\":{\"topic\":\"mine\",\"qos\":0},\"wifi\":{\"ssid\":\"bench\",\"keep\":true}}",
          &c);
    assert_int_equal(c.level, LEVEL_WIFI);
    assert_false(c.purge_key);
    assert_int_equal(c.target.kind, TARGET_HTTPS);
    assert_int_equal(c.target.index, 0);
    assert_string_equal(c.mqtt.topic, "mine");
    assert_int_equal(c.mqtt.qos, 0);
    assert_string_equal(c.mqtt.host, "b.example");
    assert_string_equal(c.mqtt.password, "p");
    assert_true(c.wifi.keep);
    assert_string_equal(c.wifi.password, "12345678");
}

static void each_kind_takes_what_it_can_use(void **state)
{
    (void)state;
    struct command c;
    keep("{" WIFI "," MQTT ",\"check\":\"connect\",\"purge_key\":true,\"firmware\":\"fw_1\","
         "\"method\":\"rom\",\"layout\":\"mfg_nvs\",\"host_check\":true,\"flash_bytes\":4194304}");
    order("{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"line-3\"}", &c);
    assert_int_equal(c.level, LEVEL_CONNECT);
    assert_false(c.host_check); /* there is no credential to check with */
    order("{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"line-3\",\"credential\":\"cred_1\","
          "\"level\":\"wifi\"}",
          &c);
    assert_int_equal(c.level, LEVEL_WIFI);
    assert_true(c.host_check);
    order("{\"kind\":\"write\",\"slot\":\"a\",\"credential\":\"cred_1\",\"profile\":\"line-3\"}",
          &c);
    assert_int_equal(c.method, METHOD_ROM);
    assert_int_equal(c.expected.kind, LAYOUT_MFG_NVS);
    assert_int_equal(c.flash_bytes, 4194304);
    assert_string_equal(c.firmware, "");
    order("{\"kind\":\"flash\",\"slot\":\"a\",\"profile\":\"line-3\"}", &c);
    assert_string_equal(c.firmware, "fw_1");
    order("{\"kind\":\"flash\",\"slot\":\"a\",\"profile\":\"line-3\","
          "\"images\":[{\"firmware\":\"fw_2\",\"offset\":0}]}",
          &c);
    assert_string_equal(c.firmware, "");
}

static void a_cloud_is_for_orders_that_bring_no_credential(void **state)
{
    (void)state;
    struct command c;
    keep("{" WIFI ",\"cloud\":{\"name\":\"prod\",\"thing\":\"t-{mac}\"},"
         "\"mqtt\":{\"client_id\":\"{thing}\"},\"check\":\"publish\",\"host_check\":true}");
    order("{\"kind\":\"provision\",\"slot\":\"a\",\"profile\":\"line-3\"}", &c);
    assert_string_equal(c.cloud->thing, "t-{mac}");
    assert_true(c.host_check);
    command_dispose(&c);
    order("{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"line-3\"}", &c);
    assert_string_equal(c.cloud->cloud, "prod");
    command_dispose(&c);
    order("{\"kind\":\"provision\",\"slot\":\"a\",\"profile\":\"line-3\","
          "\"cloud\":\"test\"}",
          &c);
    assert_string_equal(c.cloud->cloud, "test");
    assert_string_equal(c.cloud->thing, "esp32-{mac}");
    command_dispose(&c);
    order("{\"kind\":\"provision\",\"slot\":\"a\",\"profile\":\"line-3\","
          "\"credential\":\"cred_1\",\"mqtt\":{\"host\":\"h\",\"client_id\":\"me\"}}",
          &c);
    assert_null(c.cloud);
    keep("{" WIFI ",\"cloud\":{\"name\":\"prod\",\"certificate\":\"own\"}}");
    order("{\"kind\":\"provision\",\"slot\":\"a\",\"profile\":\"line-3\","
          "\"credential\":\"cred_1\"}",
          &c);
    assert_int_equal(c.cloud->way, WAY_OWN);
    command_dispose(&c);
    expect_fault("{\"cloud\":{\"name\":\"p\",\"thing\":\"a b\"}}", NULL, "/cloud/thing");
}

static void a_target_goes_with_a_credential_only(void **state)
{
    (void)state;
    struct command c;
    keep("{\"firmware\":\"fw_1\",\"target\":{\"kind\":\"server\"}}");
    order("{\"kind\":\"flash\",\"slot\":\"a\",\"profile\":\"line-3\"}", &c);
    assert_int_equal(c.target.kind, TARGET_MQTT);
    order("{\"kind\":\"flash\",\"slot\":\"a\",\"profile\":\"line-3\",\"credential\":\"cred_1\"}",
          &c);
    assert_int_equal(c.target.kind, TARGET_SERVER);
}

static void a_recipe_without_a_check_leaves_it_to_a_check_job(void **state)
{
    (void)state;
    struct command c;
    keep("{" WIFI "," MQTT ",\"check\":\"none\"}");
    order("{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"line-3\"}", &c);
    assert_int_equal(c.level, LEVEL_PUBLISH);
}

/* Else who may not see a password could have it sent to a place of his own. */
static void a_password_goes_nowhere_else(void **state)
{
    (void)state;
    struct command c;
    keep("{" WIFI "," MQTT "}");
    order("{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"line-3\","
          "\"wifi\":{\"ssid\":\"mine\"},\"mqtt\":{\"host\":\"evil.example\"}}",
          &c);
    assert_string_equal(c.wifi.ssid, "mine");
    assert_string_equal(c.wifi.password, "");
    assert_string_equal(c.mqtt.host, "evil.example");
    assert_string_equal(c.mqtt.username, "");
    assert_string_equal(c.mqtt.password, "");
    assert_string_equal(c.mqtt.topic, "t/{mac}");
    keep("{" WIFI ",\"mqtt\":{\"username\":\"u\"}}"); /* a name alone is no secret */
    order("{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"line-3\","
          "\"mqtt\":{\"host\":\"other.example\"}}",
          &c);
    assert_string_equal(c.mqtt.username, "u");
}

static void what_names_no_profile_comes_as_it_was(void **state)
{
    (void)state;
    struct command c;
    struct buf text;
    static const char *const odd[] = {
        "{\"kind\":\"check\",\"profile\":7}", "{\"kind\":\"check\",\"profile\":\"a b\"}",
        "{\"kind\":\"fly\",\"profile\":\"none\"}", "{\"kind\":\"reset\",\"profile\":\"none\"}",
        "{\"kind\":\"check\",\"wifi\":5}"};
    order("{\"kind\":\"reset\",\"slot\":\"a\"}", &c);
    assert_string_equal(c.profile, "");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        buf_init_secret(&text, LIMIT_UPLOAD_BODY);
        assert_int_equal(profile_apply(store, odd[i], strlen(odd[i]), &text), ERR_OK);
        assert_string_equal(buf_str(&text), odd[i]);
        buf_dispose(&text);
    }
}

static void a_profile_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct buf text;
    static const char json[] = "{\"kind\":\"check\",\"slot\":\"a\",\"profile\":\"other\"}";
    buf_init_secret(&text, LIMIT_UPLOAD_BODY);
    assert_int_equal(profile_apply(store, json, strlen(json), &text), ERR_NOT_FOUND);
    assert_string_equal(err_last()->code, "profile_not_found");
    assert_int_equal(profile_apply(store, json, 5, &text), ERR_ARG);
    assert_string_equal(err_last()->code, "bad_json");
    buf_dispose(&text);
}

static void settings_are_judged_as_orders_are(void **state)
{
    (void)state;
    static const struct {
        const char *json, *pointer;
    } bad[] = {
        {"{\"slot\":\"a\"}", "/slot"},
        {"{\"credential\":\"cred_1\"}", "/credential"},
        {"{\"profile\":\"other\"}", "/profile"},
        {"{\"images\":[]}", "/images"},
        {"{\"wifi\":{}}", "/wifi/ssid"},
        {"{\"wifi\":{\"ssid\":\"s\",\"password\":\"short\"}}", "/wifi/password"},
        {"{\"mqtt\":{\"topic\":\"#\"}}", "/mqtt/topic"},
        {"{\"mqtt\":{\"scheme\":9}}", "/mqtt/scheme"},
        {"{\"mqtt\":{\"password\":\"p\"}}", "/mqtt/host"},
        {"{\"time\":{\"zone\":15}}", "/time/zone"},
        {"{\"check\":\"all\"}", "/check"},
        {"{\"level\":\"wifi\"}", "/level"},
        {"{\"method\":\"jtag\"}", "/method"},
        {"{\"target\":{\"kind\":\"ca\"}}", "/target/kind"},
        {"{\"layout\":{\"module\":\"M\"}}", "/layout/release"},
        {"{\"firmware\":\"../x\"}", "/firmware"},
        {"{\"target\":{\"kind\":\"client\"},\"check\":\"publish\"}", "/check"},
        {"{\"wifi\":{\"ssid\":\"s\",\"password_set\":1}}", "/wifi/password_set"},
        {"{\"wifi\":{\"ssid\":\"s\",\"password_set\":true}}", "/wifi/password_set"},
        {"{\"time\":{\"password_set\":true}}", "/time/password_set"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_fault(bad[i].json, NULL, bad[i].pointer);
    keep("{}");
    keep("{\"target\":{\"kind\":\"client\"},\"mqtt\":{\"qos\":0}}");
}

static void what_is_shown_holds_no_password(void **state)
{
    (void)state;
    struct named_settings r;
    struct field_errors errors;
    assert_int_equal(make(LINE, NULL, &r, &errors), ERR_OK);
    json_t *shown = profile_to_json(&r);
    json_t *open = json_loads("{\"name\":\"line-3\",\"settings\":{"
                              "\"wifi\":{\"ssid\":\"bench\",\"password_set\":true},"
                              "\"mqtt\":{\"host\":\"b.example\",\"topic\":\"t/{mac}\","
                              "\"username\":\"u\",\"password_set\":true},\"check\":\"connect\","
                              "\"purge_key\":true,\"firmware\":\"fw_1\"}}",
                              0, NULL);
    json_object_set(open, "changed_at", json_object_get(shown, "changed_at"));
    assert_true(json_equal(shown, open));
    json_decref(shown);
    json_decref(open);
    named_settings_dispose(&r);
}

static void what_was_shown_can_be_sent_back(void **state)
{
    (void)state;
    struct named_settings first, second;
    struct field_errors errors;
    assert_int_equal(make(LINE, NULL, &first, &errors), ERR_OK);
    json_t *shown = profile_to_json(&first), *settings = json_object_get(shown, "settings");
    json_object_set_new(settings, "purge_key", json_false());
    assert_int_equal(profile_make("line-3", settings, &first, &second, &errors), ERR_OK);
    assert_non_null(strstr(second.settings_json, "\"password\":\"12345678\""));
    assert_non_null(strstr(second.settings_json, "\"password\":\"p\""));
    assert_null(strstr(second.settings_json, "password_set"));
    assert_true(second.changed_ms > first.changed_ms);
    json_decref(shown);
    named_settings_dispose(&second);
    expect_fault("{\"wifi\":{\"ssid\":\"mine\",\"password_set\":true}}", &first,
                 "/wifi/password_set");
    expect_fault("{\"mqtt\":{\"host\":\"evil.example\",\"password_set\":true}}", &first,
                 "/mqtt/password_set");
    expect_fault("{\"wifi\":{\"ssid\":\"bench\",\"password_set\":true,\"password\":\"12345678\"}}",
                 &first, "/wifi/password_set");
    named_settings_dispose(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_has_what_its_profile_says, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_order_says_itself_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(each_kind_takes_what_it_can_use, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cloud_is_for_orders_that_bring_no_credential, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_target_goes_with_a_credential_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_recipe_without_a_check_leaves_it_to_a_check_job, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_password_goes_nowhere_else, setup, teardown),
        cmocka_unit_test_setup_teardown(what_names_no_profile_comes_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_profile_that_is_not_there_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_are_judged_as_orders_are, setup, teardown),
        cmocka_unit_test(what_is_shown_holds_no_password),
        cmocka_unit_test(what_was_shown_can_be_sent_back),
    };
    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
