#include "service/flash/watchdog.h"

static const uint32_t rtc_key = 0x50d83aa1; /* opens the RTC watchdog's registers */

enum err watchdog_off(struct rom *r, const struct chip *chip)
{
    const struct chip_watchdogs *w = chip->watchdogs;
    uint32_t swd;
    if (!w) return ERR_OK;
    enum err e = rom_read_reg(r, w->swd_config, &swd);
    const struct {
        uint32_t reg, value;
    } steps[] = {
        {w->protect, rtc_key},
        {w->config, 0},
        {w->protect, 0},
        {w->swd_protect, w->swd_key},
        {w->swd_config, swd | w->swd_feed},
        {w->swd_protect, 0},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !e; i++)
        e = rom_write_reg(r, steps[i].reg, steps[i].value);
    return e;
}
