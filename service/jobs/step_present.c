/* What lies in the board's partitions before they are changed: read through the loader, where
 * something of it must stay; kept as backups before the first byte is written; and put back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/jobs/cut_off.h"
#include "service/jobs/guess.h"
#include "service/jobs/key_trouble.h"
#include "service/jobs/steps.h"
#include "service/jobs/wire.h"

enum { LEAVES_MAX = 255 };

/* --- reading --- */

static enum err read_partition(const struct partition *p, struct secret *out, void *arg)
{
    struct session *s = arg;
    struct buf bytes;
    if (p->size > LIMIT_BACKUP_BYTES)
        return err_fail(ERR_UNSUPPORTED, "layout_damaged",
                        "Flash the firmware again: its partition table is damaged.",
                        "%s has %u bytes; no firmware has more than %d", p->name, (unsigned)p->size,
                        (int)LIMIT_BACKUP_BYTES);
    buf_init_secret(&bytes, p->size);
    enum err e = guess_content(s, p, &bytes);
    if (!e) e = wire_read(s, p->offset, bytes.data, p->size);
    if (!e) e = secret_copy(bytes.data, bytes.len, out);
    buf_dispose(&bytes);
    return e;
}

static enum err read_whole(const struct partition *p, struct secret *out, void *arg)
{
    enum err e = read_partition(p, out, arg);
    if (!e) e = cut_off_refuse(arg, p, out);
    if (e) secret_dispose(out);
    return e;
}

static bool is_torn(enum err e)
{
    return err_is(e, "not_nvs") || err_is(e, "nvs_damaged") || err_is(e, "no_factory_param");
}

/* What was there before the last change is kept. */
static enum err advise_restore(const struct session *s, enum err e)
{
    const struct partition *p = partition_find(&s->layout.user, "mfg_nvs");
    struct err_info why = *err_last();
    char id[ID_TEXT];
    if (p && is_torn(e) && guess_backup(s, s->mac, p, id) == ERR_OK)
        snprintf(why.hint, sizeof why.hint,
                 "Put the backup %s back by a job of kind restore: it is what mfg_nvs held before "
                 "the last change.",
                 id);
    return err_restore(&why);
}

enum err step_rom_images(struct session *s)
{
    const struct image_source now = {read_whole, s};
    wire_begin(s);
    enum err e = images_build(s, &now);
    return e ? advise_restore(s, e) : key_trouble_look(s);
}

/* --- backups --- */

static bool is_changed(const struct image *im)
{
    return im->before.data && !image_was_there(im);
}

bool needs_backup(const struct session *s)
{
    for (size_t i = 0; i < s->images.count; i++)
        if (is_changed(&s->images.items[i])) return true;
    return false;
}

static json_t *describe(const struct backup_record *b)
{
    return json_pack("{s:s,s:s,s:I,s:I,s:s}", "id", b->id, "partition", b->partition, "offset",
                     (json_int_t)b->offset, "size", (json_int_t)b->size, "sha256", b->sha256);
}

static enum err keep(struct session *s, const struct image *im, json_t *list)
{
    uint8_t digest[SHA256_BYTES];
    struct backup_record b = {
        .created_ms = clock_now_ms(), .offset = im->offset, .size = (uint32_t)im->before.len};
    id_new("bak", b.id);
    memcpy(b.mac, s->mac, sizeof b.mac);
    snprintf(b.job, sizeof b.job, "%s", s->ctx->job_id);
    snprintf(b.slot, sizeof b.slot, "%s", s->ctx->command->slot);
    memcpy(b.partition, im->partition, sizeof b.partition);
    digest_sha256(im->before.data, im->before.len, digest);
    digest_hex(digest, sizeof digest, b.sha256);
    enum err e = store_backup_add(s->ctx->store, &b, im->before.data, im->before.len);
    if (!e) json_array_append_new(list, describe(&b));
    return e;
}

enum err step_backup(struct session *s)
{
    json_t *list = json_array();
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < s->images.count; i++)
        if (is_changed(&s->images.items[i])) e = keep(s, &s->images.items[i], list);
    session_result(s, "backups", list);
    return e;
}

/* What the result says of each backup, with commas between. */
static void list_backups(const struct session *s, const char *key, struct buf *out)
{
    const json_t *list = json_object_get(s->ctx->result, "backups");
    for (size_t i = 0; i < json_array_size(list); i++)
        buf_printf(out, "%s%s", i ? ", " : "",
                   json_string_value(json_object_get(json_array_get(list, i), key)));
}

enum err write_begins(struct session *s)
{
    struct buf sentence;
    buf_init(&sentence, LEAVES_MAX);
    list_backups(s, "partition", &sentence);
    if (sentence.len) {
        buf_puts(&sentence, " may be written in part; a job of kind restore puts back ");
        list_backups(s, "id", &sentence);
        buf_puts(&sentence, ".");
    }
    job_leaves(s->ctx, buf_str(&sentence));
    buf_dispose(&sentence);
    return record_credential_goes(s);
}

/* --- restoring --- */

static enum err other_board(const struct session *s, const struct backup_record *b)
{
    return err_fail(ERR_CONFLICT, "backup_of_another_board",
                    "A backup holds a board's own data: put it back on that board only.",
                    "the backup %s is of the board %s, in the slot is %s", b->id, b->mac, s->mac);
}

static enum err no_such_place(const struct session *s, const struct backup_record *b)
{
    const struct partition *now = partition_find(&s->layout.user, b->partition);
    char there[48] = "it has none";
    if (now)
        snprintf(there, sizeof there, "it is at 0x%x with 0x%x bytes", (unsigned)now->offset,
                 (unsigned)now->size);
    return err_fail(ERR_CONFLICT, "backup_place_changed",
                    "The board has other firmware now: flash the former one first.",
                    "%s was at 0x%x with 0x%x bytes when the backup was made; now %s (%s)",
                    b->partition, (unsigned)b->offset, (unsigned)b->size, there, s->layout.source);
}

static enum err load(struct session *s, const struct backup_record *b, struct image *out)
{
    struct buf bytes;
    buf_init_secret(&bytes, LIMIT_BACKUP_BYTES);
    enum err e = store_backup_data(s->ctx->store, b->id, &bytes);
    if (!e) e = secret_copy(bytes.data, bytes.len, &out->bytes);
    buf_dispose(&bytes);
    return e;
}

static json_t *describe_origin(const struct backup_record *b)
{
    char made[CLOCK_TEXT];
    return json_pack("{s:s,s:s,s:s}", "backup", b->id, "partition", b->partition, "created_at",
                     clock_format(b->created_ms, made));
}

/* The backup as the one image of the job, so that it is written as any other. */
enum err step_restore_place(struct session *s)
{
    struct backup_record b;
    enum err e = store_backup_get(s->ctx->store, s->ctx->command->backup, &b);
    if (e) return e;
    if (strcmp(b.mac, s->mac) != 0) return other_board(s, &b);
    const struct partition *p = partition_find(&s->layout.user, b.partition);
    if (!p || !backup_is_of(&b, p)) return no_such_place(s, &b);
    struct image *im = &s->images.items[0];
    s->images.count = 1;
    *im = (struct image){.offset = b.offset, .partition_size = b.size, .holds_key = true};
    memcpy(im->partition, b.partition, sizeof im->partition);
    memcpy(im->sha256, b.sha256, sizeof im->sha256);
    wire_begin(s);
    e = load(s, &b, im);
    if (!e) e = read_partition(p, &im->before, s);
    if (!e) session_result(s, "restore", describe_origin(&b));
    return e;
}
