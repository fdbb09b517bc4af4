#include "service/jobs/session.h"

#include <stdio.h>
#include <string.h>

#include "service/at/mqtt.h"
#include "service/at/wifi.h"
#include "service/flash/reset.h"
#include "service/jobs/at_speed.h"
#include "service/jobs/plan.h"
#include "service/port/port_serial.h"

enum {
    DEFAULT_BAUD = 115200,
    START_MS = 10000, /* finding out that a board only listens takes 6 s */
    BOOT_MS = 20000,  /* boards were seen to need 10 s */
    BOOTING_MS = 15000,
    CURIOUS_MS = 6000, /* identify on one port: there may be no AT to wait for */
    AT_RESET_MS = 30000,
    ANYWAY_MS = 8000,
    /* Leaving a board in good order must not depend on the job's own time or on its cancel flag;
     * but a service that is told to end has 5 s in all. */
    LEAVE_MS = 20000,
    LEAVE_HURRY_MS = 1500,
    JOIN_MS = 5000, /* after its boot; a board that knows a network needs 2 to 3 s */
    LOG_MAX = 64 * 1024,
};

static const char tap_en[] =
    "Nothing can reset the board in this slot, so it stays in its loader: tap EN.";

void session_open(struct session *s, struct job_context *ctx)
{
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    buf_init(&s->log, LOG_MAX);
}

static bool one_port(const struct slot_record *slot)
{
    return strcmp(slot->download_port, slot->at_port) == 0;
}

static uint32_t speed(uint32_t baud)
{
    return baud ? baud : DEFAULT_BAUD;
}

static enum err open_port(struct session *s, const char *path, uint32_t baud, const char *label,
                          struct port **out)
{
    enum err e = port_serial_open(path, speed(baud), out);
    if (e) return e;
    (*out)->cancel = s->leaving ? NULL : s->ctx->cancel;
    job_transcribe(s->ctx, *out, label);
    return port_flush_input(*out); /* an old "ready" would be taken for that of our reset */
}

/* A chip's own USB port goes when the chip is reset, and comes back. */
static enum err be_there(struct port *p)
{
    bool may_come_back = p->gone && p->native_usb;
    return may_come_back ? port_reopen(p, deadline_in_ms(RESET_BACK_MS)) : ERR_OK;
}

enum err session_download(struct session *s, struct port **out)
{
    const struct slot_record *slot = s->ctx->slot;
    *out = NULL;
    if (!slot->download_port[0])
        return err_fail(ERR_ARG, "slot_has_no_download_port",
                        "Give the slot a download_port, or use method at.",
                        "Slot %s has no download port.", slot->name);
    if (!s->download && s->at && one_port(slot)) s->download = s->at;
    enum err e = s->download ? ERR_OK
                             : open_port(s, slot->download_port, slot->download_baud, "download",
                                         &s->download);
    *out = s->download;
    return e ? e : be_there(s->download);
}

enum err session_at_port(struct session *s, struct port **out)
{
    const struct slot_record *slot = s->ctx->slot;
    *out = NULL;
    if (!slot->at_port[0])
        return err_fail(
            ERR_ARG, "slot_has_no_at_port",
            "ESP-AT answers on UART1: connect a second adapter and give the slot an at_port.",
            "Slot %s has no AT port.", slot->name);
    if (!s->at && s->download && one_port(slot)) s->at = s->download;
    enum err e = s->at ? ERR_OK : open_port(s, slot->at_port, slot->at_baud, "at", &s->at);
    if (!e) e = be_there(s->at);
    /* A shared port may still be at the loader's speed. */
    if (!e && !s->flasher) e = port_use_baud(s->at, speed(slot->at_baud));
    *out = s->at;
    return e;
}

/* "ready" may have been missed. A board that answers AT has booted all the same. */
static enum err answers_anyway(struct session *s, enum err e, struct deadline until)
{
    if (!err_is(e, "at_not_ready")) return e;
    struct err_info first = *err_last();
    e = at_client_start(s->client, until);
    if (e == ERR_TIMEOUT || e == ERR_PROTOCOL) return err_restore(&first);
    if (!e) job_note(s->ctx, "no \"ready\" was heard, but the board answers");
    return e;
}

enum err session_await_boot(struct session *s)
{
    struct port *port;
    enum err e = session_at_port(s, &port);
    if (!e && !s->client) e = at_client_new(port, &s->client);
    if (!e) e = at_client_wait_ready(s->client, session_within(s, BOOT_MS));
    e = answers_anyway(s, e, session_within(s, ANYWAY_MS));
    return err_is(e, "at_not_ready") && !s->was_reset ? err_hint(e, tap_en) : e;
}

