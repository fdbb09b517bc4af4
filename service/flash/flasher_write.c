/* Changing the flash. A region goes in two parts: what was compressed, in whole windows of the
 * ROM's inflater, and what is left, raw; then the MD5 of all of it. Never an END: the loader leaves
 * by it and does not come back; reset does that.
 *
 * The inflater programs a window when it is full and, on the ESP32, one more when the stream ends,
 * over whatever lies behind (rom-observed.md 41). So the stream is never ended, and one block more
 * is announced than is sent. That last block would be what tells the inflater that no more input
 * comes: with it out of reach, a stream that lost its end on the way leaves its last window
 * unwritten, where it would else be decoded on from zeros and programmed past the region
 * (rom-observed-c3.md 18). Either way nothing that the region does not own is touched, and the MD5
 * tells that a window is missing.
 *
 * After an error nothing that was not acknowledged is believed, and nothing is sent again in place:
 * a new BEGIN erases from the first byte that is not sure on. Of the raw part, what was
 * acknowledged was read back by the ROM; of the compressed part nothing is sure before its end.
 * Where it fails twice, the region goes raw: then a wire that loses a byte every few blocks still
 * gets there. And when the MD5 is wrong after all, nothing was sure. */
#include <string.h>

#include "service/flash/flasher_core.h"
#include "service/flash/security.h"

enum { PACKED_TRIES = 2, FENCES_REFUSED = 2 };

/* One region on its way to the board. */
struct work {
    const struct flasher_region *region;
    uint32_t sure, best;    /* bytes from its start on that need not be sent again; the most yet */
    uint8_t md5[MD5_BYTES]; /* of all that is erased */
    uint8_t block[ROM_BLOCK]; /* on its way */
    unsigned tries, packed_tries;
    bool same;
    size_t done, told; /* progress: what there is, what was said of it */
    struct deadline until;
    flasher_progress_fn fn;
    void *arg;
};

/* What is acknowledged is told while the next block is on the wire, so that it costs no time. */
static void tell(void *arg)
{
    struct work *w = arg;
    size_t done = w->done < w->region->n ? w->done : w->region->n; /* the padding is no progress */
    if (w->fn && done > w->told) w->fn(done, w->region->n, w->arg);
    if (done > w->told) w->told = done;
}

static void advance(struct flasher *f, struct work *w, uint32_t sure)
{
    w->sure = sure;
    if (sure > w->best) f->advanced = true;
    if (sure > w->best) w->best = sure;
    w->done = sure;
}

static enum err send_packed(struct flasher *f, struct work *w)
{
    const struct flasher_region *r = w->region;
    uint32_t covers = (uint32_t)r->packed_covers;
    uint32_t blocks = (uint32_t)((r->packed_n + ROM_BLOCK - 1) / ROM_BLOCK);
    w->packed_tries++;
    enum err e = rom_defl_begin(&f->rom, covers, blocks + 1, ROM_BLOCK, r->offset);
    for (uint32_t seq = 0; seq < blocks && !e; seq++) {
        size_t at = (size_t)seq * ROM_BLOCK, left = r->packed_n - at;
        size_t n = left < ROM_BLOCK ? left : ROM_BLOCK;
        e = rom_defl_data(&f->rom, seq, r->packed + at, n, covers);
        if (!e) w->done = (at + n) * covers / r->packed_n;
    }
    if (!e) advance(f, w, covers);
    return e;
}

/* The next block of data, with 0xFF to a multiple of 4. @return its length, 0 = that was all */
static size_t fill_block(struct work *w)
{
    const struct flasher_region *r = w->region;
    if (w->sure >= r->n) return 0;
    size_t left = r->n - w->sure, n = left < ROM_BLOCK ? left : ROM_BLOCK;
    size_t padded = (n + 3) & ~(size_t)3;
    memcpy(w->block, r->data + w->sure, n);
    memset(w->block + n, 0xff, padded - n);
    return padded;
}

/* What is not yet sure: erased to the end of the region, and written as far as there is data. */
static enum err send_raw(struct flasher *f, struct work *w)
{
    const struct flasher_region *r = w->region;
    size_t n, left = r->n > w->sure ? r->n - w->sure : 0;
    uint32_t blocks = (uint32_t)((left + ROM_BLOCK - 1) / ROM_BLOCK);
    enum err e =
        rom_flash_begin(&f->rom, r->erase_bytes - w->sure, blocks, ROM_BLOCK, r->offset + w->sure);
    for (uint32_t seq = 0; !e && (n = fill_block(w)) > 0; seq++) {
        e = rom_flash_data(&f->rom, seq, w->block, n);
        if (!e) advance(f, w, w->sure + ROM_BLOCK);
    }
    if (!e) advance(f, w, r->erase_bytes);
    return e;
}

