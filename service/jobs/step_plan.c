/* What a flash job will do, and whether it may: all that can be refused is refused here, before the
 * first byte of flash is touched. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "service/firmware/compose.h"
#include "service/jobs/board_guard.h"
#include "service/jobs/board_tables.h"
#include "service/jobs/gather.h"
#include "service/jobs/layout_json.h"
#include "service/jobs/plan.h"
#include "service/jobs/steps.h"

/* As a flash tool does: mode, speed and size stand in the bootloader's header alone. */
static enum err patch_header(struct session *s)
{
    const struct command *c = s->ctx->command;
    const struct chip *chip = flasher_board(s->flasher)->chip;
    struct esp_header_wish wish;
    enum err e =
        esp_header_wish_parse(chip->name, c->header.mode, c->header.freq, c->header.size, &wish);
    if (e) return e;
    return content_patch_header(s->plan->content, chip->bootloader_offset,
                                chip->table_offset - chip->bootloader_offset, &wish);
}

/* Is the board's present credential gone when this begins? */
static bool takes_credential(const struct plan *p, const struct layout *before)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct piece *piece = &p->pieces[i].piece;
        if (board_credential_in(before, piece->offset, piece->size)) return true;
    }
    return false;
}

/* An app that is half written must not start either. Where there is a bootloader among what is
 * written, nothing starts without it, so that it alone is enough; and it comes last of all. */
static enum err find_heads(struct session *s)
{
    struct plan *p = s->plan;
    uint32_t bootloader = flasher_board(s->flasher)->chip->bootloader_offset;
    if (content_name_at(p->content, bootloader)[0]) {
        plan_add_head(p, bootloader);
        return ERR_OK;
    }
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < s->ctx->command->image_count; i++) {
        uint8_t head[HEADER_BYTES];
        struct esp_header ignored;
        e = content_read(p->content, p->begins[i], head, sizeof head);
        if (!e && esp_header_read(head, sizeof head, &ignored)) plan_add_head(p, p->begins[i]);
    }
    return e;
}

static json_t *describe(const struct session *s)
{
    const struct plan *p = s->plan;
    json_t *sources = json_array();
    for (size_t i = 0; i < LIMIT_FLASH_IMAGES; i++) {
        const struct source *src = p->sources[i];
        if (src)
            json_array_append_new(sources, json_pack("{s:s,s:s,s:s}", "id", src->id, "name",
                                                     src->name, "sha256", src->sha256));
    }
    return json_pack("{s:o,s:I,s:i}", "firmware", sources, "flash_bytes",
                     (json_int_t)s->flash_bytes, "pieces", (int)p->count);
}

static enum err gather(struct session *s, unsigned *allowed_out)
{
    return s->ctx->command->firmware[0] ? gather_firmware(s, allowed_out)
                                        : gather_images(s, allowed_out);
}

enum err step_plan(struct session *s)
{
    unsigned allowed;
    const struct command *c = s->ctx->command;
    enum err e = plan_new(&s->plan);
    if (!e) e = plan_open(s->plan, c, s->ctx->store, s->ctx->data_dir);
    if (!e) e = flasher_check_writable(s->flasher);
    if (!e) e = board_look(s);
    if (e) return e;
    struct layout *before = malloc(sizeof *before);
    if (!before) return err_set(ERR_MEM, "out of memory");
    *before = s->layout; /* of what is there now; the firmware may bring another one */
    e = gather(s, &allowed);
    if (!e) e = patch_header(s);
    if (!e) e = board_guard_content(s, allowed, s->plan->content);
    if (!e) e = find_heads(s);
    if (!e) e = plan_cut(s->plan);
    if (!e) s->plan->takes_credential = takes_credential(s->plan, before);
    free(before);
    struct port *at;
    /* An AT port that cannot be had is found now, and not when all is written. */
    if (!e && flash_hears_at(s)) e = session_at_port(s, &at);
    if (e) return e;
    session_result(s, "flash", describe(s));
    session_result(s, "layout", layout_to_json(&s->layout));
    return ERR_OK;
}
