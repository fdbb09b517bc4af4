/* Looking at the flash: by MD5, and by slow reads. */
#include "service/flash/flasher_core.h"
#include "service/flash/security.h"

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
    return rom_flash_md5(&f->rom, r->offset, r->n, r->out);
}

enum err flasher_md5(struct flasher *f, uint32_t offset, uint32_t n, uint8_t out[MD5_BYTES])
{
    struct range r = {offset, n, out};
    enum err e = check_readable(f, offset, n);
    if (e) return e;
    f->rom.until = deadline_never();
    return flasher_persist(f, step_md5, &r);
}

static enum err step_read(struct flasher *f, void *arg)
{
    struct range *r = arg;
    return rom_read_flash(&f->rom, r->offset, r->out, r->n);
}

enum err flasher_read(struct flasher *f, uint32_t offset, uint8_t *out, size_t n,
                      flasher_progress_fn fn, void *arg)
{
    enum err e = check_readable(f, offset, n);
    f->rom.until = deadline_never();
    for (size_t done = 0; done < n && !e;) {
        size_t left = n - done;
        struct range r = {offset + (uint32_t)done,
                          (uint32_t)(left < ROM_READ_MAX ? left : ROM_READ_MAX), out + done};
        e = flasher_persist(f, step_read, &r);
        done += r.n;
        if (!e && fn) fn(done, n, arg);
    }
    return e;
}
