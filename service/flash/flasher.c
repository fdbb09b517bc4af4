/* Every retry is here. A step (a write of a whole region, an MD5, a read) either works or is done
 * again from its start: the ROM counts a damaged data block as received, so that sending it again
 * in place would shift or lose what follows, with every answer saying "fine". Between two tries the
 * loader is brought back into step, by SYNC or, when it has gone, by another reset; three tries in
 * all.
 *
 * Only raw writes: this ROM's inflater programs whole 32 KiB windows and so destroys what lies
 * behind a small image. A block takes 4 KiB, so that a credential is one block. And never an END:
 * the loader leaves by it and does not come back; reset does that. */
#include "service/flash/flasher.h"

#include <stdlib.h>
#include <string.h>

#include "service/base/buf.h"
#include "service/flash/connect.h"
#include "service/flash/identify.h"
#include "service/flash/rom.h"

enum {
    SECTOR = 0x1000,
    BLOCK = 0x1000,
    TRIES = 3,
    RESYNC_MS = 500,
    DEFAULT_BAUD = 115200,
    DEFAULT_ATTEMPTS = 4,
    DEFAULT_FLASH = 4 * 1024 * 1024,
    ADDRESS_END = 16 * 1024 * 1024, /* the ROM's addresses have 24 bits */
    LARGE = 16 * 1024,              /* worth a change of speed */
    ERASE_CHECK = 64 * 1024,        /* bytes of one MD5 after an erase */
};

static const char chip_unknown[] = "chip_unknown";

struct flasher {
    struct port *port;
    struct rom rom;
    struct flasher_options options;
    struct flasher_board board;
    uint32_t pins;        /* of a flash inside the package */
    uint32_t flash_bytes; /* as told to the loader; 0 = not attached */
    bool no_lines;        /* nothing to reset with */
    bool slow;            /* flash_baud did not work here */
    unsigned retries;
};

typedef enum err (*step_fn)(struct flasher *f, void *arg);

enum err flasher_new(struct port *port, const struct flasher_options *options,
                     struct flasher **f_out)
{
    *f_out = NULL;
    struct flasher *f = calloc(1, sizeof *f);
    if (!f) return err_set(ERR_MEM, "out of memory");
    f->port = port;
    f->options = *options;
    if (!f->options.connect_baud) f->options.connect_baud = DEFAULT_BAUD;
    if (f->options.connect_attempts <= 0) f->options.connect_attempts = DEFAULT_ATTEMPTS;
    rom_init(&f->rom, port);
    *f_out = f;
    return ERR_OK;
}

void flasher_free(struct flasher *f)
{
    if (f) rom_dispose(&f->rom);
    free(f);
}

static enum err set_baud(struct flasher *f, uint32_t baud)
{
    return f->port->baud == baud ? ERR_OK : port_set_baud(f->port, baud);
}

static bool is_worth_a_retry(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE || e == ERR_UNSUPPORTED ||
           e == ERR_VERIFY;
}

static enum err enter_loader(struct flasher *f)
{
    const struct connect_plan plan = {.reset = f->options.reset,
                                      .attempts = f->options.connect_attempts};
    enum err e = set_baud(f, f->options.connect_baud);
    return e ? e : connect_loader(&f->rom, &plan, f->rom.until, &f->no_lines);
}

static enum err attach(struct flasher *f, uint32_t flash_bytes)
{
    enum err e = rom_spi_attach(&f->rom, f->pins);
    return e ? e : rom_spi_set_params(&f->rom, flash_bytes);
}

/* Into step with the loader again. One that has refused something is in step. */
static enum err recover(struct flasher *f, enum err why)
{
    enum err e = ERR_OK;
    rom_forget(&f->rom);
    if (why != ERR_DEVICE && why != ERR_VERIFY) {
        e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
        if (e && is_worth_a_retry(e)) {
            if (f->port->baud != f->options.connect_baud) f->slow = true;
            e = enter_loader(f);
        }
    }
    /* Always: the loader may be another one, or may have got a damaged flash size. */
    return e || !f->flash_bytes ? e : attach(f, f->flash_bytes);
}

