/* The ROM prints how it starts: "rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(…))" and "waiting
 * for download", or "boot:0x13 (SPI_FAST_FLASH_BOOT)". The wording differs between chips and strap
 * pins, so only the words common to them are looked for, after the last "boot:0x": what stands
 * before it may be an earlier boot. */
#include "service/flash/diagnose.h"

#include <stdio.h>
#include <string.h>

struct text {
    const uint8_t *p;
    size_t n;
};

static const uint8_t *find(struct text t, const char *word)
{
    return t.n ? memmem(t.p, t.n, word, strlen(word)) : NULL;
}

/* @param words  NULL-ended */
static bool has_any(struct text t, const char *const *words)
{
    for (; *words; words++)
        if (find(t, *words)) return true;
    return false;
}

static struct text behind(struct text t, const uint8_t *at)
{
    return (struct text){at + 1, t.n - (size_t)(at - t.p) - 1};
}

static unsigned count(struct text t, const char *word)
{
    unsigned n = 0;
    for (const uint8_t *p = find(t, word); p; p = find(t, word), n++)
        t = behind(t, p);
    return n;
}

/* From the last @p word on; all of it when there is none. */
static struct text from_last(struct text t, const char *word)
{
    const uint8_t *last = t.p, *end = t.p + t.n;
    for (const uint8_t *p = find(t, word); p; p = find(t, word)) {
        last = p;
        t = behind(t, p);
    }
    return (struct text){last, (size_t)(end - last)};
}

static bool is_printable(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t' || c == 0x1b;
}

static bool is_text(struct text t)
{
    size_t printable = 0;
    for (size_t i = 0; i < t.n; i++)
        printable += is_printable(t.p[i]);
    return t.n >= 8 && printable * 100 >= t.n * 85;
}

/* ---- into the loader ---- */

static const char *const waits[] = {"waiting for download", "uart0 download", "uart download",
                                    "usb download", NULL};
static const char *const ways_in[] = {"DOWNLOAD_BOOT(", "(DOWNLOAD(", "UART_BOOT",
                                      "UART0_BOOT",     "(USB_BOOT",  NULL};

enum heard diagnose_text(const uint8_t *text, size_t n)
{
    const struct text t = {text, n};
    struct text boot = from_last(t, "boot:0x");
    if (has_any(boot, waits) || has_any(boot, ways_in)) return HEARD_LOADER;
    if (find(boot, "boot:0x")) return HEARD_FIRMWARE;
    if (!n) return HEARD_NOTHING;
    return is_text(t) ? HEARD_TEXT : HEARD_NOISE;
}

bool diagnose_loader_ready(const uint8_t *text, size_t n)
{
    struct text boot = from_last((struct text){text, n}, "boot:0x");
    return has_any(boot, waits) || (find(boot, "UART_BOOT(") && find(boot, "\n"));
}

/* ---- out of the flash ---- */

static const struct mark {
    const char *word;
    enum boot means;
} marks[] = {
    {"mismatch chip ID", BOOT_WRONG_CHIP},
    {"Image requires chip rev", BOOT_WRONG_CHIP},
    {"No bootable app", BOOT_NO_APP},
    {"load partition table error", BOOT_NO_APP},
    {"Failed to verify partition table", BOOT_NO_APP},
    {"nvalid header", BOOT_NO_FIRMWARE},
    {"flash read err", BOOT_NO_FIRMWARE},
    {"nvalid image block", BOOT_NO_FIRMWARE},
    {"csum err", BOOT_NO_FIRMWARE},
    {"built-in command interpreter", BOOT_NO_FIRMWARE},
    {"Guru Meditation", BOOT_CRASH},
    {"abort() was called", BOOT_CRASH},
    {"assert failed", BOOT_CRASH},
    {"***ERROR***", BOOT_CRASH},
};

enum { WATCHDOGS = 2, RESTARTS = 3, CRASHES = 2 };

/* Is a word that speaks against an application the last word on it? What is erased is no
 * application for another chip, though its chip is told as 65535; and the bootloader may have found
 * another one behind it. */
static bool counts_for_all(struct text t, const char *word)
{
    for (const uint8_t *p = find(t, word); p; p = find(t, word)) {
        t = behind(t, p);
        const uint8_t *end = find(t, "\n");
        struct text line = {t.p, end ? (size_t)(end - t.p) : t.n};
        if (!find(line, "found 65535") && !find(t, "Loaded app from partition")) return true;
    }
    return false;
}

