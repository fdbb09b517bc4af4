/* Which firmware answers. */
#include "tests/unit/at/fake.h"

#include "service/at/info.h"

static void versions_of_every_generation_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        struct at_info want;
    } cases[] = {
        {"AT version:2.0.0.0(e44648c - Nov  4 2019 02:18:57)\r\nSDK version:v3.3\r\n"
         "compile time(7cac7ad):Nov  4 2019 06:11:40\r\nBin version:2.0.0(WROOM-32)\r\n\r\nOK\r\n",
         {"2.0.0.0", "2.0.0", "WROOM-32", "v3.3", "esp32"}},
        {"AT version:2.4.0.0(4c6eb5e - ESP32 - May 20 2022 03:12:58)\r\n"
         "SDK version:qa-test-v4.3.3-20220423\r\ncompile time(5fe21d8):May 20 2022 11:13:42\r\n"
         "Bin version:2.4.0(WROOM-32)\r\n\r\nOK\r\n",
         {"2.4.0.0", "2.4.0", "WROOM-32", "qa-test-v4.3.3-20220423", "esp32"}},
        {"AT version:3.5.0.0-dev(s-33af283 - ESP32 - Mar 13 2025 10:44:34)\r\n"
         "SDK version:v5.4-dirty\r\ncompile time(4dac09c4):May 30 2025 12:05:59\r\n"
         "Bin version:v4.1.0.0-dev(WROOM-32)\r\n\r\nOK\r\n",
         {"3.5.0.0-dev", "v4.1.0.0-dev", "WROOM-32", "v5.4-dirty", "esp32"}},
        {"AT version:3.3.0.0(b0a43be - ESP32C3 - Jun 24 2024 03:12:58)\r\nSDK version:v5.0\r\n"
         "Bin version:v3.3.0.0(MINI-1)\r\n\r\nOK\r\n",
         {"3.3.0.0", "v3.3.0.0", "MINI-1", "v5.0", "esp32c3"}},
        {"WIFI GOT IP\r\nAT version:1.0.0.0(x)\r\nOK\r\n", {"1.0.0.0", "", "", "", ""}},
        {"AT version:9\r\nBin version:9(NEW-1\r\nOK\r\n", {"9", "9", "NEW-1", "", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake *f = fake_started();
        struct at_info got;
        fake_on(f, "AT+GMR", cases[i].answer);
        fake_is(at_info(f->client, &got), ERR_OK, "");
        assert_string_equal(got.at_version, cases[i].want.at_version);
        assert_string_equal(got.bin_version, cases[i].want.bin_version);
        assert_string_equal(got.module, cases[i].want.module);
        assert_string_equal(got.sdk_version, cases[i].want.sdk_version);
        assert_string_equal(got.chip, cases[i].want.chip);
        fake_end(f, NULL);
    }
}

static void overlong_versions_are_cut_not_overrun(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_info got;
    fake_on(f, "AT+GMR",
            "AT version:11111111111111111111111111111111111111111111111111111111111111111111111111"
            "(x - ESP32ABCDEFGHIJKLMNOPQRSTUVWXYZ - y)\r\n"
            "Bin version:2(22222222222222222222222222222222222222222222222222222222)\r\nOK\r\n");
    fake_is(at_info(f->client, &got), ERR_OK, "");
    assert_int_equal(strlen(got.at_version), sizeof got.at_version - 1);
    assert_int_equal(strlen(got.module), sizeof got.module - 1);
    assert_int_equal(strlen(got.chip), sizeof got.chip - 1);
    fake_end(f, NULL);
}

static void an_answer_without_a_version_is_not_esp_at(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    struct at_info got;
    fake_on(f, "AT+GMR", "SIM800 R14.18\r\n\r\nOK\r\n");
    fake_is(at_info(f->client, &got), ERR_PROTOCOL, "at_no_version");
    fake_on(f, "AT+GMR", "\r\nERROR\r\n");
    fake_is(at_info(f->client, &got), ERR_DEVICE, "at_error");
    fake_end(f, NULL);
}

static void the_mac_is_read_in_lower_case(void **state)
{
    (void)state;
    struct fake *f = fake_started();
    char mac[18];
    fake_on(f, "AT+CIPSTAMAC?", "+CIPSTAMAC:\"24:0A:c4:12:34:5F\"\r\n\r\nOK\r\n");
    fake_is(at_mac(f->client, mac), ERR_OK, "");
    assert_string_equal(mac, "24:0a:c4:12:34:5f");
    static const char *const bad[] = {"\r\nOK\r\n", "+CIPSTAMAC:\"24:0A:c4\"\r\n\r\nOK\r\n",
                                      "+CIPSTAMAC:\"24:0a:c4:12:34:5f:00\"\r\n\r\nOK\r\n"};
    for (size_t i = 0; i < 3; i++) {
        fake_on(f, "AT+CIPSTAMAC?", bad[i]);
        fake_is(at_mac(f->client, mac), ERR_PROTOCOL, "at_bad_answer");
        assert_string_equal(mac, "");
    }
    fake_end(f, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_of_every_generation_are_read),
        cmocka_unit_test(overlong_versions_are_cut_not_overrun),
        cmocka_unit_test(an_answer_without_a_version_is_not_esp_at),
        cmocka_unit_test(the_mac_is_read_in_lower_case),
    };
    return cmocka_run_group_tests_name("at/info", tests, NULL, NULL);
}