/* Do a step until it works: the error of the last try, or why there could be none. */
static enum err persist(struct flasher *f, step_fn step, void *arg)
{
    for (int i = 1;; i++) {
        enum err e = step(f, arg);
        if (!is_worth_a_retry(e) || i == TRIES || deadline_passed(f->rom.until)) return e;
        e = recover(f, e);
        if (e) return err_wrap(e, "lost the loader");
    }
}

/* An unknown chip is looked at again: a read has no checksum, and bits flip. */
static enum err step_detect(struct flasher *f, void *arg)
{
    (void)arg;
    uint32_t magic;
    enum err e = rom_read_reg(&f->rom, 0x40001000, &magic);
    f->board.chip = e ? NULL : chip_by_magic(magic);
    if (e || f->board.chip) return e;
    return err_fail(ERR_PROTOCOL, chip_unknown, NULL,
                    "the board on %s has a chip that is not known (0x%08x)", f->port->name,
                    (unsigned)magic);
}

enum err flasher_connect(struct flasher *f, struct deadline until)
{
    f->rom.until = until;
    f->flash_bytes = f->pins = 0;
    f->board = (struct flasher_board){0};
    enum err e = enter_loader(f);
    if (!e) e = persist(f, step_detect, NULL);
    if (e == ERR_PROTOCOL && !strcmp(err_last()->code, chip_unknown))
        return err_fail(ERR_UNSUPPORTED, chip_unknown, NULL, "%s", err_last()->detail);
    if (e) return e;
    if (!f->board.chip->supported)
        return err_fail(ERR_UNSUPPORTED, "chip_unsupported", "Use a board with an ESP32.",
                        "the board on %s has an %s, which is not supported", f->port->name,
                        f->board.chip->title);
    f->rom.begin_words = f->board.chip->begin_words;
    return ERR_OK;
}

static enum err step_fuses(struct flasher *f, void *arg)
{
    (void)arg;
    return identify_fuses(&f->rom, &f->board, &f->pins);
}

static enum err step_flash_id(struct flasher *f, void *arg)
{
    (void)arg;
    enum err e = f->flash_bytes ? ERR_OK : rom_spi_attach(&f->rom, f->pins);
    return e ? e : identify_flash(&f->rom, &f->board);
}

static enum err step_crystal(struct flasher *f, void *arg)
{
    (void)arg;
    return identify_crystal(&f->rom, &f->board);
}

static enum err check_connected(const struct flasher *f)
{
    return f->board.chip ? ERR_OK : err_set(ERR_CONFLICT, "not connected");
}

static enum err read_mac(struct flasher *f, struct deadline until)
{
    enum err e = check_connected(f);
    f->rom.until = until;
    return e || f->board.mac_known ? e : persist(f, step_fuses, NULL);
}

enum err flasher_read_mac(struct flasher *f)
{
    return read_mac(f, deadline_never());
}

enum err flasher_identify(struct flasher *f, struct deadline until)
{
    enum err e = read_mac(f, until);
    if (!e) e = persist(f, step_flash_id, NULL);
    return e ? e : persist(f, step_crystal, NULL);
}

const struct flasher_board *flasher_board(const struct flasher *f)
{
    return &f->board;
}

static enum err step_attach(struct flasher *f, void *arg)
{
    const uint32_t *flash_bytes = arg;
    return attach(f, *flash_bytes);
}

enum err flasher_attach(struct flasher *f, uint32_t flash_bytes)
{
    enum err e = check_connected(f);
    if (e) return e;
    if (!flash_bytes) flash_bytes = f->board.flash_bytes;
    if (!flash_bytes) flash_bytes = DEFAULT_FLASH;
    f->rom.until = deadline_never();
    e = persist(f, step_attach, &flash_bytes);
    if (!e) f->flash_bytes = flash_bytes;
    return e;
}

static enum err check_range(const struct flasher *f, uint32_t offset, size_t n)
{
    if (!f->flash_bytes) return err_set(ERR_CONFLICT, "the flash is not attached");
    uint32_t end = f->flash_bytes < ADDRESS_END ? f->flash_bytes : ADDRESS_END;
    if (offset < end && n <= end - offset) return ERR_OK;
    return err_set(ERR_ARG, "%zu bytes at 0x%x are beyond the flash of 0x%x bytes", n,
                   (unsigned)offset, (unsigned)end);
}

struct range {
    uint32_t offset, n;
    uint8_t *out;
};

