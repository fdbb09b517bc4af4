/* Erasing flash through the loader. */
#include <jansson.h>
#include <stdio.h>

#include "service/jobs/steps.h"
#include "service/jobs/wire.h"

static json_t *describe(const struct session *s, bool whole)
{
    const struct place *p = &s->place;
    json_t *r =
        json_pack("{s:I,s:I}", "offset", (json_int_t)p->offset, "size", (json_int_t)p->size);
    if (p->name[0]) json_object_set_new(r, "partition", json_string(p->name));
    wire_report_changes(s, r);
    wire_report(s, r);
    if (!whole) json_object_set_new(r, "incomplete", json_true());
    return r;
}

enum err step_erase(struct session *s)
{
    const struct place *p = &s->place;
    struct wire_part all = {.session = s, .total = p->size, .size = p->size};
    char sentence[120];
    snprintf(sentence, sizeof sentence, "0x%x to 0x%x may be erased in part.", (unsigned)p->offset,
             (unsigned)(p->offset + p->size));
    job_leaves(s->ctx, sentence);
    wire_begin(s);
    enum err e = s->place_has_credential ? record_credential_goes(s) : ERR_OK;
    if (!e) e = flasher_erase(s->flasher, p->offset, p->size, s->ctx->until, wire_part_done, &all);
    struct err_info saved = *err_last();
    session_result(s, "erase", describe(s, !e));
    if (e) return err_restore(&saved);
    job_leaves(s->ctx, "");
    return ERR_OK;
}
