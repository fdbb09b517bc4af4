/* arguments: each option has a parser that says what it wants when it does not get it; what does
 * not go together is found when all are read. */
#include "tests/board/arguments.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/chip.h"
#include "tests/board/fault.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: espboard [--chip CHIP] [--firmware none|RELEASE] [--module M] --flash FILE\n"
    "                --download LINK --at LINK [--boot download|flash] [--mac M]\n"
    "                [--flash-size SIZE] [--crystal MHZ] [--secure STATE[,STATE]...]\n"
    "                [--pace off|wire|full] [--wifi SSID[:PASSWORD]]... [--fault SPEC]...\n"
    "                [--usb-jtag [--usb-gap MS] [--watchdog MS]] [--transcript FILE] [--control]\n"
    "\n"
    "A simulated ESP32 board. Prints \"espboard ready\" once both ports are there; SIGTERM stops "
    "it.\n"
    "  --chip C        esp32 (default), esp32s2, esp32s3, esp32c2, esp32c3, esp32c5, esp32c6,\n"
    "                  esp32c61 or esp32h2\n"
    "  --firmware F    ESP-AT release that a new flash file is filled with and that runs, by "
    "chip:\n"
    "                  esp32 4.1, 3.4, 2.4, 2.0; esp32c3 4.1, 3.2, 2.4; esp32c2 4.1, 3.4, 3.0;\n"
    "                  esp32s2 3.4, 2.2, 2.1; esp32c6 4.1; esp32c5 and esp32c61 5.0 (the newest)\n"
    "  --module M      that the chip is on: which pins the AT port is wired to (the usual one)\n"
    "  --flash FILE    the flash chip; made when it is not there\n"
    "  --flash-size S  of a chip that is made: 2MB, 4MB, 8MB or 16MB (4MB)\n"
    "  --download LINK symbolic link to make for UART0: ROM loader and console\n"
    "  --at LINK       the same for UART1, the AT port; the same LINK puts AT on UART0,\n"
    "                  without --at nobody is connected to it\n"
    "  --boot B        what power-on leads to: flash (the firmware) or download (the loader)\n"
    "  --mac M         24:0a:c4:12:34:56\n"
    "  --crystal MHZ   one that the chip is sold with: 40 or 26 on a C2, 48 or 40 on a C5\n"
    "  --secure S      fuses that are burnt: boot, encryption, download (only what secure\n"
    "                  download mode leaves), no-download (no loader at all)\n"
    "  --pace P        off: everything at once; wire: bytes take their time on the line;\n"
    "                  full: erasing, programming and booting take time, too (off)\n"
    "  --wifi S[:P]    an access point in reach, up to 8\n"
    "  --fault SPEC    drop-byte:PORT:N flip-byte:PORT:N late-reply:MS bad-md5[:N] hangup:PORT:N\n"
    "                  reset-at:PORT:N garbage[:PORT] silent[:PORT] busy:N wrong-boot tx-dead\n"
    "                  at-stall:NAME drop-every:PORT:N noise-above:BAUD deaf-above:BAUD "
    "flash-dead\n"
    "                  write-protect worn:OFFSET, each perhaps with @once; PORT is download or at\n"
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

static bool parse_flash_size(struct arguments *a, const char *text)
{
    enum { MIN_MB = 2, MAX_MB = 16 };
    char name[8];
    for (uint32_t mb = MIN_MB; mb <= MAX_MB; mb *= 2) {
        snprintf(name, sizeof name, "%uMB", (unsigned)mb);
        if (strcmp(text, name) != 0) continue;
        a->flash_bytes = mb << 20;
        return true;
    }
    return refuse("flash-size", text, "2MB, 4MB, 8MB or 16MB");
}

