#include "tests/unit/pki/golden.h"

#include "service/pki/shipped.h"

static struct layout layout;

static enum err shipped(const char *module, const char *release, const char *chip)
{
    return shipped_layout(module, release, chip, &layout);
}

static void expect_table(const char *file, const char *what)
{
    char path[80];
    struct buf is;
    snprintf(path, sizeof path, "out/%s", file);
    struct buf want = golden_file("partition_table", path);
    buf_init(&is, PARTITION_TABLE_BYTES);
    assert_int_equal(partition_table_build(&layout.user, true, &is), ERR_OK);
    expect_same(&is, &want, what);
    buf_dispose(&is);
    buf_dispose(&want);
}

static bool has(const json_t *list, const char *text)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        size_t n = strcspn(json_string_value(item), "_");
        if (strlen(text) == n && !strncmp(text, json_string_value(item), n)) return true;
    }
    return false;
}

static void every_release_of_every_module_has_its_table(void **state)
{
    (void)state;
    json_error_t error;
    size_t i, k, tables = 0;
    json_t *row, *release;
    json_t *all = json_load_file("tests/data/partition_table/releases.json", 0, &error);
    json_array_foreach(all, i, row)
    {
        const char *module = text_of_member(row, "module");
        json_array_foreach(json_object_get(row, "releases"), k, release)
        {
            const char *name = json_string_value(release);
            if (shipped(module, name, "")) fail_msg("%s: %s", module, err_last()->detail);
            expect_table(text_of_member(row, "at_customize"), module);
            tables++;
        }
    }
    assert_int_equal(i, 50);
    assert_int_equal(tables, 225);
    json_decref(all);
}

static void a_release_that_a_module_never_had_is_refused(void **state)
{
    (void)state;
    static const char *const releases[] = {
        "v1.0.0.0", "v1.1.0.0", "v1.1.1.0", "v1.1.2.0", "v1.1.3.0", "v1.2.0.0", "v2.0.0.0",
        "v2.1.0.0", "v2.2.0.0", "v2.3.0.0", "v2.4.0.0", "v2.4.1.0", "v2.4.2.0", "v3.0.0.0",
        "v3.1.0.0", "v3.2.0.0", "v3.2.1.0", "v3.3.0.0", "v3.3.1.0", "v3.4.0.0", "v4.0.0.0",
        "v4.1.0.0", "v4.1.1.0", "v5.0.0.0", "v5.0.1.0", "master"};
    json_error_t error;
    size_t i, k;
    json_t *row, *other;
    json_t *all = json_load_file("tests/data/partition_table/releases.json", 0, &error);
    json_array_foreach(all, i, row)
    {
        const char *module = text_of_member(row, "module");
        for (size_t r = 0; r < sizeof releases / sizeof *releases; r++) {
            bool there = false;
            json_array_foreach(all, k, other)
            {
                if (!strcmp(text_of_member(other, "module"), module))
                    there = there || has(json_object_get(other, "releases"), releases[r]);
            }
            if ((shipped(module, releases[r], "") == ERR_OK) != there)
                fail_msg("%s %s", module, releases[r]);
        }
    }
    json_decref(all);
    static const char *const never[] = {"",           "v",          "3",      "v3.5.0.0",
                                        "v3.4.0.1",   "v3.4.0.0.0", "latest", "v3.4.0.0-dev",
                                        "v999.0.0.0", "-3.4.0.0"};
    for (i = 0; i < sizeof never / sizeof *never; i++) {
        assert_int_equal(shipped("WROOM-32", never[i], ""), ERR_ARG);
        assert_string_equal(err_last()->code, "release_unknown");
    }
    assert_non_null(strstr(err_last()->detail, "v1.0.0.0 to v1.1.2.0"));
    assert_non_null(strstr(err_last()->detail, "master"));
}

