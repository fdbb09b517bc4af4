/* board: what the parts of a simulated ESP32 board share: options, and the way a firmware is run.
 * The board core (power, EN, straps, ROM loader) boots a firmware; the firmware lives in
 * tests/board/firmware. */
#ifndef TESTS_BOARD_BOARD_H
#define TESTS_BOARD_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct uart;
struct flash;
struct faults;
struct firmware;

enum pace { PACE_OFF, PACE_WIRE, PACE_FULL };
enum reset_cause { RESET_POWER_ON, RESET_EN_PIN, RESET_SOFTWARE };

struct wifi_ap {
    char ssid[33];
    char password[65]; /* "" = open */
};

struct board_options {
    char chip[16];    /* "esp32", "esp32c3", … */
    char firmware[8]; /* "none", or a release that there is for the chip: "2.0", "2.4", … */
    char module[20];  /* that the chip is on */
    uint8_t mac[6];
    uint8_t crystal_mhz;
    unsigned secure; /* bits 1 << enum chip_fuse */
    enum pace pace;
    struct wifi_ap wifi[8];
    size_t wifi_count;
    bool usb_jtag;       /* the download port is the chip's own USB-Serial/JTAG */
    unsigned usb_gap_ms; /* how long it is off the bus at a reset; 0: it stays */
    unsigned
        watchdog_ms; /* until the watchdogs bite in a loader that was entered by USB; 0: never */
};

/** What a firmware may use of the board it runs on. Borrowed for its whole life. */
struct firmware_env {
    const struct board_options *options;
    struct loop *loop;
    struct flash *flash;
    struct uart *log; /* UART0: console */
    struct uart *at;  /* UART1: AT commands; may be the same as log */
    struct faults *faults;
    /** Ask for a software reset: the board halts this firmware and boots it again. Safe inside
     * firmware code: it happens from the loop, after the current callback. */
    void (*reset)(void *board);
    void *board;
};

/** Start the firmware as after a reset: boot text on the console, then "ready" on the AT port.
 *  @return NULL when the flash holds no firmware that could run (the caller then prints the ROM's
 * complaint) */
struct firmware *firmware_boot(const struct firmware_env *env, enum reset_cause why);
/** Power is cut or EN pulled: stop at once, drop connections, join threads, free. NULL allowed.
 *  What a real chip keeps over a reset (its clock, when why == RESET_SOFTWARE) is kept by the
 * firmware module itself. */
void firmware_halt(struct firmware *fw);
/** Bytes from the host on @p uart (the board core listens and routes them here). The firmware takes
 * those of its AT port, which the factory parameters in the flash name. */
void firmware_bytes(struct firmware *fw, const struct uart *uart, const uint8_t *data, size_t n);

/** The @p i-th release that this board can run on a chip, the newest first; NULL behind the last.
 */
const char *firmware_release(const char *chip, unsigned i);
/** The name of the module that a chip is on: @p name, or the usual one when that is "".
 *  @return NULL when there is none of that name */
const char *firmware_module(const char *chip, const char *name);
/** Fill a new flash chip with the stock contents of the chosen firmware: bootloader and application
 * stand-ins, both partition tables, the dummy credentials that stock releases carry
 * (esp-at.md 1.2, 2.3). */
void stock_fill(struct flash *f, const struct board_options *options);
#endif
