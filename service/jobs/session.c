#include "service/jobs/session.h"

#include <stdio.h>
#include <string.h>

#include "service/at/mqtt.h"
#include "service/at/wifi.h"
#include "service/flash/reset.h"
#include "service/port/port_serial.h"

/* Leaving a board in good order must not depend on the job's own time or on its cancel flag. */
enum { LEAVE_MS = 20000 };

void session_open(struct session *s, struct job_context *ctx)
{
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
}

static bool one_port(const struct slot_record *slot)
{
    return strcmp(slot->download_port, slot->at_port) == 0;
}

static enum err open_port(struct session *s, const char *path, uint32_t baud, const char *label,
                          struct port **out)
{
    enum err e = port_serial_open(path, baud ? baud : 115200, out);
    if (e) return e;
    (*out)->cancel = s->leaving ? NULL : s->ctx->cancel;
    job_transcribe(s->ctx, *out, label);
    return ERR_OK;
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
    return e;
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
    *out = s->at;
    return e;
}

enum err session_client(struct session *s, struct at_client **out)
{
    struct port *port;
    *out = NULL;
    enum err e = session_at_port(s, &port);
    if (!e && !s->client) {
        e = at_client_new(port, &s->client);
        if (!e) e = at_client_start(s->client, deadline_within_ms(s->ctx->until, 15000));
    }
    *out = s->client;
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
    struct port *port;
    enum reset_kind kind = RESET_AUTO;
    enum err e = session_download(s, &port);
    if (!e) e = reset_kind_parse(s->ctx->slot->reset, &kind);
    if (!e) e = reset_to_run(port, kind);
    return e;
}

/* Take the bench's broker and Wi-Fi off a board whose AT port still answers. */
static enum err leave_network(struct session *s)
{
    struct deadline until = deadline_in_ms(LEAVE_MS);
    enum err e = ERR_OK;
    if (s->mqtt_touched) e = at_mqtt_clean(s->client, until);
    if (!e && s->wifi_touched) e = at_wifi_leave(s->client, until);
    return e;
}

/* A board that joined the bench's network, or whose exchange was cut, is reset: it ends as it would
 * after power-on. An EN pulse ends anything, also an AT write that waits for its bytes; without
 * one, AT commands have to do. */
static enum err leave_at(struct session *s)
{
    if (!s->client) return ERR_OK;
    enum err e = s->at_cut ? ERR_OK : leave_network(s);
    if (!e && !s->at_cut && !s->wifi_touched) return ERR_OK;
    if (s->ctx->slot->download_port[0] && session_hard_reset(s) == ERR_OK) return ERR_OK;
    /* A start feeds a board that waits for bytes; one that hangs in a command is deaf to it, but
     * not to AT+RST. */
    if (s->at_cut) at_client_start(s->client, deadline_in_ms(LEAVE_MS));
    return at_client_reset(s->client, deadline_in_ms(LEAVE_MS));
}

enum err session_close(struct session *s)
{
    struct err_info first = {0};
    s->leaving = true;
    if (s->download) s->download->cancel = NULL;
    if (s->at) s->at->cancel = NULL;
    if (s->flasher) {
        if (flasher_finish(s->flasher)) first = *err_last();
        flasher_free(s->flasher);
    }
    if (s->at && leave_at(s) && !first.kind) first = *err_last();
    at_client_free(s->client);
    struct port *ports[] = {s->download, s->at == s->download ? NULL : s->at};
    for (size_t i = 0; i < 2; i++) {
        if (!ports[i]) continue;
        s->bytes_out += ports[i]->bytes_out;
        s->bytes_in += ports[i]->bytes_in;
        port_close(ports[i]);
    }
    credential_free(s->credential);
    image_set_dispose(&s->images);
    return first.kind ? err_restore(&first) : ERR_OK;
}
