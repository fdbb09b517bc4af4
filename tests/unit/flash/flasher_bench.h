/* flasher_bench: a flasher on a scripted ROM, and the flash as it was before. What was written is
 * judged by the model's flash, never by the flasher's own word. */
#ifndef TESTS_UNIT_FLASH_FLASHER_BENCH_H
#define TESTS_UNIT_FLASH_FLASHER_BENCH_H

#include "service/flash/flasher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/flash/rom_model.h"

static struct {
    struct model *m;
    struct flasher *f;
    struct cancel cancel;
    uint8_t want[MODEL_FLASH]; /* before; then as it shall be */
} b;

static inline void bench_start(const struct flasher_options *o)
{
    b.m = model_new();
    assert_int_equal(cancel_init(&b.cancel), ERR_OK);
    b.m->port.cancel = &b.cancel;
    memcpy(b.want, b.m->flash, sizeof b.want);
    assert_int_equal(flasher_new(&b.m->port, o, &b.f), ERR_OK);
}

static inline void bench_stop(void)
{
    flasher_free(b.f);
    port_close(&b.m->port);
    cancel_dispose(&b.cancel);
}

static inline enum err bench_connect(void)
{
    enum err e = flasher_connect(b.f, deadline_in_ms(30000));
    return e ? e : flasher_attach(b.f, 0);
}

static inline bool bench_flash_is_right(void)
{
    return !memcmp(b.want, b.m->flash, MODEL_FLASH);
}

static inline void bench_board_is_left_running(void)
{
    assert_int_equal(flasher_finish(b.f), ERR_OK);
    virtual_move_to(virtual_ns + 1);
    assert_int_equal(b.m->mode, MODEL_FIRMWARE);
    assert_false(b.m->dtr || b.m->rts);
}
#endif
