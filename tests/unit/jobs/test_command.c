#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/base/limits.h"
#include "service/firmware/guard.h"
#include "service/jobs/command.h"

#define WIFI      "\"wifi\":{\"ssid\":\"bench\",\"password\":\"12345678\"}"
#define MQTT      "\"mqtt\":{\"host\":\"broker.example\"}"
#define CRED      "\"credential\":\"cred_1\""
#define HEAD      "{\"slot\":\"a\",\"kind\":"
#define CHECK     HEAD "\"check\","
#define FLASH     HEAD "\"flash\","
#define FW        "\"firmware\":\"fw_1\""
#define ONE(item) FLASH "\"images\":[{" item "}]}"
#define READ      HEAD "\"read\","
#define ERASE     HEAD "\"erase\","
#define WRITE     HEAD "\"write\"," CRED ","
#define X10       "xxxxxxxxxx"
#define X64       X10 X10 X10 X10 X10 X10 "xxxx"
#define X128      X64 X64
#define X256      X128 X128

static enum err parse(const char *json, struct command *c, struct field_errors *errors)
{
    return command_parse(json, strlen(json), c, errors);
}

static void parse_good(const char *json, struct command *c)
{
    struct field_errors errors;
    enum err e = parse(json, c, &errors);
    if (e) print_message("%s: %s\n", json, err_last()->detail);
    assert_int_equal(e, ERR_OK);
    assert_int_equal(errors.count, 0);
}

static void provision_has_its_defaults(void **state)
{
    (void)state;
    struct command c;
    parse_good(HEAD "\"provision\"," CRED "," WIFI "," MQTT "}", &c);
    assert_int_equal(c.kind, COMMAND_PROVISION);
    assert_string_equal(c.slot, "a");
    assert_string_equal(c.credential, "cred_1");
    assert_int_equal(c.method, METHOD_AUTO);
    assert_int_equal(c.level, LEVEL_PUBLISH);
    assert_true(c.host_check);
    assert_string_equal(c.wifi.ssid, "bench");
    assert_string_equal(c.wifi.password, "12345678");
    assert_string_equal(c.time.server, "pool.ntp.org");
    assert_int_equal(c.time.zone, 0);
    assert_string_equal(c.mqtt.host, "broker.example");
    assert_int_equal(c.mqtt.port, 8883);
    assert_int_equal(c.mqtt.scheme, 5);
    assert_string_equal(c.mqtt.client_id, "espgate-{mac}");
    assert_string_equal(c.mqtt.topic, "espgate/{mac}/check");
    assert_int_equal(c.mqtt.qos, 1);
    assert_int_equal(c.mqtt.keepalive_s, 120);
    assert_int_equal(c.timeout_s, 300);
}

static void every_field_is_read(void **state)
{
    (void)state;
    struct command c;
    parse_good("{\"kind\":\"provision\",\"slot\":\"bench-1\",\"credential\":\"cred_2\","
               "\"method\":\"at\",\"check\":\"time\",\"host_check\":false,\"timeout\":5,"
               "\"wifi\":{\"ssid\":\"open\",\"password\":\"\"},"
               "\"time\":{\"server\":\"10.0.0.1\",\"zone\":-12},"
               "\"mqtt\":{\"host\":\"10.0.0.2\",\"port\":1,\"scheme\":4,\"client_id\":\"{slot}\","
               "\"topic\":\"t/{mac}\",\"qos\":0,\"alpn\":\"x-amzn-mqtt-ca\",\"sni\":\"s.example\","
               "\"keepalive\":0,\"username\":\"u\",\"password\":\"p\"}}",
               &c);
    assert_int_equal(c.method, METHOD_AT);
    assert_int_equal(c.level, LEVEL_TIME);
    assert_false(c.host_check);
    assert_int_equal(c.timeout_s, 5);
    assert_string_equal(c.wifi.password, "");
    assert_string_equal(c.time.server, "10.0.0.1");
    assert_int_equal(c.time.zone, -12);
    assert_int_equal(c.mqtt.port, 1);
    assert_int_equal(c.mqtt.scheme, 4);
    assert_string_equal(c.mqtt.client_id, "{slot}");
    assert_string_equal(c.mqtt.topic, "t/{mac}");
    assert_int_equal(c.mqtt.qos, 0);
    assert_string_equal(c.mqtt.alpn, "x-amzn-mqtt-ca");
    assert_string_equal(c.mqtt.sni, "s.example");
    assert_int_equal(c.mqtt.keepalive_s, 0);
    assert_string_equal(c.mqtt.username, "u");
    assert_string_equal(c.mqtt.password, "p");
}

static void plain_mqtt_has_its_own_port(void **state)
{
    (void)state;
    struct command c;
    parse_good(CHECK WIFI ",\"mqtt\":{\"host\":\"b\",\"scheme\":1}}", &c);
    assert_int_equal(c.mqtt.port, 1883);
    assert_int_equal(c.level, LEVEL_PUBLISH);
    assert_false(c.host_check); /* no credential */
}

