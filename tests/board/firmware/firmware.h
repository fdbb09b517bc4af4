/* firmware: the simulated ESP-AT firmware, as its own parts see it (tests/board/board.h is what the
 * board sees). Everything runs on the board's loop thread; only mqtt_link and the tasks
 * (task.h) have a thread of their own, and those never touch this struct. */
#ifndef TESTS_BOARD_FIRMWARE_FIRMWARE_H
#define TESTS_BOARD_FIRMWARE_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/board/board.h"
#include "tests/board/firmware/at.h"
#include "tests/board/firmware/factory.h"
#include "tests/board/firmware/mqtt.h"
#include "tests/board/firmware/nvs.h"
#include "tests/board/firmware/partition.h"
#include "tests/board/firmware/settings.h"
#include "tests/board/firmware/tcpip.h"
#include "tests/board/firmware/time.h"
#include "tests/board/firmware/version.h"
#include "tests/board/firmware/wifi.h"
#include "tests/board/flash.h"
#include "tests/board/loop.h"
#include "tests/board/uart.h"

/* The range that a running AT+SYSFLASH works on. */
struct sysflash {
    const struct partition *partition;
    uint32_t offset, length;
};

/* What a running AT+SYSMFG works on. */
struct sysmfg {
    char space[NVS_KEY_MAX + 1], key[NVS_KEY_MAX + 1];
    unsigned type;
    bool whole; /* of a read: no range was given */
    size_t offset, length;
};

struct firmware {
    struct firmware_env env;
    const struct version *version;
    struct partition_table primary;
    struct partition_table user; /* at_customize */
    enum param_mode params;
    struct nvs mfg; /* mounted when params says so */
    struct factory_param factory;
    struct settings settings;
    uint64_t started_ns;
    struct timer *ready;   /* application start, then "ready" */
    struct timer *restart; /* between the answer and the reset */
    struct at at;
    struct uart_config uart; /* as it is now */
    struct sysflash sysflash;
    struct sysmfg sysmfg;
    struct wifi wifi;
    struct timekeeping time;
    struct tcpip tcpip;
    struct mqtt mqtt;
};

/** How long something takes: what the real module was seen to need when the board is fully paced, a
 *  short time that keeps the order of events otherwise. Protocol time-outs never go through here.
 */
uint64_t firmware_takes(const struct firmware *fw, unsigned real_ms, unsigned fast_ms);

/** Reset the chip after the answer has left. */
void firmware_restart(struct firmware *fw);
/** Where the primary table puts the second one; 0 without. */
uint32_t firmware_user_table_at(const struct firmware *fw);

/** A line on the console, as the application prints it. */
void console_print(struct firmware *fw, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** What the application says by itself, a line. A silent build, whose version has "s-" before its
 * hash, does not. */
void console_say(struct firmware *fw, const char *text);
/** A line of the log library; @p level is 'I' or 'E'. */
void console_log(struct firmware *fw, char level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void console_error(struct firmware *fw, const char *tag, const char *text); /* level 'E' */
/** The bootloader: prints what it finds. @return the application that it starts; NULL when there is
 * none */
const struct partition *boot_run(struct firmware *fw);
/** What the application prints before it is ready. */
void console_start(struct firmware *fw);
/** What it prints once it is. */
void console_ready(struct firmware *fw);
#endif