enum err flasher_bound(struct flasher *f, uint32_t end)
{
    bool wanted = f->fences_refused < FENCES_REFUSED;
    return wanted ? flasher_fence(f, end) : flasher_unfence(f, end);
}

void flasher_note_begin(struct flasher *f, enum err e)
{
    bool refused = e == ERR_DEVICE && f->rom.last_error == 0x06;
    if (refused) f->fences_refused++;
    if (!e && f->fences_refused < FENCES_REFUSED) f->fences_refused = 0;
}

static enum err step_write(struct flasher *f, void *arg)
{
    struct work *w = arg;
    const struct flasher_region *r = w->region;
    uint32_t end = r->offset + r->erase_bytes;
    if (w->tries++) f->retries++;
    /* A loader in secure download mode may not know it. */
    bool packed = r->packed && !f->board.security.secure_download;
    /* Not for a credential: its few blocks are hardly hit, and go in as few commands as can be. */
    enum err e = f->hurry ? flasher_bound(f, end) : flasher_unfence(f, end);
    if (!e && packed && !w->sure && w->packed_tries < PACKED_TRIES) e = send_packed(f, w);
    if (!e && w->sure < r->erase_bytes) e = send_raw(f, w);
    flasher_note_begin(f, e);
    /* To the end of what was erased: nothing old may stay there, and a damaged length in a block's
     * head would be believed and written past the image. */
    if (!e && !r->verify_later) e = flasher_expect(f, r->offset, r->erase_bytes, w->md5);
    if (e == ERR_VERIFY) {
        w->sure = 0;
        f->advanced = false;
    }
    return e;
}

static enum err step_verify(struct flasher *f, void *arg)
{
    const struct work *w = arg;
    return flasher_expect(f, w->region->offset, w->region->erase_bytes, w->md5);
}

/* Once: when in doubt, it differs. */
static enum err step_compare(struct flasher *f, void *arg)
{
    struct work *w = arg;
    return flasher_same(f, w->region->offset, w->region->erase_bytes, w->md5, &w->same);
}

enum err flasher_check_region(const struct flasher *f, const struct flasher_region *r)
{
    if (r->offset % FLASHER_SECTOR || r->erase_bytes % FLASHER_SECTOR || !r->erase_bytes ||
        r->n > r->erase_bytes)
        return err_set(ERR_ARG, "%zu bytes at 0x%x, erasing 0x%x: not whole sectors", r->n,
                       (unsigned)r->offset, (unsigned)r->erase_bytes);
    if (r->packed && (!r->packed_n || !r->packed_covers || r->packed_covers % FLASHER_WINDOW ||
                      r->packed_covers > r->erase_bytes))
        return err_set(ERR_ARG, "%zu bytes at 0x%x are compressed: not whole windows",
                       r->packed_covers, (unsigned)r->offset);
    return flasher_check_range(f, r->offset, r->erase_bytes);
}

static enum err prepare(struct flasher *f, struct work *w)
{
    const struct flasher_region *r = w->region;
    enum err e = flasher_check_region(f, r);
    if (e) return e;
    digest_md5_erased(r->data, r->n, r->erase_bytes, w->md5);
    f->rom.until = w->until;
    return ERR_OK;
}

enum err flasher_write(struct flasher *f, const struct flasher_region *r, struct deadline until,
                       flasher_progress_fn fn, void *arg)
{
    struct work w = {.region = r, .until = until, .fn = fn, .arg = arg};
    f->rom.until = until;
    enum err e = flasher_allow_write(f);
    if (!e) e = prepare(f, &w);
    if (e) return e;
    flasher_hurry(f, r->n);
    f->rom.secret = r->secret;
    f->rom.meanwhile = tell;
    f->rom.meanwhile_arg = &w;
    e = flasher_persist(f, step_write, &w);
    f->rom.secret = false;
    f->rom.meanwhile = NULL;
    if (!e) {
        tell(&w);
        f->written += r->n;
        f->erased += r->erase_bytes;
    }
    explicit_bzero(w.block, sizeof w.block);
    return e ? err_wrap(e, "write at 0x%x", (unsigned)r->offset) : ERR_OK;
}

enum err flasher_verify(struct flasher *f, const struct flasher_region *r)
{
    struct work w = {.region = r, .until = deadline_never()};
    enum err e = security_check_read(&f->board.security);
    if (!e) e = prepare(f, &w);
    return e ? e : flasher_persist(f, step_verify, &w);
}

enum err flasher_compare(struct flasher *f, const struct flasher_region *r, bool *same_out)
{
    struct work w = {.region = r, .until = deadline_never()};
    enum err e = prepare(f, &w);
    if (!e) e = flasher_persist(f, step_compare, &w);
    *same_out = !e && w.same;
    return e;
}
