/* Design: one loop per phase. A command is line → final result; a command with data is line →
 * prompt → data → final result. What ends a phase is a sign (exchange.h); all else was already
 * sorted. "busy p..." means that the line was dropped because an earlier command still runs:
 * at_sync() waits for that one to end, then the line is sent again. When a command is given up
 * (time, cancel), its result is still owed, and the next command starts with at_sync() so that a
 * late OK is not taken for its own. */
#include "service/at/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/at/codes.h"
#include "service/at/exchange.h"
#include "service/base/limits.h"

/* REBOOT_MS: a board that prints its last words is given so long to boot, so that the next command
 * does not meet the boot. */
enum { MAX_ANSWER = 64 * 1024, MAX_RAW = 64 * 1024, REBOOT_MS = 15000 };

enum err at_client_new(struct port *port, struct at_client **c_out)
{
    *c_out = NULL;
    struct at_client *c = calloc(1, sizeof *c);
    if (!c) return err_set(ERR_MEM, "out of memory for an AT client");
    c->port = port;
    c->echo = c->owed = true; /* nothing is known of the board yet */
    line_init(&c->lines);
    inbox_init(&c->inbox);
    buf_init_secret(&c->line, LIMIT_AT_LINE);
    buf_init(&c->answer, MAX_ANSWER);
    buf_init_secret(&c->raw, MAX_RAW);
    buf_init(&c->said, AT_SAID_BYTES + 1);
    *c_out = c;
    return ERR_OK;
}

void at_client_free(struct at_client *c)
{
    if (!c) return;
    if (c->port->mute) port_flush_input(c->port); /* what is left of a secret */
    c->port->mute = false;
    line_dispose(&c->lines);
    inbox_dispose(&c->inbox);
    buf_dispose(&c->line);
    buf_dispose(&c->answer);
    buf_dispose(&c->raw);
    buf_dispose(&c->said);
    explicit_bzero(c->in, sizeof c->in);
    free(c);
}

struct port *at_port(struct at_client *c)
{
    return c->port;
}

/* One command: what begin() to judge() pass on. */
struct request {
    const char *line;
    const struct at_data_command *data; /* NULL for a command without */
    enum at_hide hide;
};

/* What an error message calls it: the line, or its name when the rest is secret. */
static int name_length(const struct request *r)
{
    enum { SHOWN = 80 };
    size_t n = r->hide == HIDE_ECHO ? strcspn(r->line, "=") : strlen(r->line);
    return (int)(n < SHOWN ? n : SHOWN);
}

static enum err check_line(const char *line, size_t n)
{
    if (n > LIMIT_AT_LINE - 2)
        return err_fail(ERR_ARG, "at_line_too_long", "Shorten the names or values in it.",
                        "an AT command of %zu bytes: the firmware takes %d with CR LF", n,
                        LIMIT_AT_LINE);
    if (memchr(line, '\r', n) || memchr(line, '\n', n) || memchr(line, '\0', n))
        return err_fail(ERR_ARG, "at_line_break", "Take CR, LF and NUL out of the names or values.",
                        "an AT command cannot carry CR, LF or NUL");
    return ERR_OK;
}

/* ERROR came: name the command and the codes in words. */
static enum err refused(struct at_client *c, const struct request *r)
{
    char codes[320] = "";
    c->refused = true;
    size_t len = 0;
    for (size_t i = 0; i < c->code_count && len < sizeof codes; i++) {
        int n = snprintf(codes + len, sizeof codes - len, "%s0x%08x (%s)", i ? ", " : ": ",
                         (unsigned)c->codes[i], at_code_words(c->codes[i]));
        len += n > 0 ? (size_t)n : 0;
    }
    const char *hint = at_said_code(c, AT_CODE_UNKNOWN_COMMAND)
                           ? "The firmware on the board is too old or was built without this part."
                           : NULL;
    enum err e = err_fail(ERR_DEVICE, "at_error", hint, "%.*s was refused%s", name_length(r),
                          r->line, codes);
    return exchange_words(c, e);
}