static void modules_go_by_the_names_that_people_use(void **state)
{
    (void)state;
    static const struct {
        const char *name, *release, *chip, *source;
    } cases[] = {
        {"WROOM-32", "v3.4.0.0", "", "ESP-AT v3.4.0.0 for WROOM-32"},
        {"esp32-wroom-32e", "3.4.0", "", "ESP-AT v3.4.0.0 for WROOM-32"},
        {"PICO-D4", "2.4", "", "ESP-AT v2.4.0.0 for WROOM-32"},
        {"ESP32-WROVER-IE", "2.4.2.0", "", "ESP-AT v2.4.2.0 for WROVER-32"},
        {"ESP32-C3-MINI-1", "v2.2.0.0_esp32c3", "", "ESP-AT v2.2.0.0 for ESP32C3-MINI-1"},
        {"esp32c3", "v4.1.1.0", "", "ESP-AT v4.1.1.0 for ESP32C3-MINI-1"},
        {"MINI-1", "v3.2.0.0", "esp32c3", "ESP-AT v3.2.0.0 for ESP32C3-MINI-1"},
        {"MINI-1", "v3.2.0.0", "esp32", "ESP-AT v3.2.0.0 for WROOM-32"},
        {"ESP32-MINI-1", "v3.2.0.0", "esp32c3", "ESP-AT v3.2.0.0 for WROOM-32"},
        {"MINI", "v4.1.0.0", "", "ESP-AT v4.1.0.0 for ESP32S2-MINI"},
        {"ESP32-C2-2MB", "v3.0.0.0", "", "ESP-AT v3.0.0.0 for ESP32C2-2MB"},
        {"ESP32C61-4MB", "v5.0.0.0", "", "ESP-AT v5.0.0.0 for ESP32C61-4MB"},
        {"ESP32D2WD", "v3.4.0.0", "", NULL},
        {"module_esp32c6_default", "master", "", "ESP-AT master for ESP32C6-4MB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err e = shipped(cases[i].name, cases[i].release, cases[i].chip);
        if (!cases[i].source) {
            assert_int_equal(e, ERR_ARG);
            continue;
        }
        if (e) fail_msg("%s: %s", cases[i].name, err_last()->detail);
        assert_string_equal(layout.source, cases[i].source);
    }
}

static void a_name_that_means_several_or_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *chip, *code;
    } cases[] = {
        {"MINI-1", "", "module_ambiguous"},    {"MINI-1", "esp32c6", "module_ambiguous"},
        {"SDIO", "", "module_ambiguous"},      {"4MB", "", "module_ambiguous"},
        {"ESP8266", "", "module_unknown"},     {"", "", "module_unknown"},
        {"ESP32C3-4MB", "", "module_unknown"}, {"ESP32C2", "", "module_unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(shipped(cases[i].name, "v3.4.0.0", cases[i].chip), ERR_ARG);
        assert_string_equal(err_last()->code, cases[i].code);
        assert_non_null(strstr(err_last()->detail, "ESP32C"));
    }
    assert_int_equal(shipped("ESP8266", "v3.4.0.0", ""), ERR_ARG);
    assert_non_null(strstr(err_last()->detail, "ESP32C61-4MB")); /* the list is whole */
}

static void ec_keys_fail_from_3_0_to_3_2(void **state)
{
    (void)state;
    static const char *const failing[] = {"v3.0.0.0", "3.1.0", "v3.2.0.0(WROOM-32)", "3.2.1"};
    static const char *const good[] = {"", "2.4.2", "v3.3.0.0", "v3.4.0.0", "4.1.1", "no version"};
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++)
        assert_non_null(shipped_key_trouble(failing[i], "P-256"));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_null(shipped_key_trouble(good[i], "P-256"));
    assert_null(shipped_key_trouble("v3.2.0.0", "RSA-2048"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_release_of_every_module_has_its_table),
        cmocka_unit_test(a_release_that_a_module_never_had_is_refused),
        cmocka_unit_test(modules_go_by_the_names_that_people_use),
        cmocka_unit_test(a_name_that_means_several_or_none_is_refused),
        cmocka_unit_test(ec_keys_fail_from_3_0_to_3_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
