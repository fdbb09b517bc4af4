/* Where a read or an erase takes place. What can be refused is refused here. */
#include <string.h>

#include "service/flash/security.h"
#include "service/jobs/board_guard.h"
#include "service/jobs/board_tables.h"
#include "service/jobs/steps.h"

static enum err find(struct session *s)
{
    const struct command *c = s->ctx->command;
    struct place_map map;
    board_map(s, &map);
    return place_find(&map, &c->place, c->whole, &s->place);
}

/* Before the hour that it would take to read it. */
static enum err check_size(const struct place *p)
{
    if (p->size <= LIMIT_DUMP_BYTES) return ERR_OK;
    return err_fail(ERR_TOO_LARGE, "read_too_large", "Read it in parts.",
                    "%u bytes are asked for, at most %d are kept of one job", (unsigned)p->size,
                    LIMIT_DUMP_BYTES);
}

/* The tables cost some reads, and only a name needs them. */
enum err step_read_place(struct session *s)
{
    const struct command *c = s->ctx->command;
    enum err e = security_check_read(&flasher_board(s->flasher)->security);
    if (!e) e = c->place.partition[0] ? board_look(s) : flasher_attach(s->flasher, c->flash_bytes);
    if (!e) e = find(s);
    return e ? e : check_size(&s->place);
}

/* Naming it is not enough: it looks like a place for credentials alone. */
static enum err spare_mfg_nvs(const struct command *c)
{
    if (strcmp(c->place.partition, "mfg_nvs") != 0 || c->overwrite & GUARD_NVS) return ERR_OK;
    return err_fail(ERR_ARG, "would_overwrite",
                    "If it is meant so, say \"overwrite\": [\"nvs\"], and flash the mfg_nvs.bin of "
                    "the board's release afterwards.",
                    "mfg_nvs holds more than credentials: without its factory_param the board "
                    "does not know the pins of its AT port");
}

enum err step_erase_place(struct session *s)
{
    const struct command *c = s->ctx->command;
    unsigned named = c->whole ? EVERY_AREA : c->place.partition[0] ? GUARD_NVS : 0;
    enum err e = spare_mfg_nvs(c);
    if (!e) e = flasher_check_writable(s->flasher);
    if (!e) e = board_look(s);
    if (!e) e = find(s);
    if (!e) e = board_guard_range(s, named, &s->place);
    s->place_has_credential = board_credential_in(&s->layout, s->place.offset, s->place.size);
    return e;
}