/* The sentence for an exchange that ended without a result. */
static enum err explain(struct at_client *c, enum err e, const struct request *r, const char *what)
{
    if (e == ERR_TIMEOUT && c->panicked) return exchange_rebooted(c);
    if (e != ERR_TIMEOUT) return err_wrap(e, "%.*s", name_length(r), r->line);
    int64_t ms = (deadline_now_ns() - c->sent_ns) / 1000000;
    e = err_fail(ERR_TIMEOUT, "at_timeout", "Reset the board if it stays silent.",
                 "%.*s: no %s within %lld ms", name_length(r), r->line, what, (long long)ms);
    return exchange_words(c, e);
}

/* Up to a sign that ends the phase. OK does not end the wait for a prompt: some commands say it
 * first. A board in its last words is only waited for until it has booted. */
static enum err await(struct at_client *c, bool prompt, struct deadline until, enum at_sign *out)
{
    bool dying = false;
    for (;;) {
        if (c->panicked && !dying) until = deadline_within_ms(until, REBOOT_MS);
        dying = c->panicked;
        enum err e = exchange_next(c, until, out);
        if (e || *out == SIGN_READY) return e;
        bool nothing = *out == SIGN_LINE || *out == SIGN_FORCED || (*out == SIGN_OK && prompt);
        if (!nothing && !dying) return ERR_OK;
    }
}

static enum err prepare(struct at_client *c, struct deadline until)
{
    bool silent = false;
    return c->owed ? at_sync(c, until, &silent) : exchange_drain(c);
}

/* Send the line until it is not dropped, up to the first sign that says more. */
static enum err begin(struct at_client *c, const struct request *r, struct deadline until,
                      enum at_sign *sign)
{
    for (;;) {
        c->final = r->data ? r->data->final : NULL;
        c->lines.prompt_expected = r->data != NULL;
        enum err e = exchange_send(c, r->line, r->hide, until);
        if (!e) e = await(c, r->data != NULL, until, sign);
        if (e) return explain(c, e, r, r->data ? "prompt" : "result");
        if (*sign != SIGN_BUSY) return ERR_OK;
        exchange_end(c, false);
        bool silent = false;
        e = at_sync(c, until, &silent);
        if (e) return e;
    }
}

static enum err judge(struct at_client *c, const struct request *r, enum at_sign sign)
{
    bool well = sign == SIGN_OK || sign == SIGN_END;
    bool bad = sign == SIGN_ERROR || sign == SIGN_END_FAIL;
    exchange_end(c, well || bad);
    if (well) return ERR_OK;
    return bad ? refused(c, r) : exchange_rebooted(c);
}

static enum err run(struct at_client *c, const struct request *r, struct deadline until)
{
    c->refused = false;
    enum err e = check_line(r->line, strlen(r->line));
    if (!e) e = prepare(c, until);
    if (e) return e;
    enum at_sign sign = SIGN_LINE;
    e = begin(c, r, until, &sign);
    if (!e) return judge(c, r, sign);
    exchange_end(c, false);
    return e;
}

enum err at_command(struct at_client *c, struct deadline until, const char *fmt, ...)
{
    struct buf b;
    buf_init(&b, 4096);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    enum err e = buf_ok(&b);
    c->refused = false;
    /* Here the length is known; run() would stop at a NUL. */
    if (e != ERR_MEM) e = check_line(buf_str(&b), e ? b.max : b.len);
    struct request r = {.line = buf_str(&b)};
    if (!e) e = run(c, &r, until);
    buf_dispose(&b);
    return e;
}

enum err at_command_secret(struct at_client *c, struct deadline until, const char *line)
{
    struct request r = {.line = line, .hide = HIDE_ECHO};
    return run(c, &r, until);
}

enum err at_read_secret(struct at_client *c, struct deadline until, const char *line)
{
    struct request r = {.line = line, .hide = HIDE_ALL};
    return run(c, &r, until);
}

/* The data, and what the board says to it. Nothing of ours follows the data, so "busy" is no answer
 * to it. */
