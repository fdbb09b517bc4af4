#include "service/jobs/board_guard.h"

void board_map(const struct session *s, struct place_map *map_out)
{
    *map_out = (struct place_map){&s->primary, &s->layout.user, s->flash_bytes};
}

/* One table of both, so that they are judged at once. */
struct guarded {
    struct partition_table all;
    struct guard guard;
};

static void fill_guard(const struct session *s, unsigned allowed, struct guarded *g)
{
    const struct flasher_board *b = flasher_board(s->flasher);
    const struct partition_table *user = &s->layout.user;
    g->all = s->primary;
    for (size_t i = 0; i < user->count && g->all.count < PARTITION_TABLE_MAX; i++)
        g->all.rows[g->all.count++] = user->rows[i];
    g->guard = (struct guard){.chip = b->chip->name,
                              .revision = b->revision,
                              .revision_known = b->mac_known,
                              .flash_bytes = s->flash_bytes,
                              .bootloader_offset = b->chip->bootloader_offset,
                              .table_offset = b->chip->table_offset,
                              .table = g->all.count ? &g->all : NULL,
                              .allowed = allowed | s->ctx->command->overwrite};
}

enum err board_guard_range(const struct session *s, unsigned allowed, const struct place *where)
{
    struct guarded g;
    fill_guard(s, allowed, &g);
    return guard_range(&g.guard, where->offset, where->size);
}

enum err board_guard_content(const struct session *s, unsigned allowed, struct content *c)
{
    struct guarded g;
    fill_guard(s, allowed, &g);
    return guard_content(&g.guard, c);
}

/* Where none can lie, the record of one is out of date anyway. */
bool board_credential_in(const struct layout *l, uint32_t offset, uint32_t size)
{
    const struct place touched = {.offset = offset, .size = size};
    const struct partition *nvs = partition_find(&l->user, "mfg_nvs");
    bool found = nvs && place_overlaps(&touched, nvs->offset, nvs->size);
    for (int i = 0; !found && i < TARGET_KINDS * TARGET_PARTS; i++) {
        const struct target target = {.kind = (enum target_kind)(i / TARGET_PARTS)};
        char name[TARGET_NAME];
        target_partition(&target, (enum credential_part)(i % TARGET_PARTS), name);
        const struct partition *row = partition_find(&l->user, name);
        found = row && place_overlaps(&touched, row->offset, row->size);
    }
    return found || l->kind == LAYOUT_NONE;
}