static const struct {
    const char *json;
    enum command_kind kind;
} good[] = {
    {HEAD "\"identify\"}", COMMAND_IDENTIFY},
    {HEAD "\"identify\",\"method\":\"rom\"}", COMMAND_IDENTIFY},
    {HEAD "\"write\"," CRED "}", COMMAND_WRITE},
    {HEAD "\"reset\"}", COMMAND_RESET},
    {HEAD "\"at\",\"lines\":[\"AT\",\"AT+GMR\"]}", COMMAND_AT},
    {CHECK WIFI ",\"level\":\"wifi\"}", COMMAND_CHECK},
    {CHECK WIFI ",\"level\":\"time\"}", COMMAND_CHECK},
    {CHECK WIFI "," MQTT ",\"level\":\"connect\"}", COMMAND_CHECK},
    {CHECK WIFI "," MQTT "," CRED ",\"host_check\":true}", COMMAND_CHECK},
    {HEAD "\"provision\"," CRED ",\"check\":\"none\"}", COMMAND_PROVISION},
    {HEAD "\"provision\"," CRED ",\"check\":\"wifi\"," WIFI "}", COMMAND_PROVISION},
    {HEAD "\"provision\"," CRED ",\"check\":\"none\"," MQTT ",\"host_check\":true}",
     COMMAND_PROVISION},
    {CHECK MQTT ",\"wifi\":{\"ssid\":\"open\"}}", COMMAND_CHECK},
    {HEAD "\"write\"," CRED ",\"flash_bytes\":2097152}", COMMAND_WRITE},
    {FLASH FW "}", COMMAND_FLASH},
    {FLASH FW "," CRED "}", COMMAND_FLASH},
    {ONE(FW ",\"offset\":0"), COMMAND_FLASH},
    {ONE(FW ",\"partition\":\"ota_0\""), COMMAND_FLASH},
    {ONE("\"image\":\"img_1\",\"file\":\"mqtt_ca.bin\""), COMMAND_FLASH},
    {ONE("\"image\":\"img_1\",\"file\":\"mqtt_ca.bin\",\"offset\":\"0x3B000\""), COMMAND_FLASH},
    {READ "\"partition\":\"nvs\"}", COMMAND_READ},
    {READ "\"offset\":1,\"size\":1}", COMMAND_READ},
    {READ "\"whole\":true}", COMMAND_READ},
    {READ "\"whole\":false,\"partition\":\"nvs\"}", COMMAND_READ},
    {ERASE "\"offset\":\"0x9000\",\"size\":\"0x1000\",\"overwrite\":[\"nvs\"]}", COMMAND_ERASE},
    {ERASE "\"partition\":\"nvs\"}", COMMAND_ERASE},
    {ERASE "\"whole\":true}", COMMAND_ERASE},
    {CHECK MQTT ",\"wifi\":{\"ssid\":\"s\",\"password\":\"" X64 "\"}}", COMMAND_CHECK},
    {HEAD "\"restore\",\"backup\":\"bak_1\"}", COMMAND_RESTORE},
    {FLASH FW "," CRED ",\"target\":{\"kind\":\"server\"}}", COMMAND_FLASH},
    {HEAD "\"provision\"," CRED "," WIFI
          ",\"check\":\"wifi\",\"target\":{\"kind\":\"wpa2\",\"index\":0}}",
     COMMAND_PROVISION},
    {CHECK WIFI "," MQTT ",\"profile\":\"line-3\"}", COMMAND_CHECK},
};

static void each_kind_takes_its_own_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct command c;
        parse_good(good[i].json, &c);
        assert_int_equal(c.kind, good[i].kind);
    }
}

static void a_flash_of_a_firmware_has_its_defaults(void **state)
{
    (void)state;
    struct command c;
    parse_good(FLASH FW "}", &c);
    assert_string_equal(c.firmware, "fw_1");
    assert_string_equal(c.credential, "");
    assert_true(c.diff);
    assert_false(c.allow_unverified);
    assert_int_equal(c.overwrite, 0);
    assert_string_equal(c.header.mode, "keep");
    assert_string_equal(c.header.freq, "keep");
    assert_string_equal(c.header.size, "keep");
    assert_int_equal(c.flash_bytes, 0);
    assert_int_equal(c.image_count, 0);
}

static void every_field_of_a_flash_is_read(void **state)
{
    (void)state;
    struct command c;
    parse_good(FLASH "\"images\":[{\"firmware\":\"fw_1\",\"offset\":\"0x37000\"},"
                     "{\"firmware\":\"fw_2\",\"partition\":\"ota_0\"},"
                     "{\"image\":\"img_3\",\"file\":\"mqtt_ca.bin\"}],"
                     "\"overwrite\":[\"nvs\",\"bootloader\",\"partition_table\"],"
                     "\"diff\":false,\"allow_unverified\":true,\"flash_bytes\":\"0x200000\","
                     "\"header\":{\"mode\":\"dio\",\"freq\":\"40m\",\"size\":\"4MB\"}}",
               &c);
    assert_int_equal(c.image_count, 3);
    assert_string_equal(c.images[0].firmware, "fw_1");
    assert_true(c.images[0].placed);
    assert_int_equal(c.images[0].place.offset, 0x37000);
    assert_string_equal(c.images[1].place.partition, "ota_0");
    assert_true(c.images[1].placed);
    assert_string_equal(c.images[2].image, "img_3");
    assert_string_equal(c.images[2].file, "mqtt_ca.bin");
    assert_false(c.images[2].placed);
    assert_int_equal(c.overwrite, GUARD_BOOTLOADER | GUARD_TABLE | GUARD_NVS);
    assert_false(c.diff);
    assert_true(c.allow_unverified);
    assert_int_equal(c.flash_bytes, 0x200000);
    assert_string_equal(c.header.mode, "dio");
    assert_string_equal(c.header.freq, "40m");
    assert_string_equal(c.header.size, "4MB");
}

