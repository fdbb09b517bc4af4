/* DTR pulls the boot pin and RTS pulls EN, through two transistors: both asserted or both released
 * pull nothing. Tight changes both lines at the same moment, as that circuit wants it; classic goes
 * through "both asserted", which boards need whose pins are wired to the lines directly. Boards
 * whose EN rises slowly (no capacitor fits all) need the boot pin held longer. A chip's own USB
 * port has no such circuit: it looks at the order in which the lines change. */
#include "service/flash/reset.h"

#include <string.h>

enum { HOLD_MS = 50, HOLD_SLOW_MS = 550, HOLD_NOT = 0 };

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Ways in; the last step is held for as long as the rung says. */
static const struct reset_step tight[] = {
    {false, false, 0}, {true, true, 0}, {false, true, 100}, {true, false, 0}};
static const struct reset_step classic[] = {{false, true, 100}, {true, true, 0}, {true, false, 0}};
static const struct reset_step usb_jtag[] = {
    {false, false, 100}, {true, false, 100}, {true, true, 0}, {false, true, 100}};

/* Ways out. */
static const struct reset_step pulse[] = {{false, true, 100}};
/* Time to come up again before the lines change, and after that. */
static const struct reset_step pulse_usb[] = {{false, true, 200}, {false, false, 200}};
/* EN is let go by DTR, which then stays: see reset_rest(). */
static const struct reset_step pulse_held[] = {{false, true, 100}, {true, true, 100}};

struct rung {
    const struct reset_step *steps;
    size_t count;
    uint16_t hold_ms;
};

static const struct rung usual_rungs[] = {
    {tight, COUNT(tight), HOLD_MS},        {classic, COUNT(classic), HOLD_MS},
    {tight, COUNT(tight), HOLD_SLOW_MS},   {classic, COUNT(classic), HOLD_SLOW_MS},
    {usb_jtag, COUNT(usb_jtag), HOLD_NOT},
};
static const struct rung native_rungs[] = {
    {usb_jtag, COUNT(usb_jtag), HOLD_NOT}, {usb_jtag, COUNT(usb_jtag), HOLD_NOT},
    {tight, COUNT(tight), HOLD_MS},        {classic, COUNT(classic), HOLD_MS},
    {usb_jtag, COUNT(usb_jtag), HOLD_NOT},
};
static const struct rung tight_rungs[] = {{tight, COUNT(tight), HOLD_MS},
                                          {tight, COUNT(tight), HOLD_SLOW_MS}};
static const struct rung classic_rungs[] = {{classic, COUNT(classic), HOLD_MS},
                                            {classic, COUNT(classic), HOLD_SLOW_MS}};
static const struct rung usb_jtag_rungs[] = {{usb_jtag, COUNT(usb_jtag), HOLD_NOT}};

static const struct kind {
    const char *name; /* NULL: has none of its own */
    const struct rung *usual, *native;
    size_t count;
} kinds[] = {
    [RESET_AUTO] = {"auto", usual_rungs, native_rungs, COUNT(usual_rungs)},
    [RESET_TIGHT] = {"tight", tight_rungs, tight_rungs, COUNT(tight_rungs)},
    [RESET_CLASSIC] = {"classic", classic_rungs, classic_rungs, COUNT(classic_rungs)},
    [RESET_USB_JTAG] = {"usb-jtag", usb_jtag_rungs, usb_jtag_rungs, COUNT(usb_jtag_rungs)},
    [RESET_CUSTOM] = {NULL, NULL, NULL, 0},
    [RESET_NONE] = {"none", NULL, NULL, 0},
};

/* ---- parsing ---- */

struct parser {
    const char *text, *at;
    struct reset *out;
    unsigned total_ms;
};

static enum err expected(const struct parser *p, const char *what)
{
    return err_fail(ERR_ARG, "bad_reset", NULL, "position %zu: expected %s",
                    (size_t)(p->at - p->text) + 1, what);
}

static enum err take(struct parser *p, char c, const char *what)
{
    if (*p->at != c) return expected(p, what);
    p->at++;
    return ERR_OK;
}

