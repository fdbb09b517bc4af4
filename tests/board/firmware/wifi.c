#include "tests/board/firmware/wifi.h"

#include <stdio.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"

enum { MODE_STATION = 1, CODE_WRONG_PASSWORD = 2, CODE_NO_AP = 3, FIRST_CHANNEL = 5 };
enum { SYSSTORE_SINCE = 210 };
/* Real milliseconds as recorded, and what stands for them on a board that is not paced. */
enum {
    SCAN_MS = 2900,
    SCAN_FAST_MS = 50,
    ASSOCIATE_MS = 400,
    ASSOCIATE_FAST_MS = 20,
    ADDRESS_MS = 1000,
    ADDRESS_FAST_MS = 30,
    REFUSED_MS = 4000,
    NO_AP_MS = 15000,
    FAILED_FAST_MS = 300,
    DEAF_MS = 1200, /* how long nobody reads the port while a join begins */
    DEAF_FAST_MS = 20,
    DEAF_SINCE = 410, /* the release that was seen to do so; V2.0 does not */
    LEAVE_MS = 350,
    LEAVE_FAST_MS = 5,
};

bool wifi_is_up(const struct firmware *fw)
{
    return fw->wifi.state == WIFI_UP;
}

static const struct wifi_ap *find_ap(const struct firmware *fw, const char *ssid)
{
    for (size_t i = 0; i < fw->env.options->wifi_count; i++)
        if (strcmp(fw->env.options->wifi[i].ssid, ssid) == 0) return &fw->env.options->wifi[i];
    return NULL;
}

/* A made-up but steady address and channel for each access point. */
static void print_bssid(const struct firmware *fw, const struct wifi_ap *ap, char out[18])
{
    snprintf(out, 18, "10:01:00:c4:0a:%02x", 0x51 + (unsigned)(ap - fw->env.options->wifi));
}

static int channel_of(const struct firmware *fw, const struct wifi_ap *ap)
{
    return FIRST_CHANNEL + (int)(ap - fw->env.options->wifi);
}

static void leave(struct firmware *fw)
{
    bool was_up = wifi_is_up(fw);
    bool associated = fw->wifi.ap != NULL;
    timer_stop(fw->wifi.step);
    fw->wifi.ap = NULL;
    if (fw->wifi.state != WIFI_NEVER) fw->wifi.state = WIFI_LEFT;
    if (associated) at_print(fw, "WIFI DISCONNECT\r\n");
    if (!was_up) return;
    tcpip_network_down(fw);
    mqtt_network(fw, false);
}

void wifi_down(struct firmware *fw)
{
    leave(fw);
}

static void join_failed(struct firmware *fw)
{
    fw->wifi.state = WIFI_LEFT;
    if (!fw->wifi.commanded) return;
    fw->wifi.commanded = false;
    at_print(fw, "+CWJAP:%d\r\n", fw->wifi.failure);
    at_error(fw, 0);
}

static void join_done(struct firmware *fw)
{
    fw->wifi.state = WIFI_UP;
    at_print(fw, "WIFI GOT IP\r\n");
    mqtt_network(fw, true);
    if (!fw->wifi.commanded) return;
    fw->wifi.commanded = false;
    if (fw->at.store) {
        memcpy(fw->settings.ssid, fw->wifi.ssid, sizeof fw->settings.ssid);
        memcpy(fw->settings.password, fw->wifi.password, sizeof fw->settings.password);
        settings_store(fw->env.flash, &fw->primary, &fw->settings);
    }
    at_ok(fw);
}

static void associated(struct firmware *fw)
{
    fw->wifi.state = WIFI_NO_ADDRESS;
    at_print(fw, "WIFI CONNECTED\r\n");
    timer_arm(fw->wifi.step, firmware_takes(fw, ADDRESS_MS, ADDRESS_FAST_MS));
}

static void on_step(void *arg)
{
    struct firmware *fw = arg;
    if (fw->wifi.failure)
        join_failed(fw);
    else if (fw->wifi.state == WIFI_CONNECTING)
        associated(fw);
    else
        join_done(fw);
}

