/* Changing the flash. Only raw writes: the ESP32's inflater programs whole 32 KiB windows and so
 * destroys what lies behind a small image. A block takes 4 KiB, so that a credential is one block.
 * And never an END: the loader leaves by it and does not come back; reset does that. */
#include <string.h>

#include "service/base/buf.h"
#include "service/flash/flasher_core.h"
#include "service/flash/identify.h"
#include "service/flash/security.h"

enum {
    SECTOR = 0x1000,
    BLOCK = 0x1000,
    LARGE = 16 * 1024,       /* worth a change of speed */
    ERASE_CHECK = 64 * 1024, /* bytes of one MD5 after an erase */
};

/* One region on its way to the board. */
struct work {
    const struct flasher_region *region;
    struct buf whole;       /* as it shall be: the data, then 0xFF */
    size_t n;               /* of that sent */
    uint8_t md5[MD5_BYTES]; /* of all */
    unsigned tries;
    struct deadline until;
    flasher_progress_fn fn;
    void *arg;
};

/* In secure download mode nobody can look: flasher_allow_write() has written that down. */
static enum err compare(struct flasher *f, uint32_t offset, uint32_t n,
                        const uint8_t wanted[MD5_BYTES])
{
    uint8_t md5[MD5_BYTES];
    if (f->board.security.secure_download) return ERR_OK;
    enum err e = rom_flash_md5(&f->rom, offset, n, md5);
    if (e || !memcmp(md5, wanted, MD5_BYTES)) return e;
    return err_fail(ERR_VERIFY, "flash_verify",
                    "The flash does not keep what is written: check the board's power supply and "
                    "cable. If it stays so, the flash is worn out or write-protected.",
                    "the MD5 of %u bytes at 0x%x is not that of what was written", (unsigned)n,
                    (unsigned)offset);
}

static enum err step_write(struct flasher *f, void *arg)
{
    struct work *w = arg;
    const struct flasher_region *r = w->region;
    uint32_t blocks = (uint32_t)((w->n + BLOCK - 1) / BLOCK);
    if (w->tries++) f->retries++;
    enum err e = rom_flash_begin(&f->rom, r->erase_bytes, blocks, BLOCK, r->offset);
    for (uint32_t seq = 0; seq < blocks && !e; seq++) {
        size_t at = (size_t)seq * BLOCK, left = w->n - at;
        size_t n = left < BLOCK ? left : BLOCK;
        e = rom_flash_data(&f->rom, seq, w->whole.data + at, n, w->until);
        /* Of n: the padding is nobody's business. */
        if (!e && w->fn) w->fn(at + n < r->n ? at + n : r->n, r->n, w->arg);
    }
    /* To the end of what was erased: nothing old may stay there, and a damaged length in a block's
     * head would be believed and written past the image. */
    if (e || r->verify_later) return e;
    return compare(f, r->offset, r->erase_bytes, w->md5);
}

static enum err step_verify(struct flasher *f, void *arg)
{
    const struct work *w = arg;
    return compare(f, w->region->offset, w->region->erase_bytes, w->md5);
}

/* For a large write: the wire is what takes the time. When the new speed does not hold, recover()
 * goes back to the old one, and stays. */
static enum err step_speed_up(struct flasher *f, void *arg)
{
    (void)arg;
    if (f->slow || f->port->baud == f->options.flash_baud) return ERR_OK;
    uint32_t baud = f->options.flash_baud, told;
    enum err e = identify_told_baud(&f->rom, &f->board, baud, &told);
    if (!e && !told) return ERR_OK;
    if (!e) e = rom_change_baud(&f->rom, baud, told);
    if (!e) e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (e) f->slow = true;
    return e;
}

static enum err check_region(const struct flasher *f, const struct flasher_region *r)
{
    if (r->offset % SECTOR || r->erase_bytes % SECTOR || !r->n || r->n > r->erase_bytes)
        return err_set(ERR_ARG, "%zu bytes at 0x%x, erasing 0x%x: not whole sectors", r->n,
                       (unsigned)r->offset, (unsigned)r->erase_bytes);
    return flasher_check_range(f, r->offset, r->erase_bytes);
}

/* What the flash shall hold afterwards. */
static enum err prepare(struct flasher *f, struct work *w)
{
    const struct flasher_region *r = w->region;
    enum err e = check_region(f, r);
    if (e) return e;
    w->n = (r->n + 3) & ~(size_t)3; /* at most erase_bytes, which is whole sectors */
    buf_init_secret(&w->whole, r->erase_bytes);
    buf_append(&w->whole, r->data, r->n);
    e = buf_fill(&w->whole, 0xff, r->erase_bytes - r->n);
    if (e) return e;
    digest_md5(w->whole.data, w->whole.len, w->md5);
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
    if (f->options.flash_baud && r->n >= LARGE) e = flasher_persist(f, step_speed_up, NULL);
    f->rom.secret = r->secret;
    if (!e) e = flasher_persist(f, step_write, &w);
    f->rom.secret = false;
    buf_dispose(&w.whole);
    return e ? err_wrap(e, "write at 0x%x", (unsigned)r->offset) : ERR_OK;
}

enum err flasher_verify(struct flasher *f, const struct flasher_region *r)
{
    struct work w = {.region = r, .until = deadline_never()};
    enum err e = security_check_read(&f->board.security);
    if (!e) e = prepare(f, &w);
    if (e) return e;
    buf_dispose(&w.whole);
    return flasher_persist(f, step_verify, &w);
}

struct erasure {
    uint32_t offset, n;
    uint8_t whole[MD5_BYTES], rest[MD5_BYTES]; /* of ERASE_CHECK bytes 0xFF, of the last ones */
};

static enum err step_erase(struct flasher *f, void *arg)
{
    const struct erasure *w = arg;
    enum err e = rom_flash_begin(&f->rom, w->n, w->n / BLOCK, BLOCK, w->offset);
    for (uint32_t at = 0; at < w->n && !e; at += ERASE_CHECK) {
        uint32_t left = w->n - at;
        e = left < ERASE_CHECK ? compare(f, w->offset + at, left, w->rest)
                               : compare(f, w->offset + at, ERASE_CHECK, w->whole);
    }
    return e;
}

enum err flasher_erase(struct flasher *f, uint32_t offset, uint32_t n, struct deadline until)
{
    struct erasure w = {.offset = offset, .n = n};
    if (offset % SECTOR || n % SECTOR || !n)
        return err_set(ERR_ARG, "erasing 0x%x bytes at 0x%x: not whole sectors", (unsigned)n,
                       (unsigned)offset);
    f->rom.until = until;
    enum err e = flasher_allow_write(f);
    if (!e) e = flasher_check_range(f, offset, n);
    if (e) return e;
    struct buf blank;
    buf_init(&blank, ERASE_CHECK);
    e = buf_fill(&blank, 0xff, ERASE_CHECK);
    if (e) return e;
    digest_md5(blank.data, ERASE_CHECK, w.whole);
    digest_md5(blank.data, n % ERASE_CHECK, w.rest);
    buf_dispose(&blank);
    e = flasher_persist(f, step_erase, &w);
    return e ? err_wrap(e, "erase at 0x%x", (unsigned)offset) : ERR_OK;
}