static void a_place_is_a_partition_a_range_or_all(void **state)
{
    (void)state;
    struct command c;
    parse_good(READ "\"partition\":\"mqtt_key\"}", &c);
    assert_string_equal(c.place.partition, "mqtt_key");
    parse_good(ERASE "\"offset\":\"0x9000\",\"size\":8192}", &c);
    assert_int_equal(c.place.offset, 0x9000);
    assert_int_equal(c.place.size, 0x2000);
    assert_false(c.whole);
    parse_good(READ "\"whole\":true}", &c);
    assert_true(c.whole);
}

static void time_fits_what_is_asked_for(void **state)
{
    (void)state;
    struct command c;
    parse_good(FLASH FW "}", &c);
    assert_int_equal(c.timeout_s, 900);
    parse_good(READ "\"partition\":\"nvs\"}", &c);
    assert_int_equal(c.timeout_s, 900);
    parse_good(READ "\"whole\":true}", &c);
    assert_int_equal(c.timeout_s, 3600);
    parse_good(READ "\"whole\":true,\"timeout\":60}", &c);
    assert_int_equal(c.timeout_s, 60);
}

static void host_check_is_the_default_where_there_is_a_broker_to_check(void **state)
{
    (void)state;
    struct command c;
    parse_good(CHECK WIFI "," MQTT "," CRED ",\"level\":\"connect\"}", &c);
    assert_true(c.host_check);
    parse_good(CHECK WIFI "," MQTT "," CRED ",\"level\":\"time\"}", &c);
    assert_false(c.host_check);
    parse_good(CHECK WIFI "," MQTT "}", &c);
    assert_false(c.host_check);
    parse_good(HEAD "\"provision\"," CRED ",\"check\":\"none\"}", &c);
    assert_int_equal(c.level, LEVEL_NONE);
    assert_false(c.host_check);
}

static void the_credential_of_the_board_that_is_meant_is_read(void **state)
{
    (void)state;
    struct command c;
    parse_good(WRITE "\"target\":{\"kind\":\"client\",\"index\":1},\"layout\":\"mfg_nvs\","
                     "\"purge_key\":true,\"profile\":\"line-3\"}",
               &c);
    assert_int_equal(c.target.kind, TARGET_CLIENT);
    assert_int_equal(c.target.index, 1);
    assert_int_equal(c.expected.kind, LAYOUT_MFG_NVS);
    assert_string_equal(c.expected.module, "");
    assert_true(c.purge_key);
    assert_string_equal(c.profile, "line-3");
    parse_good(WRITE "\"layout\":{\"module\":\"MINI-1\",\"release\":\"v3.4.0.0\"}}", &c);
    assert_int_equal(c.expected.kind, LAYOUT_NONE);
    assert_string_equal(c.expected.module, "MINI-1");
    assert_string_equal(c.expected.release, "v3.4.0.0");
    assert_int_equal(c.target.kind, TARGET_MQTT);
    assert_int_equal(c.target.index, 0);
    assert_false(c.purge_key);
}

static void what_is_restored_is_a_backup(void **state)
{
    (void)state;
    struct command c;
    parse_good(HEAD "\"restore\",\"backup\":\"bak_1\",\"flash_bytes\":\"0x400000\"}", &c);
    assert_int_equal(c.kind, COMMAND_RESTORE);
    assert_string_equal(c.backup, "bak_1");
    assert_int_equal(c.flash_bytes, 0x400000);
}

static void the_network_is_forgotten_unless_it_is_to_be_kept(void **state)
{
    (void)state;
    struct command c;
    parse_good(CHECK WIFI "," MQTT "}", &c);
    assert_false(c.wifi.keep);
    parse_good(CHECK MQTT ",\"wifi\":{\"ssid\":\"bench\",\"keep\":true}}", &c);
    assert_true(c.wifi.keep);
}

static void lines_are_kept_in_order(void **state)
{
    (void)state;
    struct command c;
    parse_good(HEAD "\"at\",\"lines\":[\"AT\",\"AT+CWJAP=\\\"a\\\",\\\"b\\\"\"]}", &c);
    assert_int_equal(c.at_line_count, 2);
    assert_string_equal(c.at_lines[0], "AT");
    assert_string_equal(c.at_lines[1], "AT+CWJAP=\"a\",\"b\"");
    assert_int_equal(c.level, LEVEL_NONE);
}

#define MQTT_WITH(more) CHECK WIFI ",\"mqtt\":{\"host\":\"b\"," more "}}"
#define MQTT_HOST(host) CHECK WIFI ",\"mqtt\":{\"host\":\"" host "\"}}"
#define WIFI_WITH(ssid, password)                                                                  \
    CHECK MQTT ",\"wifi\":{\"ssid\":\"" ssid "\",\"password\":\"" password "\"}}"