/* @return BOOT_RUNS when there is none */
static enum boot find_mark(struct text t)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const struct mark *m = &marks[i];
        bool found =
            m->means == BOOT_WRONG_CHIP ? counts_for_all(t, m->word) : find(t, m->word) != NULL;
        if (found) return m->means;
    }
    return BOOT_RUNS;
}

/* Restarts by a watchdog: "rst:0x10 (RTCWDT_RTC_RESET)", "rst:0x8 (TG1WDT_SYS_RESET)" … One alone
 * may be how a loader was left. */
static unsigned count_watchdogs(struct text t)
{
    unsigned n = 0;
    for (const uint8_t *p = find(t, "rst:0x"); p; p = find(t, "rst:0x")) {
        t = behind(t, p);
        const uint8_t *end = find(t, ")");
        n += end && find((struct text){t.p, (size_t)(end - t.p)}, "WDT");
    }
    return n;
}

/* A line of a firmware's log, "I (31) boot: …": it is found beside noise, too, which the ROM's own
 * words are when its speed is another. */
static bool has_log_line(struct text t)
{
    for (const uint8_t *p = find(t, "I ("); p; p = find(t, "I (")) {
        t = behind(t, p);
        size_t i = 2;
        while (i < t.n && t.p[i] >= '0' && t.p[i] <= '9')
            i++;
        if (i > 2 && i + 1 < t.n && t.p[i] == ')' && t.p[i + 1] == ' ') return true;
    }
    return false;
}

enum boot diagnose_boot(const uint8_t *text, size_t n)
{
    static const char *const dips[] = {"rst:0xf ", "Brownout detector", NULL};
    const struct text t = {text, n}, last = from_last(t, "rst:0x");
    const enum heard heard = diagnose_text(text, n);
    const enum boot now = find_mark(last), before = find_mark(t);
    if (has_any(t, dips)) return BOOT_BROWNOUT;
    if (heard == HEARD_LOADER) return BOOT_LOADER;
    if (now != BOOT_RUNS) return now;
    if (count(t, "Rebooting...") >= CRASHES) return BOOT_CRASH;
    if (before == BOOT_RUNS && (count_watchdogs(t) >= WATCHDOGS || count(t, "rst:0x") >= RESTARTS))
        return BOOT_LOOP;
    if (find(last, "entry 0x") || heard == HEARD_TEXT || has_log_line(last)) return BOOT_RUNS;
    if (before != BOOT_RUNS) return before; /* the last start is too short to tell */
    if (heard == HEARD_NOTHING) return BOOT_SILENT;
    if (heard == HEARD_NOISE) return BOOT_NOISE;
    return count_watchdogs(t) && count(t, "rst:0x") > 1 ? BOOT_STOPPED : BOOT_BEGUN;
}

/* ---- in words ---- */

struct story {
    enum err kind;
    const char *code, *what, *hint; /* what the board does */
};

static const char hint_flash_again[] = "Flash the whole firmware again, for this chip.";
static const char hint_boot_pin[] = "Check that DTR goes to the boot pin (GPIO0; GPIO9 on C2, C3, "
                                    "C6, C61 and H2, GPIO28 on C5) and "
                                    "RTS to EN, or hold BOOT while the job starts.";
static const char hint_straps[] =
    "Beside the boot pin another one counts at reset: GPIO2 (ESP32) or GPIO46 (S2, S3) must be low "
    "or open, GPIO8 (C2, C3, C6, C61, H2) or GPIO27 (C5) high.";
static const char hint_basic[] =
    "Check DTR and RTS, or hold BOOT and tap EN: a reset into its loader ends it. Then flash a "
    "firmware.";

static const struct story boots[] = {
    [BOOT_STOPPED] = {ERR_DEVICE, "board_stopped", "begins to start, and stops",
                      "Flash the whole firmware again, its bootloader, too."},
    [BOOT_LOADER] = {ERR_DEVICE, "board_in_loader", "is in its loader instead of its firmware",
                     "The boot pin is low: let go of BOOT, and tap EN."},
    [BOOT_NO_FIRMWARE] = {ERR_DEVICE, "board_no_firmware",
                          "finds no firmware in its flash that it can start",
                          "Flash a firmware for this chip. On an ESP32, GPIO12 must not be high at "
                          "reset, or the flash cannot be read."},
    [BOOT_NO_APP] = {ERR_DEVICE, "board_no_app",
                     "finds no application, or no partition table, in its flash", hint_flash_again},
    [BOOT_WRONG_CHIP] = {ERR_DEVICE, "board_wrong_chip",
                         "has a firmware for another chip, or another revision of it",
                         hint_flash_again},
    [BOOT_CRASH] = {ERR_DEVICE, "board_crash", "starts its firmware, which crashes",
                    "Flash another firmware, or the whole of this one again. Its own words say "
                    "where it crashed."},
    [BOOT_LOOP] = {ERR_DEVICE, "board_boot_loop", "starts over and over",
                   "Flash the whole firmware again; if it stays so, check the power supply."},
    [BOOT_BROWNOUT] = {ERR_DEVICE, "board_brownout", "loses its power when it starts (brown-out)",
                       "Check the power supply and the cable: a start needs up to 500 mA for a "
                       "moment."},
};

