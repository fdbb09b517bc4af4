/* Looking at the flash: by MD5, and by slow reads. A slow read has no checksum, so that what takes
 * more than one is proved, sector by sector, by the board's own MD5; that costs 2 % and tells
 * before which sectors are erased, or as the caller guessed, and need not be read at all. */
#include <string.h>

#include "service/flash/flasher_core.h"
#include "service/flash/security.h"

enum { LOOK = 64 * 1024 /* bytes of the first look for what need not be read */ };

struct range {
    uint32_t offset, n;
    uint8_t *out;
};

static enum err check_readable(const struct flasher *f, uint32_t offset, size_t n)
{
    enum err e = flasher_check_range(f, offset, n);
    return e ? e : security_check_read(&f->board.security);
}

static enum err step_md5(struct flasher *f, void *arg)
{
    struct range *r = arg;
    enum err e = flasher_unfence(f, r->offset + r->n);
    return e ? e : rom_flash_md5(&f->rom, r->offset, r->n, r->out);
}

enum err flasher_md5(struct flasher *f, uint32_t offset, uint32_t n, uint8_t out[MD5_BYTES])
{
    struct range r = {.offset = offset, .n = n, .out = out};
    enum err e = check_readable(f, offset, n);
    if (e) return e;
    f->rom.until = deadline_never();
    return flasher_persist(f, step_md5, &r);
}

enum err flasher_same(struct flasher *f, uint32_t offset, uint32_t n,
                      const uint8_t wanted[MD5_BYTES], bool *same_out)
{
    uint8_t md5[MD5_BYTES] = {0};
    struct range r = {.offset = offset, .n = n, .out = md5};
    *same_out = false;
    if (f->board.security.secure_download) return ERR_OK;
    enum err e = step_md5(f, &r);
    *same_out = !e && !memcmp(md5, wanted, MD5_BYTES);
    return e;
}

enum err flasher_expect(struct flasher *f, uint32_t offset, uint32_t n,
                        const uint8_t wanted[MD5_BYTES])
{
    bool same;
    enum err e = flasher_same(f, offset, n, wanted, &same);
    if (e || same || f->board.security.secure_download) return e;
    return err_fail(ERR_VERIFY, "flash_verify",
                    "The flash does not keep what is written: check the board's power supply and "
                    "cable. If it stays so, the flash is worn out or write-protected.",
                    "the MD5 of %u bytes at 0x%x is not that of what was written", (unsigned)n,
                    (unsigned)offset);
}

static enum err step_read(struct flasher *f, void *arg)
{
    const struct range *r = arg;
    enum err e = flasher_unfence(f, r->offset + r->n);
    return e ? e : rom_read_flash(&f->rom, r->offset, r->out, r->n, 1);
}

static bool has_md5(const struct range *r, const uint8_t md5[MD5_BYTES])
{
    uint8_t got[MD5_BYTES];
    digest_md5(r->out, r->n, got);
    return !memcmp(md5, got, MD5_BYTES);
}

/* Fill in what need not be read: erased flash, or what the caller guessed. */
static bool is_told(const struct range *r, const uint8_t md5[MD5_BYTES])
{
    uint8_t erased[MD5_BYTES];
    if (has_md5(r, md5)) return true;
    digest_md5_erased(NULL, 0, r->n, erased);
    if (memcmp(md5, erased, MD5_BYTES) != 0) return false;
    memset(r->out, 0xff, r->n);
    return true;
}

/* Reads are asked for ahead, until that went wrong once: then it may not be the wire's fault. */
static enum err read_ahead(struct flasher *f, const struct range *r)
{
    unsigned ahead = f->read_singly ? 1 : ROM_READ_AHEAD;
    enum err e = rom_read_flash(&f->rom, r->offset, r->out, r->n, ahead);
    if (e) f->read_singly = true;
    return e;
}

/* Within one sector. */
static enum err step_read_proved(struct flasher *f, void *arg)
{
    struct range *r = arg;
    uint8_t md5[MD5_BYTES] = {0};
    enum err e = flasher_unfence(f, r->offset + r->n);
    if (!e) e = rom_flash_md5(&f->rom, r->offset, r->n, md5);
    if (e || is_told(r, md5)) return e;
    e = read_ahead(f, r);
    if (e || has_md5(r, md5)) return e;
    return err_fail(ERR_PROTOCOL, "flash_read_damaged",
                    "Bytes are changed on the way. Use a shorter cable or a lower flash_baud.",
                    "%u bytes read at 0x%x do not have the MD5 that the board says", (unsigned)r->n,
                    (unsigned)r->offset);
}

/* The part of r from done on, up to the end of the block of flash that it lies in. */
static struct range part_of(const struct range *r, uint32_t done, uint32_t block)
{
    uint32_t at = r->offset + done, n = block - at % block;
    return (struct range){
        .offset = at, .n = n < r->n - done ? n : r->n - done, .out = r->out + done};
}

/* A whole block that need not be read costs one MD5. Within one sector that is looked at anyway. */
static enum err look_at_block(struct flasher *f, const struct range *r, bool *told_out)
{
    uint8_t md5[MD5_BYTES] = {0};
    struct range look = {.offset = r->offset, .n = r->n, .out = md5};
    *told_out = false;
    if (r->n <= FLASHER_SECTOR) return ERR_OK;
    enum err e = flasher_persist(f, step_md5, &look);
    *told_out = !e && is_told(r, md5);
    return e;
}

static enum err read_bulk(struct flasher *f, const struct range *all, flasher_progress_fn fn,
                          void *arg)
{
    enum err e = ERR_OK;
    for (uint32_t done = 0; done < all->n && !e;) {
        struct range part = part_of(all, done, LOOK);
        bool first = !done || part.offset % LOOK == 0, told = false;
        if (first) e = look_at_block(f, &part, &told);
        if (!e && !told) {
            part = part_of(all, done, FLASHER_SECTOR);
            e = flasher_persist(f, step_read_proved, &part);
        }
        done += part.n;
        if (!e && fn) fn(done, all->n, arg);
    }
    return e;
}

enum err flasher_read(struct flasher *f, uint32_t offset, uint8_t *out, size_t n,
                      flasher_progress_fn fn, void *arg)
{
    struct range all = {.offset = offset, .n = (uint32_t)n, .out = out};
    enum err e = check_readable(f, offset, n);
    if (e) return e;
    f->rom.until = deadline_never();
    flasher_hurry(f, n);
    if (n > ROM_READ_MAX) return read_bulk(f, &all, fn, arg);
    e = flasher_persist(f, step_read, &all);
    if (!e && fn) fn(n, n, arg);
    return e;
}
