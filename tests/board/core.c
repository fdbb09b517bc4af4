/* core: every start of the chip goes through boot(), with a cause and the straps of that moment.
 *
 * Which text the ROM prints on its way into the loader depends on the straps. Power-on with
 * `--boot download` is the state that the recordings of the real ROMs begin in (on an ESP32 with
 * GPIO2 high: boot:0xf, and no further line). An entry by DTR and RTS is a module as it comes,
 * which says "waiting for download": hosts look for these words when they explain why a connection
 * failed.
 *
 * A software reset does not sample the straps: after END with "reboot" the loader comes back. */
#include "tests/board/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/board.h"
#include "tests/board/bytes.h"
#include "tests/board/chip.h"
#include "tests/board/fault.h"
#include "tests/board/loop.h"
#include "tests/board/rom.h"
#include "tests/board/rom_boot.h"
#include "tests/board/strap.h"
#include "tests/board/transcript.h"
#include "tests/board/uart.h"
#include "tests/board/usbjtag.h"
#include "tests/board/watchdog.h"

enum { CONSOLE_BAUD = 115200 };
#define NS_PER_MS      1000000ULL
#define ROM_START_NS   (20 * NS_PER_MS)
#define ROM_RESTART_NS (300 * NS_PER_MS)
#define WATCHDOG_NS    (1000 * NS_PER_MS) /* the ROM's own, when there is nothing to run */

enum runs { RUNS_NOTHING, RUNS_LOADER, RUNS_FIRMWARE };

struct board {
    struct board_parts parts;
    struct rom *rom;
    struct firmware *firmware;
    struct firmware_env env;
    struct strap strap;
    bool off;            /* no power */
    struct usbjtag *usb; /* NULL: the download port is an adapter's, behind strap's circuit */
    struct watchdog *watchdog;
    struct timer *rise;  /* EN */
    struct timer *start; /* the chip is about to run */
    enum runs runs;
    bool download;               /* the start under way, or the last one, leads into the loader */
    const struct chip_boot *way; /* into the loader */
    const char *reason;          /* "rst:…" of the start under way */
    enum reset_cause cause;
    uint64_t rx_count[2]; /* bytes since the last reset, for reset-at */
};

static void print(struct board *b, const char *text)
{
    uart_send(b->parts.uart0, text, strlen(text));
}

static void label_console(struct board *b)
{
    const char *label = "download";
    if (!b->download) label = b->parts.uart0 == b->parts.uart1 ? "at" : "log";
    uart_record(b->parts.uart0, b->parts.transcript, label);
}

static void halt(struct board *b)
{
    timer_stop(b->start);
    watchdog_stop(b->watchdog);
    firmware_halt(b->firmware);
    b->firmware = NULL;
    rom_stop(b->rom);
    b->runs = RUNS_NOTHING;
    memset(b->rx_count, 0, sizeof b->rx_count);
    uart_reset(b->parts.uart0);
    uart_set_baud(b->parts.uart0, CONSOLE_BAUD);
    if (b->parts.uart1 != b->parts.uart0) {
        uart_reset(b->parts.uart1);
        uart_set_baud(b->parts.uart1, CONSOLE_BAUD);
    }
}

static void begin(struct board *b, enum reset_cause cause, const char *reason, uint64_t delay_ns)
{
    b->cause = cause;
    b->reason = reason;
    label_console(b);
    timer_arm(b->start, b->parts.options->pace == PACE_FULL ? delay_ns : 0);
}

static void print_banner(struct board *b, const char *boot, const char *line)
{
    char text[200];
    snprintf(text, sizeof text, "%srst:%s,%s\r\n%s", b->parts.chip->banner, b->reason, boot, line);
    print(b, text);
}

static bool is_secure(const struct board *b, enum chip_fuse state)
{
    return b->parts.options->secure & 1u << state;
}

static bool is_played(const struct board *b)
{
    return strcmp(b->parts.options->firmware, "none") != 0;
}

static bool is_loaded(const struct board *b)
{
    const struct chip *c = b->parts.chip;
    if (is_secure(b, FUSE_ENCRYPTION)) return rom_boot_encrypted(c, b->parts.flash);
    /* The recordings of an ESP32's firmware have the words of its ROM in them. */
    const bool recorded = is_played(b) && !c->rom->hashes;
    return rom_boot(c, b->parts.flash, b->parts.uart0, recorded);
}

/* Nobody here plays any program but ESP-AT, and none from an encrypted flash: those stay silent. */
static void run_program(struct board *b)
{
    if (is_played(b) && !is_secure(b, FUSE_ENCRYPTION))
        b->firmware = firmware_boot(&b->env, b->cause);
    if (b->firmware) b->runs = RUNS_FIRMWARE;
}