/* Which code the join will end with. A password for an open network is the wrong security and was
 * seen to look like an absent access point. */
static int judge(const struct wifi_ap *ap, const char *password)
{
    if (!ap) return CODE_NO_AP;
    if (!ap->password[0]) return *password ? CODE_NO_AP : 0;
    return strcmp(ap->password, password) == 0 ? 0 : CODE_WRONG_PASSWORD;
}

static uint64_t deaf_takes(const struct firmware *fw)
{
    if (fw->version->at_level < DEAF_SINCE) return 0;
    return firmware_takes(fw, DEAF_MS, DEAF_FAST_MS);
}

static uint64_t join_takes(const struct firmware *fw, int failure)
{
    if (failure == CODE_NO_AP) return deaf_takes(fw) + firmware_takes(fw, NO_AP_MS, FAILED_FAST_MS);
    if (failure) return firmware_takes(fw, REFUSED_MS, FAILED_FAST_MS);
    return firmware_takes(fw, ASSOCIATE_MS, ASSOCIATE_FAST_MS);
}

/* ssid and password to try are in fw->wifi. */
static void join(struct firmware *fw)
{
    const struct wifi_ap *ap = find_ap(fw, fw->wifi.ssid);
    fw->wifi.failure = judge(ap, fw->wifi.password);
    fw->wifi.ap = fw->wifi.failure ? NULL : ap;
    fw->wifi.state = WIFI_CONNECTING;
    timer_arm(fw->wifi.step, join_takes(fw, fw->wifi.failure));
}

void wifi_init(struct firmware *fw)
{
    fw->wifi.mode = fw->settings.wifi_mode;
    fw->wifi.step = timer_new(fw->env.loop, on_step, fw);
}

void wifi_dispose(struct firmware *fw)
{
    timer_free(fw->wifi.step);
}

/* Recordings show the stored access point joined before "ready" and the address after it. */
void wifi_start(struct firmware *fw)
{
    struct wifi *w = &fw->wifi;
    if (!(w->mode & MODE_STATION) || !fw->settings.ssid[0]) return;
    memcpy(w->ssid, fw->settings.ssid, sizeof w->ssid);
    memcpy(w->password, fw->settings.password, sizeof w->password);
    join(fw);
    if (w->failure) return;
    associated(fw);
}

void cmd_cwmode_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+CWMODE:%u\r\n", fw->wifi.mode);
    at_ok(fw);
}

void cmd_cwmode_set(struct firmware *fw, const struct at_args *a)
{
    long mode, automatic;
    enum arg_status s = args_int(a, 0, &mode);
    if (s != ARG_OK || a->count > 2 || (a->count == 2 && args_int(a, 1, &automatic) != ARG_OK)) {
        at_error(fw, 0);
        return;
    }
    if (mode < 0 || mode > 3) {
        at_error(fw, AT_ERR_VALUE);
        return;
    }
    if (!(mode & MODE_STATION)) leave(fw);
    fw->wifi.mode = (uint8_t)mode;
    if (fw->at.store) {
        fw->settings.wifi_mode = fw->wifi.mode;
        settings_store(fw->env.flash, &fw->primary, &fw->settings);
    }
    at_ok(fw);
}

static void join_by_command(struct firmware *fw)
{
    leave(fw);
    fw->wifi.commanded = true;
    join(fw);
    if (deaf_takes(fw)) at_deaf(fw, deaf_takes(fw));
}

void cmd_cwjap_set(struct firmware *fw, const struct at_args *a)
{
    char ssid[33], password[65] = "", bssid[18];
    if (!(fw->wifi.mode & MODE_STATION)) {
        at_error(fw, 0);
        return;
    }
    bool good = at_str(fw, a, 0, ssid, sizeof ssid) &&
                (args_absent(a, 1) || at_str(fw, a, 1, password, sizeof password)) &&
                (args_absent(a, 2) || at_str(fw, a, 2, bssid, sizeof bssid));
    for (size_t i = 3; good && i < a->count; i++) {
        long number;
        good = args_absent(a, i) || at_int(fw, a, i, &number);
    }
    if (!good) {
        at_error(fw, 0);
        return;
    }
    memcpy(fw->wifi.ssid, ssid, sizeof ssid);
    memcpy(fw->wifi.password, password, sizeof password);
    join_by_command(fw);
}

