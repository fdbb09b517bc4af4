/* Writing what was planned.
 *
 * A power cut, a pulled cable or a cancel may come between any two bytes, and the board must not
 * start something that is half old and half new then. So the bootloader's first sector is erased
 * before anything else is touched, and written when all the rest is in place: until then the board
 * has no firmware and says so, and it takes the next flash job as it took this one. Where no
 * bootloader is written, the same is done with the first sector of each app, whose bootloader then
 * starts another app or none. What it costs is one sector erased twice. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/firmware/pack.h"
#include "service/jobs/plan.h"
#include "service/jobs/steps.h"
#include "service/jobs/wire.h"

enum { PASSES = 3 };

/* --- what came of it --- */

/* Renewed as the work goes on, so that the record has it whenever it ends. */
static void report(struct session *s)
{
    const struct plan *p = s->plan;
    size_t wanted = plan_count(p, PIECE_WANTED), there = plan_count(p, PIECE_THERE);
    json_t *w = json_pack("{s:s,s:b,s:b,s:i,s:i,s:I}", "method", "rom", "identical",
                          (int)s->identical, "verified", (int)s->verified, "pieces_done",
                          (int)(p->count - wanted - there), "pieces_total", (int)(p->count - there),
                          "skipped_bytes", (json_int_t)plan_bytes(p, PIECE_THERE));
    wire_report_changes(s, w);
    wire_report(s, w);
    if (p->begun && wanted) {
        json_object_set_new(w, "incomplete", json_true());
        json_object_set_new(w, "not_valid", plan_wanted_ranges(p));
    }
    session_result(s, "write", w);
}

static void tell_what_is_left(struct session *s)
{
    const struct plan *p = s->plan;
    char ranges[160], sentence[240] = "";
    if (p->begun && plan_count(p, PIECE_WANTED))
        snprintf(sentence, sizeof sentence, "The flash is incomplete: %s is not valid.",
                 plan_wanted_text(p, ranges, sizeof ranges));
    job_leaves(s->ctx, sentence);
    report(s);
}

/* @return @p e, the error of this thread */
static enum err tell_end(struct session *s, enum err e)
{
    struct err_info saved = *err_last();
    s->credential_gone = s->plan->begun && s->plan->takes_credential;
    tell_what_is_left(s);
    return e ? err_restore(&saved) : ERR_OK;
}

/* --- diff --- */

bool flash_proves(const struct session *s)
{
    return !s->flasher || !flasher_board(s->flasher)->security.secure_download;
}

bool flash_compares(const struct session *s)
{
    return s->ctx->command->diff && flash_proves(s);
}

static enum err is_there(struct session *s, const struct plan_piece *piece, bool *out)
{
    uint8_t md5[MD5_BYTES];
    enum err e = flasher_md5(s->flasher, piece->piece.offset, piece->piece.size, md5);
    *out = !e && memcmp(md5, piece->md5, sizeof md5) == 0;
    return e;
}

enum err step_diff(struct session *s)
{
    struct plan *p = s->plan;
    uint64_t done = 0, total = plan_bytes(p, PIECE_WANTED);
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < p->count; i++) {
        bool there;
        e = is_there(s, &p->pieces[i], &there);
        if (there) p->pieces[i].state = PIECE_THERE;
        done += p->pieces[i].piece.size;
        if (!e) session_progress((size_t)done, (size_t)total, s);
    }
    return e;
}

/* --- write --- */

static const char *pack_of(const struct plan *p, const struct plan_piece *piece)
{
    return piece->piece.file < 0 ? NULL : p->sources[piece->piece.file]->pack;
}

/* One piece on its way, and the one behind it, which is made ready meanwhile. */
struct writing {
    struct wire_part part;
    const struct plan_piece *next; /* NULL: none, or ready */
    bool by_sector;                /* ask for each sector first */
};

static void piece_moves(size_t done, size_t total, void *arg)
{
    struct writing *w = arg;
    const struct plan *p = w->part.session->plan;
    wire_part_done(done, total, &w->part);
    if (w->next) pack_warm(p->content, &w->next->piece, pack_of(p, w->next));
    w->next = NULL;
}

