/* The credential through AT commands, in pieces that are written, read back and compared one by
 * one: an image for a partition (AT+SYSFLASH), or a value of mfg_nvs (AT+SYSMFG), which leaves the
 * rest of that partition to the firmware. Bytes get lost on this way; then the piece is written
 * again from its beginning. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "service/at/sysflash.h"
#include "service/at/sysmfg.h"
#include "service/jobs/at_row.h"
#include "service/jobs/at_speed.h"
#include "service/jobs/cut_off.h"
#include "service/jobs/key_trouble.h"
#include "service/jobs/steps.h"
#include "service/jobs/target_json.h"
#include "service/jobs/wire.h"

enum { COMMAND_MS = 10000, ERASE_MS = 20000, START_MS = 30000, TRIES = 3 };

struct piece {
    const char *name; /* for messages */
    const uint8_t *data;
    size_t n;
    bool secret;
    bool in_nvs;
    struct at_mfg_key key;
    struct at_partition row;
    struct wire_part *progress; /* NULL: nobody is told */
};

static size_t piece_count(const struct session *s)
{
    return s->layout.kind == LAYOUT_MFG_NVS ? TARGET_PARTS : s->images.count;
}

static struct piece image_piece(const struct session *s, size_t i)
{
    const struct image *im = &s->images.items[i];
    return (struct piece){.name = im->partition,
                          .data = im->bytes.data,
                          .n = im->bytes.len,
                          .secret = im->holds_key,
                          .row = at_row_of(partition_find(&s->layout.user, im->partition))};
}

static struct piece value_piece(const struct session *s, enum credential_part part)
{
    const struct target_place *at = &s->places[part];
    struct piece p = {
        .name = at->key,
        .secret = part == CREDENTIAL_KEY,
        .in_nvs = true,
        .key = {.space = at->space, .key = at->key, .secret = part == CREDENTIAL_KEY}};
    p.data = (const uint8_t *)credential_pem(s->credential, part, &p.n);
    return p;
}

static struct piece piece_at(const struct session *s, size_t i)
{
    return s->layout.kind == LAYOUT_MFG_NVS ? value_piece(s, (enum credential_part)i)
                                            : image_piece(s, i);
}

/* For one piece, either way: a board that lost a byte should not cost a minute. It may have to
 * erase pages of mfg_nvs before it answers. */
static struct deadline transfer_time(const struct session *s, size_t n)
{
    enum { BASE_MS = 6000, SLOWER_THAN_WIRE = 4 };
    int64_t wire_ms = (int64_t)n * 10 * 1000 / s->at->baud;
    return session_within(s, BASE_MS + SLOWER_THAN_WIRE * wire_ms);
}

static bool is_worth_a_retry(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE || e == ERR_VERIFY;
}

/* The board is brought into step for another try; it may wait for bytes that were lost. That may be
 * the speed's fault. */
static enum err start_again(struct session *s, const char *name)
{
    struct err_info why = *err_last();
    struct deadline until = session_within(s, START_MS);
    enum err e = s->uart.fast ? at_speed_down(s, until) : at_client_start(s->client, until);
    if (e == ERR_CANCELLED || e == ERR_PORT_GONE) return e;
    if (e) return err_restore(&why);
    job_note(s->ctx, "%s: %s: again", name, why.detail);
    return ERR_OK;
}

/* --- what is to be written --- */

/* What is read here is written again, and nothing but a second reading tells that no byte was
 * changed on the way. */
static enum err read_twice(struct session *s, const struct partition *p, struct buf *a,
                           struct buf *b)
{
    struct at_partition row = at_row_of(p);
    struct at_transfer t = {.partition = &row, .n = p->size, .secret = true};
    buf_reset(a);
    buf_reset(b);
    enum err e = buf_fill(a, 0, p->size);
    if (!e) e = buf_fill(b, 0, p->size);
    if (!e) e = at_sysflash_read(s->client, &t, a->data, transfer_time(s, p->size));
    if (!e) e = at_sysflash_read(s->client, &t, b->data, transfer_time(s, p->size));
    if (e || memcmp(a->data, b->data, p->size) == 0) return e;
    return err_fail(ERR_VERIFY, "flash_verify", "Bytes are changed on the way: check the cable.",
                    "%s is read differently each time", p->name);
}

