/* Every retry is here. A step (a write of a region, an MD5, a read) either works or is done again,
 * from its start or from what is sure of it: the ROM counts a damaged data block as received, so
 * that sending it again in place would shift or lose what follows, with every answer saying "fine".
 * Between two tries the loader is brought back into step, by SYNC or, when it has gone, by another
 * reset. */
#include "service/flash/flasher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/metrics.h"
#include "service/flash/connect.h"
#include "service/flash/detect.h"
#include "service/flash/flasher_core.h"
#include "service/flash/identify.h"
#include "service/flash/security.h"
#include "service/flash/watchdog.h"

enum {
    TRIES = 3,
    FAULTS = 2, /* of the wire at one speed */
    DEFAULT_BAUD = 115200,
    DEFAULT_ATTEMPTS = 5, /* the ladder of RESET_AUTO */
    DEFAULT_FLASH = 4 * 1024 * 1024,
    ADDRESS_END = 16 * 1024 * 1024, /* the ROM's addresses have 24 bits */
};

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
    f->top_baud = f->options.connect_baud;
    if (f->options.flash_baud > f->top_baud) f->top_baud = f->options.flash_baud;
    rom_init(&f->rom, port);
    *f_out = f;
    return ERR_OK;
}

void flasher_free(struct flasher *f)
{
    if (f) rom_dispose(&f->rom);
    free(f);
}

static bool is_worth_a_retry(enum err e)
{
    return e == ERR_TIMEOUT || e == ERR_PROTOCOL || e == ERR_DEVICE || e == ERR_UNSUPPORTED ||
           e == ERR_VERIFY;
}

static enum err enter_loader(struct flasher *f)
{
    const struct connect_plan plan = {.reset = &f->options.reset,
                                      .attempts = f->options.connect_attempts};
    enum err e = port_use_baud(f->port, f->options.connect_baud);
    return e ? e : connect_loader(&f->rom, &plan, f->rom.until, &f->no_lines);
}

/* Only a port of the chip's own leaves the watchdogs running through its reset. */
static enum err quiet_watchdogs(struct flasher *f)
{
    if (!f->port->native_usb || f->board.security.secure_download) return ERR_OK;
    return watchdog_off(&f->rom, f->board.chip);
}

static enum err attach(struct flasher *f, uint32_t flash_bytes)
{
    f->told_bytes = 0;
    enum err e = rom_spi_attach(&f->rom, f->pins);
    return e ? e : flasher_fence(f, flash_bytes);
}

/* While nothing was heard of it, somebody may have put another board there: it must not get the
 * rest of what was begun on this one. */
static enum err check_same_board(struct flasher *f)
{
    struct flasher_board now = {.chip = NULL};
    enum err e = detect_chip(&f->rom, &now);
    bool same = !e && now.chip == f->board.chip;
    if (same && f->board.mac_known) {
        e = identify_mac(&f->rom, &now);
        same = !e && !memcmp(now.mac, f->board.mac, sizeof now.mac);
    }
    if (e || same) return e;
    return err_fail(ERR_CONFLICT, "board_changed",
                    "Leave a board where it is until its job has ended. Do both boards again: "
                    "neither has all that it should have.",
                    "another board is on %s than the one that this was begun with", f->port->name);
}

/* What a loader has to be told, or asked, after an error. */
static enum err resume(struct flasher *f)
{
    enum err e = ERR_OK;
    if (f->entered && f->board.chip) {
        e = check_same_board(f);
        if (!e) e = quiet_watchdogs(f);
    }
    if (!e) f->entered = false;
    if (!e && f->astray && f->flash_bytes) e = attach(f, f->flash_bytes);
    if (!e) f->astray = false;
    return e;
}

/* Into step with the loader again. One that has refused something is in step. */
static enum err recover(struct flasher *f, enum err why)
{
    enum err e = ERR_OK;
    rom_forget(&f->rom);
    f->astray = true; /* always: the loader may have got a damaged flash size */
    if (why == ERR_DEVICE || why == ERR_VERIFY) return ERR_OK;
    e = rom_sync(&f->rom, deadline_in_ms(RESYNC_MS));
    if (!is_worth_a_retry(e)) return e;
    f->entered = true;
    return enter_loader(f);
}

static bool is_wire_fault(const struct flasher *f, enum err e)
{
    if (e == ERR_DEVICE) return rom_is_wire_error(f->rom.last_error);
    return e != ERR_VERIFY;
}

enum err flasher_persist(struct flasher *f, step_fn step, void *arg)
{
    unsigned tries = 0, faults = 0;
    for (;;) {
        uint32_t speed = f->top_baud;
        f->advanced = false;
        enum err e = resume(f);
        if (!e) e = flasher_hold_speed(f);
        if (!e) e = step(f, arg);
        if (!is_worth_a_retry(e) || deadline_passed(f->rom.until)) return e;
        if (is_wire_fault(f, e) && f->top_baud == speed && ++faults == FAULTS) flasher_slow_down(f);
        if (f->top_baud != speed) faults = tries = 0;
        tries = f->advanced ? 0 : tries + 1;
        if (tries == TRIES) return e;
        metrics_add(METRIC_FLASH_RETRIES, 1);
        e = recover(f, e);
        if (e) return err_wrap(e, "lost the loader");
    }
}

static enum err step_detect(struct flasher *f, void *arg)
{
    (void)arg;
    return detect_chip(&f->rom, &f->board);
}

static enum err step_watchdogs(struct flasher *f, void *arg)
{
    (void)arg;
    return quiet_watchdogs(f);
}