static const struct {
    const char *json, *pointer, *detail;
} bad[] = {
    {"{\"slot\":\"a\"}", "/kind",
     "identify, write, check, reset, at, provision, flash, read, erase"},
    {"{\"slot\":\"a\",\"kind\":\"flsh\"}", "/kind",
     "identify, write, check, reset, at, provision, flash, read, erase"},
    {"{\"slot\":\"a\",\"kind\":7}", "/kind", "must be one of"},
    {"{\"kind\":\"reset\"}", "/slot", "is required"},
    {"{\"kind\":\"reset\",\"slot\":\"\"}", "/slot", "1 to 63 bytes"},
    {"{\"kind\":\"reset\",\"slot\":\"" X64 "\"}", "/slot", "1 to 63 bytes"},
    {"{\"kind\":\"reset\",\"slot\":\"a\\nb\"}", "/slot", "control characters"},
    {HEAD "\"reset\",\"timeout\":4}", "/timeout", "from 5 to 3600"},
    {HEAD "\"reset\",\"timeout\":3601}", "/timeout", "from 5 to 3600"},
    {HEAD "\"reset\",\"credential\":\"cred_1\"}", "/credential", "not a known field"},
    {HEAD "\"reset\",\"profile\":\"p\"}", "/profile", "not a known field"},
    {HEAD "\"identify\",\"method\":\"jtag\"}", "/method", "auto, rom, at"},
    {HEAD "\"identify\"," WIFI "}", "/wifi", "not a known field"},
    {HEAD "\"write\"}", "/credential", "is required"},
    {HEAD "\"write\",\"credential\":\"a b\"}", "/credential", "not the id"},
    {HEAD "\"write\"," CRED ",\"level\":\"wifi\"}", "/level", "not a known field"},
    {HEAD "\"provision\"," WIFI "," MQTT "}", "/credential", "is required"},
    {HEAD "\"provision\"," CRED "," MQTT "}", "/wifi", "is required for a check"},
    {HEAD "\"provision\"," CRED "," WIFI "}", "/mqtt/host", "is required for a check"},
    {HEAD "\"provision\"," CRED ",\"check\":\"none\",\"host_check\":true}", "/mqtt/host",
     "host's own check"},
    {HEAD "\"provision\"," CRED ",\"check\":\"none\",\"level\":\"none\"}", "/level",
     "not a known field"},
    {HEAD "\"provision\"," CRED ",\"check\":\"none\",\"lines\":[\"AT\"]}", "/lines",
     "not a known field"},
    {CHECK WIFI "," MQTT ",\"level\":\"none\"}", "/level", "wifi, time, connect, publish"},
    {CHECK WIFI "," MQTT ",\"check\":\"wifi\"}", "/check", "not a known field"},
    {CHECK MQTT "}", "/wifi", "is required for a check of level \"publish\""},
    {CHECK WIFI "}", "/mqtt/host", "is required for a check of level \"publish\""},
    {CHECK WIFI ",\"mqtt\":{}}", "/mqtt/host", "is required"},
    {CHECK WIFI ",\"mqtt\":5}", "/mqtt", "must be an object"},
    {CHECK MQTT ",\"wifi\":\"bench\"}", "/wifi", "must be an object"},
    {CHECK WIFI "," MQTT ",\"host_check\":true}", "/credential", "host's own check"},
    {CHECK WIFI ",\"mqtt\":{\"host\":\"b\",\"scheme\":1},\"host_check\":true}", "/credential",
     "host's own check"},
    {CHECK WIFI "," MQTT ",\"host_check\":1}", "/host_check", "true or false"},
    {WIFI_WITH("", "12345678"), "/wifi/ssid", "1 to 32 bytes"},
    {WIFI_WITH("123456789012345678901234567890123", "12345678"), "/wifi/ssid", "1 to 32 bytes"},
    {WIFI_WITH("s", "1234567"), "/wifi/password", "8 to 64 bytes"},
    {WIFI_WITH("s", X64 "x"), "/wifi/password", "0 to 64 bytes"},
    {WIFI_WITH("s", "1234\\r\\n5678"), "/wifi/password", "control characters"},
    {CHECK MQTT ",\"wifi\":{\"password\":\"12345678\"}}", "/wifi/ssid", "is required"},
    {CHECK WIFI "," MQTT ",\"time\":{\"zone\":15}}", "/time/zone", "from -12 to 14"},
    {CHECK WIFI "," MQTT ",\"time\":{\"zone\":-13}}", "/time/zone", "from -12 to 14"},
    {CHECK WIFI "," MQTT ",\"time\":{\"server\":\"a b\"}}", "/time/server", "letters, digits"},
    {MQTT_HOST("mqtts://b.example"), "/mqtt/host", "letters, digits"},
    {MQTT_HOST("b.example:8883"), "/mqtt/host", "letters, digits"},
    {MQTT_HOST("b_1.example"), "/mqtt/host", "letters, digits"},
    {MQTT_HOST("::1"), "/mqtt/host", "letters, digits"},
    {MQTT_HOST("b\\u00fc.example"), "/mqtt/host", "letters, digits"},
    {MQTT_HOST("300.1.2.3"), "/mqtt/host", "IPv4"},
    {MQTT_HOST("1.2.3"), "/mqtt/host", "IPv4"},
    {MQTT_HOST("a..b"), "/mqtt/host", "host name"},
    {MQTT_HOST("-a.b"), "/mqtt/host", "host name"},
    {MQTT_HOST("a.b."), "/mqtt/host", "host name"},
    {MQTT_HOST(X64 ".b"), "/mqtt/host", "host name"},
    {MQTT_HOST(""), "/mqtt/host", "1 to 253 bytes"},
    {MQTT_WITH("\"port\":0"), "/mqtt/port", "from 1 to 65535"},
    {MQTT_WITH("\"port\":65536"), "/mqtt/port", "from 1 to 65535"},
    {MQTT_WITH("\"scheme\":0"), "/mqtt/scheme", "from 1 to 5"},
    {MQTT_WITH("\"scheme\":6"), "/mqtt/scheme", "from 1 to 5"},
    {MQTT_WITH("\"qos\":2"), "/mqtt/qos", "from 0 to 1"},
    {MQTT_WITH("\"keepalive\":4"), "/mqtt/keepalive", "0 or from 5"},
    {MQTT_WITH("\"keepalive\":7201"), "/mqtt/keepalive", "to 7200"},
    {MQTT_WITH("\"client_id\":\"\""), "/mqtt/client_id", "1 to 256 bytes"},
    {MQTT_WITH("\"client_id\":\"" X256 "x\""), "/mqtt/client_id", "1 to 256 bytes"},
    {MQTT_WITH("\"client_id\":\"" X128 X64 X10 X10 X10 X10 X10 "xxxxxxxx{mac}\""),
     "/mqtt/client_id", "when filled in"},
    {MQTT_WITH("\"topic\":\"" X128 "x\""), "/mqtt/topic", "1 to 128 bytes"},
    {MQTT_WITH("\"topic\":\"" X64 X10 X10 X10 X10 X10 "xxxxx{mac}\""), "/mqtt/topic",
     "when filled in"},
    {MQTT_WITH("\"topic\":\"a/#\""), "/mqtt/topic", "wildcards"},
    {MQTT_WITH("\"topic\":\"a/+/b\""), "/mqtt/topic", "wildcards"},
    {MQTT_WITH("\"username\":\"" X64 "x\""), "/mqtt/username", "0 to 64 bytes"},
    {MQTT_WITH("\"password\":\"" X64 "x\""), "/mqtt/password", "0 to 64 bytes"},
    {MQTT_WITH("\"alpn\":\"" X64 "x\""), "/mqtt/alpn", "0 to 64 bytes"},
    {MQTT_WITH("\"sni\":\"a b\""), "/mqtt/sni", "letters, digits"},
    {MQTT_WITH("\"clientid\":\"a\""), "/mqtt/clientid", "not a known field"},
    {FLASH "\"diff\":true}", "/firmware", "is required, or \"images\""},
    {FLASH FW ",\"images\":[{" FW ",\"offset\":0}]}", "/images", "excludes \"firmware\""},
    {FLASH "\"firmware\":\"a b\"}", "/firmware", "not the id of a firmware"},
    {FLASH FW ",\"method\":\"rom\"}", "/method", "not a known field"},
    {FLASH FW ",\"whole\":true}", "/whole", "not a known field"},
    {FLASH FW ",\"overwrite\":[\"nvs\",\"app\"]}", "/overwrite/1",
     "bootloader, partition_table, nvs"},
    {FLASH FW ",\"overwrite\":\"nvs\"}", "/overwrite", "list of 0 to 3"},
    {FLASH FW ",\"header\":{\"mode\":\"fast\"}}", "/header/mode", "keep, qio, qout, dio, dout"},
    {FLASH FW ",\"header\":{\"speed\":\"40m\"}}", "/header/speed", "not a known field"},
    {FLASH FW ",\"flash_bytes\":4096}", "/flash_bytes", "from 65536 to 268435456"},
    {FLASH FW ",\"flash_bytes\":\"4MB\"}", "/flash_bytes", "0x"},
    {FLASH "\"images\":[]}", "/images", "list of 1 to 16"},
    {FLASH CRED ",\"images\":[{" FW ",\"offset\":0}]}", "/credential", "\"firmware\" only"},
    {FLASH "\"images\":[7]}", "/images/0", "must be an object"},
    {ONE(""), "/images/0", "either \"firmware\" or \"image\""},
    {ONE(FW), "/images/0/offset", "is required, or \"partition\""},
    {ONE(FW ",\"offset\":4095"), "/images/0/offset", "multiple of 4096"},
    {ONE(FW ",\"offset\":\"4096\""), "/images/0/offset", "0x"},
    {ONE(FW ",\"offset\":\"0x100000000\""), "/images/0/offset", "0x"},
    {ONE(FW ",\"offset\":0,\"partition\":\"nvs\""), "/images/0/partition", "excludes \"offset\""},
    {ONE(FW ",\"offset\":0,\"size\":1"), "/images/0/size", "not a known field"},
    {ONE(FW ",\"offset\":0,\"file\":\"a\""), "/images/0/file", "goes with \"image\""},
    {ONE(FW ",\"image\":\"img_1\",\"file\":\"a\",\"offset\":0"), "/images/0", "either"},
    {ONE("\"image\":\"img_1\""), "/images/0/file", "is required"},
    {ONE("\"image\":\"../x\",\"file\":\"a\""), "/images/0/image", "not the id of an image set"},
    {ONE("\"firmware\":\"../x\",\"offset\":0"), "/images/0/firmware", "not the id of a firmware"},
    {ONE(FW ",\"partition\":\"seventeen_letters\""), "/images/0/partition", "1 to 16 bytes"},
    {HEAD "\"read\"}", "", "must have one of"},
    {READ "\"whole\":true,\"partition\":\"nvs\"}", "", "must have one of"},
    {READ "\"whole\":true,\"offset\":0,\"size\":1}", "", "must have one of"},
    {READ "\"offset\":0}", "/size", "is required with \"offset\""},
    {READ "\"size\":1}", "/offset", "is required with \"size\""},
    {READ "\"offset\":0,\"size\":0}", "/size", "from 1"},
    {READ "\"whole\":true,\"overwrite\":[]}", "/overwrite", "not a known field"},
    {ERASE "\"offset\":1,\"size\":4096}", "/offset", "multiple of 4096"},
    {ERASE "\"offset\":0,\"size\":1}", "/size", "multiple of 4096"},
    {ERASE "\"whole\":false}", "", "must have one of"},
    {ERASE "\"partition\":\"nvs\"," FW "}", "/firmware", "not a known field"},
    {HEAD "\"at\"}", "/lines", "is required"},
    {CHECK WIFI ",\"mqtt\":{\"host\":\"b\",\"client_id\":\"dev-{Mac}\"}}", "/mqtt/client_id",
     "{mac} and {slot}"},
    {CHECK WIFI ",\"mqtt\":{\"host\":\"b\",\"topic\":\"t/{\"}}", "/mqtt/topic", "{mac} and {slot}"},
    {WRITE "\"target\":\"client\"}", "/target", "must be an object"},
    {WRITE "\"target\":{}}", "/target/kind", "is required"},
    {WRITE "\"target\":{\"kind\":\"ca\"}}", "/target/kind",
     "mqtt, client, server, wpa2, https, wss"},
    {WRITE "\"target\":{\"kind\":\"client\",\"index\":2}}", "/target/index", "from 0 to 1"},
    {WRITE "\"target\":{\"kind\":\"server\",\"index\":1}}", "/target/index", "of kind server"},
    {WRITE "\"target\":{\"kind\":\"wss\",\"name\":\"x\"}}", "/target/name", "not a known field"},
    {FLASH FW ",\"target\":{\"kind\":\"mqtt\"}}", "/target", "goes with \"credential\""},
    {CHECK WIFI "," MQTT ",\"target\":{\"kind\":\"mqtt\"}}", "/target", "not a known field"},
    {HEAD "\"provision\"," CRED "," WIFI "," MQTT ",\"target\":{\"kind\":\"client\"}}", "/check",
     "none, wifi or time"},
    {WRITE "\"layout\":\"none\"}", "/layout", "partitions, mfg_nvs"},
    {WRITE "\"layout\":\"esp32-v2\"}", "/layout", "partitions, mfg_nvs"},
    {WRITE "\"layout\":7}", "/layout", "partitions, mfg_nvs"},
    {WRITE "\"layout\":\"\"}", "/layout", "partitions, mfg_nvs"},
    {WRITE "\"layout\":{\"module\":\"MINI-1\"}}", "/layout/release", "is required"},
    {WRITE "\"layout\":{\"module\":\"\",\"release\":\"3.4\"}}", "/layout/module", "1 to 47 bytes"},
    {WRITE "\"layout\":{\"module\":\"WROOM-99\",\"release\":\"v2.4.0.0\"}}", "/layout/module",
     "no module that is known"},
    {WRITE "\"layout\":{\"module\":\"WROOM-32\",\"release\":\"v9.0.0.0\"}}", "/layout/release",
     "no release of ESP-AT for WROOM-32"},
    {WRITE "\"layout\":{\"module\":\"WROOM-32\",\"release\":\"3.4\",\"chip\":\"esp32\"}}",
     "/layout/chip", "not a known field"},
    {WRITE "\"purge_key\":\"yes\"}", "/purge_key", "true or false"},
    {WRITE "\"profile\":\"a b\"}", "/profile", "not the id of a profile"},
    {WRITE "\"profile\":\"" X64 "\"}", "/profile", "1 to 63 bytes"},
    {HEAD "\"restore\"}", "/backup", "is required"},
    {HEAD "\"restore\",\"backup\":\"../x\"}", "/backup", "not the id of a backup"},
    {HEAD "\"restore\",\"backup\":\"b\",\"partition\":\"nvs\"}", "/partition", "not a known field"},
    {CHECK MQTT ",\"wifi\":{\"ssid\":\"s\",\"keep\":1}}", "/wifi/keep", "true or false"},
    {HEAD "\"provision\"," WIFI ",\"cloud\":7}", "/cloud", "the name of a cloud, or an object"},
    {HEAD "\"provision\"," WIFI ",\"cloud\":{}}", "/cloud/name", "is required"},
    {HEAD "\"provision\"," WIFI "," CRED ",\"cloud\":\"p\"}", "/credential",
     "\"certificate\":\"own\""},
    {HEAD "\"provision\"," WIFI ",\"cloud\":{\"name\":\"p\",\"certificate\":\"own\"}}",
     "/credential", "is required"},
    {HEAD "\"provision\"," WIFI ",\"cloud\":\"p\",\"mqtt\":{\"topic\":\"{serial}\"}}",
     "/mqtt/topic", "and {thing}"},
    {CHECK WIFI "," MQTT ",\"cloud\":{\"name\":\"p\"}}", "/cloud", "registers nothing"},
    {CHECK WIFI ",\"mqtt\":{\"host\":\"h\",\"client_id\":\"{thing}\"}}", "/mqtt/client_id",
     "with a \"cloud\""},
    {WRITE "\"cloud\":\"p\"}", "/cloud", "not a known field"},
    {"{\"slot\":\"row 1\",\"kind\":\"provision\"," WIFI
     ",\"cloud\":{\"name\":\"p\",\"thing\":\"{slot}\"}}",
     "/cloud", "for a thing"},
    {HEAD "\"at\",\"lines\":[]}", "/lines", "list of 1 to 32"},
    {HEAD "\"at\",\"lines\":\"AT\"}", "/lines", "list of 1 to 32"},
    {HEAD "\"at\",\"lines\":[\"AT\",7]}", "/lines/1", "1 to 254 bytes"},
    {HEAD "\"at\",\"lines\":[\"\"]}", "/lines/0", "1 to 254 bytes"},
    {HEAD "\"at\",\"lines\":[\"AT\\r\\nAT+RST\"]}", "/lines/0", "CR or LF"},
    {HEAD "\"at\",\"lines\":[\"" X256 "\"]}", "/lines/0", "1 to 254 bytes"},
    {HEAD "\"at\",\"lines\":[\"AT\"],\"method\":\"at\"}", "/method", "not a known field"},
};

