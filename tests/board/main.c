/* espboard: a simulated ESP32 board behind two pseudo-terminals. This file reads the command line,
 * builds the board and runs it until a signal comes. */
#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/board/board.h"
#include "tests/board/chip.h"
#include "tests/board/core.h"
#include "tests/board/fault.h"
#include "tests/board/flash.h"
#include "tests/board/loop.h"
#include "tests/board/transcript.h"
#include "tests/board/uart.h"

enum { FLASH_BYTES = 4 << 20, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: espboard [--chip CHIP] [--firmware none|2.0|2.4|3.4|4.1] --flash FILE\n"
    "                --download LINK --at LINK [--boot download|flash] [--mac M]\n"
    "                [--pace off|wire|full] [--wifi SSID[:PASSWORD]]... [--fault SPEC]...\n"
    "                [--transcript FILE]\n"
    "\n"
    "A simulated ESP32 board. Prints \"espboard ready\" once both ports are there; SIGTERM stops "
    "it.\n"
    "  --chip C        esp32 (default), esp32s2, esp32s3, esp32c2, esp32c3, esp32c5, esp32c6,\n"
    "                  esp32c61 or esp32h2\n"
    "  --firmware F    ESP-AT release that a new flash file is filled with and that runs (2.4)\n"
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
    "  --transcript F  record both ports as JSON lines\n"
    "Modem lines: clients preload ptymodem.so; PTYMODEM_DIR (here and there) names the folder of "
    "the\n"
    "line files, else /tmp/ptymodem-UID.\n";

struct arguments {
    struct board_options options;
    const struct chip *chip;
    const char *flash, *download, *at, *transcript;
    bool boot_download;
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

static bool parse_firmware(struct board_options *o, const char *text)
{
    static const char *const runs[] = {"none", "2.0", "2.4"};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        if (strcmp(text, runs[i]) == 0) {
            memcpy(o->firmware, text, strlen(text) + 1);
            return true;
        }
    }
    if (strcmp(text, "3.4") == 0 || strcmp(text, "4.1") == 0)
        return refuse("firmware", text, "this board does not run it yet: none, 2.0 or 2.4");
    return refuse("firmware", text, "none, 2.0, 2.4, 3.4 or 4.1");
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
};

static bool take(struct arguments *a, enum choice c, const char *value)
{
    switch (c) {
    case C_CHIP:
        return parse_chip(a, value);
    case C_FIRMWARE:
        return parse_firmware(&a->options, value);
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
    }
    return false;
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
    else
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
    p->flash = flash_open(a->flash, FLASH_BYTES, &made);
    if (!p->flash) return false;
    if (made && strcmp(a->options.firmware, "none") != 0) stock_fill(p->flash, p->options);
    flash_set_paced(p->flash, a->options.pace == PACE_FULL);
    if (a->transcript) {
        p->transcript = transcript_open(p->loop, a->transcript, a->options.firmware);
        if (!p->transcript) return false;
    }
    p->uart0 = uart_open(p->loop, "download", a->download, paced, a->faults);
    bool shared = a->at && strcmp(a->at, a->download) == 0;
    p->uart1 = shared ? p->uart0 : uart_open(p->loop, "at", a->at, paced, a->faults);
    return p->uart0 && p->uart1;
}

static int run(struct arguments *a)
{
    int status = EXIT_FAILURE;
    struct board *board = NULL;
    struct board_parts p = {.options = &a->options, .chip = a->chip, .faults = a->faults};
    int signals = block_signals();
    p.loop = loop_new();
    if (signals < 0 || !p.loop || loop_add_fd(p.loop, signals, EPOLLIN, on_signal, p.loop) != 0)
        goto out;
    if (!open_parts(a, &p)) goto out;
    board = board_new(&p);
    if (!board) goto out;
    puts("espboard ready");
    fflush(stdout);
    board_power_on(board, a->boot_download);
    loop_run(p.loop);
    status = EXIT_SUCCESS;
out:
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
        .options = {.chip = "esp32",
                    .firmware = "2.4",
                    .mac = {0x24, 0x0a, 0xc4, 0x12, 0x34, 0x56}},
        .chip = chip_find("esp32"),
        .faults = faults_new(),
    };
    int status = a.faults ? parse(argc, argv, &a) : EXIT_FAILURE;
    if (status < 0) status = run(&a);
    faults_free(a.faults);
    return status;
}