void cmd_cwjap_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    if (!(fw->wifi.mode & MODE_STATION) || !fw->settings.ssid[0]) {
        at_error(fw, 0);
        return;
    }
    memcpy(fw->wifi.ssid, fw->settings.ssid, sizeof fw->wifi.ssid);
    memcpy(fw->wifi.password, fw->settings.password, sizeof fw->wifi.password);
    join_by_command(fw);
}

void cmd_cwjap_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    if (wifi_is_up(fw)) {
        char bssid[18];
        print_bssid(fw, fw->wifi.ap, bssid);
        at_print(fw, "+CWJAP:\"%s\",\"%s\",%d,-26,0,1,3,0,1\r\n", fw->wifi.ap->ssid, bssid,
                 channel_of(fw, fw->wifi.ap));
    } else {
        console_say(fw, "No AP");
    }
    at_ok(fw);
}

void cmd_cwqap_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    bool associated_now = fw->wifi.ap != NULL;
    leave(fw);
    /* Releases that cannot be told not to store forget what they leave, users report
     * (espressif/esp-at issue 277). */
    if (fw->version->at_level < SYSSTORE_SINCE) {
        memset(fw->settings.ssid, 0, sizeof fw->settings.ssid);
        memset(fw->settings.password, 0, sizeof fw->settings.password);
        settings_store(fw->env.flash, &fw->primary, &fw->settings);
    }
    if (associated_now)
        at_later(fw, firmware_takes(fw, LEAVE_MS, LEAVE_FAST_MS), at_ok);
    else
        at_ok(fw);
}

void cmd_cwstate_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+CWSTATE:%d,\"%s\"\r\n", (int)fw->wifi.state, fw->wifi.ssid);
    at_ok(fw);
}

static void scan_done(struct firmware *fw)
{
    for (size_t i = 0; i < fw->env.options->wifi_count; i++) {
        const struct wifi_ap *ap = &fw->env.options->wifi[i];
        char bssid[18];
        print_bssid(fw, ap, bssid);
        at_print(fw, "+CWLAP:(%d,\"%s\",%d,\"%s\",%d,-1,-1,0,0,3,0)\r\n", ap->password[0] ? 3 : 0,
                 ap->ssid, -28 - 4 * (int)i, bssid, channel_of(fw, ap));
    }
    at_ok(fw);
}

void cmd_cwlap_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    if (!(fw->wifi.mode & MODE_STATION)) {
        at_error(fw, 0);
        return;
    }
    at_later(fw, firmware_takes(fw, SCAN_MS, SCAN_FAST_MS), scan_done);
}

void cmd_cwreconncfg_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+CWRECONNCFG:1,0\r\n");
    at_ok(fw);
}

void cmd_cipsta_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    bool up = wifi_is_up(fw);
    at_print(fw, "+CIPSTA:ip:\"%s\"\r\n", up ? "10.0.2.15" : "0.0.0.0");
    at_print(fw, "+CIPSTA:gateway:\"%s\"\r\n", up ? "10.0.2.2" : "0.0.0.0");
    at_print(fw, "+CIPSTA:netmask:\"%s\"\r\n", up ? "255.255.255.0" : "0.0.0.0");
    at_ok(fw);
}

void cmd_cipstamac_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    const uint8_t *m = fw->env.options->mac;
    at_print(fw, "+CIPSTAMAC:\"%02x:%02x:%02x:%02x:%02x:%02x\"\r\n", m[0], m[1], m[2], m[3], m[4],
             m[5]);
    at_ok(fw);
}
