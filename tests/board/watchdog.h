/* watchdog: the two watchdogs of the RTC domain, which no reset by USB stops. Whoever then wants to
 * stay in the loader switches them off by their registers; one of them can also be used to reset
 * the chip. */
#ifndef TESTS_BOARD_WATCHDOG_H
#define TESTS_BOARD_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct chip;
struct loop;
struct watchdog;

struct watchdog_events {
    void (*bite)(const char *reason, void *arg); /* "0x10 (…)", as the ROM prints it */
    void *arg;
};

/** @param timeout_ms  from the reset to the bite; 0 = never
 *  @return NULL when memory is out */
struct watchdog *watchdog_new(struct loop *l, const struct chip *chip, unsigned timeout_ms,
                              const struct watchdog_events *on);
void watchdog_free(struct watchdog *w);
/** The chip is reset or loses its power. */
void watchdog_stop(struct watchdog *w);
/** They were running before the reset, and run on. */
void watchdog_run_on(struct watchdog *w);
/** The host has written a register. */
void watchdog_wrote(struct watchdog *w, uint32_t address, uint32_t value);
#endif
