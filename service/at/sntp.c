/* Design: +TIME_UPDATED is new (v3.0) and can come in the same burst as OK, so it only shortens the
 * wait; what counts is the time that the board shows. An unset clock shows 1970. The clock survives
 * a reset but its zone does not, so the zone that was set here is the one that the answer is in. */
#include "service/at/sntp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ASK_MS = 5000, POLL_MS = 1000, FIRST_YEAR = 2023 };

static bool take_number(const char **at, int *out)
{
    char *end = NULL;
    long v = strtol(*at, &end, 10); /* skips the blanks before the day */
    if (end == *at || v < 0 || v > 9999) return false;
    *out = (int)v;
    *at = end;
    return true;
}

static bool take(const char **at, char c)
{
    if (**at != c) return false;
    (*at)++;
    return true;
}

static bool take_month(const char **at, int *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++)
        if (strncmp(*at, months[i], 3) == 0) {
            *out = i;
            *at += 3;
            return true;
        }
    return false;
}

/* "Thu Sep  2 09:05:07 2021" */
static bool parse(const char *text, struct tm *out)
{
    memset(out, 0, sizeof *out);
    if (strlen(text) < 4) return false;
    const char *at = text + 4;
    bool ok = take_month(&at, &out->tm_mon) && take_number(&at, &out->tm_mday) &&
              take_number(&at, &out->tm_hour) && take(&at, ':') && take_number(&at, &out->tm_min) &&
              take(&at, ':') && take_number(&at, &out->tm_sec) && take_number(&at, &out->tm_year);
    out->tm_year -= 1900;
    return ok;
}

enum err at_sntp_time(struct at_client *c, int zone, struct deadline until, bool *synced_out,
                      int64_t *unix_s_out)
{
    *synced_out = false;
    enum err e = at_command(c, deadline_within_ms(until, ASK_MS), "AT+CIPSNTPTIME?");
    if (e) return e;
    const char *text = at_answer(c, "+CIPSNTPTIME:", 0);
    struct tm t;
    if (!text || !parse(text, &t)) {
        e = err_fail(ERR_PROTOCOL, "at_bad_answer", "Try again.",
                     "AT+CIPSNTPTIME? is not understood");
        return text ? err_device(e, text, strlen(text)) : e;
    }
    *synced_out = t.tm_year + 1900 >= FIRST_YEAR;
    *unix_s_out = (int64_t)timegm(&t) - (int64_t)zone * 3600;
    return ERR_OK;
}

static enum err configure(struct at_client *c, const char *server, int zone, struct deadline until)
{
    struct buf name;
    buf_init(&name, 256);
    enum err e = at_quote(server, &name);
    if (!e && *server)
        e = at_command(c, until, "AT+CIPSNTPCFG=1,%d,\"%s\"", zone, buf_str(&name));
    else if (!e)
        e = at_command(c, until, "AT+CIPSNTPCFG=1,%d", zone);
    buf_dispose(&name);
    return e;
}

/* Until the board says that its time is new, or a second is over. */
static enum err wait_a_little(struct at_client *c, struct deadline until)
{
    static const char *const news[] = {"+TIME_UPDATED", "ready", NULL};
    int which = 0;
    char line[64];
    enum err e =
        at_wait_line(c, news, deadline_within_ms(until, POLL_MS), &which, line, sizeof line);
    if (!e && which == 1)
        return err_fail(ERR_DEVICE, "board_rebooted", "Check the power supply of the board.",
                        "the board restarted by itself while it fetched the time");
    return e == ERR_TIMEOUT ? ERR_OK : e;
}

enum err at_sntp_sync(struct at_client *c, const char *server, int zone, struct deadline until,
                      int64_t *unix_s_out)
{
    *unix_s_out = 0;
    if (zone < -12 || zone > 14) return err_set(ERR_ARG, "a time zone is -12 to 14 hours");
    at_forget_lines(c, "+TIME_UPDATED");
    enum err e = configure(c, server ? server : "", zone, until);
    bool synced = false;
    while (!e && !synced && !deadline_passed(until)) {
        e = wait_a_little(c, until);
        if (!e && !deadline_passed(until)) e = at_sntp_time(c, zone, until, &synced, unix_s_out);
    }
    if (synced || (e && e != ERR_TIMEOUT)) return e;
    return err_fail(
        ERR_TIMEOUT, "time_not_synced",
        "Check that the board's network reaches the time server (UDP port 123), or name "
        "another server.",
        "the board did not get the time from %s", server && *server ? server : "its own servers");
}
