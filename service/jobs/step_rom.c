/* The steps through the ROM loader. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/jobs/layout_json.h"
#include "service/jobs/steps.h"

enum { CONNECT_MS = 15000, WRITE_MS = 60000, USUAL_FLASH = 4 * 1024 * 1024 };

/* Does the job go on with the board's firmware, once it is out of the loader? */
static bool firmware_is_next(const struct command *c)
{
    return c->kind == COMMAND_PROVISION && c->level != LEVEL_NONE;
}

enum err step_rom_identify(struct session *s)
{
    const struct slot_record *slot = s->ctx->slot;
    struct flasher_options options = {.connect_baud = slot->download_baud,
                                      .flash_baud = slot->flash_baud};
    struct port *port, *at;
    enum err e = reset_parse(slot->reset, &options.reset);
    if (!e) e = session_download(s, &port);
    /* An AT port that cannot be had is found before anything is written, not after. */
    if (!e && firmware_is_next(s->ctx->command)) e = session_at_port(s, &at);
    if (!e && !s->flasher) e = flasher_new(port, &options, &s->flasher);
    if (!e) e = flasher_connect(s->flasher, session_within(s, CONNECT_MS));
    if (!e) e = flasher_read_mac(s->flasher);
    if (e) return e;
    const struct flasher_board *b = flasher_board(s->flasher);
    snprintf(s->mac, sizeof s->mac, "%02x:%02x:%02x:%02x:%02x:%02x", b->mac[0], b->mac[1],
             b->mac[2], b->mac[3], b->mac[4], b->mac[5]);
    snprintf(s->chip, sizeof s->chip, "%s", b->chip->name);
    session_result(
        s, "board",
        json_pack("{s:s,s:s,s:s}", "chip", b->chip->name, "title", b->chip->title, "mac", s->mac));
    return ERR_OK;
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
    json_object_set_new(board, "revision", json_string(revision));
    json_object_set_new(board, "flash_id", json_string(id));
    json_object_set_new(board, "flash_bytes", json_integer(b->flash_bytes));
    json_object_set_new(board, "crystal_mhz", json_integer(b->crystal_mhz));
    return ERR_OK;
}

/* The primary table, read only up to its end: stock tables have six rows, four slow reads instead
 * of forty-eight. */
static enum err read_table(struct session *s, uint32_t offset, struct partition_table *out)
{
    uint8_t bytes[PARTITION_TABLE_BYTES];
    memset(bytes, 0xff, sizeof bytes);
    for (uint32_t at = 0; at < sizeof bytes; at += 64) {
        enum err e = flasher_read(s->flasher, offset + at, bytes + at, 64, NULL, NULL);
        if (e) return e;
        /* A row that is erased flash ends the table; both rows of a read are looked at. */
        if (bytes[at] == 0xff || bytes[at + 32] == 0xff) break;
    }
    enum err e = partition_table_parse(bytes, sizeof bytes, out);
    if (e) return err_wrap(e, "partition table at 0x%x", (unsigned)offset);
    return ERR_OK;
}

/* One MD5 instead of four slow reads, for a table that hardly ever changed. */
static enum err learn_primary(struct session *s, struct partition_table *out)
{
    uint32_t offset = flasher_board(s->flasher)->chip->table_offset;
    uint8_t md5[MD5_BYTES];
    enum err e = flasher_md5(s->flasher, offset, PARTITION_TABLE_BYTES, md5);
    if (e) return e;
    const struct partition_table *stock = layout_primary_find(s->chip, md5);
    if (!stock) return read_table(s, offset, out);
    *out = *stock;
    return ERR_OK;
}

static enum err no_at_customize(const struct partition_table *t)
{
    char names[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < t->count && n < sizeof names - 20; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", t->rows[i].name);
    return err_fail(
        ERR_UNSUPPORTED, "layout_no_at_customize",
        "This is not ESP-AT firmware. Flash an ESP-AT release first; it brings the table along.",
        "The board's partition table has no at_customize partition; it has: %s.", names);
}

static uint64_t end_of(const struct partition_table *t)
{
    uint64_t end = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint64_t row_end = (uint64_t)t->rows[i].offset + t->rows[i].size;
        if (row_end > end) end = row_end;
    }
    return end;
}

/* The loader was told the usual size, which saves a dozen commands: only a table that goes beyond
 * makes it worth asking the flash chip. */
static enum err fit_flash(struct session *s, const struct partition_table *t)
{
    const struct flasher_board *b = flasher_board(s->flasher);
    if (!b->flash_bytes) {
        if (end_of(t) <= USUAL_FLASH) return ERR_OK;
        enum err e = flasher_identify(s->flasher, session_within(s, CONNECT_MS));
        if (!e) e = flasher_attach(s->flasher, 0);
        if (e) return e;
    }
    if (!b->flash_bytes || end_of(t) <= b->flash_bytes) return ERR_OK;
    return err_fail(ERR_UNSUPPORTED, "layout_damaged",
                    "Flash a firmware that was made for this flash size.",
                    "the board's partitions go up to 0x%llx, its flash has 0x%x bytes",
                    (unsigned long long)end_of(t), (unsigned)b->flash_bytes);
}

/* The user's table. Is it a stock one, a single MD5 tells, where reading it would cost more than
 * writing the credential. */