static enum err take_level(struct parser *p, bool *out)
{
    if (*p->at != '0' && *p->at != '1') return expected(p, "0 or 1");
    *out = *p->at++ == '1';
    return ERR_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Seconds with up to three decimals, which are all that there are. */
static enum err take_wait(struct parser *p, unsigned *ms_out)
{
    const struct parser start = *p;
    unsigned ms = 0;
    if (!is_digit(*p->at)) return expected(p, "seconds, like 0.05");
    for (; is_digit(*p->at) && ms <= RESET_TOTAL_MS; p->at++)
        ms = 10 * ms + 1000 * (unsigned)(*p->at - '0');
    if (*p->at == '.') {
        p->at++;
        for (unsigned unit = 100; unit && is_digit(*p->at); unit /= 10)
            ms += unit * (unsigned)(*p->at++ - '0');
    }
    *ms_out = ms;
    p->total_ms += ms;
    return p->total_ms > RESET_TOTAL_MS
               ? expected(&start, "at most 10 s of waiting in all (W is in seconds)")
               : ERR_OK;
}

/* A wait belongs to the step before it. */
static enum err take_wait_step(struct parser *p)
{
    struct reset *r = p->out;
    unsigned ms = 0;
    enum err e = take_wait(p, &ms);
    if (e) return e;
    if (!r->count) r->count = 1; /* both lines released */
    r->steps[r->count - 1].ms = (uint16_t)(r->steps[r->count - 1].ms + ms);
    return ERR_OK;
}

static enum err take_step(struct parser *p)
{
    struct reset *r = p->out;
    struct reset_step next = r->count ? r->steps[r->count - 1] : (struct reset_step){0};
    enum err e = ERR_OK;
    next.ms = 0;
    if (*p->at != 'W' && r->count == RESET_STEPS)
        return expected(p, "the end: there are too many steps");
    switch (*p->at++) {
    case 'D':
        e = take_level(p, &next.dtr);
        break;
    case 'R':
        e = take_level(p, &next.rts);
        break;
    case 'U':
        e = take_level(p, &next.dtr);
        if (!e) e = take(p, ',', "a comma");
        if (!e) e = take_level(p, &next.rts);
        break;
    case 'W':
        return take_wait_step(p);
    default:
        p->at--;
        return expected(p, "D, R, U or W");
    }
    r->steps[r->count++] = next;
    return e;
}

static enum err parse_steps(const char *text, struct reset *out)
{
    struct parser p = {.text = text, .at = text, .out = out};
    enum err e = take_step(&p);
    while (!e && *p.at) {
        e = take(&p, '|', "| or the end");
        if (!e) e = take_step(&p);
    }
    return e;
}

enum err reset_parse(const char *text, struct reset *out)
{
    *out = (struct reset){.kind = RESET_CUSTOM};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!kinds[i].name || strcmp(text, kinds[i].name) != 0) continue;
        out->kind = (enum reset_kind)i;
        return ERR_OK;
    }
    if (*text && strchr("DRUW", *text)) return parse_steps(text, out);
    return err_fail(ERR_ARG, "bad_reset", NULL,
                    "position 1: expected auto, tight, classic, usb-jtag, none, or steps like "
                    "D0|R1|W0.1|D1|R0|W0.05|D0");
}

/* ---- pulling lines ---- */

/* A CP2102C pulls RTS whenever it receives, as flow control that cannot be switched off: with DTR
 * asserted beside it, that pulls nothing. */
enum err reset_rest(struct port *p)
{
    return port_set_lines(p, p->holds_dtr, false);
}

/* Whatever happens, no line stays pulled: a board held in reset looks dead. */
static enum err run(struct port *p, const struct rung *r)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < r->count && !e; i++) {
        e = port_set_lines(p, r->steps[i].dtr, r->steps[i].rts);
        if (!e && r->steps[i].ms) e = port_pause(p, r->steps[i].ms);
    }
    if (!e && r->hold_ms) e = port_pause(p, r->hold_ms);
    if (!e) return reset_rest(p);
    struct err_info why = *err_last();
    reset_rest(p);
    return err_restore(&why);
}

enum err reset_to_download(struct port *p, const struct reset *r, int attempt)
{
    const struct kind *k = &kinds[r->kind];
    const struct rung custom = {r->steps, r->count, HOLD_NOT};
    if (r->kind == RESET_CUSTOM) return run(p, &custom);
    if (!k->count) return ERR_OK;
    return run(p, &(p->native_usb ? k->native : k->usual)[(size_t)attempt % k->count]);
}

enum err reset_to_run(struct port *p, const struct reset *r)
{
    static const struct rung usual = {pulse, COUNT(pulse), HOLD_NOT};
    static const struct rung usb = {pulse_usb, COUNT(pulse_usb), HOLD_NOT};
    static const struct rung held = {pulse_held, COUNT(pulse_held), HOLD_NOT};
    bool own_usb = p->native_usb || r->kind == RESET_USB_JTAG;
    enum err e = ERR_OK;
    if (r->kind == RESET_NONE) return ERR_OK;
    if (!own_usb) return run(p, p->holds_dtr ? &held : &usual);
    if (p->gone) e = port_reopen(p, deadline_in_ms(RESET_BACK_MS));
    if (e) return e;
    e = run(p, &usb);
    if (e != ERR_PORT_GONE) return e;
    p->native_usb = true;
    return ERR_OK;
}