/* Words that say why the loader does not answer, whatever else was heard. */
static const struct refusal {
    const char *word;
    struct story story;
} refusals[] = {
    {"Download boot modes disabled",
     {ERR_UNSUPPORTED, "board_download_disabled", "has a loader that its fuses forbid",
      "Nothing can be written through this port any more. Where the firmware is ESP-AT, use method "
      "at; else take another board."}},
    {"SPI_DOWNLOAD_BOOT",
     {ERR_DEVICE, "board_wrong_straps", "starts another loader than the serial one", hint_straps}},
    {"(USB_BOOT",
     {ERR_DEVICE, "board_wrong_straps", "has its loader listen to its USB port alone",
      hint_straps}},
    {"built-in command interpreter",
     {ERR_DEVICE, "board_basic", "found no firmware and is at the prompt of the ROM's BASIC",
      hint_basic}},
    /* How BASIC shows a SYNC: without its zeros, and with a backspace for its opcode. */
    {"\b \b$\a\a\x12 UUUU",
     {ERR_DEVICE, "board_basic", "is at the prompt of the ROM's BASIC and was not reset",
      hint_basic}},
};

static enum err tell(const struct story *s, const char *port)
{
    return err_fail(s->kind, s->code, s->hint, "the board on %s %s", port, s->what);
}

/* What tells most is how the last boot began: its "rst:… boot:…" line and what follows. */
static enum err with_words(enum err e, const uint8_t *text, size_t n)
{
    enum { ENOUGH = 300 };
    struct text t = from_last((struct text){text, n}, "rst:0x");
    return err_device(e, t.p, t.n < ENOUGH ? t.n : ENOUGH);
}

enum err diagnose_boot_failure(enum boot boot, const uint8_t *text, size_t n, const char *port)
{
    if (boot <= BOOT_RUNS) return ERR_OK;
    return with_words(tell(&boots[boot], port), text, n);
}

/* It boots from its flash, or runs already. */
static enum err not_entered(const struct evidence *ev, enum boot boot)
{
    const struct story *s = &boots[boot];
    char hint[sizeof err_last()->hint];
    if (boot <= BOOT_LOADER)
        return err_fail(ERR_DEVICE, "board_wrong_boot_mode", hint_boot_pin,
                        ev->heard == HEARD_TEXT
                            ? "the board on %s runs its firmware and was not reset"
                            : "the board on %s starts its firmware instead of its loader",
                        ev->port);
    snprintf(hint, sizeof hint, "%s %s", hint_boot_pin, s->hint);
    return err_fail(s->kind, s->code, hint, "the board on %s %s, and did not enter its loader",
                    ev->port, s->what);
}

static const struct story *find_refusal(const struct evidence *ev)
{
    const struct text boot = from_last((struct text){ev->text, ev->n}, "boot:0x");
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (find(boot, refusals[i].word)) return &refusals[i].story;
    return NULL;
}

static enum err say(const struct evidence *ev)
{
    const enum boot boot = diagnose_boot(ev->text, ev->n);
    const struct story *refusal = find_refusal(ev);
    if (ev->echoed && ev->heard < HEARD_FIRMWARE)
        return err_fail(ERR_PROTOCOL, "board_echo",
                        "TX and RX of the adapter are bridged, or the board runs a firmware that "
                        "echoes and was not reset. Check the wiring of all four lines.",
                        "%s sends back what is sent to it", ev->port);
    if (refusal) return tell(refusal, ev->port);
    if (boot == BOOT_BROWNOUT) return tell(&boots[boot], ev->port);
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
        return not_entered(ev, boot);
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

enum err diagnose_failure(const struct evidence *ev)
{
    return with_words(say(ev), ev->text, ev->n);
}
