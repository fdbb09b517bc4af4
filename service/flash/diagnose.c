/* The ROM prints how it starts: "rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(…))" and "waiting
 * for download", or "boot:0x13 (SPI_FAST_FLASH_BOOT)". The wording differs between chips and strap
 * pins, so only the words common to them are looked for, after the last "boot:0x": what stands
 * before it may be an earlier boot. */
#include "service/flash/diagnose.h"

#include <string.h>

struct text {
    const uint8_t *p;
    size_t n;
};

static const uint8_t *find(struct text t, const char *word)
{
    return t.n ? memmem(t.p, t.n, word, strlen(word)) : NULL;
}

/* From the last "boot:0x" on; all of it when there is none. */
static struct text last_boot(struct text t, bool *found)
{
    *found = false;
    for (const uint8_t *p = find(t, "boot:0x"); p; p = find(t, "boot:0x")) {
        *found = true;
        t.n -= (size_t)(p - t.p) + 1;
        t.p = p + 1;
    }
    return t;
}

static bool is_printable(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t' || c == 0x1b;
}

enum heard diagnose_text(const uint8_t *text, size_t n)
{
    bool booted;
    struct text boot = last_boot((struct text){text, n}, &booted);
    if (find(boot, "DOWNLOAD") || find(boot, "download") || find(boot, "UART_BOOT") ||
        find(boot, "UART0_BOOT"))
        return HEARD_LOADER;
    if (booted) return HEARD_FIRMWARE;
    size_t printable = 0;
    for (size_t i = 0; i < n; i++)
        printable += is_printable(text[i]);
    if (!n) return HEARD_NOTHING;
    return n >= 8 && printable * 100 >= n * 85 ? HEARD_TEXT : HEARD_NOISE;
}

bool diagnose_loader_ready(const uint8_t *text, size_t n)
{
    bool booted;
    struct text boot = last_boot((struct text){text, n}, &booted);
    return find(boot, "waiting for download") || find(boot, "uart0 download") ||
           (find(boot, "UART_BOOT(") && find(boot, "\n"));
}

static enum err wrong_boot(const struct evidence *ev)
{
    return err_fail(ERR_DEVICE, "board_wrong_boot_mode",
                    "The boot pin (IO0) was not low when the board was reset. Check that DTR goes "
                    "to IO0 and RTS to EN, or hold BOOT while the job starts.",
                    ev->heard == HEARD_TEXT
                        ? "the board on %s runs its firmware and was not reset"
                        : "the board on %s starts its firmware instead of its loader",
                    ev->port);
}

static enum err say(const struct evidence *ev)
{
    if (ev->echoed && ev->heard < HEARD_FIRMWARE)
        return err_fail(ERR_PROTOCOL, "board_echo",
                        "TX and RX of the adapter are bridged, or no board is connected to a "
                        "loop-back adapter. Check the wiring.",
                        "%s sends back what is sent to it", ev->port);
    switch (ev->heard) {
    case HEARD_NOTHING:
        break;
    case HEARD_NOISE:
        return err_fail(ERR_PROTOCOL, "board_garbage",
                        "Check the ground wire, the cable and the power supply, and that the board "
                        "talks at this speed.",
                        "what the board on %s sends cannot be read at %u baud", ev->port,
                        (unsigned)ev->baud);
    case HEARD_TEXT:
    case HEARD_FIRMWARE:
        return wrong_boot(ev);
    case HEARD_LOADER:
        return err_fail(ERR_TIMEOUT, "board_tx_dead",
                        "Nothing that is sent reaches the board: check the wire from the adapter's "
                        "TX to the board's RX (U0RXD, GPIO3 on an ESP32).",
                        "the loader of the board on %s waits, but does not answer", ev->port);
    }
    return err_fail(ERR_TIMEOUT, "board_silent",
                    "Check that the board has power, that this is its download port (UART0), and "
                    "the wire from the board's TX to the adapter's RX. Without DTR and RTS wires: "
                    "hold BOOT, tap EN, and use reset \"none\".",
                    "nothing was received from the board on %s", ev->port);
}

/* What tells most is how the last boot began: its "rst:… boot:…" line and what follows. */
static struct text excerpt(struct text t)
{
    enum { ENOUGH = 300 };
    for (const uint8_t *p = find(t, "rst:0x"); p;) {
        t = (struct text){p, t.n - (size_t)(p - t.p)};
        const struct text behind = {p + 1, t.n - 1};
        p = find(behind, "rst:0x");
    }
    if (t.n > ENOUGH) t.n = ENOUGH;
    return t;
}

enum err diagnose_failure(const struct evidence *ev)
{
    struct text t = excerpt((struct text){ev->text, ev->n});
    return err_device(say(ev), t.p, t.n);
}
