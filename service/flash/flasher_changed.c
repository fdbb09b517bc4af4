/* A region of which only some sectors changed: a board that had the same firmware and gets another
 * credential. Asking for the MD5 of each sector costs about 1 ms, writing it 90. */
#include <stdlib.h>
#include <string.h>

#include "service/flash/flasher_core.h"

struct look {
    const struct flasher_region *region;
    uint32_t at; /* sector, in bytes from the region's start */
    bool same;
};

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The data of a region that lies in @p size bytes from @p at on; 0xFF behind it. */
static size_t data_in(const struct flasher_region *r, uint32_t at, uint32_t size)
{
    return r->n > at ? min(r->n - at, size) : 0;
}

/* The sector at @p at, by what is known to be there. */
static bool is_as_before(const struct flasher_region *r, uint32_t at)
{
    const uint8_t *before = r->before + at;
    size_t n = data_in(r, at, FLASHER_SECTOR);
    bool same = !n || !memcmp(before, r->data + at, n);
    while (same && n < FLASHER_SECTOR)
        same = before[n++] == 0xff;
    return same;
}

static enum err step_look(struct flasher *f, void *arg)
{
    struct look *l = arg;
    const struct flasher_region *r = l->region;
    uint8_t md5[MD5_BYTES];
    size_t n = data_in(r, l->at, FLASHER_SECTOR);
    digest_md5_erased(n ? r->data + l->at : NULL, n, FLASHER_SECTOR, md5);
    return flasher_same(f, r->offset + l->at, FLASHER_SECTOR, md5, &l->same);
}

/* @param[out] changed_out  a flag a sector @param[out] bytes_out  of data in those that changed */
static enum err look_for_changes(struct flasher *f, const struct flasher_region *r,
                                 bool *changed_out, size_t *bytes_out)
{
    enum err e = ERR_OK;
    *bytes_out = 0;
    for (uint32_t at = 0; at < r->erase_bytes && !e; at += FLASHER_SECTOR) {
        struct look l = {.region = r, .at = at};
        if (r->before)
            l.same = is_as_before(r, at);
        else
            e = flasher_persist(f, step_look, &l);
        changed_out[at / FLASHER_SECTOR] = !l.same;
        if (!l.same) *bytes_out += data_in(r, at, FLASHER_SECTOR);
    }
    return e;
}

/* Each run of sectors that changed as a region of its own. */
static enum err write_runs(struct flasher *f, const struct flasher_region *r, const bool *changed,
                           struct deadline until)
{
    uint32_t count = r->erase_bytes / FLASHER_SECTOR;
    enum err e = ERR_OK;
    for (uint32_t i = 0, end; i < count && !e; i = end + 1) {
        for (end = i; end < count && changed[end];)
            end++;
        uint32_t at = i * FLASHER_SECTOR, size = (end - i) * FLASHER_SECTOR;
        if (!size) continue;
        struct flasher_region run = {.offset = r->offset + at,
                                     .erase_bytes = size,
                                     .n = data_in(r, at, size),
                                     .secret = r->secret,
                                     .verify_later = r->verify_later};
        run.data = run.n ? r->data + at : NULL;
        e = flasher_write(f, &run, until, NULL, NULL);
    }
    return e;
}

/* Bytes of the whole region on the wire. */
static size_t whole_bytes(const struct flasher_region *r)
{
    return r->packed ? r->packed_n + data_in(r, (uint32_t)r->packed_covers, r->erase_bytes) : r->n;
}

enum err flasher_write_changed(struct flasher *f, const struct flasher_region *r,
                               struct deadline until, flasher_progress_fn fn, void *arg)
{
    size_t bytes, whole = whole_bytes(r);
    enum err e = flasher_check_region(f, r);
    if (e) return e;
    bool *changed = calloc(r->erase_bytes / FLASHER_SECTOR, sizeof *changed);
    if (!changed) return err_set(ERR_MEM, "out of memory");
    f->rom.until = until;
    flasher_hurry(f, r->n);
    e = look_for_changes(f, r, changed, &bytes);
    bool all = whole && bytes >= whole;
    if (!e) e = all ? flasher_write(f, r, until, fn, arg) : write_runs(f, r, changed, until);
    free(changed);
    if (!e && !all && fn) fn(r->n, r->n, arg);
    return e;
}
