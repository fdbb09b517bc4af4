/* espboard: a simulated ESP32 board behind two pseudo-terminals. This file builds the board and
 * runs it until a signal comes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/board/arguments.h"
#include "tests/board/control.h"
#include "tests/board/core.h"
#include "tests/board/fault.h"
#include "tests/board/flash.h"
#include "tests/board/loop.h"
#include "tests/board/transcript.h"
#include "tests/board/uart.h"

enum { FLASH_BYTES = 4 << 20, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: espboard [--chip CHIP] [--firmware none|RELEASE] --flash FILE\n"
    "                --download LINK --at LINK [--boot download|flash] [--mac M]\n"
    "                [--pace off|wire|full] [--wifi SSID[:PASSWORD]]... [--fault SPEC]...\n"
    "                [--usb-jtag [--usb-gap MS] [--watchdog MS]] [--transcript FILE] [--control]\n"
    "\n"
    "A simulated ESP32 board. Prints \"espboard ready\" once both ports are there; SIGTERM stops "
    "it.\n"
    "  --chip C        esp32 (default), esp32s2, esp32s3, esp32c2, esp32c3, esp32c5, esp32c6,\n"
    "                  esp32c61 or esp32h2\n"
    "  --firmware F    ESP-AT release that a new flash file is filled with and that runs, by "
    "chip:\n"
    "                  esp32 2.4, 2.0; esp32c3 2.4; esp32s2 2.2, 2.1; esp32c2 3.0 (the newest)\n"
    "  --flash FILE    the flash chip; made, 4 MiB, when it is not there\n"
    "  --download LINK symbolic link to make for UART0: ROM loader and console\n"
    "  --at LINK       the same for UART1, the AT port; the same LINK puts AT on UART0,\n"
    "                  without --at nobody is connected to it\n"
    "  --boot B        what power-on leads to: flash (the firmware) or download (the loader)\n"
    "  --mac M         24:0a:c4:12:34:56\n"
    "  --pace P        off: everything at once; wire: bytes take their time on the line;\n"
    "                  full: erasing, programming and booting take time, too (off)\n"
    "  --wifi S[:P]    an access point in reach, up to 8\n"
    "  --fault SPEC    drop-byte:PORT:N flip-byte:PORT:N late-reply:MS bad-md5[:N] hangup:PORT:N\n"
    "                  reset-at:PORT:N garbage[:PORT] silent[:PORT] busy:N wrong-boot tx-dead\n"
    "                  at-stall:NAME, each perhaps with @once; PORT is download or at\n"
    "  --usb-jtag      the download port is the chip's own USB-Serial/JTAG: it resets by commands\n"
    "  --usb-gap MS    how long that port is gone at each reset; 0: it stays (50, full pace 300)\n"
    "  --watchdog MS   when a loader that was entered by USB is reset, unless the host has "
    "switched\n"
    "                  the watchdogs off; 0: never (0, full pace 9000)\n"
    "  --control       obey standard input: unplug PORT, plug PORT, power off, power on, fault "
    "SPEC,\n"
    "                  nofault, one a line; each is answered by ok, or error and why\n"
    "  --transcript F  record both ports as JSON lines\n"
    "Modem lines: clients preload ptymodem.so; PTYMODEM_DIR (here and there) names the folder of "
    "the\n"
    "line files, else /tmp/ptymodem-UID.\n";

struct arguments {
    struct board_options options;
    const struct chip *chip;
    const char *firmware, *flash, *download, *at, *transcript;
    bool boot_download;
    bool control;
    long usb_gap_ms, watchdog_ms; /* -1: as the pace says */
    struct faults *faults;
};

static bool refuse(const char *option, const char *value, const char *want)
{
    fprintf(stderr, "espboard: --%s %s: %s\n", option, value, want);
    return false;
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
    enum { MAC_TEXT = 17 };
    if (strlen(text) != MAC_TEXT) return false;
    for (int i = 0; i < 6; i++) {
        const char *at = text + (ptrdiff_t)3 * i;
        char pair[3] = {at[0], at[1], '\0'};
        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1])) return false;
        if (i < 5 && at[2] != ':') return false;
        mac[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return true;
}

static bool parse_wifi(struct board_options *o, const char *text)
{
    if (o->wifi_count == sizeof o->wifi / sizeof *o->wifi) return false;
    struct wifi_ap *ap = &o->wifi[o->wifi_count];
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    const char *password = colon ? colon + 1 : "";
    if (n == 0 || n >= sizeof ap->ssid || strlen(password) >= sizeof ap->password) return false;
    memcpy(ap->ssid, text, n);
    memcpy(ap->password, password, strlen(password));
    o->wifi_count++;
    return true;
}