static void each_bad_body_names_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct command c;
        struct field_errors errors;
        enum err e = parse(bad[i].json, &c, &errors);
        if (e != ERR_ARG || errors.count != 1) {
            print_message("%s\n", bad[i].json);
            for (size_t k = 0; k < errors.count; k++)
                print_message("  %s %s\n", errors.items[k].pointer, errors.items[k].detail);
        }
        assert_int_equal(e, ERR_ARG);
        assert_string_equal(err_last()->code, "bad_body");
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.items[0].pointer, bad[i].pointer);
        if (!strstr(errors.items[0].detail, bad[i].detail))
            fail_msg("%s: %s", bad[i].json, errors.items[0].detail);
    }
}

static void all_faults_of_a_body_are_told(void **state)
{
    (void)state;
    struct command c;
    struct field_errors errors;
    assert_int_equal(parse("{\"kind\":\"provision\",\"slot\":\"\",\"methd\":\"rom\","
                           "\"mqtt\":{\"host\":\"a b\",\"qos\":3}}",
                           &c, &errors),
                     ERR_ARG);
    assert_int_equal(errors.count, 6); /* slot, credential, methd, host, qos, wifi */
}

static void broken_json_is_no_field_error(void **state)
{
    (void)state;
    struct command c;
    struct field_errors errors;
    assert_int_equal(parse("{\"kind\":", &c, &errors), ERR_ARG);
    assert_string_equal(err_last()->code, "bad_json");
    assert_int_equal(errors.count, 0);
}

