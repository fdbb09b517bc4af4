// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "service/cloud/iot_endpoint.h"

static void regions_have_a_form(void **state)
{
    (void)state;
    const char *const yes[] = {"us-east-2",     "ap-southeast-2", "cn-north-1",
                               "us-gov-west-1", "mx-central-10",  "us-isob-east-1"};
    const char *const no[] = {"",
                              "us",
                              "us-east",
                              "us-east-",
                              "us--2",
                              "-us-east-2",
                              "US-EAST-2",
                              "us-east-2a",
                              "us-east-2-",
                              "us-east-123",
                              "usa-east-2",
                              "us-a-b-c-2",
                              "us-east-2.evil.example",
                              "us-east-2/",
                              "us east-2",
                              "us-eeeeeeeeeeeeeeeeeeeeeeeeeeeee-2"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(iot_region_is_valid(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (iot_region_is_valid(no[i])) fail_msg("\"%s\" passes", no[i]);
}

static void a_region_tells_partition_and_host(void **state)
{
    (void)state;
    const struct {
        const char *region, *partition, *host;
    } table[] = {
        {"us-east-2", "aws", "iot.us-east-2.amazonaws.com"},
        {"cn-north-1", "aws-cn", "iot.cn-north-1.amazonaws.com.cn"},
        {"us-gov-west-1", "aws-us-gov", "iot.us-gov-west-1.amazonaws.com"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char host[64];
        iot_control_host(table[i].region, host, sizeof host);
        assert_string_equal(host, table[i].host);
        assert_string_equal(iot_partition(table[i].region), table[i].partition);
        char url[80];
        snprintf(url, sizeof url, "https://%s", host);
        assert_int_equal(iot_control_url_check(url), ERR_OK);
    }
}

static void the_control_plane_is_aws_s_or_on_this_machine(void **state)
{
    (void)state;
    const char *const yes[] = {
        "https://iot.eu-central-1.amazonaws.com",
        "https://iot-fips.us-gov-west-1.amazonaws.com",
        "https://iot.us-east-2.amazonaws.com:443",
        "http://127.0.0.1:18811",
        "https://localhost:8443",
        "http://[::1]:80",
    };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_int_equal(iot_control_url_check(yes[i]), ERR_OK);
}

static void requests_are_signed_for_no_other_host(void **state)
{
    (void)state;
    const char *const no[] = {
        "",
        "iot.us-east-2.amazonaws.com",
        "http://iot.us-east-2.amazonaws.com",
        "ftp://iot.us-east-2.amazonaws.com",
        "https://example.com",
        "https://iot.us-east-2.amazonaws.com.evil.example",
        "https://iot.us-east-2.amazonaws.com.cn",
        "https://iot.cn-north-1.amazonaws.com",
        "https://evil.example/iot.us-east-2.amazonaws.com",
        "https://evil.example?.iot.us-east-2.amazonaws.com",
        "https://evil.example#.iot.us-east-2.amazonaws.com",
        "https://evil.example\\.iot.us-east-2.amazonaws.com",
        "https://user@iot.us-east-2.amazonaws.com",
        "https://iot.us-east-2.amazonaws.com@evil.example",
        "https://iot.us-east-2.amazonaws.com/path",
        "https://iot.us-east-2.amazonaws.com:0",
        "https://iot.us-east-2.amazonaws.com:99999",
        "https://eviliot.us-east-2.amazonaws.com",
        "https://evil.iot.us-east-2.amazonaws.com",
        "https://s3.us-east-2.amazonaws.com",
        "https://iot.amazonaws.com",
        "https://iot..amazonaws.com",
        "https://.amazonaws.com",
        "https://evilamazonaws.com",
        "https://localhost.evil.example",
        "https://127.0.0.1.evil.example",
        "http://localhost:80/path",
    };
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        enum err e = iot_control_url_check(no[i]);
        if (e != ERR_ARG || strcmp(err_last()->code, "bad_endpoint") != 0)
            fail_msg("\"%s\" passes", no[i]);
        assert_true(err_last()->hint[0]);
    }
}

static void a_data_endpoint_is_judged_by_its_name(void **state)
{
    (void)state;
    const struct {
        const char *host, *region, *code; /* "" = it is good */
    } table[] = {
        {"a1b2c3d4e5f6g7-ats.iot.us-east-2.amazonaws.com", "us-east-2", ""},
        {"a1b2c3d4e5f6g7-ats.iot.us-east-2.amazonaws.com", "", ""},
        {"A1B2C3-ATS.IOT.us-east-2.amazonaws.com", "us-east-2", ""},
        {"a1b2.ats.iot.cn-north-1.amazonaws.com.cn", "cn-north-1", ""},
        {"localhost", "us-east-2", ""},
        {"127.0.0.1", "us-east-2", ""},
        {"::1", "us-east-2", ""},
        {"a1b2.iot.us-east-2.amazonaws.com", "us-east-2", "endpoint_not_ats"},
        {"a1b2.iot.us-east-2.amazonaws.com", "", "endpoint_not_ats"},
        {"a1b2-ats.iot.us-east-2.amazonaws.com", "eu-west-1", "endpoint_region"},
        {"a1b2.iot.us-east-2.amazonaws.com", "eu-west-1", "endpoint_region"},
        {"-ats.iot.us-east-2.amazonaws.com", "us-east-2", "bad_endpoint"},
        {".iot.us-east-2.amazonaws.com", "us-east-2", "bad_endpoint"},
        {"iot.us-east-2.amazonaws.com", "us-east-2", "bad_endpoint"},
        {"a.b-ats.iot.us-east-2.amazonaws.com", "us-east-2", "bad_endpoint"},
        {"a1-ats.iot.us-east-2.amazonaws.com.cn", "us-east-2", "bad_endpoint"},
        {"a1-ats.iot.us-east-2.amazonaws.com.evil.example", "us-east-2", "bad_endpoint"},
        {"a1-ats.s3.us-east-2.amazonaws.com", "us-east-2", "bad_endpoint"},
        {"broker.example", "us-east-2", "bad_endpoint"},
        {"localhost/x", "us-east-2", "bad_endpoint"},
        {"localhost?x", "us-east-2", "bad_endpoint"},
        {"", "us-east-2", "bad_endpoint"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        enum err e = iot_data_endpoint_check(table[i].host, table[i].region);
        if (e != (table[i].code[0] ? ERR_ARG : ERR_OK)) fail_msg("%s: %d", table[i].host, e);
        if (e && strcmp(err_last()->code, table[i].code) != 0)
            fail_msg("%s: %s", table[i].host, err_last()->code);
    }
}

static void a_name_of_any_length_is_judged(void **state)
{
    (void)state;
    char host[2000];
    memset(host, 'a', sizeof host);
    for (size_t n = 1; n < sizeof host; n = 2 * n + 1) {
        host[n] = '\0';
        assert_int_equal(iot_data_endpoint_check(host, ""), ERR_ARG);
        host[n] = 'a';
    }
}

static void the_port_of_several_protocols_wants_a_name(void **state)
{
    (void)state;
    assert_string_equal(iot_mqtt_alpn(443), "x-amzn-mqtt-ca");
    assert_string_equal(iot_mqtt_alpn(8883), "");
}

static void keys_are_asked_for_at_a_credential_provider_only(void **state)
{
    (void)state;
    const char *const yes[] = {"c1a2.credentials.iot.us-east-2.amazonaws.com",
                               "c1a2.credentials.iot.cn-north-1.amazonaws.com.cn:443",
                               "localhost:8443", "127.0.0.1", "[::1]:1"};
    const char *const no[] = {"",
                              "example.com",
                              "iot.us-east-2.amazonaws.com",
                              "credentials.iot.us-east-2.amazonaws.com",
                              "c1.credentials.iot.us-east-2.amazonaws.com.evil.example",
                              "evil.example/.credentials.iot.us-east-2.amazonaws.com",
                              "evil.example?.credentials.iot.us-east-2.amazonaws.com",
                              "user@c1.credentials.iot.us-east-2.amazonaws.com",
                              "c1.credentials.iot.nowhere.amazonaws.com",
                              "localhost/x",
                              "https://localhost"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (iot_provider_check(yes[i])) fail_msg("\"%s\" does not pass", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (iot_provider_check(no[i]) != ERR_ARG) fail_msg("\"%s\" passes", no[i]);
        assert_string_equal(err_last()->code, "bad_endpoint");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_asked_for_at_a_credential_provider_only),
        cmocka_unit_test(regions_have_a_form),
        cmocka_unit_test(a_region_tells_partition_and_host),
        cmocka_unit_test(the_control_plane_is_aws_s_or_on_this_machine),
        cmocka_unit_test(requests_are_signed_for_no_other_host),
        cmocka_unit_test(a_data_endpoint_is_judged_by_its_name),
        cmocka_unit_test(a_name_of_any_length_is_judged),
        cmocka_unit_test(the_port_of_several_protocols_wants_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
