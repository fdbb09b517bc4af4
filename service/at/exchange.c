/* Design: exchange_next() reads bytes, cuts them into events and sorts each line once:
 *   our own echo       dropped wherever it stands (the firmware echoes after every boot)
 *   OK, ERROR, busy …  become signs
 *   ERR CODE:0x…       collected; several may come
 *   unsolicited lines  known by their beginning go to the inbox, also in the middle of an answer
 *   anything else      is an answer while a command runs, unsolicited otherwise
 * Blank lines never get here (line.c). */
#include "service/at/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"

/* ECHO_MS: the echo of a secret line would come while the line arrives, so after this silence there
 * is none; believed only of a board whose last answer came without an echo.
 * FLOOD_MS: a board that never stops talking is read so long past a deadline. */
enum { SAID_BYTES = AT_SAID_BYTES, ECHO_MS = 500, FLOOD_MS = 100 };

static const char *const unsolicited[] = {
    "WIFI CONNECTED", "WIFI GOT IP",        "WIFI DISCONNECT", "+TIME_UPDATED",
    "+MQTTCONNECTED", "+MQTTDISCONNECTED:", "+MQTTSUBRECV:",   "+STA_CONNECTED",
    "+DIST_STA_IP",   "+STA_DISCONNECTED",  "+ETH_",           "+LINK_CONN",
    "+BLECONN",       "+BLEDISCONN",
};

/* The end of a program, and the ROM's first words after it. Registers and stack are left out. */
static const char *const last_words[] = {
    "Guru Meditation", "Backtrace:", "abort() was called", "assert failed",       "rst:0x",
    "Rebooting...",    "Brownout",   "ELF file SHA256",    "***ERROR*** A stack",
};

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool begins_any(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (begins(text, list[i])) return true;
    return false;
}

static bool is_unsolicited(const char *text)
{
    return begins_any(text, unsolicited, sizeof unsolicited / sizeof *unsolicited);
}

static bool is_last_words(const char *text)
{
    return begins_any(text, last_words, sizeof last_words / sizeof *last_words);
}

/* "ready", also with the noise of a UART that just came up before it. */
static bool is_ready(const char *text)
{
    size_t n = strlen(text), word = strlen("ready");
    if (n < word || strcmp(text + n - word, "ready") != 0) return false;
    for (size_t i = 0; i < n - word; i++)
        if (text[i] >= 0x20 && text[i] < 0x7f) return false;
    return true;
}

/* "AT+" begins no answer ("AT version:" does begin one). */
static bool is_echo(const struct at_client *c, const char *text)
{
    return strcmp(text, buf_str(&c->line)) == 0 || begins(text, "AT+") || strcmp(text, "AT") == 0 ||
           strcmp(text, "ATE0") == 0;
}

/* "+NAME:": an answer of the firmware, never a piece of somebody's key. */
static bool is_named(const char *text)
{
    if (*text != '+') return false;
    size_t n = strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n && text[1 + n] == ':';
}

/* What may be kept of lines that arrive while the port is mute. */
static bool is_harmless(const char *text)
{
    return is_named(text) || is_unsolicited(text) || is_last_words(text);
}

static enum err say(struct at_client *c, const char *text)
{
    if (c->said.len + strlen(text) + 1 > SAID_BYTES) buf_consume(&c->said, SAID_BYTES / 2);
    buf_printf(&c->said, "%s%.*s", c->said.len ? "\n" : "", SAID_BYTES / 2 - 1, text);
    return buf_ok(&c->said);
}

static void unmute(struct at_client *c)
{
    if (c->port->mute) explicit_bzero(c->in, c->in_at);
    c->port->mute = false;
    c->hide = HIDE_NOTHING;
}

static enum err keep_unsolicited(struct at_client *c, const char *text, const uint8_t *raw,
                                 size_t raw_len)
{
    if (!c->urc_ns) c->urc_ns = deadline_now_ns();
    return inbox_put(&c->inbox, text, raw, raw_len);
}

enum err exchange_words(struct at_client *c, enum err e)
{
    return c->said.len ? err_device(e, buf_str(&c->said), c->said.len) : e;
}