static void thirty_two_lines_are_the_most(void **state)
{
    (void)state;
    char json[512] = HEAD "\"at\",\"lines\":[\"AT\"";
    struct command c;
    struct field_errors errors;
    for (int i = 1; i < 32; i++)
        strncat(json, ",\"AT\"", sizeof json - strlen(json) - 1);
    size_t n = strlen(json);
    snprintf(json + n, sizeof json - n, "]}");
    parse_good(json, &c);
    assert_int_equal(c.at_line_count, 32);
    snprintf(json + n, sizeof json - n, ",\"AT\"]}");
    assert_int_equal(parse(json, &c, &errors), ERR_ARG);
}

static void a_refused_command_keeps_no_password(void **state)
{
    (void)state;
    struct command c, zero;
    struct field_errors errors;
    memset(&zero, 0, sizeof zero);
    assert_int_equal(parse(CHECK WIFI "}", &c, &errors), ERR_ARG);
    assert_memory_equal(&c, &zero, sizeof c);
    parse_good(CHECK WIFI "," MQTT "}", &c);
    command_dispose(&c);
    assert_memory_equal(&c, &zero, sizeof c);
}

#define CLOUD HEAD "\"provision\"," WIFI ",\"cloud\":"

static void a_cloud_makes_the_credential_and_knows_the_broker(void **state)
{
    (void)state;
    struct command c;
    parse_good(CLOUD "\"prod\"}", &c);
    assert_non_null(c.cloud);
    assert_string_equal(c.cloud->cloud, "prod");
    assert_string_equal(c.cloud->thing, "esp32-{mac}");
    assert_string_equal(c.credential, "");
    assert_string_equal(c.mqtt.host, "");
    assert_false(c.mqtt.port_said);
    assert_string_equal(c.mqtt.client_id, "{thing}");
    assert_string_equal(c.mqtt.topic, "{thing}/check");
    assert_int_equal(c.level, LEVEL_PUBLISH);
    assert_true(c.host_check);
    command_dispose(&c);
    parse_good(CLOUD "{\"name\":\"prod\",\"thing\":\"t-{slot}\"},"
                     "\"mqtt\":{\"port\":443,\"client_id\":\"{thing}-{mac}\"}}",
               &c);
    assert_true(c.mqtt.port_said);
    assert_string_equal(c.mqtt.client_id, "{thing}-{mac}");
    assert_string_equal(c.mqtt.topic, "{thing}/check");
    command_dispose(&c);
}

