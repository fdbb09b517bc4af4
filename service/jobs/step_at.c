/* Steps through AT commands: who the board is, raw lines. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "service/at/info.h"
#include "service/at/sysflash.h"
#include "service/at/sysmfg.h"
#include "service/flash/chip.h"
#include "service/jobs/at_row.h"
#include "service/jobs/expected.h"
#include "service/jobs/layout_json.h"
#include "service/jobs/steps.h"
#include "service/jobs/target_json.h"

enum { COMMAND_MS = 10000, LINE_MS = 60000 };

static enum err read_firmware(struct session *s)
{
    struct at_info info;
    enum err e = at_info(s->client, &info);
    if (e) return e;
    session_result(s, "firmware",
                   json_pack("{s:s,s:s,s:s,s:s}", "at_version", info.at_version, "bin_version",
                             info.bin_version, "module", info.module, "sdk_version",
                             info.sdk_version));
    if (!s->chip[0]) snprintf(s->chip, sizeof s->chip, "%s", info.chip);
    return ERR_OK;
}

enum err step_at_identify(struct session *s)
{
    struct at_client *client;
    enum err e = session_client(s, &client);
    if (!e) e = read_firmware(s);
    if (!e) e = at_mac(client, s->mac);
    if (e) return e;
    const struct chip *chip = chip_by_name(s->chip);
    session_result(s, "board",
                   json_pack("{s:s,s:s*,s:s}", "chip", s->chip, "title", chip ? chip->title : NULL,
                             "mac", s->mac));
    return ERR_OK;
}

/* Which kinds there is a place for in mfg_nvs, only its namespaces tell. */
static enum err tell_kinds(struct session *s)
{
    char spaces[SYSMFG_SPACES][SYSMFG_NAME];
    const char *names[SYSMFG_SPACES];
    json_t *layout = json_object_get(s->ctx->result, "layout");
    size_t n = 0;
    if (s->layout.kind != LAYOUT_MFG_NVS || s->ctx->command->kind != COMMAND_IDENTIFY)
        return ERR_OK;
    enum err e =
        at_sysmfg_spaces(s->client, spaces, SYSMFG_SPACES, &n, session_within(s, COMMAND_MS));
    for (size_t i = 0; i < n; i++)
        names[i] = spaces[i];
    if (!e) json_object_set_new(layout, "kinds", target_kinds_to_json(&s->layout, names, n));
    return e == ERR_UNSUPPORTED ? ERR_OK : e;
}

enum err step_firmware(struct session *s)
{
    struct at_client *client;
    enum err e = session_client(s, &client);
    if (!e) e = read_firmware(s);
    if (!e) return tell_kinds(s);
    if (e != ERR_TIMEOUT && e != ERR_PROTOCOL && e != ERR_DEVICE) return e;
    /* Who is on the board was asked, and it is no failure that it is not ESP-AT, or that its AT
     * port has no cable. */
    job_note(s->ctx, "no ESP-AT answered: %s", err_last()->detail);
    session_result(s, "firmware", json_null());
    return ERR_OK;
}

/* A board that has no table to tell, or no command for it: what the order names is believed. */
static enum err assume_layout(struct session *s)
{
    struct layout said;
    enum err e = expected_layout(s, &said);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    if (!e) s->layout = said;
    return e;
}

enum err step_at_layout(struct session *s)
{
    struct at_partition rows[PARTITION_TABLE_MAX];
    size_t n;
    enum err e =
        at_sysflash_list(s->client, rows, PARTITION_TABLE_MAX, &n, session_within(s, COMMAND_MS));
    if (e && !at_was_refused(s->client)) return e;
    struct partition_table user = {.count = n};
    for (size_t i = 0; i < n; i++)
        user.rows[i] = at_row_partition(&rows[i]);
    layout_from_table(&user, "AT+SYSFLASH?", &s->layout);
    e = n ? ERR_OK : assume_layout(s);
    if (e) return e;
    session_result(s, "layout", layout_to_json(&s->layout));
    e = tell_kinds(s);
    return e ? e : expected_check(s);
}

enum err step_at_reset(struct session *s)
{
    return session_at_reset(s);
}

static json_t *answer_lines(const struct at_client *c)
{
    json_t *lines = json_array();
    const char *line;
    for (size_t i = 0; (line = at_answer(c, "", i)); i++) {
        /* A device may say anything; what is not UTF-8 is shown as far as it can be. */
        json_t *text = json_string(line);
        json_array_append_new(lines, text ? text : json_string("(not text)"));
    }
    return lines;
}

/* A private key may be among what they read. */
static bool reads_flash(const char *line)
{
    return strstr(line, "+SYSFLASH=") || strstr(line, "+SYSMFG=");
}

/* What is in quotes may be a password (AT+CWJAP="name","…"): such a line is kept out of transcript
 * and errors like those that we make ourselves. */
static enum err send_line(struct at_client *client, const char *line, struct deadline until)
{
    if (reads_flash(line)) return at_read_secret(client, until, line);
    return strchr(line, '"') ? at_command_secret(client, until, line)
                             : at_command(client, until, "%s", line);
}

enum err step_at_lines(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct at_client *client;
    enum err e = session_client(s, &client);
    json_t *done = json_array();
    for (size_t i = 0; i < c->at_line_count && !e; i++) {
        s->at_cut = true;
        e = send_line(client, c->at_lines[i], session_within(s, LINE_MS));
        session_ended(s, e);
        json_array_append_new(done, json_pack("{s:i,s:b,s:o}", "line", (int)i, "ok", e == ERR_OK,
                                              "answer", answer_lines(client)));
        job_progress(s->ctx, i + 1, c->at_line_count, "lines");
    }
    session_result(s, "lines", done);
    return e;
}
