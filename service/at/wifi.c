/* Design: the password is in one line only, and that one goes by at_command_secret(). What a join
 * failed of is in +CWJAP:<code>, before ERROR. */
#include "service/at/wifi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err set_store(struct at_client *c, int on, bool *unknown_out)
{
    enum { STORE_MS = 5000 };
    enum err e = at_command(c, deadline_in_ms(STORE_MS), "AT+SYSSTORE=%d", on);
    *unknown_out = e && at_is_unknown_command(c);
    return *unknown_out ? ERR_OK : e;
}

enum err at_wifi_do_not_store(struct at_client *c, bool *stored_out)
{
    return set_store(c, 0, stored_out);
}

enum err at_wifi_do_store(struct at_client *c)
{
    bool unknown; /* firmware without it always stores */
    return set_store(c, 1, &unknown);
}

bool at_wifi_is_lost(struct at_client *c)
{
    static const char *const lost[] = {"WIFI DISCONNECT", NULL};
    int which = 0;
    struct at_message m;
    return at_wait_message(c, lost, deadline_in_ms(0), &which, &m) == ERR_OK;
}

struct join_error {
    int code;
    const char *name, *detail, *hint;
};

static const struct join_error join_errors[] = {
    {1, "wifi_timeout", "the access point did not answer in time",
     "Move the board closer, or check that the access point gives out addresses (DHCP)."},
    {2, "wifi_wrong_password", "the access point refused the password",
     "Correct the password (it is case-sensitive)."},
    {3, "wifi_not_found", "no access point of this name was found",
     "Check the name (it is case-sensitive), that the access point is on 2.4 GHz, and that it asks "
     "for a password when one is given."},
};

static enum err join_failed(struct at_client *c, const char *ssid, enum err e)
{
    if (!at_was_refused(c)) return e;
    struct err_info said = *err_last();
    const char *text = at_answer(c, "+CWJAP:", 0);
    long code = text ? strtol(text, NULL, 10) : 0;
    struct join_error why = {
        0, "wifi_failed", "the board could not join",
        "Check the security mode of the access point (WPA2 works everywhere)."};
    for (size_t i = 0; i < sizeof join_errors / sizeof *join_errors; i++)
        if (join_errors[i].code == code) why = join_errors[i];
    e = err_fail(ERR_DEVICE, why.name, why.hint, "%s: %s (+CWJAP:%ld)", ssid, why.detail, code);
    return err_device(e, said.device, strlen(said.device));
}

static enum err check_lengths(const char *ssid, const char *password)
{
    if (!*ssid || strlen(ssid) > 32)
        return err_set(ERR_ARG, "the name of an access point has 1 to 32 bytes");
    if (strlen(password) > 64) return err_set(ERR_ARG, "a Wi-Fi password has at most 64 bytes");
    return ERR_OK;
}

static enum err join_line(const char *ssid, const char *password, struct buf *line)
{
    buf_puts(line, "AT+CWJAP=\"");
    enum err e = at_quote(ssid, line);
    if (e) return e;
    buf_puts(line, "\",\"");
    e = at_quote(password, line);
    if (e) return e;
    buf_puts(line, "\"");
    return buf_ok(line);
}

enum err at_wifi_join(struct at_client *c, const char *ssid, const char *password,
                      struct deadline until)
{
    enum err e = check_lengths(ssid, password);
    if (e) return e;
    struct buf line;
    buf_init_secret(&line, 512);
    e = join_line(ssid, password, &line);
    if (!e) e = at_command(c, until, "AT+CWMODE=1");
    if (!e) {
        e = at_command_secret(c, until, buf_str(&line));
        if (e) e = join_failed(c, ssid, e);
        at_forget_lines(c, "WIFI "); /* it leaves the access point that it had */
    }
    buf_dispose(&line);
    return e;
}

/* "aa:bb:cc:dd:ee:ff" and the closing quote */
static bool is_bssid(const char *s)
{
    for (int i = 0; i < 17; i++)
        if (i % 3 == 2 ? s[i] != ':' : !strchr("0123456789abcdefABCDEF", s[i]) || !s[i])
            return false;
    return s[17] == '"';
}

/* "ssid","bssid",channel,rssi, then fields whose number differs between versions. The name may hold
 * quotes and commas, so its end is found by the address that follows. */
static bool parse_state(const char *line, struct at_wifi_state *out)
{
    if (*line != '"') return false;
    const char *name = line + 1, *end = name;
    while ((end = strstr(end, "\",\"")) != NULL && !is_bssid(end + 3))
        end++;
    if (!end) return false;
    size_t n = (size_t)(end - name);
    snprintf(out->ssid, sizeof out->ssid, "%.*s", (int)(n < 32 ? n : 32), name);
    snprintf(out->bssid, sizeof out->bssid, "%.17s", end + 3);
    const char *at = end + 3 + 17 + 1;
    char *next = NULL;
    if (*at != ',') return false;
    out->channel = (int)strtol(at + 1, &next, 10);
    if (*next == ',') out->rssi = (int)strtol(next + 1, NULL, 10);
    return true;
}

static enum err query_address(struct at_client *c, struct at_wifi_state *out, struct deadline until)
{
    enum err e = at_command(c, until, "AT+CIPSTA?");
    if (e) return e;
    const char *ip = at_answer(c, "+CIPSTA:ip:\"", 0);
    if (!ip) return ERR_OK;
    size_t n = strcspn(ip, "\"");
    if (n < sizeof out->ip) snprintf(out->ip, sizeof out->ip, "%.*s", (int)n, ip);
    if (strcmp(out->ip, "0.0.0.0") == 0) out->ip[0] = '\0';
    return ERR_OK;
}

enum err at_wifi_query(struct at_client *c, struct at_wifi_state *out, struct deadline until)
{
    memset(out, 0, sizeof *out);
    enum err e = at_command(c, until, "AT+CWJAP?");
    if (e) return e;
    const char *line = at_answer(c, "+CWJAP:", 0);
    if (!line) /* OK alone, or "No AP" before it */
        return err_fail(ERR_NOT_FOUND, "wifi_not_joined", "Join an access point first.",
                        "the board has joined no access point");
    if (!parse_state(line, out)) {
        e = err_fail(ERR_PROTOCOL, "at_bad_answer", "Try again.", "AT+CWJAP? is not understood");
        return err_device(e, line, strlen(line));
    }
    return query_address(c, out, until);
}

enum err at_wifi_leave(struct at_client *c, struct deadline until)
{
    return at_command(c, until, "AT+CWQAP");
}
