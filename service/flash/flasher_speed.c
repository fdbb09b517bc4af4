/* The speed of the wire. Large transfers go at the flash speed; a speed at which bytes are lost is
 * given up for the next lower one, and not tried again on this board. After another reset the
 * loader is back at the connect speed, and is brought to the present one again. */
#include "service/base/metrics.h"
#include "service/flash/flasher_core.h"
#include "service/flash/identify.h"

enum { LEAVE_MS = 2500 /* two changes, and a SYNC in between */ };

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
    metrics_add(METRIC_FLASH_SLOWDOWNS, 1);
}

/* Where the speed means nothing or nobody knows what to tell the loader, it stays as it is. */
static enum err change(struct flasher *f, uint32_t baud)
{
    uint32_t told;
    enum err e = identify_told_baud(&f->rom, &f->board, baud, &told);
    return e || !told ? e : rom_change_baud(&f->rom, baud, told);
}

/* No answer came, and nothing but another speed can bring the loader back: it may have changed
 * over, and only its answer was lost. @return ERR_OK, in step with it; else @p why, at the speed
 * before */
static enum err look_there(struct flasher *f, uint32_t baud, enum err why)
{
    const struct err_info said = *err_last();
    uint32_t before = f->port->baud;
    if (why != ERR_TIMEOUT || flasher_can_reset(f) || port_set_baud(f->port, baud))
        return err_restore(&said);
    enum err e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (!e || e == ERR_CANCELLED || e == ERR_PORT_GONE) return e;
    e = port_set_baud(f->port, before);
    return e ? e : err_restore(&said);
}

enum err flasher_hold_speed(struct flasher *f)
{
    uint32_t wanted = f->top_baud;
    if (!f->hurry || f->port->baud == wanted) return ERR_OK;
    enum err e = change(f, wanted);
    if (e) e = look_there(f, wanted, e);
    if (!e && f->port->baud != wanted) {
        f->top_baud = f->port->baud;
        return ERR_OK;
    }
    /* Only what happens from the answer on is the new speed's fault. */
    bool refused = e == ERR_UNSUPPORTED && !err_is(e, "rom_unsupported");
    bool changed = f->port->baud == wanted;
    if (!e) e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (e && (changed || refused) && f->top_baud == wanted) flasher_slow_down(f);
    return e;
}

void flasher_leave_speed(struct flasher *f)
{
    uint32_t connect = f->options.connect_baud;
    if (f->port->baud == connect || !f->board.chip) return;
    f->rom.until = deadline_in_ms(LEAVE_MS);
    enum err e = change(f, connect);
    if (e) e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (!e && f->port->baud != connect) (void)change(f, connect); /* the last chance */
}

uint32_t flasher_baud(const struct flasher *f)
{
    return f->port->baud;
}

unsigned flasher_slowdowns(const struct flasher *f)
{
    return f->slowdowns;
}
