#include "service/jobs/board_tables.h"

#include <stdio.h>
#include <string.h>

#include "service/jobs/expected.h"

enum { CONNECT_MS = 15000, USUAL_FLASH = 4 * 1024 * 1024 };

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
    if (!e) return ERR_OK;
    out->count = 0;
    return err_wrap(e, "partition table at 0x%x", (unsigned)offset);
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
    partition_names(t, names, 0, sizeof names);
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

/* Unless the order says the size, the loader was told the usual one, which saves a dozen commands:
 * only a table that goes beyond makes it worth asking the flash chip. */
static enum err fit_flash(struct session *s, const struct partition_table *t)
{
    const struct flasher_board *b = flasher_board(s->flasher);
    uint32_t size = s->ctx->command->flash_bytes;
    if (!size && !b->flash_bytes) {
        if (end_of(t) <= USUAL_FLASH) return ERR_OK;
        enum err e = flasher_identify(s->flasher, session_within(s, CONNECT_MS));
        if (!e) e = flasher_attach(s->flasher, 0);
        if (e) return e;
    }
    if (!size) size = b->flash_bytes;
    if (!size || end_of(t) <= size) return ERR_OK;
    return err_fail(ERR_UNSUPPORTED, "layout_damaged",
                    "Flash a firmware that was made for this flash size.",
                    "the board's partitions go up to 0x%llx, its flash has 0x%x bytes",
                    (unsigned long long)end_of(t), (unsigned)size);
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

enum err board_learn_layout(struct session *s)
{
    enum err e = learn_primary(s, &s->primary);
    if (e) return e;
    const struct partition *at = partition_find_type(&s->primary, PARTITION_TYPE_AT, 0);
    if (!at) return no_at_customize(&s->primary);
    e = fit_flash(s, &s->primary);
    return e ? e : learn_user(s, at->offset);
}

enum err board_assume_layout(struct session *s)
{
    struct err_info why = *err_last();
    struct layout said;
    enum err e = expected_layout(s, &said);
    if (e == ERR_NOT_FOUND) return err_restore(&why);
    if (!e) e = fit_flash(s, &said.user);
    if (e) return e;
    job_note(s->ctx, "%s: the tables of %s are taken", why.detail, said.source);
    s->layout = said;
    return ERR_OK;
}

/* What lies in a flash, as opposed to not being able to look. */
static bool is_an_answer(enum err e)
{
    static const char *const codes[] = {"no_partition_table", "bad_table_md5", "bad_table_entry",
                                        "layout_no_at_customize", "layout_damaged"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (err_is(e, codes[i])) return true;
    return false;
}

enum err board_look(struct session *s)
{
    enum err e = flasher_attach(s->flasher, s->ctx->command->flash_bytes);
    if (e) return e;
    if (flasher_board(s->flasher)->security.secure_download) { /* cannot be read */
        snprintf(s->layout.source, sizeof s->layout.source, "secure_download");
        return ERR_OK;
    }
    e = board_learn_layout(s);
    if (!is_an_answer(e)) return e;
    job_note(s->ctx, "%s", err_last()->detail);
    s->layout = (struct layout){.kind = LAYOUT_NONE};
    snprintf(s->layout.source, sizeof s->layout.source, "%s", err_last()->code);
    return ERR_OK;
}
