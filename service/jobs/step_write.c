/* Images onto the board, through its loader. Of what had to be read before only the sectors that
 * change are written. */
#include <jansson.h>

#include "service/jobs/steps.h"
#include "service/jobs/wire.h"

enum { WRITE_MS = 60000 };

static struct flasher_region region_of(const struct image *im)
{
    return (struct flasher_region){
        .offset = im->offset,
        .erase_bytes = im->partition_size,
        .data = im->bytes.data,
        .n = im->bytes.len,
        .before = im->before.data,
        .secret = im->holds_key,
        .verify_later = true,
    };
}

/* What was read tells by itself. Of the rest, the record says whether an MD5 is worth its bytes. */
static enum err is_there(struct session *s, const struct image *im, bool on_record, bool *out)
{
    struct flasher_region r = region_of(im);
    *out = image_was_there(im);
    return r.before || !on_record ? ERR_OK : flasher_compare(s->flasher, &r, out);
}

static enum err already_there(struct session *s, bool *there_out)
{
    bool on_record = record_has_credential(s), there = true;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && there && i < s->images.count; i++)
        e = is_there(s, &s->images.items[i], on_record, &there);
    *there_out = !e && there;
    return e;
}

static enum err write_image(struct session *s, const struct image *im, struct wire_part *w)
{
    struct flasher_region r = region_of(im);
    struct deadline until = session_within(s, WRITE_MS);
    w->size = (uint32_t)r.n;
    enum err e = r.before ? flasher_write_changed(s->flasher, &r, until, wire_part_done, w)
                          : flasher_write(s->flasher, &r, until, wire_part_done, w);
    w->before += w->size;
    return e ? err_wrap(e, "%s", im->partition) : ERR_OK;
}

enum err step_rom_write(struct session *s)
{
    enum err e = already_there(s, &s->identical);
    if (e) return e;
    if (s->identical) {
        job_note(s->ctx, "all of it is on the board already: nothing written");
        return ERR_OK;
    }
    struct wire_part w = {.session = s};
    for (size_t i = 0; i < s->images.count; i++)
        w.total += s->images.items[i].bytes.len;
    e = write_begins(s);
    for (size_t i = 0; i < s->images.count && !e; i++)
        e = write_image(s, &s->images.items[i], &w);
    return e;
}

/* What was known to be there is not sure any more: each sector is asked for. */
static enum err verify_image(struct session *s, const struct image *im)
{
    struct flasher_region r = region_of(im);
    enum err e = flasher_verify(s->flasher, &r);
    if (e != ERR_VERIFY) return e;
    job_note(s->ctx, "%s reads back different: written again", im->partition);
    struct wire_part w = {.session = s, .total = r.n, .size = (uint32_t)r.n};
    r.before = NULL;
    r.verify_later = false;
    e = flasher_write_changed(s->flasher, &r, session_within(s, WRITE_MS), wire_part_done, &w);
    return e ? e : flasher_verify(s->flasher, &r);
}

enum err step_rom_verify(struct session *s)
{
    for (size_t i = 0; i < s->images.count && !s->identical; i++) {
        const struct image *im = &s->images.items[i];
        enum err e = verify_image(s, im);
        if (e) return err_wrap(e, "%s", im->partition);
    }
    s->verified = true;
    job_leaves(s->ctx, "");
    json_t *write = json_pack("{s:s,s:b}", "method", "rom", "identical", (int)s->identical);
    wire_report_changes(s, write);
    wire_report(s, write);
    session_result(s, "write", write);
    return ERR_OK;
}
