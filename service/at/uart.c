/* Design: the board says OK at the old speed and changes when it has left; the port follows, and
 * the board has to say its own speed at the new one. What it says is that of its divider (922190
 * for 921600), so 2 % are let pass.
 *
 * The way back must work from any state: nobody knows whether a board that does not answer has
 * heard the last command. So the line that takes it back is sent at the fast speed, which is noise
 * to a board that is back already, and then it is asked at the slow one. On a wire that loses bytes
 * at the fast speed one of several such lines arrives. */
#include "service/at/uart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/at/exchange.h"

enum {
    SETTLE_MS = 20, /* the board's UART is set anew after its OK has left */
    ANSWER_MS = 400,
    NOISE_MS = 50,
    LOST_MS = 1500, /* for a board that has to be brought into step first */
    TRIES = 4,
    TOLERANCE = 50, /* 1/50: 2 % */
};

/* AT+UART_CUR?: the speed, and the rest of the line as it has to be said again. */
static enum err ask(struct at_client *c, unsigned long *baud_out, char *rest_out, size_t cap,
                    struct deadline until)
{
    enum err e = at_command(c, until, "AT+UART_CUR?");
    if (e) return e;
    const char *text = at_answer(c, "+UART_CUR:", 0);
    char *rest;
    *baud_out = strtoul(text ? text : "", &rest, 10);
    size_t n = strspn(rest, ",0123456789");
    if (!*baud_out || rest[n] || n >= cap)
        return err_fail(ERR_PROTOCOL, "at_bad_answer", "Try again; check the wiring if it stays.",
                        "AT+UART_CUR? was answered without a speed");
    memcpy(rest_out, rest, n + 1);
    return ERR_OK;
}

static bool is_about(unsigned long said, uint32_t baud)
{
    unsigned long off = said > baud ? said - baud : baud - said;
    return off <= baud / TOLERANCE;
}

static enum err refused(const char *who, uint32_t baud)
{
    return err_fail(ERR_UNSUPPORTED, "at_speed_refused", NULL, "%s does not take %u baud", who,
                    (unsigned)baud);
}

static enum err answers_at(struct at_client *c, uint32_t baud, int ms, struct deadline until)
{
    unsigned long said = 0;
    char rest[sizeof((struct at_uart *)0)->rest];
    enum err e = port_use_baud(c->port, baud);
    if (!e) e = port_discard(c->port, SETTLE_MS, deadline_within_ms(until, ms));
    if (!e) e = ask(c, &said, rest, sizeof rest, deadline_within_ms(until, ms));
    if (e || is_about(said, baud)) return e;
    return err_fail(ERR_PROTOCOL, "at_bad_answer", NULL,
                    "at %u baud the board says that it has %lu", (unsigned)baud, said);
}

/* An adapter that cannot do it must say so before the board has changed. */
static enum err try_port(struct port *p, uint32_t baud)
{
    uint32_t before = p->baud;
    bool can = port_set_baud(p, baud) == ERR_OK;
    enum err e = port_set_baud(p, before);
    return e || can ? e : refused("the adapter", baud);
}

enum err at_uart_change(struct at_client *c, uint32_t baud, struct at_uart *back_out,
                        struct deadline until)
{
    unsigned long said = 0;
    *back_out = (struct at_uart){.slow = c->port->baud};
    enum err e = ask(c, &said, back_out->rest, sizeof back_out->rest, until);
    if (at_was_refused(c)) return refused("the firmware", baud);
    if (!e && !is_about(said, back_out->slow))
        e = err_fail(ERR_UNSUPPORTED, "at_speed_refused", NULL,
                     "the board answers at %u baud and says that it has %lu",
                     (unsigned)back_out->slow, said);
    if (!e) e = try_port(c->port, baud);
    if (e) return e;
    back_out->fast = baud;
    e = at_command(c, until, "AT+UART_CUR=%u%s", (unsigned)baud, back_out->rest);
    if (at_was_refused(c)) {
        back_out->fast = 0;
        return refused("the board", baud);
    }
    return e ? e : answers_at(c, baud, ANSWER_MS, until);
}

/* What the board heard at a speed that was not its own is an unfinished line to it. */
static enum err end_noise(struct at_client *c, struct deadline until)
{
    enum err e = port_write(c->port, "\r\n", 2, until);
    return e ? e : port_discard(c->port, NOISE_MS, deadline_within_ms(until, ANSWER_MS));
}

static enum err send_back(struct at_client *c, const struct at_uart *back, bool again,
                          struct deadline until)
{
    char line[64];
    enum at_sign sign = SIGN_LINE;
    snprintf(line, sizeof line, "AT+UART_CUR=%u%s", (unsigned)back->slow, back->rest);
    enum err e = port_use_baud(c->port, back->fast);
    if (!e && again) e = end_noise(c, until);
    if (!e) e = exchange_send(c, line, HIDE_NOTHING, until);
    if (!e) e = port_drain(c->port, until);
    if (!e) e = exchange_first_sign(c, until, ANSWER_MS, &sign);
    exchange_end(c, !e && sign == SIGN_OK);
    return e;
}

/* Nobody was understood; anything else is about the port, or our own end. */
static bool is_talk(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE;
}

enum err at_uart_return(struct at_client *c, const struct at_uart *back, struct deadline until)
{
    enum err e = ERR_TIMEOUT;
    for (int i = 0; i < TRIES && is_talk(e) && !deadline_passed(until); i++) {
        e = send_back(c, back, i > 0, until);
        if (!e) e = answers_at(c, back->slow, LOST_MS, until);
    }
    if (!e) return ERR_OK;
    if (!is_talk(e)) {
        struct err_info why = *err_last();
        (void)port_use_baud(c->port, back->slow);
        return err_restore(&why);
    }
    return err_fail(ERR_TIMEOUT, "at_speed_lost", "Take the board's power away for a moment.",
                    "the board does not answer since its AT port was taken from %u to %u baud",
                    (unsigned)back->slow, (unsigned)back->fast);
}