static void an_own_certificate_is_brought(void **state)
{
    (void)state;
    struct command c;
    parse_good(CLOUD "{\"name\":\"prod\",\"certificate\":\"own\"}," CRED "}", &c);
    assert_string_equal(c.credential, "cred_1");
    assert_int_equal(c.cloud->way, WAY_OWN);
    command_dispose(&c);
    parse_good(CLOUD "{\"name\":\"prod\",\"certificate\":\"own\",\"authority\":\"ca_1\"}}", &c);
    command_dispose(&c);
}

static void a_check_may_name_a_cloud(void **state)
{
    (void)state;
    struct command c;
    parse_good(CHECK WIFI ",\"cloud\":\"prod\"}", &c);
    assert_string_equal(c.cloud->cloud, "prod");
    assert_string_equal(c.mqtt.client_id, "{thing}");
    assert_false(c.host_check);
    command_dispose(&c);
}

static void templates_are_filled_in(void **state)
{
    (void)state;
    char out[32];
    assert_int_equal(command_expand("a/{mac}/{slot}",
                                    &(struct command_words){"0123456789ab", "s1", NULL}, out,
                                    sizeof out),
                     ERR_OK);
    assert_string_equal(out, "a/0123456789ab/s1");
    assert_int_equal(
        command_expand("{thing}/x", &(struct command_words){"m", "s", "t-1"}, out, sizeof out),
        ERR_OK);
    assert_string_equal(out, "t-1/x");
    assert_int_equal(
        command_expand("{thing}/x", &(struct command_words){"m", "s", NULL}, out, sizeof out),
        ERR_ARG);
    assert_string_equal(err_last()->code, "template_word");
    assert_int_equal(
        command_expand("{other}{", &(struct command_words){"m", "s", NULL}, out, sizeof out),
        ERR_OK);
    assert_string_equal(out, "{other}{");
    assert_int_equal(command_expand("", &(struct command_words){"m", "s", NULL}, out, sizeof out),
                     ERR_OK);
    assert_string_equal(out, "");
}