static enum err keep_answer(struct at_client *c, const char *text)
{
    enum err e = buf_append(&c->answer, text, strlen(text) + 1);
    if (e != ERR_TOO_LARGE) return e;
    e = err_fail(ERR_PROTOCOL, "at_garbage", "Check the speed of the AT port, and its wiring.",
                 "the answer does not end");
    return exchange_words(c, e);
}

static void keep_code(struct at_client *c, const char *digits)
{
    if (c->code_count < AT_CODES) c->codes[c->code_count++] = (uint32_t)strtoul(digits, NULL, 16);
}

/* The extra ending: "+MQTTPUB:OK"; the same name with another word is its bad twin. */
static bool is_final(const struct at_client *c, const char *text, enum at_sign *sign_out)
{
    if (!c->running || !c->final) return false;
    *sign_out = strcmp(text, c->final) == 0 ? SIGN_END : SIGN_END_FAIL;
    size_t name = strcspn(c->final, ":");
    return strncmp(text, c->final, name) == 0 && text[name] == ':';
}

/* Lines with a fixed form that decide something. */
static bool is_sign(struct at_client *c, const char *text, enum at_sign *sign_out)
{
    if (is_final(c, text, sign_out)) return true;
    if (strcmp(text, "OK") == 0) {
        *sign_out = SIGN_OK;
        return true;
    }
    if (strcmp(text, "ERROR") == 0 || strcmp(text, "FAIL") == 0) {
        *sign_out = SIGN_ERROR;
        return true;
    }
    if (begins(text, "busy ")) {
        *sign_out = SIGN_BUSY;
        c->code_count = 0; /* they spoke of the line that was dropped */
        return true;
    }
    if (begins(text, "Will force to restart")) {
        *sign_out = SIGN_FORCED;
        return true;
    }
    if (is_ready(text)) {
        *sign_out = SIGN_READY;
        c->echo = true;
        return true;
    }
    return false;
}

static enum err sort_line(struct at_client *c, const char *text, enum at_sign *sign_out)
{
    *sign_out = SIGN_LINE;
    if (is_echo(c, text)) {
        if (strcmp(text, buf_str(&c->line)) == 0) c->echo_seen = c->echo = true;
        if (c->echo_seen && c->hide == HIDE_ECHO) unmute(c);
        return ERR_OK;
    }
    if (is_sign(c, text, sign_out)) {
        enum err e = ERR_OK;
        if (*sign_out != SIGN_OK) e = say(c, text);
        if (!e && *sign_out == SIGN_READY && !c->running)
            e = inbox_put(&c->inbox, "ready", NULL, 0);
        return e;
    }
    if (begins(text, "ERR CODE:")) {
        if (c->running) keep_code(c, text + strlen("ERR CODE:"));
        return say(c, text);
    }
    if (c->port->mute && !is_harmless(text)) return ERR_OK;
    if (is_last_words(text)) c->panicked = true;
    enum err e = c->panicked && !is_last_words(text) ? ERR_OK : say(c, text);
    if (e) return e;
    if (is_unsolicited(text) || !c->running) return keep_unsolicited(c, text, NULL, 0);
    return keep_answer(c, text);
}

static enum err sort_raw(struct at_client *c, const struct line_event *ev)
{
    if (begins(ev->text, "+MQTTSUBRECV:"))
        return keep_unsolicited(c, ev->text, ev->raw, ev->raw_len);
    if (!c->running) return ERR_OK; /* the late rest of a read that was given up */
    buf_reset(&c->raw);
    c->has_raw = true;
    enum err e = keep_answer(c, ev->text); /* it may tell more than the length */
    return e ? e : buf_append(&c->raw, ev->raw, ev->raw_len);
}

static void remember_heard(struct at_client *c)
{
    size_t max = sizeof c->heard, n = c->in_len < max ? c->in_len : max;
    size_t keep = c->heard_len < max - n ? c->heard_len : max - n;
    memmove(c->heard, c->heard + c->heard_len - keep, keep);
    memcpy(c->heard + keep, c->in + c->in_len - n, n);
    c->heard_len = keep + n;
}

