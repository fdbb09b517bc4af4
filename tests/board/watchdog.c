#include "tests/board/watchdog.h"

#include <stdlib.h>

#include "tests/board/chip.h"
#include "tests/board/loop.h"

#define NS_PER_MS     1000000ULL
#define SLOW_CLOCK_HZ 136000ULL /* CONFIG1 counts it */
#define ENABLE        0x80000000u
#define KEY           0x50d83aa1u

struct watchdog {
    const struct chip *chip;
    struct timer *timer;
    struct watchdog_events on;
    unsigned timeout_ms;
    bool unlocked, swd_unlocked;
    bool running, swd_running;
    uint32_t count; /* CONFIG1 */
};

static void on_timer(void *arg)
{
    struct watchdog *w = arg;
    const struct chip_resets *names = w->chip->resets;
    const char *reason = w->running ? names->watchdog : names->super_watchdog;
    watchdog_stop(w);
    w->on.bite(reason, w->on.arg);
}

struct watchdog *watchdog_new(struct loop *l, const struct chip *chip, unsigned timeout_ms,
                              const struct watchdog_events *on)
{
    struct watchdog *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    *w = (struct watchdog){.chip = chip, .on = *on, .timeout_ms = timeout_ms};
    w->timer = timer_new(l, on_timer, w);
    if (w->timer) return w;
    watchdog_free(w);
    return NULL;
}

void watchdog_free(struct watchdog *w)
{
    if (!w) return;
    timer_free(w->timer);
    free(w);
}

void watchdog_stop(struct watchdog *w)
{
    timer_stop(w->timer);
    w->unlocked = w->swd_unlocked = w->running = w->swd_running = false;
}

void watchdog_run_on(struct watchdog *w)
{
    if (!w->chip->watchdog || w->timeout_ms == 0) return;
    w->running = w->swd_running = true;
    timer_arm(w->timer, w->timeout_ms * NS_PER_MS);
}

static void wrote_config0(struct watchdog *w, uint32_t value)
{
    w->running = value & ENABLE;
    if (w->running) timer_arm(w->timer, (uint64_t)w->count * 1000000000ULL / SLOW_CLOCK_HZ);
}

void watchdog_wrote(struct watchdog *w, uint32_t address, uint32_t value)
{
    const struct chip_watchdog *at = w->chip->watchdog;
    if (!at) return;
    if (address == at->protect) w->unlocked = value == KEY;
    if (address == at->swd_protect) w->swd_unlocked = value == at->swd_key;
    if (address == at->config1 && w->unlocked) w->count = value;
    if (address == at->config0 && w->unlocked) wrote_config0(w, value);
    if (address == at->swd_config && w->swd_unlocked && (value >> at->swd_bit & 1))
        w->swd_running = false;
    if (!w->running && !w->swd_running) timer_stop(w->timer);
}