/* Not session_client(): a board that hangs in a command is deaf to all but AT+RST. */
enum err session_at_reset(struct session *s)
{
    struct port *port;
    enum err e = session_at_port(s, &port);
    if (!e && !s->client) e = at_client_new(port, &s->client);
    if (!e) e = at_client_reset(s->client, session_within(s, AT_RESET_MS));
    return answers_anyway(s, e, session_within(s, ANYWAY_MS));
}

/* A board that somebody left in its loader, hanging in a command, or at another speed (a service
 * that was killed in the middle of a write) is reset if that can be done. */
static enum err meet_board(struct session *s)
{
    bool curious = s->ctx->command->kind == COMMAND_IDENTIFY && one_port(s->ctx->slot);
    int64_t booting_ms = curious ? CURIOUS_MS : BOOTING_MS;
    enum err e =
        at_client_start(s->client, session_within(s, s->was_reset ? booting_ms : START_MS));
    bool busy = err_is(e, "at_busy");
    bool lost = busy || err_is(e, "at_silent") || err_is(e, "at_garbage");
    if (s->was_reset || !lost) return e;
    struct err_info first = *err_last();
    e = session_hard_reset(s);
    if (!e)
        e = session_await_boot(s);
    else if (busy)
        e = session_at_reset(s);
    if (e && e != ERR_CANCELLED) return err_restore(&first);
    if (!e) job_note(s->ctx, "%s: it was reset", first.detail);
    return e;
}

/* The firmware's log is on the other port. It is opened before the board is spoken to: some
 * adapters reset it by that. That it is not to be had is no failure. */
static void hear_log(struct session *s)
{
    const struct slot_record *slot = s->ctx->slot;
    struct port *port;
    if (s->download || !slot->download_port[0] || one_port(slot)) return;
    if (s->ctx->command->level < LEVEL_CONNECT || session_download(s, &port) == ERR_OK) return;
    job_note(s->ctx, "the board's log is not heard: %s", err_last()->detail);
}

enum err session_client(struct session *s, struct at_client **out)
{
    struct port *port;
    *out = NULL;
    if (!s->client) hear_log(s);
    enum err e = session_at_port(s, &port);
    if (!e && !s->client) {
        e = at_client_new(port, &s->client);
        if (!e) e = meet_board(s);
        if (e) {
            at_client_free(s->client);
            s->client = NULL;
        }
    }
    *out = s->client;
    return e;
}

struct deadline session_within(const struct session *s, int64_t ms)
{
    return deadline_within_ms(s->ctx->until, ms);
}

enum err session_ended(struct session *s, enum err e)
{
    s->at_cut = e && e != ERR_DEVICE;
    return e;
}

enum err session_mac_digits(const struct session *s, char out[13])
{
    size_t n = 0;
    for (const char *p = s->mac; *p && n < 12; p++)
        if (*p != ':') out[n++] = *p;
    out[n] = '\0';
    return n == 12 ? ERR_OK : err_set(ERR_NOT_FOUND, "the board's MAC is not known");
}

enum command_method session_method(const struct job_context *ctx)
{
    if (ctx->command->method != METHOD_AUTO) return ctx->command->method;
    if (ctx->command->kind == COMMAND_CHECK) return METHOD_AT;
    return ctx->slot->download_port[0] ? METHOD_ROM : METHOD_AT;
}

void session_result(struct session *s, const char *key, json_t *value)
{
    json_object_set_new(s->ctx->result, key, value);
}

void session_progress(size_t done_bytes, size_t total_bytes, void *arg)
{
    struct session *s = arg;
    job_progress(s->ctx, done_bytes, total_bytes, "bytes");
}

enum err session_hard_reset(struct session *s)
{
    const struct slot_record *slot = s->ctx->slot;
    struct port *port;
    struct reset reset;
    enum err e = session_download(s, &port);
    if (!e) e = reset_parse(slot->reset, &reset);
    if (!e && reset.kind == RESET_NONE)
        return err_fail(ERR_UNSUPPORTED, "slot_reset_none",
                        "Tap EN, or give the slot a port with DTR and RTS and reset \"auto\".",
                        "Slot %s has no way to reset its board.", slot->name);
    if (!e) e = reset_to_run(port, &reset);
    if (!e) s->was_reset = true;
    return e;
}

enum err session_leave_loader(struct session *s)
{
    if (!s->flasher) return ERR_OK;
    bool stays = !flasher_can_reset(s->flasher);
    enum err e = flasher_finish(s->flasher);
    flasher_free(s->flasher);
    s->flasher = NULL;
    s->was_reset = !e && !stays;
    if (stays) job_note(s->ctx, "%s", tap_en);
    return e;
}

