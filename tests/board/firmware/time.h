/* time: the board's clock and the SNTP client that sets it.
 * The clock starts at 1970 with the power and survives only a software reset, as on the chip. The
 * network time comes from a real SNTP server over UDP, asked on a thread of its own (sntp.c), and
 * only while Wi-Fi is up. */
#ifndef TESTS_BOARD_FIRMWARE_TIME_H
#define TESTS_BOARD_FIRMWARE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/board/board.h"
#include "tests/board/firmware/args.h"

struct firmware;
struct sntp;
struct timer;

enum { SNTP_SERVERS = 3 };

struct timekeeping {
    bool enabled;
    long zone; /* hours, or hours * 100 + minutes, as it was given */
    char server[SNTP_SERVERS][129];
    unsigned servers;
    unsigned turn; /* which server is asked next */
    uint64_t retry_ns;
    uint32_t interval_s; /* from one answer to the next question */
    struct sntp *asking; /* NULL: no question is on its way */
    struct timer *next;
};

void time_init(struct firmware *fw, enum reset_cause why);
void time_dispose(struct firmware *fw);
/** Seconds since 1970 by the board's own clock. Safe on any thread. */
int64_t time_now_s(void);

void cmd_cipsntpcfg_query(struct firmware *fw, const struct at_args *a);
void cmd_cipsntpcfg_set(struct firmware *fw, const struct at_args *a);
void cmd_cipsntpintv_query(struct firmware *fw, const struct at_args *a);
void cmd_cipsntpintv_set(struct firmware *fw, const struct at_args *a);
void cmd_cipsntptime_query(struct firmware *fw, const struct at_args *a);
void cmd_systimestamp_query(struct firmware *fw, const struct at_args *a);
void cmd_systimestamp_set(struct firmware *fw, const struct at_args *a);
#endif