static bool parse_pace(struct board_options *o, const char *text)
{
    static const char *const names[] = {"off", "wire", "full"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            o->pace = (enum pace)i;
            return true;
        }
    }
    return refuse("pace", text, "off, wire or full");
}

static bool parse_boot(struct arguments *a, const char *text)
{
    a->boot_download = strcmp(text, "download") == 0;
    return a->boot_download || strcmp(text, "flash") == 0 ||
           refuse("boot", text, "download or flash");
}

static bool parse_ms(const char *option, const char *text, long *out)
{
    enum { DAY_MS = 86400000 };
    char *end = NULL;
    *out = strtol(text, &end, 10);
    return (*end == '\0' && end != text && *out >= 0 && *out <= DAY_MS) ||
           refuse(option, text, "milliseconds");
}

static bool parse_chip(struct arguments *a, const char *text)
{
    a->chip = chip_find(text);
    if (!a->chip) {
        char names[160] = "";
        for (unsigned i = 0; chip_name(i); i++) {
            size_t n = strlen(names);
            snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", chip_name(i));
        }
        return refuse("chip", text, names);
    }
    snprintf(a->options.chip, sizeof a->options.chip, "%s", text);
    return true;
}

enum choice {
    C_CHIP,
    C_FIRMWARE,
    C_FLASH,
    C_DOWNLOAD,
    C_AT,
    C_BOOT,
    C_MAC,
    C_PACE,
    C_WIFI,
    C_FAULT,
    C_TRANSCRIPT,
    C_USB_JTAG,
    C_USB_GAP,
    C_WATCHDOG,
    C_CONTROL,
};

static bool take(struct arguments *a, enum choice c, const char *value)
{
    switch (c) {
    case C_CHIP:
        return parse_chip(a, value);
    case C_FIRMWARE:
        a->firmware = value;
        return true;
    case C_FLASH:
        a->flash = value;
        return true;
    case C_DOWNLOAD:
        a->download = value;
        return true;
    case C_AT:
        a->at = value;
        return true;
    case C_BOOT:
        return parse_boot(a, value);
    case C_MAC:
        return parse_mac(value, a->options.mac) || refuse("mac", value, "24:0a:c4:12:34:56");
    case C_PACE:
        return parse_pace(&a->options, value);
    case C_WIFI:
        return parse_wifi(&a->options, value) ||
               refuse("wifi", value, "SSID[:PASSWORD], 32 and 64 bytes, at most 8 of them");
    case C_FAULT:
        return faults_add(a->faults, value) || refuse("fault", value, "not understood, see --help");
    case C_TRANSCRIPT:
        a->transcript = value;
        return true;
    case C_USB_JTAG:
        a->options.usb_jtag = true;
        return true;
    case C_USB_GAP:
        return parse_ms("usb-gap", value, &a->usb_gap_ms);
    case C_WATCHDOG:
        return parse_ms("watchdog", value, &a->watchdog_ms);
    case C_CONTROL:
        a->control = true;
        return true;
    }
    return false;
}

/* One that there is for the chip; the newest by default. */
static bool choose_firmware(struct arguments *a)
{
    char want[80];
    const char *newest = firmware_release(a->chip->name, 0);
    if (!a->firmware) a->firmware = newest ? newest : "none";
    int n = snprintf(want, sizeof want, "what this board runs on an %s: none", a->chip->name);
    bool known = strcmp(a->firmware, "none") == 0;
    for (unsigned i = 0; firmware_release(a->chip->name, i); i++) {
        const char *release = firmware_release(a->chip->name, i);
        known = known || strcmp(a->firmware, release) == 0;
        n += snprintf(want + n, sizeof want - (size_t)n, ", %s", release);
    }
    if (!known) return refuse("firmware", a->firmware, want);
    snprintf(a->options.firmware, sizeof a->options.firmware, "%s", a->firmware);
    return true;
}

/* What the pace decides when nobody else has, and what does not go together. */
static bool settle(struct arguments *a)
{
    enum { GAP_MS = 50, REAL_GAP_MS = 300, REAL_WATCHDOG_MS = 9000 };
    const bool real = a->options.pace == PACE_FULL;
    if (a->usb_gap_ms < 0) a->usb_gap_ms = real ? REAL_GAP_MS : GAP_MS;
    if (a->watchdog_ms < 0) a->watchdog_ms = real ? REAL_WATCHDOG_MS : 0;
    a->options.usb_gap_ms = (unsigned)a->usb_gap_ms;
    a->options.watchdog_ms = (unsigned)a->watchdog_ms;
    if (a->options.usb_jtag && !a->chip->watchdog)
        return refuse("usb-jtag", a->chip->name, "this chip has no USB-Serial/JTAG");
    return choose_firmware(a);
}