static enum err write_piece(struct session *s, struct plan_piece *piece, bool verify_later,
                            struct writing *w)
{
    const struct plan *p = s->plan;
    struct pack_piece ready;
    enum err e = pack_load(p->content, &piece->piece, pack_of(p, piece), &ready);
    if (e) return e;
    ready.region.verify_later = verify_later;
    w->part.size = piece->piece.size;
    piece->state = PIECE_WANTED;
    s->plan->begun = true;
    e = w->by_sector
            ? flasher_write_changed(s->flasher, &ready.region, s->ctx->until, piece_moves, w)
            : flasher_write(s->flasher, &ready.region, s->ctx->until, piece_moves, w);
    if (!e) piece->state = PIECE_DONE;
    pack_piece_dispose(&ready);
    return e ? err_wrap(e, "%s at 0x%x", content_name_at(p->content, piece->piece.offset),
                        (unsigned)piece->piece.offset)
             : ERR_OK;
}

/* Not flasher_erase(): a loader in secure download mode cannot prove it, and the piece is proved
 * when it is written. */
static enum err take_heads(struct session *s)
{
    struct plan *p = s->plan;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < p->head_count; i++) {
        const struct flasher_region head = {
            .offset = p->heads[i], .erase_bytes = CONTENT_SECTOR, .verify_later = true};
        p->begun = true;
        e = flasher_write(s->flasher, &head, s->ctx->until, NULL, NULL);
    }
    return e;
}

static enum err write_all(struct session *s)
{
    struct plan *p = s->plan;
    struct writing w = {.part = {.session = s, .total = plan_bytes(p, PIECE_WANTED)},
                        .by_sector = flash_compares(s) && plan_is_mostly_there(p)};
    size_t *order = calloc(p->count + 1, sizeof *order);
    if (!order) return err_set(ERR_MEM, "out of memory");
    size_t n = plan_order(p, order);
    session_progress(0, (size_t)w.part.total, s);
    enum err e = n && p->takes_credential ? record_credential_goes(s) : ERR_OK;
    if (!e && n > 1) e = take_heads(s); /* a single piece comes and goes as one */
    for (size_t i = 0; !e && i < n; i++) {
        tell_what_is_left(s);
        w.next = i + 1 < n ? &p->pieces[order[i + 1]] : NULL;
        e = write_piece(s, &p->pieces[order[i]], true, &w);
        w.part.before += w.part.size;
    }
    free(order);
    return e;
}

enum err step_flash_write(struct session *s)
{
    struct plan *p = s->plan;
    wire_begin(s);
    plan_want_heads(p);
    s->identical = !plan_count(p, PIECE_WANTED);
    if (s->identical) job_note(s->ctx, "all of it is on the board already: nothing written");
    s->verified = s->identical;
    return tell_end(s, write_all(s));
}

/* --- verify --- */

/* @param shaky  becomes true when it was written again, and not at the first try */
static enum err verify_piece(struct session *s, struct plan_piece *piece, bool *shaky)
{
    bool there;
    enum err e = is_there(s, piece, &there);
    if (e || there) return e;
    job_note(s->ctx, "%s at 0x%x reads back different: written again",
             content_name_at(s->plan->content, piece->piece.offset), (unsigned)piece->piece.offset);
    struct writing w = {.part = {.session = s, .total = piece->piece.size}};
    unsigned before = flasher_retries(s->flasher);
    e = write_piece(s, piece, false, &w);
    if (flasher_retries(s->flasher) != before) *shaky = true;
    return e;
}

/* All pieces, at the very end: a try that failed may have hurt what was written before, or was
 * there before (flasher_write() says why). So may a try of what is written again here, which is why
 * all are gone through once more then. */
enum err step_flash_verify(struct session *s)
{
    struct plan *p = s->plan;
    enum err e = ERR_OK;
    bool shaky = true;
    for (int pass = 0; !e && shaky && pass < PASSES; pass++) {
        shaky = false;
        for (size_t i = 0; !e && i < p->count; i++)
            e = verify_piece(s, &p->pieces[i], &shaky);
    }
    if (!e && shaky)
        e = err_fail(ERR_VERIFY, "flash_verify", "Check the cable, or choose a lower flash_baud.",
                     "so many bytes are lost or changed on the wire that nobody can say that the "
                     "flash is right");
    s->verified = !e;
    return tell_end(s, e);
}