/* The ROM says so, until its watchdog restarts the chip, for ever. */
static void complain(struct board *b)
{
    const bool encrypted = is_secure(b, FUSE_ENCRYPTION);
    rom_boot_complain(b->parts.chip, b->parts.flash, b->parts.uart0, encrypted);
    b->reason = b->parts.chip->resets->watchdog;
    timer_arm(b->start, WATCHDOG_NS);
}

static void on_loaded(void *arg)
{
    struct board *b = arg;
    uart_set_baud(b->parts.uart0, CONSOLE_BAUD); /* the bootloader knows its crystal */
    run_program(b);
}

static void run_flash(void *arg)
{
    struct board *b = arg;
    if (is_loaded(b))
        uart_when_sent(b->parts.uart0, on_loaded, b);
    else
        complain(b);
}

static void start_flash(struct board *b)
{
    const struct chip_boot *flash = &b->parts.chip->flash;
    b->download = false;
    label_console(b);
    print_banner(b, flash->text, flash->wait);
    if (rom_baud(b->rom) == CONSOLE_BAUD)
        run_flash(b);
    else
        uart_when_sent(b->parts.uart0, run_flash, b); /* at the old speed */
}

static void start_loader(struct board *b)
{
    const bool secure = is_secure(b, FUSE_DOWNLOAD);
    b->runs = RUNS_LOADER;
    print_banner(b, b->way->text, secure ? "wait uart download(secure mode)\r\n" : b->way->wait);
    rom_start(b->rom, b->way->straps);
}

/* The straps say loader, the fuses say no. The real chip starts again at once; so that nobody
 * drowns in its text, this one takes as long as a watchdog. */
static void start_again(struct board *b)
{
    print_banner(b, b->way->text, b->parts.chip->rom->disabled);
    b->reason = b->parts.chip->resets->software;
    timer_arm(b->start, WATCHDOG_NS);
}

static void on_start(void *arg)
{
    struct board *b = arg;
    const bool disabled = is_secure(b, FUSE_NO_DOWNLOAD);
    if (b->runs != RUNS_NOTHING) halt(b); /* a software reset */
    uart_set_baud(b->parts.uart0, rom_baud(b->rom));
    if (!b->download || (disabled && !b->parts.chip->rom->disabled))
        start_flash(b);
    else if (disabled)
        start_again(b);
    else
        start_loader(b);
}

static void on_held(void *arg)
{
    halt(arg);
}

static void on_released(bool download, void *arg)
{
    struct board *b = arg;
    if (b->off) return;
    halt(b); /* drops what the host sent while the chip was in reset */
    b->download = download && !faults_hit(b->parts.faults, FAULT_WRONG_BOOT, NULL, 0);
    b->way = &b->parts.chip->download;
    begin(b, RESET_EN_PIN, b->parts.chip->resets->power_on, ROM_START_NS);
}

static void on_usb_started(bool download, const char *reason, void *arg)
{
    struct board *b = arg;
    b->download = download && !faults_hit(b->parts.faults, FAULT_WRONG_BOOT, NULL, 0);
    b->way = &b->parts.chip->download;
    begin(b, RESET_EN_PIN, reason, ROM_START_NS);
    if (b->download) watchdog_run_on(b->watchdog);
}

static void on_bite(const char *reason, void *arg)
{
    struct board *b = arg;
    if (b->usb) {
        usbjtag_reset(b->usb, reason);
        return;
    }
    halt(b);
    b->download = b->strap.io0_low;
    b->way = &b->parts.chip->download;
    begin(b, RESET_EN_PIN, reason, ROM_START_NS);
}

static void on_written(uint32_t address, uint32_t value, void *board)
{
    struct board *b = board;
    watchdog_wrote(b->watchdog, address, value);
}

static void on_lines(bool dtr, bool rts, uint64_t at_ns, void *arg)
{
    struct board *b = arg;
    if (b->usb) {
        usbjtag_lines(b->usb, dtr, rts, b->parts.chip->resets->usb);
        return;
    }
    strap_edge(&b->strap, dtr, rts, at_ns);
    timer_stop(b->rise);
    if (b->strap.started_ns == 0) return;
    uint64_t now = loop_now_ns();
    timer_arm(b->rise, b->strap.started_ns > now ? b->strap.started_ns - now : 0);
}

static void on_rise(void *arg)
{
    struct board *b = arg;
    strap_elapse(&b->strap, loop_now_ns());
}

/* The firmware asks; it is still on the stack. */
static void firmware_wants_reset(void *board)
{
    struct board *b = board;
    b->download = false;
    begin(b, RESET_SOFTWARE, b->parts.chip->resets->cpu, 0);
}

static void loader_wants_restart(void *board)
{
    struct board *b = board;
    begin(b, RESET_SOFTWARE, b->parts.chip->resets->software, ROM_RESTART_NS);
}

