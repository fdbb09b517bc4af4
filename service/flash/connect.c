/* The boot text is read for two ends: it tells when the loader is ready, so that the first SYNC is
 * neither lost nor late; and when none is answered, it tells why. No text is normal, too (GPIO15
 * low silences the ROM), so that SYNC is always tried.
 *
 * A chip's own USB port may vanish when the chip is reset, and come back as another device: it is
 * opened again and asked, without another reset. */
#include "service/flash/connect.h"

#include <string.h>

#include "service/flash/diagnose.h"

enum {
    BOOT_TEXT_MS = 50,
    SYNC_MS = 500,
    SYNC_ONCE_MS = 100,
    HEARD_MAX = 4096,
    SLOW_ROM_BAUD = 74880, /* the ROM's text of a chip that takes its 26 MHz crystal for 40 MHz */
};

struct story {
    struct buf now;  /* heard in this attempt */
    struct buf best; /* in the one that told most */
    enum heard heard;
    bool echoed;
    bool noisy;    /* the attempt before could not be read */
    uint32_t baud; /* of the loader */
};

static enum err read_boot_text(struct port *p, struct buf *text, struct deadline until)
{
    uint8_t chunk[256];
    until = deadline_within_ms(until, BOOT_TEXT_MS);
    while (!diagnose_loader_ready(text->data, text->len) && !deadline_passed(until)) {
        size_t n;
        enum err e = port_read(p, chunk, sizeof chunk, until, &n);
        if (e) return e == ERR_TIMEOUT ? ERR_OK : e;
        if (n > text->max - text->len) return ERR_OK;
        e = buf_append(text, chunk, n);
        if (e) return e;
    }
    return ERR_OK;
}

static enum err attempt(struct rom *r, struct story *s, struct deadline until)
{
    rom_forget(r);
    enum err e = read_boot_text(r->port, &s->now, until);
    if (!e) e = port_use_baud(r->port, s->baud);
    if (e) return e;
    bool runs = diagnose_text(s->now.data, s->now.len) == HEARD_FIRMWARE;
    r->heard = &s->now;
    e = rom_sync(r, deadline_within_ms(until, runs ? SYNC_ONCE_MS : SYNC_MS));
    r->heard = NULL;
    if (err_is(e, "rom_echo")) s->echoed = true;
    return e;
}

/* Keep what this attempt told, if it is more than the ones before did. */
static enum err remember(struct story *s)
{
    enum heard heard = diagnose_text(s->now.data, s->now.len);
    s->noisy = heard == HEARD_NOISE;
    if (heard <= s->heard) return ERR_OK;
    s->heard = heard;
    buf_reset(&s->best);
    return buf_append(&s->best, s->now.data, s->now.len);
}

static bool is_silence(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE || e == ERR_UNSUPPORTED;
}

/* After a reset by the lines. An adapter that is known as one does not go with the chip: it was
 * unplugged. */
static enum err come_back(struct port *p, struct deadline until)
{
    if (!p->native_usb && p->usb_vid > 0) return port_say_gone(p);
    enum err e = port_reopen(p, deadline_within_ms(until, RESET_BACK_MS));
    if (!e) p->native_usb = true;
    if (e != ERR_NOT_FOUND && e != ERR_PORT_GONE) return e;
    return err_fail(
        ERR_PORT_GONE, "usb_gone",
        "Check the cable. If it is the chip's own USB port: hold BOOT while you plug it "
        "in, and use reset \"none\".",
        "%s vanished when the board was reset, and did not come back", p->name);
}

static enum err reset_once(struct port *p, const struct reset *reset, int i, const struct story *s)
{
    if (reset->kind == RESET_NONE) return ERR_OK;
    enum err e = ERR_OK;
    if (s->noisy) e = port_use_baud(p, SLOW_ROM_BAUD);
    if (!e || e == ERR_UNSUPPORTED) e = port_flush_input(p);
    return e ? e : reset_to_download(p, reset, i);
}

static enum err reset_and_try(struct rom *r, const struct reset *reset, int i, struct story *s,
                              struct deadline until)
{
    bool by_lines = reset->kind != RESET_NONE;
    buf_reset(&s->now);
    enum err e = reset_once(r->port, reset, i, s);
    if (e == ERR_PORT_GONE && by_lines) e = come_back(r->port, until);
    if (e) return e;
    e = attempt(r, s, until);
    if (e != ERR_PORT_GONE || !by_lines) return e;
    e = come_back(r->port, until);
    return e ? e : attempt(r, s, until);
}

/* A port without lines: a board may all the same have been put into its loader by hand, so "auto"
 * goes on without them. */
static enum err check_lines(struct port *p, const struct reset **reset, bool *no_lines_out)
{
    static const struct reset by_hand = {.kind = RESET_NONE};
    *no_lines_out = false;
    if ((*reset)->kind == RESET_NONE) return ERR_OK;
    enum err e = reset_rest(p);
    if (e != ERR_UNSUPPORTED || (*reset)->kind != RESET_AUTO) return e;
    *no_lines_out = true;
    *reset = &by_hand;
    return ERR_OK;
}

static enum err give_up(struct rom *r, const struct story *s, bool no_lines)
{
    const struct evidence ev = {.heard = s->heard,
                                .text = s->best.data,
                                .n = s->best.len,
                                .echoed = s->echoed,
                                .port = r->port->name,
                                .baud = s->baud};
    /* The plainest reason first: there was nothing to reset it with. */
    bool unreachable = no_lines && s->heard < HEARD_LOADER && !s->echoed;
    enum err e = unreachable ? reset_rest(r->port) : ERR_OK;
    return e ? err_device(e, ev.text, ev.n) : diagnose_failure(&ev);
}

enum err connect_loader(struct rom *r, const struct connect_plan *plan, struct deadline until,
                        bool *no_lines_out)
{
    const struct reset *reset = plan->reset;
    enum err e = check_lines(r->port, &reset, no_lines_out);
    if (e) return e;
    struct story s = {.baud = r->port->baud};
    buf_init(&s.now, HEARD_MAX);
    buf_init(&s.best, HEARD_MAX);
    for (int i = 0; i < plan->attempts; i++) {
        e = reset_and_try(r, reset, i, &s, until);
        if (!is_silence(e)) goto out;
        e = remember(&s);
        if (e) goto out;
        if (deadline_passed(until)) break;
    }
    e = give_up(r, &s, *no_lines_out);
out:
    buf_dispose(&s.now);
    buf_dispose(&s.best);
    return e;
}