static enum err read_partition(const struct partition *p, struct secret *out, void *arg)
{
    struct session *s = arg;
    struct buf a, b;
    buf_init_secret(&a, p->size);
    buf_init_secret(&b, p->size);
    enum err e = read_twice(s, p, &a, &b);
    for (int i = 1; i < TRIES && is_worth_a_retry(e); i++) {
        e = start_again(s, p->name);
        if (!e) e = read_twice(s, p, &a, &b);
    }
    if (!e) e = secret_copy(a.data, a.len, out);
    if (!e) e = cut_off_refuse(s, p, out);
    if (e) secret_dispose(out);
    buf_dispose(&a);
    buf_dispose(&b);
    return e;
}

/* Of what a partition holds besides, all has to be read, twice. */
static size_t bytes_to_read(const struct session *s)
{
    const struct target *target = &s->ctx->command->target;
    size_t n = 0;
    for (int part = 0; part < TARGET_PARTS && target_is_indexed(target->kind); part++) {
        char name[TARGET_NAME];
        target_partition(target, (enum credential_part)part, name);
        const struct partition *p = partition_find(&s->layout.user, name);
        n += p ? 2 * (size_t)p->size : 0;
    }
    return n;
}

static enum err find_places(struct session *s)
{
    char spaces[SYSMFG_SPACES][SYSMFG_NAME];
    const char *names[SYSMFG_SPACES];
    size_t n;
    enum err e =
        at_sysmfg_spaces(s->client, spaces, SYSMFG_SPACES, &n, session_within(s, COMMAND_MS));
    for (size_t i = 0; i < n; i++)
        names[i] = spaces[i];
    for (int part = 0; !e && part < TARGET_PARTS; part++)
        e = target_nvs_place(&s->ctx->command->target, (enum credential_part)part, names, n,
                             &s->places[part]);
    return e;
}

static enum err values(struct session *s)
{
    enum err e = step_credential(s);
    if (!e) e = find_places(s);
    if (e) return e;
    session_result(s, "target", target_to_json(&s->ctx->command->target));
    json_t *list = json_array();
    for (size_t i = 0; i < piece_count(s); i++) {
        struct piece p = piece_at(s, i);
        uint8_t digest[SHA256_BYTES];
        char sha256[SHA256_HEX];
        digest_sha256(p.data, p.n, digest);
        digest_hex(digest, sizeof digest, sha256);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:I,s:s}", "partition", "mfg_nvs",
                                              "namespace", p.key.space, "key", p.key.key, "size",
                                              (json_int_t)p.n, "sha256", sha256));
    }
    session_result(s, "images", list);
    return ERR_OK;
}

enum err step_at_images(struct session *s)
{
    s->wire.out = s->at->bytes_out;
    s->wire.in = s->at->bytes_in;
    s->wire.ns = deadline_now_ns();
    const struct image_source now = {read_partition, s};
    enum err e = at_speed_up(s, bytes_to_read(s));
    if (!e) e = s->layout.kind == LAYOUT_MFG_NVS ? values(s) : images_build(s, &now);
    if (e) return e;
    const json_t *firmware = json_object_get(s->ctx->result, "firmware"); /* by AT+GMR */
    key_trouble_tell(s, json_string_value(json_object_get(firmware, "bin_version")));
    return ERR_OK;
}

/* --- writing and proving --- */

static enum err write_once(struct session *s, const struct piece *p)
{
    struct deadline until = transfer_time(s, p->n);
    if (p->in_nvs) return at_sysmfg_write(s->client, &p->key, p->data, p->n, until);
    struct at_transfer t = {.partition = &p->row,
                            .n = p->n,
                            .secret = p->secret,
                            .fn = p->progress ? wire_part_done : NULL,
                            .arg = p->progress};
    enum err e = at_sysflash_erase(s->client, &p->row, session_within(s, ERASE_MS));
    return e ? e : at_sysflash_write(s->client, &t, p->data, transfer_time(s, p->n));
}

static enum err read_back(struct session *s, const struct piece *p, struct buf *out)
{
    struct deadline until = transfer_time(s, p->n);
    if (p->in_nvs) return at_sysmfg_read(s->client, &p->key, out, until);
    struct at_transfer t = {.partition = &p->row, .n = p->n, .secret = p->secret};
    enum err e = buf_fill(out, 0, p->n);
    return e ? e : at_sysflash_read(s->client, &t, out->data, until);
}