static bool parse_secure(struct board_options *o, const char *text)
{
    static const char *const names[FUSE_STATES] = {
        [FUSE_BOOT] = "boot",
        [FUSE_ENCRYPTION] = "encryption",
        [FUSE_DOWNLOAD] = "download",
        [FUSE_NO_DOWNLOAD] = "no-download",
    };
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        unsigned bit = 0;
        for (int i = 0; i < FUSE_STATES; i++) {
            if (strlen(names[i]) == n && strncmp(names[i], at, n) == 0) bit = 1u << i;
        }
        if (!bit) return refuse("secure", text, "boot, encryption, download or no-download");
        o->secure |= bit;
    }
    return true;
}

static bool parse_crystal(struct board_options *o, const char *text)
{
    char *end = NULL;
    unsigned long mhz = strtoul(text, &end, 10);
    o->crystal_mhz = mhz <= UINT8_MAX ? (uint8_t)mhz : 0;
    return (*end == '\0' && o->crystal_mhz > 0) || refuse("crystal", text, "megahertz");
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
    C_MODULE,
    C_FLASH,
    C_FLASH_SIZE,
    C_DOWNLOAD,
    C_AT,
    C_BOOT,
    C_MAC,
    C_CRYSTAL,
    C_SECURE,
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
    case C_MODULE:
        a->module = value;
        return true;
    case C_FLASH:
        a->flash = value;
        return true;
    case C_FLASH_SIZE:
        return parse_flash_size(a, value);
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
    case C_CRYSTAL:
        return parse_crystal(&a->options, value);
    case C_SECURE:
        return parse_secure(&a->options, value);
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

static bool chip_has_crystal(struct arguments *a)
{
    struct board_options *o = &a->options;
    const uint8_t *sold = a->chip->crystals_mhz;
    char text[8];
    if (!o->crystal_mhz) o->crystal_mhz = sold[0];
    if (o->crystal_mhz == sold[0] || o->crystal_mhz == sold[1]) return true;
    snprintf(text, sizeof text, "%u", (unsigned)o->crystal_mhz);
    return refuse("crystal", text, "this chip is not sold with it");
}

static bool chip_has_fuses(const struct arguments *a)
{
    for (int i = 0; i < FUSE_STATES; i++) {
        bool wanted = a->options.secure & 1u << i;
        if (wanted && !a->chip->map->fuses[i][0].address)
            return refuse("secure", a->chip->name, "this chip has no secure download mode");
    }
    return true;
}

static bool choose_module(struct arguments *a)
{
    const char *name = firmware_module(a->chip->name, a->module);
    if (!name && *a->module) return refuse("module", a->module, "not one of this chip");
    snprintf(a->options.module, sizeof a->options.module, "%s", name ? name : "");
    return true;
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

/* What the chip and the pace decide when nobody else has, and what does not go together. */
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
    return chip_has_crystal(a) && chip_has_fuses(a) && choose_firmware(a) && choose_module(a);
}

static void set_defaults(struct arguments *a)
{
    enum { FLASH_BYTES = 4 << 20 };
    a->options =
        (struct board_options){.chip = "esp32", .mac = {0x24, 0x0a, 0xc4, 0x12, 0x34, 0x56}};
    a->chip = chip_find(a->options.chip);
    a->module = "";
    a->flash_bytes = FLASH_BYTES;
    a->usb_gap_ms = -1;
    a->watchdog_ms = -1;
}

int arguments_parse(int argc, char **argv, struct arguments *a)
{
    static const struct option names[] = {
        {"chip", required_argument, NULL, C_CHIP},
        {"firmware", required_argument, NULL, C_FIRMWARE},
        {"module", required_argument, NULL, C_MODULE},
        {"flash", required_argument, NULL, C_FLASH},
        {"flash-size", required_argument, NULL, C_FLASH_SIZE},
        {"download", required_argument, NULL, C_DOWNLOAD},
        {"at", required_argument, NULL, C_AT},
        {"boot", required_argument, NULL, C_BOOT},
        {"mac", required_argument, NULL, C_MAC},
        {"crystal", required_argument, NULL, C_CRYSTAL},
        {"secure", required_argument, NULL, C_SECURE},
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
    set_defaults(a);
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
