#include "service/jobs/at_speed.h"

#include "service/flash/reset.h"

/* WORTH_BYTES: a change and the way back cost six short commands, about as long as 4600 bytes at
 * 115200 baud. */
enum { WORTH_BYTES = 6 * 1024, UP_MS = 5000, WORDS_MS = 5000, DOWN_MS = 30000 };

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

/* A board that waits for bytes would take the command for them: it is brought into step first. */
static enum err by_words(struct session *s, struct deadline until)
{
    until = deadline_within_ms(until, WORDS_MS);
    enum err e = s->at_cut ? at_client_start(s->client, until) : ERR_OK;
    return !e || is_talk(e) ? at_uart_return(s->client, &s->uart, until) : e;
}

static enum err by_reset(struct session *s, struct deadline until)
{
    enum err e = port_use_baud(s->at, s->uart.slow);
    if (!e) e = session_hard_reset(s);
    return e ? e : at_client_wait_ready(s->client, until);
}

/* A reset also ends a write that waits for its bytes, and a key of mfg_nvs keeps its old value
 * then. Words are for a board that is in step, and where EN turns out not to be wired. */
enum err at_speed_down(struct session *s, struct deadline until)
{
    if (!s->uart.fast) return ERR_OK;
    s->at_slow = true;
    enum err e = s->at_cut ? by_reset(s, until) : by_words(s, until);
    if (is_talk(e)) e = s->at_cut ? by_words(s, until) : by_reset(s, until);
    if (e) return e;
    s->uart.fast = 0;
    s->at_cut = false;
    return ERR_OK;
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
    return at_speed_down(s, session_within(s, DOWN_MS));
}