/* More bytes. A line of which no echo is expected stops being secret after a short silence. */
static enum err refill(struct at_client *c, struct deadline until)
{
    if (deadline_now_ns() - (int64_t)FLOOD_MS * 1000000 > until.at_ns)
        return err_set(ERR_TIMEOUT, "the board talks without an end");
    bool between_lines = c->lines.clear_next || !c->lines.text.len;
    bool may_unmute = c->port->mute && c->hide == HIDE_ECHO && !c->echo && between_lines;
    struct deadline d = may_unmute ? deadline_within_ms(until, ECHO_MS) : until;
    c->in_at = c->in_len = 0;
    enum err e = port_read(c->port, c->in, sizeof c->in, d, &c->in_len);
    if (e == ERR_TIMEOUT && may_unmute && d.at_ns < until.at_ns) {
        unmute(c);
        e = port_read(c->port, c->in, sizeof c->in, until, &c->in_len);
    }
    if (e) c->in_len = 0;
    if (!e && !c->port->mute) remember_heard(c);
    return e;
}

enum err exchange_next(struct at_client *c, struct deadline until, enum at_sign *sign_out)
{
    *sign_out = SIGN_LINE;
    for (;;) {
        if (c->in_at == c->in_len) {
            enum err e = refill(c, until);
            if (e) return e;
        }
        size_t used = 0;
        struct line_event ev;
        enum err e = line_feed(&c->lines, c->in + c->in_at, c->in_len - c->in_at, &used, &ev);
        c->in_at += used;
        if (e == ERR_PROTOCOL) continue; /* noise: the deadline bounds it */
        if (e) return e;
        switch (ev.kind) {
        case LINE_NONE:
            continue;
        case LINE_TEXT:
            return sort_line(c, ev.text, sign_out);
        case LINE_PROMPT:
            *sign_out = SIGN_PROMPT;
            return ERR_OK;
        case LINE_RAW:
            return sort_raw(c, &ev);
        }
    }
}

enum err exchange_first_sign(struct at_client *c, struct deadline until, int ms, enum at_sign *out)
{
    struct deadline d = deadline_within_ms(until, ms);
    enum err e = ERR_OK;
    do {
        *out = SIGN_LINE;
        e = exchange_next(c, d, out);
    } while (!e && *out == SIGN_LINE);
    return e == ERR_TIMEOUT ? ERR_OK : e;
}

static void forget_answer(struct at_client *c)
{
    buf_reset(&c->answer);
    buf_reset(&c->raw);
    buf_reset(&c->said);
    c->has_raw = c->panicked = c->echo_seen = false;
    c->code_count = 0;
    c->urc_ns = 0;
}

enum err exchange_send(struct at_client *c, const char *text, enum at_hide hide,
                       struct deadline until)
{
    forget_answer(c);
    buf_reset(&c->line);
    buf_puts(&c->line, text);
    enum err e = buf_ok(&c->line);
    if (e) return e;
    char out[LIMIT_AT_LINE + 1];
    int n = snprintf(out, sizeof out, "%s\r\n", text);
    if (hide != HIDE_NOTHING) {
        c->hide = hide;
        c->port->mute = true;
    }
    c->running = true;
    c->sent_ns = deadline_now_ns();
    e = hide == HIDE_ECHO ? port_write_secret(c->port, out, (size_t)n, until)
                          : port_write(c->port, out, (size_t)n, until);
    explicit_bzero(out, sizeof out);
    return e;
}

void exchange_end(struct at_client *c, bool well)
{
    c->running = false;
    c->final = NULL;
    c->lines.prompt_expected = false;
    c->owed = !well;
    if (!well) return;
    c->echo = c->echo_seen;
    unmute(c);
}

enum err exchange_drain(struct at_client *c)
{
    enum err e = ERR_OK;
    struct deadline now = deadline_in_ms(0);
    enum at_sign sign = SIGN_LINE;
    while (!e)
        e = exchange_next(c, now, &sign);
    return e == ERR_TIMEOUT ? ERR_OK : e;
}

enum err exchange_rebooted(struct at_client *c)
{
    enum err e =
        err_fail(ERR_DEVICE, "board_rebooted",
                 "Check the power supply of the board (Wi-Fi draws peaks of 500 mA); if it "
                 "happens at the same step again, write the firmware anew.",
                 "the board restarted by itself while a command was running");
    return exchange_words(c, e);
}