/* @param same_out  false also where there is nothing to be read */
static enum err compare(struct session *s, const struct piece *p, bool *same_out)
{
    enum { BLOB_MAX = 64 * 1024 };
    struct buf back;
    buf_init_secret(&back, BLOB_MAX);
    enum err e = read_back(s, p, &back);
    *same_out = !e && back.len == p->n && memcmp(back.data, p->data, p->n) == 0;
    buf_dispose(&back);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err write_piece(struct session *s, const struct piece *p)
{
    for (int i = 1;; i++) {
        s->at_cut = true; /* until it has ended well: a board may be left waiting for bytes */
        enum err e = write_once(s, p);
        s->at_cut = e != ERR_OK;
        if (!e) return e;
        bool again = i < TRIES && is_worth_a_retry(e);
        if (again) e = start_again(s, p->name);
        if (e) return err_wrap(e, "%s", p->name);
        s->at_retries++;
    }
}

static enum err verify_piece(struct session *s, const struct piece *p)
{
    for (int i = 1;; i++) {
        bool same = false;
        enum err e = compare(s, p, &same);
        if (!e && same) return ERR_OK;
        if (!e)
            e = err_fail(ERR_VERIFY, "flash_verify",
                         "Write again; if it stays so, the board's flash or its supply is bad.",
                         "%s reads back different from what was written.", p->name);
        if (i == TRIES || !is_worth_a_retry(e)) return e;
        bool different = e == ERR_VERIFY;
        e = start_again(s, p->name);
        if (!e && different) e = write_piece(s, p);
        if (e) return e;
        s->at_retries += different;
    }
}

/* What was read tells by itself. For the rest, the record says whether it is worth reading. */
static enum err is_there(struct session *s, bool *there_out)
{
    bool on_record = record_has_credential(s);
    enum err e = ERR_OK;
    *there_out = true;
    for (size_t i = 0; !e && *there_out && i < piece_count(s); i++) {
        struct piece p = piece_at(s, i);
        const struct secret *before = p.in_nvs ? NULL : &s->images.items[i].before;
        if (before && before->data)
            *there_out = before->len >= p.n && memcmp(before->data, p.data, p.n) == 0;
        else if (on_record)
            e = compare(s, &p, there_out);
        else
            *there_out = false;
        if (is_worth_a_retry(e)) e = start_again(s, p.name); /* and written */
    }
    return e;
}

static size_t bytes_to_write(const struct session *s)
{
    size_t n = 0;
    for (size_t i = 0; i < piece_count(s); i++)
        n += piece_at(s, i).n;
    return n;
}

enum err step_at_write(struct session *s)
{
    struct wire_part w = {.session = s, .total = bytes_to_write(s)};
    enum err e = at_speed_up(s, 2 * w.total); /* there and, to prove it, back */
    if (!e) e = is_there(s, &s->identical);
    if (e) return e;
    if (s->identical) {
        job_note(s->ctx, "all of it is on the board already: nothing written");
        return ERR_OK;
    }
    e = write_begins(s);
    for (size_t i = 0; !e && i < piece_count(s); i++) {
        struct piece p = piece_at(s, i);
        p.progress = &w;
        w.size = (uint32_t)p.n;
        e = write_piece(s, &p);
        if (!e) wire_part_done(p.n, p.n, &w);
        w.before += w.size;
    }
    return e;
}

static void report(struct session *s)
{
    session_result(s, "write",
                   json_pack("{s:s,s:b,s:I,s:I,s:i,s:I,s:I}", "method", "at", "identical",
                             (int)s->identical, "bytes_out",
                             (json_int_t)(s->at->bytes_out - s->wire.out), "bytes_in",
                             (json_int_t)(s->at->bytes_in - s->wire.in), "retries", s->at_retries,
                             "baud", (json_int_t)s->at->baud, "ms",
                             (json_int_t)((deadline_now_ns() - s->wire.ns) / 1000000)));
}

enum err step_at_verify(struct session *s)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < piece_count(s) && !e && !s->identical; i++) {
        struct piece p = piece_at(s, i);
        e = verify_piece(s, &p);
    }
    if (e) return e;
    s->verified = true;
    job_leaves(s->ctx, "");
    report(s);
    return at_speed_down(s, session_within(s, START_MS));
}