static enum err feed(struct at_client *c, const struct request *r, struct deadline until,
                     enum at_sign *sign)
{
    const struct at_data_command *d = r->data;
    c->lines.prompt_expected = false;
    if (d->secret) {
        c->hide = HIDE_ALL; /* a board that has just restarted would echo it */
        c->port->mute = true;
    }
    enum err e = d->secret ? port_write_secret(c->port, d->data, d->n, until)
                           : port_write(c->port, d->data, d->n, until);
    do {
        if (!e) e = await(c, false, until, sign);
    } while (!e && *sign == SIGN_BUSY);
    return e ? explain(c, e, r, "result after the data") : ERR_OK;
}

enum err at_command_data(struct at_client *c, const struct at_data_command *d,
                         struct deadline until)
{
    struct request r = {.line = d->line, .data = d};
    c->refused = false;
    enum err e = check_line(d->line, strlen(d->line));
    if (!e) e = prepare(c, until);
    if (e) return e;
    enum at_sign sign = SIGN_LINE;
    e = begin(c, &r, until, &sign);
    bool asked = !e && sign == SIGN_PROMPT;
    /* A code before the prompt: the firmware refuses, but takes the bytes all the same. */
    bool warned = asked && c->code_count > 0;
    if (asked) e = feed(c, &r, until, &sign);
    if (e) {
        exchange_end(c, false);
        return e;
    }
    if (warned && (sign == SIGN_OK || sign == SIGN_END)) sign = SIGN_ERROR;
    return judge(c, &r, sign);
}

const char *at_answer(const struct at_client *c, const char *prefix, size_t i)
{
    size_t n = strlen(prefix);
    const char *text = buf_str(&c->answer);
    for (size_t at = 0; at < c->answer.len; at += strlen(text + at) + 1) {
        if (strncmp(text + at, prefix, n) != 0) continue;
        if (i-- == 0) return text + at + n;
    }
    return NULL;
}

const struct buf *at_answer_raw(const struct at_client *c)
{
    return c->has_raw ? &c->raw : NULL;
}

uint32_t at_error_code(const struct at_client *c)
{
    return c->code_count ? c->codes[0] : 0;
}

bool at_said_code(const struct at_client *c, uint32_t code)
{
    for (size_t i = 0; i < c->code_count; i++)
        if (c->codes[i] == code) return true;
    return false;
}

bool at_was_refused(const struct at_client *c)
{
    return c->refused;
}

bool at_is_unknown_command(const struct at_client *c)
{
    if (!c->refused) return false;
    return at_said_code(c, AT_CODE_UNKNOWN_COMMAND) || (!c->has_codes && !c->code_count);
}

enum err at_wait_message(struct at_client *c, const char *const *prefixes, struct deadline until,
                         int *which_out, struct at_message *out)
{
    for (;;) {
        const struct inbox_line *l = inbox_take(&c->inbox, prefixes, which_out);
        if (l) {
            *out = (struct at_message){.line = l->text, .raw = l->raw, .raw_len = l->raw_len};
            return ERR_OK;
        }
        enum at_sign sign = SIGN_LINE;
        enum err e = exchange_next(c, until, &sign);
        if (e) return e;
    }
}

enum err at_wait_line(struct at_client *c, const char *const *prefixes, struct deadline until,
                      int *which_out, char *line_out, size_t cap)
{
    struct at_message m;
    enum err e = at_wait_message(c, prefixes, until, which_out, &m);
    if (!e) snprintf(line_out, cap, "%s", m.line);
    return e;
}

void at_forget(struct at_client *c)
{
    inbox_drop(&c->inbox, "");
}

void at_forget_lines(struct at_client *c, const char *prefix)
{
    inbox_drop(&c->inbox, prefix);
}

enum err at_quote(const char *value, struct buf *out)
{
    for (const char *p = value; *p; p++) {
        if (*p == '\r' || *p == '\n')
            return err_fail(ERR_ARG, "at_line_break", "Take the line break out of the value.",
                            "an AT command cannot carry a line break");
        if (*p == '\\' || *p == '"' || *p == ',') buf_append(out, "\\", 1);
        buf_append(out, p, 1);
    }
    return buf_ok(out);
}

int at_first_urc_ms(const struct at_client *c)
{
    if (!c->urc_ns || !c->sent_ns) return -1;
    return (int)((c->urc_ns - c->sent_ns) / 1000000);
}
