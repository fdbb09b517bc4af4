/* The steps through the ROM loader. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/jobs/board_tables.h"
#include "service/jobs/expected.h"
#include "service/jobs/layout_json.h"
#include "service/jobs/steps.h"
#include "service/jobs/wire.h"

enum { CONNECT_MS = 15000 };

/* Does the job go on with the board's firmware, once it is out of the loader? */
static bool firmware_is_next(const struct command *c)
{
    return c->kind == COMMAND_PROVISION && c->level != LEVEL_NONE;
}

static enum err connect_flasher(struct session *s)
{
    const struct slot_record *slot = s->ctx->slot;
    const struct command *c = s->ctx->command;
    struct flasher_options options = {.connect_baud = slot->download_baud,
                                      .flash_baud = slot->flash_baud,
                                      .flash_bytes = c->flash_bytes,
                                      .allow_unverified = c->allow_unverified};
    struct port *port, *at;
    enum err e = reset_parse(slot->reset, &options.reset);
    if (!e) e = session_download(s, &port);
    /* An AT port that cannot be had is found before anything is written, not after. */
    if (!e && firmware_is_next(c)) e = session_at_port(s, &at);
    if (!e && !s->flasher) e = flasher_new(port, &options, &s->flasher);
    if (!e) e = flasher_connect(s->flasher, session_within(s, CONNECT_MS));
    return e ? e : flasher_read_mac(s->flasher);
}

/* In secure download mode the loader does not tell the MAC. */
enum err step_rom_identify(struct session *s)
{
    enum err e = connect_flasher(s);
    if (e) return e;
    const struct flasher_board *b = flasher_board(s->flasher);
    if (b->mac_known)
        snprintf(s->mac, sizeof s->mac, "%02x:%02x:%02x:%02x:%02x:%02x", b->mac[0], b->mac[1],
                 b->mac[2], b->mac[3], b->mac[4], b->mac[5]);
    snprintf(s->chip, sizeof s->chip, "%s", b->chip->name);
    session_result(s, "board",
                   json_pack("{s:s,s:s,s:s?}", "chip", b->chip->name, "title", b->chip->title,
                             "mac", b->mac_known ? s->mac : NULL));
    return ERR_OK;
}

static json_t *describe_security(const struct flasher_security *sec)
{
    if (!sec->known) return json_null();
    return json_pack("{s:b,s:b,s:b}", "secure_boot", (int)sec->secure_boot, "flash_encryption",
                     (int)sec->flash_encryption, "secure_download", (int)sec->secure_download);
}

enum err step_rom_details(struct session *s)
{
    enum err e = flasher_identify(s->flasher, session_within(s, CONNECT_MS));
    if (e) return e;
    const struct flasher_board *b = flasher_board(s->flasher);
    json_t *board = json_object_get(s->ctx->result, "board");
    char id[8], revision[16];
    snprintf(id, sizeof id, "%06x", (unsigned)(b->flash_id & 0xffffff));
    snprintf(revision, sizeof revision, "v%u.%u", b->revision / 100, b->revision % 100);
    if (b->mac_known) json_object_set_new(board, "revision", json_string(revision));
    if (b->flash_id) json_object_set_new(board, "flash_id", json_string(id));
    json_object_set_new(board, "flash_bytes", json_integer(b->flash_bytes));
    if (b->crystal_mhz) json_object_set_new(board, "crystal_mhz", json_integer(b->crystal_mhz));
    json_object_set_new(board, "security", describe_security(&b->security));
    s->flash_bytes = s->ctx->command->flash_bytes;
    if (!s->flash_bytes) s->flash_bytes = b->flash_bytes;
    return ERR_OK;
}

enum err step_rom_board(struct session *s)
{
    enum err e = step_rom_identify(s);
    return e ? e : step_rom_details(s);
}

enum err step_rom_layout(struct session *s)
{
    enum err e = flasher_attach(s->flasher, s->ctx->command->flash_bytes);
    if (!e) e = flasher_check_writable(s->flasher);
    if (!e) e = board_learn_layout(s);
    if (err_is(e, "no_partition_table")) e = board_assume_layout(s);
    if (e) return e;
    session_result(s, "layout", layout_to_json(&s->layout));
    return expected_check(s);
}

/* A blank board, or one with other firmware, is an answer to "who are you", not a failure. */
enum err step_rom_look(struct session *s)
{
    enum err e = board_look(s);
    if (e) return e;
    session_result(s, "layout", layout_to_json(&s->layout));
    return ERR_OK;
}

/* A slot that cannot pull EN may still have an AT port. */
static enum err restart_board(struct session *s)
{
    if (s->flasher) return session_leave_loader(s);
    enum err e = session_hard_reset(s);
    if (e != ERR_UNSUPPORTED || !s->ctx->slot->at_port[0]) return e;
    struct err_info first = *err_last();
    e = session_at_reset(s);
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL ? err_restore(&first) : e;
}

/* Will the AT port be listened to, once the board has booted? */
static bool hears_at(const struct session *s)
{
    return firmware_is_next(s->ctx->command) || flash_hears_at(s);
}

enum err step_rom_reset(struct session *s)
{
    struct port *at = NULL;
    enum err e = ERR_OK;
    /* Listen before the board boots, so that its "ready" is not missed; an older one does not
     * count. */
    if (hears_at(s)) e = session_at_port(s, &at);
    if (!e && at && at != s->download) e = port_flush_input(at);
    if (!e) e = restart_board(s);
    return !e && firmware_is_next(s->ctx->command) ? session_await_boot(s) : e;
}
