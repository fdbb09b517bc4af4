/* Erasing, in runs that the board can be asked about and that progress is told of. A run that is
 * erased already is left alone: an erase wears the flash and takes longer than its MD5. */
#include "service/flash/flasher_core.h"

enum { RUN = 64 * 1024 }; /* what flash chips erase at once */

struct run {
    uint32_t offset, n;
    uint32_t end; /* of all that is to be erased */
    uint8_t erased[MD5_BYTES];
    unsigned tries;
};

static enum err step_erase(struct flasher *f, void *arg)
{
    struct run *r = arg;
    bool done = false;
    if (r->tries++) f->retries++;
    enum err e = flasher_bound(f, r->end);
    if (!e) e = flasher_same(f, r->offset, r->n, r->erased, &done);
    if (e || done) return e;
    e = rom_flash_begin(&f->rom, r->n, 0, ROM_BLOCK, r->offset);
    flasher_note_begin(f, e);
    if (!e) e = flasher_expect(f, r->offset, r->n, r->erased);
    if (!e) f->erased += r->n;
    return e;
}

enum err flasher_erase(struct flasher *f, uint32_t offset, uint32_t n, struct deadline until,
                       flasher_progress_fn fn, void *arg)
{
    if (offset % FLASHER_SECTOR || n % FLASHER_SECTOR || !n)
        return err_set(ERR_ARG, "erasing 0x%x bytes at 0x%x: not whole sectors", (unsigned)n,
                       (unsigned)offset);
    f->rom.until = until;
    enum err e = flasher_allow_write(f);
    if (!e) e = flasher_check_range(f, offset, n);
    for (uint32_t done = 0; done < n && !e;) {
        struct run r = {
            .offset = offset + done, .n = RUN - (offset + done) % RUN, .end = offset + n};
        if (r.n > n - done) r.n = n - done;
        digest_md5_erased(NULL, 0, r.n, r.erased);
        e = flasher_persist(f, step_erase, &r);
        if (e) return err_wrap(e, "erase at 0x%x", (unsigned)r.offset);
        done += r.n;
        if (fn) fn(done, n, arg);
    }
    return e;
}
