/* Design: how a board is brought into step, whatever state it was left in. The order matters, so
 * that a healthy board takes no harm:
 *  1. AT, several times, each with its own time. Any OK, ERROR or "busy p..." means that something
 *     parses lines. ERROR is normal here: noise or half a line may stand before the first AT. Busy
 *     means that an earlier command (a join takes 15 s) has to end first.
 *  2. Only a board that said nothing at all to all of them may be one that still counts the bytes
 *     of an interrupted AT+SYSFLASH or AT+SYSMFG write (the firmware has no time-out for them). It
 *     is fed 0xFF, which changes nothing in erased flash, in pieces, until it answers, and never
 *     more than the largest credential. That write was lost anyway: each of ours begins with an
 *     erase, or replaces a key of mfg_nvs as a whole. What is left over becomes a nonsense line: it
 *     is ended with CR LF and its ERROR is swallowed.
 *  3. AT again, until the time is over: the board may just be booting, which takes seconds.
 * A board that is asked while it boots, or a wire that leads elsewhere, sees only text and 0xFF. */
#include "service/at/client.h"

#include <string.h>

#include "service/at/exchange.h"

enum {
    TRIES = 4,
    ASK_MS = 500,     /* one AT; a healthy board needs 50, a loaded one 100 */
    OLD_END_MS = 500, /* between two looks at a board that is busy */
    QUIET_MS = 150,   /* so long without a result: none is on its way */
    QUIET_MAX_MS = 2000,
    FEED_BYTES = 8192,  /* a PKI partition */
    PIECE_BYTES = 1024, /* the firmware's receive buffer is 2048 */
    PIECE_MS = 120,
    RESET_ASK_MS = 3000, /* AT+RST until its OK */
    SETTLE_MS = 1500,    /* for an earlier command to end before it */
    REVIVE_MS = 8000,    /* to get a board out of a lost write, to hear AT+RST */
    COMMAND_MS = 3000,   /* ATE0, AT+SYSLOG */
    STARTS = 3,          /* a board that restarts in the middle is met again so often */
};

/* Until no result has come for a while. *sign_out: the last one. */
static enum err quiet(struct at_client *c, struct deadline until, enum at_sign *sign_out)
{
    struct deadline most = deadline_within_ms(until, QUIET_MAX_MS);
    *sign_out = SIGN_LINE;
    while (!deadline_passed(most)) {
        enum at_sign sign = SIGN_LINE;
        enum err e = exchange_first_sign(c, most, QUIET_MS, &sign);
        if (e || sign == SIGN_LINE) return e;
        *sign_out = sign;
    }
    return ERR_OK;
}

static enum err ask(struct at_client *c, struct deadline until, enum at_sign *out)
{
    enum err e = exchange_send(c, "AT", HIDE_NOTHING, until);
    if (!e) e = exchange_first_sign(c, until, ASK_MS, out);
    c->running = false;
    return e;
}

/* What to do about one answer to AT. *idle_out: the board has nothing more to say. */
static enum err after_answer(struct at_client *c, enum at_sign sign, struct deadline until,
                             bool *idle_out)
{
    *idle_out = false;
    if (sign == SIGN_BUSY) return exchange_first_sign(c, until, OLD_END_MS, &sign);
    enum at_sign last = SIGN_LINE;
    enum err e = quiet(c, until, &last);
    *idle_out = !e && sign == SIGN_OK && last != SIGN_BUSY && last != SIGN_READY;
    return e;
}

/* Whatever was being counted or collected belongs to an exchange that was given up. */
static void forget_partial(struct at_client *c)
{
    line_dispose(&c->lines);
    line_init(&c->lines);
}

enum err at_sync(struct at_client *c, struct deadline until, bool *silent_out)
{
    forget_partial(c);
    *silent_out = true;
    bool busy = false;
    enum err e = exchange_drain(c);
    if (e) return e;
    for (int silent = 0; silent < TRIES && !deadline_passed(until);) {
        enum at_sign sign = SIGN_LINE;
        e = ask(c, until, &sign);
        if (e) return e;
        if (sign == SIGN_LINE) {
            silent++;
            continue;
        }
        busy = sign == SIGN_BUSY;
        silent = 0;
        *silent_out = false;
        bool idle = false;
        e = after_answer(c, sign, until, &idle);
        if (e) return e;
        if (idle) {
            exchange_end(c, true);
            return ERR_OK;
        }
    }
    if (busy)
        return err_fail(ERR_TIMEOUT, "at_busy", "Reset the board: only that ends such a command.",
                        "the board is still busy with an earlier command");
    return err_fail(ERR_TIMEOUT, "at_silent",
                    "Check the wiring of the AT port (TX and RX crossed, common ground; on most "
                    "modules it is UART1, not the port of the USB connector), its speed, and that "
                    "the board has power.",
                    "the board does not answer AT");
}

