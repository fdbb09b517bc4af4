#include "service/jobs/at_speed.h"

#include "service/flash/reset.h"

/* WORTH_BYTES: a change and the way back cost six short commands, about as long as 4600 bytes at
 * 115200 baud. */
enum { WORTH_BYTES = 6 * 1024, UP_MS = 5000, START_MS = 10000, DOWN_MS = 5000 };

static bool can_reset(const struct slot_record *slot)
{
    struct reset reset;
    return slot->download_port[0] && !reset_parse(slot->reset, &reset) && reset.kind != RESET_NONE;
}

/* Anything else is no matter of the speed. */
static bool is_talk(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE || e == ERR_UNSUPPORTED;
}

enum err at_speed_ask_down(struct session *s, struct deadline until)
{
    if (!s->uart.fast) return ERR_OK;
    enum err e = ERR_OK;
    /* A board that waits for bytes would take the command for them. */
    if (s->at_cut) e = at_client_start(s->client, deadline_within_ms(until, START_MS));
    if (!e || is_talk(e)) e = at_uart_return(s->client, &s->uart, until);
    if (!e) s->uart.fast = 0;
    return e;
}

enum err at_speed_down(struct session *s)
{
    s->at_slow = true;
    enum err e = at_speed_ask_down(s, session_within(s, DOWN_MS));
    if (!is_talk(e)) return e;
    struct err_info lost = *err_last();
    e = session_hard_reset(s);
    if (!e) e = session_await_boot(s);
    if (is_talk(e)) return err_restore(&lost);
    if (!e) s->uart.fast = 0;
    return e;
}

enum err at_speed_up(struct session *s, size_t bytes)
{
    const struct slot_record *slot = s->ctx->slot;
    bool wanted = bytes >= WORTH_BYTES && slot->flash_baud > s->at->baud && !s->at_slow;
    if (!wanted || s->uart.fast || !can_reset(slot)) return ERR_OK;
    struct deadline until = session_within(s, UP_MS);
    enum err e = at_uart_change(s->client, slot->flash_baud, &s->uart, until);
    if (!is_talk(e)) return e;
    job_note(s->ctx, "the AT port stays at %u baud: %s", (unsigned)s->uart.slow,
             err_last()->detail);
    return at_speed_down(s);
}