static struct deadline leave_time(const struct session *s)
{
    return deadline_in_ms(s->hurry ? LEAVE_HURRY_MS : LEAVE_MS);
}

enum err session_off_broker(struct session *s, struct deadline until)
{
    if (!s->mqtt_touched) return ERR_OK;
    enum err e = at_mqtt_clean(s->client, until);
    if (!e) s->mqtt_touched = false;
    return e;
}

/* Take the bench's broker and Wi-Fi off a board whose AT port still answers. */
static enum err leave_network(struct session *s)
{
    struct deadline until = leave_time(s);
    enum err e = session_off_broker(s, until);
    if (!e && s->wifi_touched && !s->wifi_kept) e = at_wifi_leave(s->client, until);
    return e;
}

/* An EN pulse ends anything, also an AT write that waits for its bytes, and a faster AT port;
 * without one, AT commands have to do. */
static enum err leave_by_reset(struct session *s)
{
    if (s->ctx->slot->download_port[0] && session_hard_reset(s) == ERR_OK) return ERR_OK;
    /* A start feeds a board that waits for bytes; one that hangs in a command is deaf to it, but
     * not to AT+RST. */
    if (s->at_cut) at_client_start(s->client, leave_time(s));
    enum err e = at_client_reset(s->client, leave_time(s));
    return s->hurry ? e : answers_anyway(s, e, leave_time(s));
}

/* Does the board join a network by itself? Its boot is over. */
static enum err rejoins(struct session *s, bool *out)
{
    static const char *const news[] = {"WIFI GOT IP", NULL};
    struct at_wifi_state state;
    char line[32];
    int which;
    struct deadline until = leave_time(s);
    enum err e = answers_anyway(s, at_client_wait_ready(s->client, until), until);
    if (e) return e;
    e = at_wait_line(s->client, news, deadline_within_ms(until, JOIN_MS), &which, line,
                     sizeof line);
    if (!e || e == ERR_TIMEOUT) e = at_wifi_query(s->client, &state, until);
    *out = !e;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Firmware without AT+SYSSTORE stores what it joins. Users report that AT+CWQAP makes it forget;
 * whether it did shows at the next boot. */
static enum err forget_network(struct session *s)
{
    bool knows = false;
    enum err e = rejoins(s, &knows);
    if (!e && knows) {
        e = at_wifi_leave(s->client, leave_time(s));
        if (!e) e = leave_by_reset(s);
        if (!e) e = rejoins(s, &knows);
    }
    if (e || !knows) return e;
    return err_fail(ERR_DEVICE, "wifi_still_stored",
                    "Send AT+RESTORE to the board: it clears all its settings.",
                    "the board still knows the network %s: its firmware stores what it joins",
                    s->ctx->command->wifi.ssid);
}

/* A board that joined the bench's network, or whose exchange was cut, is reset: it ends as it would
 * after power-on. */
static enum err leave_at(struct session *s)
{
    if (!s->client) return ERR_OK;
    if (s->uart.fast && (s->hurry || at_speed_down(s, leave_time(s)))) s->at_cut = true;
    enum err e = s->at_cut ? ERR_OK : leave_network(s);
    if (!e && !s->at_cut && !s->wifi_touched) return ERR_OK;
    e = leave_by_reset(s);
    bool may_know = s->wifi_touched && s->evidence.wifi_stored && !s->hurry;
    return e || !may_know ? e : forget_network(s);
}

static bool must_hurry(const struct session *s)
{
    if (!cancel_is_raised(s->ctx->cancel)) return false;
    return err_is(job_why_cancelled(s->ctx), "shutting_down");
}

void session_drop_ports(struct session *s)
{
    flasher_free(s->flasher);
    at_client_free(s->client);
    port_close(s->download);
    if (s->at != s->download) port_close(s->at);
    s->flasher = NULL;
    s->client = NULL;
    s->download = s->at = NULL;
}

enum err session_close(struct session *s)
{
    struct err_info first = {0};
    s->leaving = true;
    s->hurry = must_hurry(s);
    if (s->download) s->download->cancel = NULL;
    if (s->at) s->at->cancel = NULL;
    if (session_leave_loader(s)) first = *err_last();
    if (s->at && leave_at(s) && !first.kind) first = *err_last();
    session_drop_ports(s);
    credential_free(s->credential);
    image_set_dispose(&s->images);
    plan_free(s->plan);
    buf_dispose(&s->log);
    return first.kind ? err_restore(&first) : ERR_OK;
}