static void a_template_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(
        command_expand("{mac}", &(struct command_words){"1234567", "s", NULL}, out, sizeof out),
        ERR_OK);
    assert_int_equal(
        command_expand("{mac}", &(struct command_words){"12345678", "s", NULL}, out, sizeof out),
        ERR_TOO_LARGE);
    assert_string_equal(out, "");
    assert_int_equal(
        command_expand("1234567{slot}", &(struct command_words){"m", "x", NULL}, out, sizeof out),
        ERR_TOO_LARGE);
}

static void names_are_those_of_the_contract(void **state)
{
    (void)state;
    assert_string_equal(command_kind_name(COMMAND_PROVISION), "provision");
    assert_string_equal(command_kind_name(COMMAND_IDENTIFY), "identify");
    assert_string_equal(command_kind_name(COMMAND_FLASH), "flash");
    assert_string_equal(command_kind_name(COMMAND_READ), "read");
    assert_string_equal(command_kind_name(COMMAND_ERASE), "erase");
    assert_string_equal(command_method_name(METHOD_ROM), "rom");
    assert_string_equal(check_level_name(LEVEL_CONNECT), "connect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provision_has_its_defaults),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(plain_mqtt_has_its_own_port),
        cmocka_unit_test(each_kind_takes_its_own_fields),
        cmocka_unit_test(a_flash_of_a_firmware_has_its_defaults),
        cmocka_unit_test(every_field_of_a_flash_is_read),
        cmocka_unit_test(a_place_is_a_partition_a_range_or_all),
        cmocka_unit_test(time_fits_what_is_asked_for),
        cmocka_unit_test(host_check_is_the_default_where_there_is_a_broker_to_check),
        cmocka_unit_test(the_credential_of_the_board_that_is_meant_is_read),
        cmocka_unit_test(what_is_restored_is_a_backup),
        cmocka_unit_test(the_network_is_forgotten_unless_it_is_to_be_kept),
        cmocka_unit_test(lines_are_kept_in_order),
        cmocka_unit_test(each_bad_body_names_its_field),
        cmocka_unit_test(all_faults_of_a_body_are_told),
        cmocka_unit_test(broken_json_is_no_field_error),
        cmocka_unit_test(thirty_two_lines_are_the_most),
        cmocka_unit_test(a_refused_command_keeps_no_password),
        cmocka_unit_test(a_cloud_makes_the_credential_and_knows_the_broker),
        cmocka_unit_test(an_own_certificate_is_brought),
        cmocka_unit_test(a_check_may_name_a_cloud),
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(a_template_that_does_not_fit_is_an_error),
        cmocka_unit_test(names_are_those_of_the_contract),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
