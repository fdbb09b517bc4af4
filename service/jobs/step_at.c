/* The steps through AT commands. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "service/at/info.h"
#include "service/at/sysflash.h"
#include "service/jobs/layout_json.h"
#include "service/jobs/steps.h"
#include "service/pki/secret.h"

enum { COMMAND_MS = 10000, ERASE_MS = 20000, LINE_MS = 60000, START_MS = 15000, TRIES = 3 };

/* For one image, either way: a board that lost a byte should not cost a minute. */
static struct deadline transfer_time(const struct session *s, const struct image *im)
{
    enum { BASE_MS = 10000, SLOWER_THAN_WIRE = 4 };
    int64_t wire_ms = (int64_t)im->bytes.len * 10 * 1000 / s->at->baud;
    return session_within(s, BASE_MS + SLOWER_THAN_WIRE * wire_ms);
}

static bool is_worth_a_retry(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE;
}

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
    session_result(s, "board", json_pack("{s:s,s:s}", "chip", s->chip, "mac", s->mac));
    return ERR_OK;
}

enum err step_firmware(struct session *s)
{
    struct at_client *client;
    enum err e = session_client(s, &client);
    if (!e) e = read_firmware(s);
    if (e != ERR_TIMEOUT && e != ERR_PROTOCOL && e != ERR_DEVICE) return e;
    /* Who is on the board was asked, and it is no failure that it is not ESP-AT, or that its AT
     * port has no cable. */
    job_note(s->ctx, "no ESP-AT answered: %s", err_last()->detail);
    session_result(s, "firmware", json_null());
    return ERR_OK;
}

enum err step_at_layout(struct session *s)
{
    struct at_partition rows[PARTITION_TABLE_MAX];
    size_t n;
    enum err e =
        at_sysflash_list(s->client, rows, PARTITION_TABLE_MAX, &n, session_within(s, COMMAND_MS));
    if (e) return e;
    struct partition_table user = {.count = n};
    for (size_t i = 0; i < n; i++) {
        struct partition *p = &user.rows[i];
        memcpy(p->name, rows[i].name, sizeof p->name); /* both are 16 characters and a NUL */
        p->type = rows[i].type;
        p->subtype = rows[i].subtype;
        p->offset = rows[i].offset;
        p->size = rows[i].size;
    }
    layout_from_table(&user, "AT+SYSFLASH?", &s->layout);
    session_result(s, "layout", layout_to_json(&s->layout));
    return ERR_OK;
}

/* The row that AT commands want, for an image that the layout placed. */
static struct at_partition row_of(const struct session *s, const struct image *im)
{
    const struct partition *p = partition_find(&s->layout.user, im->partition);
    struct at_partition row = {
        .type = p->type, .subtype = p->subtype, .offset = p->offset, .size = p->size};
    memcpy(row.name, p->name, sizeof row.name);
    return row;
}

static struct at_transfer transfer_of(struct session *s, const struct image *im,
                                      const struct at_partition *row)
{
    return (struct at_transfer){.partition = row,
                                .n = im->bytes.len,
                                .secret = im->holds_key,
                                .fn = session_progress,
                                .arg = s};
}

static enum err write_once(struct session *s, const struct image *im)
{
    struct at_partition row = row_of(s, im);
    struct at_transfer t = transfer_of(s, im, &row);
    enum err e = at_sysflash_erase(s->client, &row, session_within(s, ERASE_MS));
    return e ? e : at_sysflash_write(s->client, &t, im->bytes.data, transfer_time(s, im));
}

/* The board is brought into step for another try; it may wait for bytes that were lost. */
static enum err start_again(struct session *s, const struct image *im)
{
    struct err_info why = *err_last();
    enum err e = at_client_start(s->client, session_within(s, START_MS));
    if (e == ERR_CANCELLED || e == ERR_PORT_GONE) return e;
    if (e) return err_restore(&why);
    job_note(s->ctx, "%s: %s: again", im->partition, why.detail);
    return ERR_OK;
}

/* Bytes get lost on this way too. Then the image starts again from its erase. */
static enum err write_image(struct session *s, const struct image *im)
{
    for (int i = 1;; i++) {
        s->at_cut = true; /* until it has ended well: a board may be left waiting for bytes */
        enum err e = write_once(s, im);
        s->at_cut = e != ERR_OK;
        if (!e) return e;
        bool again = i < TRIES && is_worth_a_retry(e);
        if (again) e = start_again(s, im);
        if (e) return err_wrap(e, "%s", im->partition);
        s->at_retries++;
    }
}

enum err step_at_write(struct session *s)
{
    s->wire.out = s->at->bytes_out;
    s->wire.in = s->at->bytes_in;
    enum err e = ERR_OK;
    for (size_t i = 0; i < s->images.count && !e; i++)
        e = write_image(s, &s->images.items[i]);
    return e;
}

static enum err compare_image(struct session *s, const struct image *im)
{
    struct at_partition row = row_of(s, im);
    struct at_transfer t = transfer_of(s, im, &row);
    struct secret back;
    enum err e = secret_copy(im->bytes.data, im->bytes.len,
                             &back); /* for its size: overwritten by the read */
    if (e) return e;
    memset(back.data, 0, back.len);
    e = at_sysflash_read(s->client, &t, back.data, transfer_time(s, im));
    if (!e && memcmp(back.data, im->bytes.data, im->bytes.len) != 0)
        e = err_fail(ERR_VERIFY, "flash_verify",
                     "Write again; if it stays so, the board's flash or its supply is bad.",
                     "%s reads back different from what was written.", im->partition);
    secret_dispose(&back);
    return e;
}

static enum err verify_image(struct session *s, const struct image *im)
{
    for (int i = 1;; i++) {
        enum err e = compare_image(s, im);
        if (!e || i == TRIES) return e;
        if (e == ERR_VERIFY) {
            job_note(s->ctx, "%s reads back different: written again", im->partition);
            s->at_retries++;
            e = write_image(s, im);
        } else if (is_worth_a_retry(e)) {
            e = start_again(s, im);
        }
        if (e) return e;
    }
}

enum err step_at_verify(struct session *s)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < s->images.count && !e; i++)
        e = verify_image(s, &s->images.items[i]);
    if (e) return e;
    s->verified = true;
    session_result(s, "write",
                   json_pack("{s:s,s:b,s:I,s:I,s:i}", "method", "at", "identical", 0, "bytes_out",
                             (json_int_t)(s->at->bytes_out - s->wire.out), "bytes_in",
                             (json_int_t)(s->at->bytes_in - s->wire.in), "retries", s->at_retries));
    return ERR_OK;
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

/* What is in quotes may be a password (AT+CWJAP="name","…"): such a line is kept out of transcript
 * and errors like those that we make ourselves. */
static enum err send_line(struct at_client *client, const char *line, struct deadline until)
{
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
