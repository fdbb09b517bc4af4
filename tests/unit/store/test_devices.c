/* Devices: what a search finds, in any case and with any characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/store/clouds.h"
#include "service/store/registrations.h"
#include "tests/unit/store/fresh.h"

static void add_credential(const char *id, const char *fingerprint, const char *meta)
{
    struct credential_record r = {.certificate_pem = (char *)"CERT",
                                  .root_ca_pem = (char *)"ROOT",
                                  .meta_json = (char *)meta};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.fingerprint_sha256, sizeof r.fingerprint_sha256, "%s", fingerprint);
    snprintf(r.key_sha256, sizeof r.key_sha256, "k-%s", id);
    assert_int_equal(store_credential_add(store, &r, "KEY", 3, NULL), ERR_OK);
}

static void note(const char *mac, const char *slot, const char *credential, const char *fingerprint)
{
    struct device_entry e = {.at_ms = 1, .outcome = JOB_SUCCEEDED};
    snprintf(e.slot, sizeof e.slot, "%s", slot);
    snprintf(e.credential, sizeof e.credential, "%s", credential);
    snprintf(e.fingerprint_sha256, sizeof e.fingerprint_sha256, "%s", fingerprint);
    assert_int_equal(
        store_device_note(store, mac, "esp32c3", &e, *credential ? DEVICE_WRITTEN : DEVICE_KEEPS),
        ERR_OK);
}

static void register_thing(const char *thing, const char *credential)
{
    const struct named_settings cloud = {.name = "prod", .settings_json = (char *)"{}"};
    struct registration_record r = {
        .id = "reg_1", .cloud = "prod", .spec_json = (char *)"{}", .progress_json = (char *)"{}"};
    snprintf(r.thing, sizeof r.thing, "%s", thing);
    snprintf(r.credential, sizeof r.credential, "%s", credential);
    assert_int_equal(store_cloud_put(store, &cloud, false), ERR_OK);
    assert_int_equal(store_registration_add(store, &r, "", 0), ERR_OK);
}

/* The last digits of their MACs, one after the other. */
static void expect_found(const char *text, const char *digits)
{
    struct store_page page = {.limit = 10};
    struct device_record *list;
    char got[16] = "";
    size_t n;
    assert_int_equal(store_device_list(store, text, &page, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++)
        got[i] = list[i].mac[16];
    free(list);
    assert_string_equal(got, digits);
}

static void a_search_finds_by_all_that_names_a_board(void **state)
{
    static const struct {
        const char *text, *digits;
    } cases[] = {
        {"", "321"},
        {"24:0a:c4:00:00:01", "1"},
        {"240AC4000001", "1"},
        {"24-0A-C4-00-00-02", "2"},
        {"0:00:0", "321"},
        {"c40", "321"}, /* across a colon */
        {"c4:1", ""},
        {"ESP32C3", "321"},
        {"esp", "321"},
        {"cred_one", "1"},
        {"CRED_", "21"},
        {"red_one", ""}, /* an id is known by its beginning */
        {"52:00:F8", "1"},
        {"5200f8b8", "1"},
        {"00f8b8", ""},
        {"pump", "1"},
        {"PUMP-7", "1"},
        {"pump_7", ""},
        {"%", "2"},
        {"100%_\\", "2"},
        {"left", "31"},
        {"LEFT", "31"},
        {"line3-", "2"},
        {"Line3", "2"},
        {"'; DROP TABLE device; --", ""},
        {"\xc3\xbc", "2"},
        {":", ""},
        {"-", "21"}, /* in a name; without a digit it is no part of a MAC */
    };
    (void)state;
    add_credential("cred_one", "5200f8b87adac052", "{\"common_name\":\"Pump-7\"}");
    add_credential("cred_two", "ffffffff", "{\"common_name\":\"m\xc3\xbcller 100%_\\\\\"}");
    note("24:0a:c4:00:00:01", "left", "cred_one", "5200f8b87adac052");
    note("24:0a:c4:00:00:02", "right", "cred_two", "ffffffff");
    note("24:0a:c4:00:00:03", "Left.2", "", "");
    register_thing("LINE3-b", "cred_two");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_found(cases[i].text, cases[i].digits);
}

static void a_search_pages(void **state)
{
    struct store_page page = {.limit = 1};
    struct device_record *list;
    size_t n;
    (void)state;
    note("24:0a:c4:00:00:01", "left", "", "");
    note("24:0a:c4:00:00:02", "right", "", "");
    note("24:0a:c4:00:00:03", "left", "", "");
    assert_int_equal(store_device_list(store, "left", &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].mac, "24:0a:c4:00:00:03");
    free(list);
    memcpy(page.cursor, page.next, sizeof page.cursor);
    assert_int_equal(store_device_list(store, "left", &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].mac, "24:0a:c4:00:00:01");
    assert_string_equal(page.next, "");
    free(list);
}

static void a_device_says_what_its_last_entry_and_its_credential_say(void **state)
{
    struct device_record d;
    struct device_entry failed = {.at_ms = 2, .slot = "right", .outcome = JOB_FAILED};
    const char mac[] = "24:0a:c4:00:00:01";
    (void)state;
    add_credential("cred_one", "f", "{\"common_name\":\"pump-7\"}");
    note(mac, "left", "cred_one", "f");
    assert_int_equal(store_device_note(store, mac, "", &failed, DEVICE_KEEPS), ERR_OK);
    assert_int_equal(store_device_row(store, mac, &d), ERR_OK);
    assert_string_equal(d.common_name, "pump-7");
    assert_string_equal(d.slot, "right");
    assert_int_equal(d.outcome, JOB_FAILED);
    /* as long as the board holds it, also when espgate does not any more */
    assert_int_equal(store_credential_delete(store, "cred_one"), ERR_OK);
    assert_int_equal(store_device_row(store, mac, &d), ERR_OK);
    assert_string_equal(d.common_name, "pump-7");
    assert_int_equal(store_device_forget_credential(store, mac), ERR_OK);
    assert_int_equal(store_device_row(store, mac, &d), ERR_OK);
    assert_string_equal(d.common_name, "");
    expect(store_device_row(store, "24:0a:c4:00:00:02", &d), ERR_NOT_FOUND, "device_not_found");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_search_finds_by_all_that_names_a_board),
        TEST(a_search_pages),
        TEST(a_device_says_what_its_last_entry_and_its_credential_say),
    };
    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
