/* After a flash: does the firmware start? The boot text tells, on the port that the loader was on;
 * ESP-AT tells on its AT port as well. */
#include <jansson.h>
#include <string.h>

#include "service/flash/diagnose.h"
#include "service/jobs/plan.h"
#include "service/jobs/steps.h"

enum {
    BOOT_MS = 3000,
    /* A firmware that was entered and says nothing bad for so long runs. */
    QUIET_MS = 1000,
    QUIET_AT_MS = 200, /* where the AT port has the last word */
    TEXT_MAX = 8192
};

static bool one_port(const struct session *s)
{
    return strcmp(s->ctx->slot->download_port, s->ctx->slot->at_port) == 0;
}

bool flash_hears_at(const struct session *s)
{
    return s->plan && s->plan->is_esp_at && s->ctx->slot->at_port[0];
}

bool flash_hears_ready(const struct session *s)
{
    return s->was_reset && flash_hears_at(s);
}

/* Where one port is for both, its "ready" must not be read away. */
bool flash_hears_boot(const struct session *s)
{
    return s->was_reset && !(flash_hears_at(s) && one_port(s));
}

struct hearing {
    uint8_t text[TEXT_MAX];
    size_t n;
    enum boot boot;
};

/* What will not get better by waiting. Not an app for another chip: a second one may be there. */
static bool is_certain(enum boot b)
{
    return b == BOOT_NO_FIRMWARE || b == BOOT_NO_APP || b == BOOT_LOADER || b == BOOT_LOOP;
}

/* The chip's own USB port goes away with the reset, and comes back with the firmware, or never. */
static enum err read_more(struct port *p, struct hearing *h, struct deadline until)
{
    size_t got = 0;
    enum err e = port_read(p, h->text + h->n, sizeof h->text - h->n, until, &got);
    if (e == ERR_PORT_GONE && p->native_usb) {
        e = port_reopen(p, until);
        return !e || e == ERR_CANCELLED ? e : ERR_TIMEOUT;
    }
    h->n += got;
    if (!e) h->boot = diagnose_boot(h->text, h->n);
    return e;
}

static enum err listen(struct session *s, struct hearing *h)
{
    struct deadline end = session_within(s, BOOT_MS);
    int quiet_ms = flash_hears_at(s) ? QUIET_AT_MS : QUIET_MS;
    enum err e = ERR_OK;
    while (!e && !is_certain(h->boot) && h->n < sizeof h->text) {
        bool runs = h->boot == BOOT_RUNS;
        e = read_more(s->download, h, runs ? deadline_within_ms(end, quiet_ms) : end);
    }
    return e == ERR_TIMEOUT && !deadline_passed(s->ctx->until) ? ERR_OK : e;
}

/* A chip can be told to boot without a word, some print at a speed of their own, and of what goes
 * to the chip's own USB port a part can be lost. */
static const char *heard(enum boot b)
{
    if (b == BOOT_SILENT) return "nothing";
    if (b == BOOT_NOISE) return "noise";
    return b == BOOT_BEGUN ? "start" : "runs";
}

enum err step_boot(struct session *s)
{
    struct hearing h = {.boot = BOOT_SILENT};
    int64_t began = deadline_now_ns();
    enum err e = listen(s, &h);
    if (!e) e = diagnose_boot_failure(h.boot, h.text, h.n, s->download->name);
    if (e) return e;
    session_result(s, "boot",
                   json_pack("{s:s,s:I}", "heard", heard(h.boot), "ms",
                             (json_int_t)((deadline_now_ns() - began) / 1000000)));
    return ERR_OK;
}

enum err step_flashed_firmware(struct session *s)
{
    enum err e = session_await_boot(s);
    return e ? e : step_firmware(s);
}