static bool loader_runs_flash(void *board)
{
    struct board *b = board;
    b->cause = RESET_SOFTWARE;
    if (!is_loaded(b)) return false;
    run_program(b);
    b->download = false;
    label_console(b);
    return true;
}

/* A reset that comes by itself (reset-at): the straps are as the lines are. */
static void trip(struct board *b)
{
    halt(b);
    b->download = b->strap.io0_low;
    b->way = &b->parts.chip->download;
    begin(b, RESET_POWER_ON, b->parts.chip->resets->power_on, ROM_START_NS);
}

static bool is_tripped(struct board *b, int port, const char *name, size_t n)
{
    bool hit = false;
    for (size_t i = 0; i < n; i++)
        hit = faults_hit(b->parts.faults, FAULT_RESET_AT, name, ++b->rx_count[port]) || hit;
    return hit;
}

static void on_uart0(const uint8_t *data, size_t n, void *arg)
{
    struct board *b = arg;
    if (b->off || b->strap.en_low || b->strap.started_ns != 0) return;
    if (is_tripped(b, 0, "download", n))
        trip(b);
    else if (b->runs == RUNS_LOADER)
        rom_bytes(b->rom, data, n);
    else if (b->runs == RUNS_FIRMWARE)
        firmware_bytes(b->firmware, b->parts.uart0, data, n);
}

static void on_uart1(const uint8_t *data, size_t n, void *arg)
{
    struct board *b = arg;
    if (b->off || b->strap.en_low || b->strap.started_ns != 0) return;
    if (is_tripped(b, 1, "at", n))
        trip(b);
    else if (b->runs == RUNS_FIRMWARE)
        firmware_bytes(b->firmware, b->parts.uart1, data, n);
}

static void listen_to_ports(struct board *b)
{
    struct uart_events on = {.bytes = on_uart1, .arg = b};
    uart_listen(b->parts.uart1, &on);
    uart_record(b->parts.uart1, b->parts.transcript, "at");
    on = (struct uart_events){.bytes = on_uart0, .lines = on_lines, .arg = b};
    uart_listen(b->parts.uart0, &on);
}

struct board *board_new(const struct board_parts *parts)
{
    struct board *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->parts = *parts;
    b->off = true;
    b->strap = (struct strap){.held = on_held, .started = on_released, .arg = b};
    b->env = (struct firmware_env){.options = parts->options,
                                   .loop = parts->loop,
                                   .flash = parts->flash,
                                   .log = parts->uart0,
                                   .at = parts->uart1,
                                   .faults = parts->faults,
                                   .reset = firmware_wants_reset,
                                   .board = b};
    struct rom_env rom = {.chip = parts->chip,
                          .loop = parts->loop,
                          .flash = parts->flash,
                          .uart = parts->uart0,
                          .faults = parts->faults,
                          .options = parts->options,
                          .restart = loader_wants_restart,
                          .run_flash = loader_runs_flash,
                          .wrote = on_written,
                          .board = b};
    b->rise = timer_new(parts->loop, on_rise, b);
    b->start = timer_new(parts->loop, on_start, b);
    b->rom = rom_new(&rom);
    b->watchdog = watchdog_new(parts->loop, parts->chip, parts->options->watchdog_ms,
                               &(struct watchdog_events){.bite = on_bite, .arg = b});
    if (parts->options->usb_jtag)
        b->usb = usbjtag_new(
            parts->loop, parts->uart0, parts->options->usb_gap_ms,
            &(struct usbjtag_events){.held = on_held, .started = on_usb_started, .arg = b});
    if (!b->rise || !b->start || !b->rom || !b->watchdog || (parts->options->usb_jtag && !b->usb)) {
        board_free(b);
        return NULL;
    }
    listen_to_ports(b);
    return b;
}

void board_free(struct board *b)
{
    if (!b) return;
    firmware_halt(b->firmware);
    rom_free(b->rom);
    usbjtag_free(b->usb);
    watchdog_free(b->watchdog);
    timer_free(b->rise);
    timer_free(b->start);
    free(b);
}

void board_power_on(struct board *b, bool download)
{
    const struct chip *c = b->parts.chip;
    if (!b->off) return;
    b->off = false;
    if (b->usb) uart_plug(b->parts.uart0);
    if (b->strap.en_low || b->strap.started_ns != 0) return; /* the lines start it */
    b->download = download;
    /* No recording has its fuses burnt: such a board comes up as a module does. */
    b->way = c->button.text && !b->parts.options->secure ? &c->button : &c->download;
    begin(b, RESET_POWER_ON, c->resets->power_on, ROM_START_NS);
}

void board_power_off(struct board *b)
{
    b->off = true;
    halt(b);
    if (!b->usb) return;
    usbjtag_stop(b->usb);
    uart_unplug(b->parts.uart0);
}
