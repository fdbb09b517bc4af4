/* What every backend has in common is done here once: counting, the tap, seeing a cancel before
 * anything is begun, and that a port which hung up stays so until it is opened again. A backend
 * only moves bytes. */
#include "service/port/port.h"

#include <stdlib.h>

#include "service/base/metrics.h"

enum { REOPEN_EVERY_MS = 50 };

static void tell(struct port *p, enum port_direction dir, const uint8_t *data, size_t n)
{
    if (p->tap && n) p->tap(dir, data, n, p->tap_arg);
}

static enum err check_cancel(const struct port *p)
{
    return cancel_is_raised(p->cancel) ? err_set(ERR_CANCELLED, "cancelled") : ERR_OK;
}

enum err port_say_gone(const struct port *p)
{
    return err_fail(
        ERR_PORT_GONE, "port_gone",
        "The adapter was unplugged or lost power. Check its cable and plug it in again.",
        "%s is gone", p->name);
}

static enum err check_there(const struct port *p)
{
    return p->gone ? port_say_gone(p) : ERR_OK;
}

/* What a backend's call ended with. */
static enum err noted(struct port *p, enum err e)
{
    if (e == ERR_PORT_GONE) p->gone = true;
    return e;
}

enum err port_read(struct port *p, void *out, size_t cap, struct deadline until, size_t *n_out)
{
    *n_out = 0;
    enum err e = check_cancel(p);
    if (!e) e = check_there(p);
    if (!e) e = noted(p, p->ops->read(p, out, cap, until, n_out));
    if (e) return e;
    p->bytes_in += *n_out;
    metrics_add(METRIC_SERIAL_IN, *n_out);
    tell(p, PORT_FROM_BOARD, p->mute ? NULL : out, *n_out);
    return ERR_OK;
}

static enum err write_told(struct port *p, const void *data, size_t n, struct deadline until,
                           const uint8_t *told)
{
    enum err e = check_cancel(p);
    if (!e) e = check_there(p);
    if (e || !n) return e;
    /* Told first: in a transcript the question then always stands before its answer. */
    tell(p, PORT_TO_BOARD, told, n);
    e = noted(p, p->ops->write_all(p, data, n, until));
    if (e) return e;
    p->bytes_out += n;
    metrics_add(METRIC_SERIAL_OUT, n);
    return ERR_OK;
}

enum err port_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    return write_told(p, data, n, until, data);
}

enum err port_write_secret(struct port *p, const void *data, size_t n, struct deadline until)
{
    return write_told(p, data, n, until, NULL);
}

enum err port_set_baud(struct port *p, uint32_t baud)
{
    if (baud < 300 || baud > 4000000)
        return err_set(ERR_ARG, "speed %u is not within 300 and 4000000 baud", (unsigned)baud);
    enum err e = check_there(p);
    if (!e) e = noted(p, p->ops->set_baud(p, baud));
    if (!e) p->baud = baud;
    return e;
}

enum err port_use_baud(struct port *p, uint32_t baud)
{
    return p->baud == baud ? ERR_OK : port_set_baud(p, baud);
}

enum err port_set_lines(struct port *p, bool dtr, bool rts)
{
    enum err e = check_there(p);
    return e ? e : noted(p, p->ops->set_lines(p, dtr, rts));
}

enum err port_flush_input(struct port *p)
{
    enum err e = check_there(p);
    return e ? e : noted(p, p->ops->flush_input(p));
}

enum err port_drain(struct port *p, struct deadline until)
{
    enum err e = check_cancel(p);
    if (!e) e = check_there(p);
    return e ? e : noted(p, p->ops->drain(p, until));
}

enum err port_discard(struct port *p, int quiet_ms, struct deadline until)
{
    uint8_t waste[256];
    size_t n;
    enum err e = ERR_OK;
    while (!e && !deadline_passed(until))
        e = port_read(p, waste, sizeof waste, deadline_within_ms(until, quiet_ms), &n);
    return e == ERR_TIMEOUT ? ERR_OK : e;
}

/* Just after it came back its node may still belong to root, or to a program that looks at each new
 * port: only what time does not mend ends the wait. */
static bool may_come(enum err e)
{
    return e == ERR_NOT_FOUND || e == ERR_PORT_GONE || e == ERR_IO || e == ERR_BUSY;
}

enum err port_reopen(struct port *p, struct deadline until)
{
    enum err e = ERR_OK;
    if (!p->ops->reopen) return port_say_gone(p);
    while (!e) {
        e = check_cancel(p);
        if (e) break;
        p->gone = false;
        e = p->ops->reopen(p);
        if (!e) return ERR_OK;
        if (!may_come(e) || deadline_passed(until)) break;
        e = cancel_wait(p->cancel, deadline_within_ms(until, REOPEN_EVERY_MS));
    }
    p->gone = true;
    return e;
}

enum err port_pause(struct port *p, int ms)
{
    return cancel_wait(p->cancel, deadline_in_ms(ms));
}

void port_close(struct port *p)
{
    if (p) p->ops->close(p);
}