static enum err refuse_chip(const struct flasher *f)
{
    char hint[200] = "Use a board with one of these: ";
    size_t count, n = strlen(hint);
    const struct chip *list = chip_list(&count);
    for (size_t i = 0; i < count; i++)
        if (list[i].supported)
            n += (size_t)snprintf(hint + n, sizeof hint - n, "%s%s", i ? ", " : "", list[i].title);
    return err_fail(ERR_UNSUPPORTED, "chip_unsupported", hint,
                    "the board on %s has an %s, which is not supported", f->port->name,
                    f->board.chip->title);
}

enum err flasher_connect(struct flasher *f, struct deadline until)
{
    f->rom.until = until;
    f->flash_bytes = f->pins = 0;
    f->hurry = f->entered = f->astray = false;
    f->board = (struct flasher_board){0};
    enum err e = enter_loader(f);
    if (!e) e = flasher_persist(f, step_detect, NULL);
    if (err_is(e, "chip_unknown"))
        return err_fail(ERR_UNSUPPORTED, "chip_unknown", err_last()->hint, "%s",
                        err_last()->detail);
    if (e) return e;
    if (!f->board.chip->supported) return refuse_chip(f);
    f->rom.begin_words = f->board.chip->begin_words;
    return flasher_persist(f, step_watchdogs, NULL);
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
    bool is = f->board.chip && f->board.chip->supported;
    return is ? ERR_OK : err_set(ERR_CONFLICT, "not connected");
}

static enum err step_security(struct flasher *f, void *arg)
{
    (void)arg;
    return security_read(&f->rom, f->board.chip, &f->board.security);
}

static enum err read_security(struct flasher *f)
{
    enum err e = check_connected(f);
    return e || f->board.security.known ? e : flasher_persist(f, step_security, NULL);
}

/* Who it is, and what it allows. In secure download mode the fuses stay shut. */
static enum err read_fuses(struct flasher *f, struct deadline until)
{
    f->rom.until = until;
    enum err e = read_security(f);
    if (e || f->board.mac_known || f->board.security.secure_download) return e;
    return flasher_persist(f, step_fuses, NULL);
}

enum err flasher_read_mac(struct flasher *f)
{
    return read_fuses(f, deadline_never());
}

/* As far as anybody can know: what was said, or what is usual. */
static uint32_t usual_flash(const struct flasher *f)
{
    return f->options.flash_bytes ? f->options.flash_bytes : DEFAULT_FLASH;
}

enum err flasher_identify(struct flasher *f, struct deadline until)
{
    enum err e = read_fuses(f, until);
    if (e) return e;
    if (f->board.security.secure_download)
        f->board.flash_bytes = usual_flash(f);
    else
        e = flasher_persist(f, step_flash_id, NULL);
    return e ? e : flasher_persist(f, step_crystal, NULL);
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
    if (!flash_bytes) flash_bytes = usual_flash(f);
    f->rom.until = deadline_never();
    e = flasher_persist(f, step_attach, &flash_bytes);
    if (!e) f->flash_bytes = flash_bytes;
    return e;
}

static enum err check_writable(struct flasher *f)
{
    enum err e = read_security(f);
    return e ? e : security_check_write(&f->board.security, &f->options);
}

enum err flasher_allow_write(struct flasher *f)
{
    enum err e = check_writable(f);
    if (!e && f->board.security.secure_download) f->unverified = true;
    return e;
}

enum err flasher_check_writable(struct flasher *f)
{
    f->rom.until = deadline_never();
    return check_writable(f);
}

enum err flasher_check_range(const struct flasher *f, uint32_t offset, size_t n)
{
    if (!f->flash_bytes) return err_set(ERR_CONFLICT, "the flash is not attached");
    uint32_t end = f->flash_bytes < ADDRESS_END ? f->flash_bytes : ADDRESS_END;
    if (offset < end && n <= end - offset) return ERR_OK;
    return err_set(ERR_ARG, "%zu bytes at 0x%x are beyond the flash of 0x%x bytes", n,
                   (unsigned)offset, (unsigned)end);
}

enum err flasher_fence(struct flasher *f, uint32_t end)
{
    if (f->told_bytes == end) return ERR_OK;
    enum err e = rom_spi_set_params(&f->rom, end);
    f->told_bytes = e ? 0 : end;
    return e;
}

enum err flasher_unfence(struct flasher *f, uint32_t end)
{
    return f->told_bytes < end ? flasher_fence(f, f->flash_bytes) : ERR_OK;
}

unsigned flasher_retries(const struct flasher *f)
{
    return f->retries;
}

bool flasher_unverified(const struct flasher *f)
{
    return f->unverified;
}

uint64_t flasher_written(const struct flasher *f)
{
    return f->written;
}

uint64_t flasher_erased(const struct flasher *f)
{
    return f->erased;
}

unsigned flasher_commands(const struct flasher *f)
{
    return f->rom.commands;
}

bool flasher_can_reset(const struct flasher *f)
{
    return !f->no_lines && f->options.reset.kind != RESET_NONE;
}

enum err flasher_finish(struct flasher *f)
{
    /* This cleans up: a cancel is why it is called, and must not stop it. */
    struct cancel *cancel = f->port->cancel;
    f->port->cancel = NULL;
    f->flash_bytes = 0; /* gone with the loader */
    f->hurry = false;
    rom_forget(&f->rom);
    if (!flasher_can_reset(f)) flasher_leave_speed(f);
    enum err baud = f->port->gone ? ERR_OK : port_use_baud(f->port, f->options.connect_baud);
    enum err reset = f->no_lines ? ERR_OK : reset_to_run(f->port, &f->options.reset);
    f->port->cancel = cancel;
    return reset ? reset : baud;
}