static enum err learn_user(struct session *s, uint32_t offset)
{
    uint8_t md5[MD5_BYTES];
    enum err e = flasher_md5(s->flasher, offset, PARTITION_TABLE_BYTES, md5);
    if (e) return e;
    const struct layout_stock *stock = layout_stock_find(s->chip, offset, md5);
    if (stock) {
        s->layout = stock->layout;
        snprintf(s->layout.source, sizeof s->layout.source, "at_customize at 0x%x, stock %s",
                 (unsigned)offset, stock->name);
        return ERR_OK;
    }
    struct partition_table user;
    e = read_table(s, offset, &user);
    if (!e) e = fit_flash(s, &user);
    if (e) return e;
    char source[64];
    snprintf(source, sizeof source, "at_customize at 0x%x, read in full", (unsigned)offset);
    layout_from_table(&user, source, &s->layout);
    return ERR_OK;
}

static enum err learn_layout(struct session *s)
{
    struct partition_table primary;
    enum err e = learn_primary(s, &primary);
    if (e) return e;
    const struct partition *at = partition_find_type(&primary, PARTITION_TYPE_AT, 0);
    if (!at) return no_at_customize(&primary);
    e = fit_flash(s, &primary);
    return e ? e : learn_user(s, at->offset);
}

enum err step_rom_layout(struct session *s)
{
    enum err e = flasher_attach(s->flasher, 0);
    if (!e) e = learn_layout(s);
    if (s->ctx->command->kind == COMMAND_IDENTIFY &&
        (e == ERR_UNSUPPORTED || err_is(e, "no_partition_table"))) {
        /* A blank board, or one with other firmware, is an answer to "who are you", not a failure.
         */
        job_note(s->ctx, "%s", err_last()->detail);
        snprintf(s->layout.source, sizeof s->layout.source, "%s", err_last()->code);
        e = ERR_OK;
    }
    if (e) return e;
    session_result(s, "layout", layout_to_json(&s->layout));
    return ERR_OK;
}

static struct flasher_region region_of(const struct image *im)
{
    return (struct flasher_region){
        .offset = im->offset,
        .erase_bytes = im->partition_size,
        .data = im->bytes.data,
        .n = im->bytes.len,
        .secret = im->holds_key,
        .verify_later = true,
    };
}

/* Images that the record says are there already: three MD5 commands instead of a write. */
static enum err already_there(struct session *s, bool *there_out)
{
    *there_out = false;
    struct device_record known;
    struct device_entry *entries = NULL;
    size_t n = 0;
    if (store_device_get(s->ctx->store, s->mac, &known, &entries, &n)) return ERR_OK;
    for (size_t i = 0; i < n; i++)
        device_entry_dispose(&entries[i]);
    free(entries);
    if (strcmp(known.fingerprint_sha256, credential_info(s->credential)->fingerprint_sha256) != 0)
        return ERR_OK;
    for (size_t i = 0; i < s->images.count; i++) {
        struct flasher_region r = region_of(&s->images.items[i]);
        enum err e = flasher_verify(s->flasher, &r);
        if (e == ERR_VERIFY) return ERR_OK;
        if (e) return e;
    }
    *there_out = true;
    return ERR_OK;
}

struct whole_progress {
    struct session *session;
    size_t before, total;
};

static void part_done(size_t done, size_t total, void *arg)
{
    struct whole_progress *w = arg;
    (void)total;
    session_progress(w->before + done, w->total, w->session);
}

enum err step_rom_write(struct session *s)
{
    s->write_from_out = s->download->bytes_out;
    s->write_from_in = s->download->bytes_in;
    enum err e = already_there(s, &s->identical);
    if (e) return e;
    if (s->identical) {
        job_note(s->ctx, "this credential is on the board already: nothing written");
        return ERR_OK;
    }
    struct whole_progress w = {.session = s};
    for (size_t i = 0; i < s->images.count; i++)
        w.total += s->images.items[i].bytes.len;
    for (size_t i = 0; i < s->images.count && !e; i++) {
        const struct image *im = &s->images.items[i];
        struct flasher_region r = region_of(im);
        struct deadline until = session_within(s, WRITE_MS);
        e = flasher_write(s->flasher, &r, until, part_done, &w);
        if (e) err_wrap(e, "%s", im->partition);
        w.before += im->bytes.len;
    }
    return e;
}

static enum err verify_image(struct session *s, const struct image *im)
{
    struct flasher_region r = region_of(im);
    enum err e = flasher_verify(s->flasher, &r);
    if (e != ERR_VERIFY) return e;
    job_note(s->ctx, "%s reads back different: written again", im->partition);
    struct whole_progress w = {s, 0, im->bytes.len};
    r.verify_later = false;
    return flasher_write(s->flasher, &r, session_within(s, WRITE_MS), part_done, &w);
}

enum err step_rom_verify(struct session *s)
{
    for (size_t i = 0; i < s->images.count && !s->identical; i++) {
        const struct image *im = &s->images.items[i];
        enum err e = verify_image(s, im);
        if (e) return err_wrap(e, "%s", im->partition);
    }
    s->verified = true;
    session_result(
        s, "write",
        json_pack("{s:s,s:b,s:I,s:I,s:i,s:i}", "method", "rom", "identical", (int)s->identical,
                  "bytes_out", (json_int_t)(s->download->bytes_out - s->write_from_out), "bytes_in",
                  (json_int_t)(s->download->bytes_in - s->write_from_in), "commands",
                  (int)flasher_commands(s->flasher), "retries", (int)flasher_retries(s->flasher)));
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

enum err step_rom_reset(struct session *s)
{
    bool wait = firmware_is_next(s->ctx->command);
    struct port *at = NULL;
    enum err e = ERR_OK;
    /* Listen before the board boots, so that its "ready" is not missed; an older one does not
     * count. */
    if (wait) e = session_at_port(s, &at);
    if (!e && wait && at != s->download) e = port_flush_input(at);
    if (!e) e = restart_board(s);
    return !e && wait ? session_await_boot(s) : e;
}