static enum err step_md5(struct flasher *f, void *arg)
{
    struct range *r = arg;
    return rom_flash_md5(&f->rom, r->offset, r->n, r->out);
}

enum err flasher_md5(struct flasher *f, uint32_t offset, uint32_t n, uint8_t out[MD5_BYTES])
{
    struct range r = {offset, n, out};
    enum err e = check_range(f, offset, n);
    if (e) return e;
    f->rom.until = deadline_never();
    return persist(f, step_md5, &r);
}

static enum err step_read(struct flasher *f, void *arg)
{
    struct range *r = arg;
    return rom_read_flash(&f->rom, r->offset, r->out, r->n);
}

enum err flasher_read(struct flasher *f, uint32_t offset, uint8_t *out, size_t n,
                      flasher_progress_fn fn, void *arg)
{
    enum err e = check_range(f, offset, n);
    f->rom.until = deadline_never();
    for (size_t done = 0; done < n && !e;) {
        size_t left = n - done;
        struct range r = {offset + (uint32_t)done,
                          (uint32_t)(left < ROM_READ_MAX ? left : ROM_READ_MAX), out + done};
        e = persist(f, step_read, &r);
        done += r.n;
        if (!e && fn) fn(done, n, arg);
    }
    return e;
}

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

static enum err compare(struct flasher *f, uint32_t offset, uint32_t n,
                        const uint8_t wanted[MD5_BYTES])
{
    uint8_t md5[MD5_BYTES];
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
    enum err e = rom_change_baud(&f->rom, f->options.flash_baud);
    if (!e) e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (e) f->slow = true;
    return e;
}

static enum err check_region(const struct flasher *f, const struct flasher_region *r)
{
    if (r->offset % SECTOR || r->erase_bytes % SECTOR || !r->n || r->n > r->erase_bytes)
        return err_set(ERR_ARG, "%zu bytes at 0x%x, erasing 0x%x: not whole sectors", r->n,
                       (unsigned)r->offset, (unsigned)r->erase_bytes);
    return check_range(f, r->offset, r->erase_bytes);
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
    enum err e = prepare(f, &w);
    if (e) return e;
    if (f->options.flash_baud && r->n >= LARGE) e = persist(f, step_speed_up, NULL);
    f->rom.secret = r->secret;
    if (!e) e = persist(f, step_write, &w);
    f->rom.secret = false;
    buf_dispose(&w.whole);
    return e ? err_wrap(e, "write at 0x%x", (unsigned)r->offset) : ERR_OK;
}

enum err flasher_verify(struct flasher *f, const struct flasher_region *r)
{
    struct work w = {.region = r, .until = deadline_never()};
    enum err e = prepare(f, &w);
    if (e) return e;
    buf_dispose(&w.whole);
    return persist(f, step_verify, &w);
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
    enum err e = check_range(f, offset, n);
    if (e) return e;
    struct buf blank;
    buf_init(&blank, ERASE_CHECK);
    e = buf_fill(&blank, 0xff, ERASE_CHECK);
    if (e) return e;
    digest_md5(blank.data, ERASE_CHECK, w.whole);
    digest_md5(blank.data, n % ERASE_CHECK, w.rest);
    buf_dispose(&blank);
    f->rom.until = until;
    e = persist(f, step_erase, &w);
    return e ? err_wrap(e, "erase at 0x%x", (unsigned)offset) : ERR_OK;
}

unsigned flasher_retries(const struct flasher *f)
{
    return f->retries;
}

unsigned flasher_commands(const struct flasher *f)
{
    return f->rom.commands;
}

bool flasher_can_reset(const struct flasher *f)
{
    return !f->no_lines && f->options.reset != RESET_NONE;
}

enum err flasher_finish(struct flasher *f)
{
    /* This cleans up: a cancel is why it is called, and must not stop it. */
    struct cancel *cancel = f->port->cancel;
    f->port->cancel = NULL;
    f->flash_bytes = 0; /* gone with the loader */
    rom_forget(&f->rom);
    enum err baud = set_baud(f, f->options.connect_baud);
    enum err reset = f->no_lines ? ERR_OK : reset_to_run(f->port, f->options.reset);
    f->port->cancel = cancel;
    return reset ? reset : baud;
}
