/* The speed of the wire. Large transfers go at the flash speed; a speed at which bytes are lost is
 * given up for the next lower one, and not tried again on this board. After another reset the
 * loader is back at the connect speed, and is brought to the present one again. */
#include "service/flash/flasher_core.h"

enum { LEAVE_MS = 1000 };

static const uint32_t ladder[] = {921600, 460800, 230400, 115200};

void flasher_hurry(struct flasher *f, size_t n)
{
    if (n >= FLASHER_LARGE) f->hurry = true;
}

void flasher_slow_down(struct flasher *f)
{
    uint32_t slowest = f->options.connect_baud, next = slowest;
    if (!f->hurry || f->top_baud <= slowest) return;
    for (size_t i = 0; i < sizeof ladder / sizeof ladder[0] && next == slowest; i++)
        if (ladder[i] < f->top_baud && ladder[i] > slowest) next = ladder[i];
    f->top_baud = next;
    f->slowdowns++;
}

enum err flasher_hold_speed(struct flasher *f)
{
    uint32_t wanted = f->top_baud;
    if (!f->hurry || f->port->baud == wanted) return ERR_OK;
    enum err e = rom_change_baud(&f->rom, wanted);
    /* Only what happens from the answer on is the new speed's fault. */
    bool refused = e == ERR_UNSUPPORTED && !err_is(e, "rom_unsupported");
    bool changed = f->port->baud == wanted;
    if (!e) e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (e && (changed || refused) && f->top_baud == wanted) flasher_slow_down(f);
    return e;
}

void flasher_leave_speed(struct flasher *f)
{
    if (f->port->baud == f->options.connect_baud) return;
    f->rom.until = deadline_in_ms(LEAVE_MS);
    (void)rom_change_baud(&f->rom, f->options.connect_baud); /* where it fails, the board is lost */
}

uint32_t flasher_baud(const struct flasher *f)
{
    return f->port->baud;
}

unsigned flasher_slowdowns(const struct flasher *f)
{
    return f->slowdowns;
}