/* @return -1 to go on, else the exit status. */
static int parse(int argc, char **argv, struct arguments *a)
{
    static const struct option names[] = {
        {"chip", required_argument, NULL, C_CHIP},
        {"firmware", required_argument, NULL, C_FIRMWARE},
        {"flash", required_argument, NULL, C_FLASH},
        {"download", required_argument, NULL, C_DOWNLOAD},
        {"at", required_argument, NULL, C_AT},
        {"boot", required_argument, NULL, C_BOOT},
        {"mac", required_argument, NULL, C_MAC},
        {"pace", required_argument, NULL, C_PACE},
        {"wifi", required_argument, NULL, C_WIFI},
        {"fault", required_argument, NULL, C_FAULT},
        {"transcript", required_argument, NULL, C_TRANSCRIPT},
        {"usb-jtag", no_argument, NULL, C_USB_JTAG},
        {"usb-gap", required_argument, NULL, C_USB_GAP},
        {"watchdog", required_argument, NULL, C_WATCHDOG},
        {"control", no_argument, NULL, C_CONTROL},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c = getopt_long(argc, argv, "h", names, NULL);
    for (; c != -1; c = getopt_long(argc, argv, "h", names, NULL)) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (c == '?' || !take(a, (enum choice)c, optarg)) return EXIT_USAGE;
    }
    if (optind < argc)
        fprintf(stderr, "espboard: what is %s?\n", argv[optind]);
    else if (!a->flash || !a->download)
        fputs("espboard: --flash and --download are needed, see --help\n", stderr);
    else if (settle(a))
        return -1;
    return EXIT_USAGE;
}

static void on_signal(int fd, uint32_t events, void *arg)
{
    struct signalfd_siginfo info;
    (void)events;
    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info) loop_stop(arg);
}

/* Before the firmware starts threads: they inherit the mask. */
static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool open_parts(const struct arguments *a, struct board_parts *p)
{
    bool made = false;
    bool paced = a->options.pace != PACE_OFF;
    p->flash = flash_open(a->flash, a->flash_bytes, &made);
    if (!p->flash) return false;
    if (made && strcmp(a->options.firmware, "none") != 0) stock_fill(p->flash, p->options);
    flash_set_paced(p->flash, a->options.pace == PACE_FULL);
    flash_set_faults(p->flash, a->faults);
    if (a->transcript) {
        p->transcript = transcript_open(p->loop, a->transcript, a->options.firmware);
        if (!p->transcript) return false;
    }
    p->uart0 = uart_open(p->loop, "download", a->download, paced, a->faults);
    bool shared = a->at && strcmp(a->at, a->download) == 0;
    p->uart1 = shared ? p->uart0 : uart_open(p->loop, "at", a->at, paced, a->faults);
    if (p->uart0 && a->options.usb_jtag) uart_set_usb(p->uart0);
    return p->uart0 && p->uart1;
}

static int run(struct arguments *a)
{
    int status = EXIT_FAILURE;
    struct board *board = NULL;
    struct control *control = NULL;
    struct board_parts p = {.options = &a->options, .chip = a->chip, .faults = a->faults};
    int signals = block_signals();
    p.loop = loop_new();
    if (signals < 0 || !p.loop || loop_add_fd(p.loop, signals, EPOLLIN, on_signal, p.loop) != 0)
        goto out;
    if (!open_parts(a, &p)) goto out;
    board = board_new(&p);
    if (!board) goto out;
    if (a->control) {
        control = control_open(&(struct control_parts){.loop = p.loop,
                                                       .board = board,
                                                       .download = p.uart0,
                                                       .at = p.uart1,
                                                       .faults = p.faults,
                                                       .boot_download = a->boot_download});
        if (!control) goto out;
    }
    puts("espboard ready");
    fflush(stdout);
    board_power_on(board, a->boot_download);
    loop_run(p.loop);
    status = EXIT_SUCCESS;
out:
    control_close(control);
    board_free(board);
    if (p.uart1 != p.uart0) uart_close(p.uart1);
    uart_close(p.uart0);
    transcript_close(p.transcript);
    flash_close(p.flash);
    loop_free(p.loop);
    if (signals >= 0) close(signals);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments a = {
        .options = {.chip = "esp32", .mac = {0x24, 0x0a, 0xc4, 0x12, 0x34, 0x56}},
        .chip = chip_find("esp32"),
        .usb_gap_ms = -1,
        .watchdog_ms = -1,
        .faults = faults_new(),
    };
    int status = a.faults ? parse(argc, argv, &a) : EXIT_FAILURE;
    if (status < 0) status = run(&a);
    faults_free(a.faults);
    return status;
}