/* Bytes for a board that only counts them; see 2. above. */
static enum err feed_lost_write(struct at_client *c, struct deadline until)
{
    uint8_t ff[PIECE_BYTES];
    memset(ff, 0xff, sizeof ff);
    enum at_sign sign = SIGN_LINE;
    enum err e = ERR_OK;
    for (size_t fed = 0; fed < FEED_BYTES && sign == SIGN_LINE && !e; fed += sizeof ff) {
        /* Not secret, but 8 KiB of 0xFF tell nobody anything: the transcript keeps the length. */
        e = port_write_secret(c->port, ff, sizeof ff, until);
        if (!e) e = port_drain(c->port, until);
        if (!e) e = exchange_first_sign(c, until, PIECE_MS, &sign);
    }
    if (!e) e = port_write(c->port, "\r\n", 2, until);
    return e ? e : quiet(c, until, &sign);
}

static enum err revive(struct at_client *c, struct deadline until)
{
    bool silent = false;
    enum err e = at_sync(c, until, &silent);
    if (e != ERR_TIMEOUT || deadline_passed(until)) return e;
    if (silent) e = feed_lost_write(c, until);
    if (e && e != ERR_TIMEOUT) return e;
    do {
        e = at_sync(c, until, &silent);
    } while (e == ERR_TIMEOUT && !deadline_passed(until));
    return e;
}

/* Bytes came, but not one line that the firmware says. */
static enum err garbage(struct at_client *c)
{
    enum err e = err_fail(ERR_PROTOCOL, "at_garbage",
                          "Check the speed of the AT port, and that it is the AT port: the console "
                          "(UART0) carries only a log.",
                          "the port says something, but nothing that ESP-AT would answer");
    return err_device(e, c->heard, c->heard_len);
}

static enum err start_once(struct at_client *c, struct deadline until)
{
    c->heard_len = 0;
    enum err e = revive(c, until);
    bool silent = err_is(e, "at_silent");
    if (silent && c->heard_len) return garbage(c);
    if (e) return e;
    inbox_drop(&c->inbox, "ready");
    e = at_command(c, deadline_within_ms(until, COMMAND_MS), "ATE0");
    if (e) return e;
    e = at_command(c, deadline_within_ms(until, COMMAND_MS), "AT+SYSLOG=1");
    c->has_codes = !e;
    return at_was_refused(c) ? ERR_OK : e;
}

enum err at_client_start(struct at_client *c, struct deadline until)
{
    enum err e = ERR_OK;
    for (int i = 0; i < STARTS; i++) {
        e = start_once(c, until);
        bool rebooted = err_is(e, "board_rebooted");
        if (!rebooted) break;
    }
    return e;
}

static enum err not_ready(struct at_client *c)
{
    enum err e = err_fail(ERR_TIMEOUT, "at_not_ready",
                          "Check that the board starts its firmware (IO0 high at reset) and that "
                          "the AT port is wired.",
                          "the board did not say \"ready\"");
    return exchange_words(c, e);
}

enum err at_client_wait_ready(struct at_client *c, struct deadline until)
{
    static const char *const ready[] = {"ready", NULL};
    int which = 0;
    struct at_message m;
    exchange_end(c, false);
    if (c->lines.in_raw) forget_partial(c); /* the rest of a read will not come */
    enum err e = at_wait_message(c, ready, until, &which, &m);
    if (e == ERR_TIMEOUT) return not_ready(c);
    return e ? e : at_client_start(c, until);
}

static bool is_restarting(enum at_sign s)
{
    return s == SIGN_OK || s == SIGN_READY || s == SIGN_FORCED;
}

/* AT+RST until the board takes it. A busy firmware restarts at exactly this line, an old one only
 * when it is free again. */
static enum err ask_for_reset(struct at_client *c, struct deadline until, enum at_sign *sign)
{
    for (int i = 0; i < TRIES && !deadline_passed(until); i++) {
        enum err e = exchange_send(c, "AT+RST", HIDE_NOTHING, until);
        if (!e) e = exchange_first_sign(c, until, RESET_ASK_MS, sign);
        bool busy = !e && *sign == SIGN_BUSY;
        if (busy) e = exchange_first_sign(c, until, OLD_END_MS, sign);
        exchange_end(c, false);
        if (e || is_restarting(*sign)) return e;
        if (!busy && *sign == SIGN_LINE) e = revive(c, deadline_within_ms(until, REVIVE_MS));
        if (e && e != ERR_TIMEOUT) return e;
    }
    return exchange_words(c, err_fail(ERR_TIMEOUT, "at_not_ready", "Reset the board by hand.",
                                      "the board does not take AT+RST"));
}

enum err at_client_reset(struct at_client *c, struct deadline until)
{
    bool silent = false;
    enum err e = exchange_drain(c);
    /* A late OK must not be taken for that of AT+RST; a command that hangs is no reason to wait. */
    if (!e && c->owed) e = at_sync(c, deadline_within_ms(until, SETTLE_MS), &silent);
    if (e && e != ERR_TIMEOUT) return err_wrap(e, "AT+RST");
    inbox_drop(&c->inbox, "ready");
    enum at_sign sign = SIGN_LINE;
    e = ask_for_reset(c, until, &sign);
    if (e) return err_wrap(e, "AT+RST");
    return sign == SIGN_READY ? at_client_start(c, until) : at_client_wait_ready(c, until);
}
